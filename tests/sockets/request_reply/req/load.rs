//! Many requests at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio_zmtp::RequestError;

use super::{Watchdog, echo, quick, req_and_router};
use crate::remote::RemoteListener;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_requests_over_one_handle_receive_their_own_replies() {
    let _watchdog = Watchdog::start();
    let (req, router) = req_and_router().await;
    echo(router);
    let requests: FuturesUnordered<_> = (0..10_000_u32)
        .map(|number| {
            let req = &req;
            async move {
                let reply = req.request(number.to_be_bytes()).await.unwrap();
                assert_eq!(reply, [number.to_be_bytes()]);
            }
        })
        .collect();
    assert_eq!(requests.count().await, 10_000);
    let stats = req.stats();
    assert_eq!((stats.sent.messages, stats.received.messages), (10_000, 10_000));
    assert_eq!(stats.dropped.stray_replies, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_on_all_threads_share_a_handle() {
    let _watchdog = Watchdog::start();
    let (req, router) = req_and_router().await;
    echo(router);
    let tasks: Vec<_> = (0..100_u32)
        .map(|task| {
            let req = req.clone();
            tokio::spawn(async move {
                for number in 0..50_u32 {
                    let request = [task.to_be_bytes(), number.to_be_bytes()];
                    assert_eq!(req.request(request).await.unwrap(), request);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Every request is answered, or fails as one that may have been carried out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_restarted_leaves_no_request_behind() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let endpoint = listener.endpoint();
    let builder = quick().reconnect_interval_max(Duration::from_millis(5));
    let req = builder.connect(&endpoint).await.unwrap();
    let ends = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..20_u32)
        .map(|task| {
            let (req, ends) = (req.clone(), Arc::clone(&ends));
            tokio::spawn(async move {
                let (mut answered, mut lost) = (0_u32, 0_u32);
                while !ends.load(Ordering::Relaxed) {
                    let request = [task.to_be_bytes(), answered.to_be_bytes()];
                    match req.request(request).await {
                        Ok(reply) => {
                            assert_eq!(reply, request);
                            answered += 1;
                        }
                        Err(RequestError::ConnectionLost) => lost += 1,
                        Err(error) => panic!("{error}"),
                    }
                }
                (answered, lost)
            })
        })
        .collect();
    for _ in 0..20 {
        let server = echo(listener.accept_as("ROUTER").await);
        let sent = req.stats().received.messages;
        while req.stats().received.messages < sent + 50 {
            tokio::task::yield_now().await;
        }
        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
    }
    ends.store(true, Ordering::Relaxed);
    let _server = echo(listener.accept_as("ROUTER").await);
    let (mut answered, mut lost) = (0, 0);
    for task in tasks {
        let (more_answered, more_lost) = task.await.unwrap();
        (answered, lost) = (answered + more_answered, lost + more_lost);
    }
    assert!(answered >= 1_000, "{answered}");
    assert!(lost > 0);
}
