//! The memory of a responder whose client does not read.

use std::future;

use futures::{FutureExt, StreamExt, stream};
use tokio::task;
use tokio_zmtp::rpc::stats::ResponderStats;
use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, Response, service_fn};
use tokio_zmtp::{Client, Server};

use crate::process_usage::{self, ProcessUsage};
use crate::remote::{self, Remote};
use crate::watchdog::Watchdog;

#[test]
fn unread_replies_take_little_more_than_the_hwm() {
    let heap = keep(b"\x11\0\0\0\0\0\0\0\0\0ready", |stats| stats.running == 1);
    assert!(heap < 2 * HWM_BYTES, "{heap} bytes");
}

#[test]
fn later_replies_take_little_more_than_the_hwm_and_the_bytes_that_may_be_kept() {
    // More replies than the limit of bytes allows. Dropped replies are counted when their errors
    // can be sent.
    let heap = keep(b"\x11\0\0\0\0\0\0\0\0\0later", |stats| stats.running > 50);
    assert!(heap < 4 * HWM_BYTES, "{heap} bytes");
}

#[test]
fn streams_that_have_no_credit_take_little_more_than_the_bytes_that_may_be_kept() {
    let request = b"\x11\0\0\0\0\0\0\0\0\x02\0\0\0\0stream";
    let heap = keep(request, |stats| stats.unread > 0);
    assert!(heap < 3 * HWM_BYTES + JOBS, "{heap} bytes");
}

/// Sends requests without reading replies until the statistics of the responder satisfy
/// `is_enough`. Other clients are served meanwhile. Returns the growth of the heap in bytes.
fn keep(request: &[u8], is_enough: impl Fn(&ResponderStats) -> bool) -> usize {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::builder().send_hwm_bytes(HWM_BYTES).recv_hwm(100);
        let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
        let endpoint = server.last_endpoint().unwrap();
        let responder = Responder::builder(server).max_bytes_per_remote(HWM_BYTES).build();
        let serving = tokio::spawn(responder.serve(service_fn(answer)));
        let requester = Requester::new(Client::builder().connect(endpoint.clone()).await.unwrap());
        assert_eq!(requester.call("x").await.unwrap(), "x");

        let mut messages = Vec::new();
        for id in 0..REQUESTS {
            let mut request = request.to_vec();
            request[1..9].copy_from_slice(&id.to_be_bytes());
            messages.extend(remote::message(&request));
        }
        let before = ProcessUsage::take().heap;
        let mut mute = Remote::client(&endpoint).await;
        let mut writing = Box::pin(async move {
            mute.write(&messages).await;
            // The system may have accepted all requests, but the replies are not read.
            future::pending::<()>().await;
        });
        while !is_enough(&responder.stats()) {
            assert!((&mut writing).now_or_never().is_none());
            task::yield_now().await;
        }
        let mut most = 0;
        for number in 0..500 {
            assert!((&mut writing).now_or_never().is_none());
            assert_eq!(requester.call(number.to_string()).await.unwrap(), number.to_string());
            most = most.max(ProcessUsage::take().heap);
        }
        assert!(responder.stats().is_consistent());
        drop(writing);
        while responder.stats().running + responder.stats().waiting > 0 {
            task::yield_now().await;
        }
        requester.client().close().await;
        responder.server().close().await;
        serving.await.unwrap();
        most - before
    })
}

async fn answer(request: Request) -> Result<Response, Failure> {
    match request.body().to_str() {
        Ok("ready") => Ok(Response::new(vec![7; LONG])),
        Ok("later") => {
            task::yield_now().await;
            Ok(Response::new(vec![7; LONG]))
        }
        Ok("stream") => Ok(Response::stream(stream::iter(0..).then(|_| async {
            task::yield_now().await;
            Ok::<_, Failure>(vec![7; LONG])
        }))),
        _ => Ok(Response::new(request.into_body())),
    }
}

const LONG: usize = 100_000;

const HWM_BYTES: usize = 0x10_0000;

/// The memory of concurrently running calls.
const JOBS: usize = 0x100_0000;

const REQUESTS: u64 = 40_000;
