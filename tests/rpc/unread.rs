//! Clients that do not read their replies.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::sync::Semaphore;
use tokio::task;
use tokio_zmtp::rpc::{CallError, Failure, Request, Requester, Responder, Response, service_fn};
use tokio_zmtp::{Client, Message, Server};
use tower::ServiceBuilder;

use crate::wire::{END, ERROR, PART, REPLY, REQUEST, echo, envelope, opened, unique, until_there};

#[tokio::test]
async fn nothing_is_received_from_a_client_that_does_not_read() {
    for endpoint in ["tcp://127.0.0.1:*", "ipc://*", &unique()] {
        let server = Server::builder().send_hwm(4).recv_hwm(4).bind(endpoint).await.unwrap();
        let responder = Responder::new(server);
        let endpoint = responder.server().last_endpoint().unwrap();
        tokio::spawn(responder.serve(service_fn(|_| async { Ok::<_, Failure>(vec![7; LONG]) })));
        let client =
            Client::builder().send_hwm(1).recv_hwm(1).connect(endpoint.clone()).await.unwrap();
        let sending = task::spawn({
            let client = client.clone();
            async move {
                for id in 0..REQUESTS {
                    client.send(envelope(REQUEST, id, [0x00])).await.unwrap();
                }
            }
        });
        until_there(&responder, |stats| stats.running == 1).await;
        // Other clients are served meanwhile, and nothing is received from the client that does not
        // read.
        let requester = Requester::new(Client::builder().connect(endpoint).await.unwrap());
        for _ in 0..200 {
            assert_eq!(requester.call("x").await.unwrap().len(), LONG);
        }
        let stats = responder.stats();
        assert!(stats.received < 200 + REQUESTS / 2, "{stats:?}");
        assert_eq!((stats.overloaded, stats.running), (0, 1), "{stats:?}");
        let mut ids = Vec::new();
        while ids.len() < REQUESTS as usize {
            let message = client.recv().await.unwrap();
            let (kind, id, body) = opened(&message);
            assert_eq!((kind, body.len()), (REPLY, LONG));
            ids.push(id);
        }
        ids.sort_unstable();
        assert!(ids.into_iter().eq(0..REQUESTS));
        sending.await.unwrap();
        until_there(&responder, |stats| stats.answered == 200 + REQUESTS).await;
        assert!(responder.stats().is_consistent());
    }
}

#[tokio::test]
async fn every_call_ends_even_if_many_are_refused() {
    let server = Server::builder().send_hwm(3).bind("tcp://127.0.0.1:*").await.unwrap();
    let responder = Responder::builder(server).max_running(1).max_waiting(10).build();
    let endpoint = responder.server().last_endpoint().unwrap();
    tokio::spawn(responder.serve(service_fn(|request: Request| async move {
        task::yield_now().await;
        echo(request).await
    })));
    let client = Client::builder().recv_hwm(2).connect(endpoint).await.unwrap();
    let requester = Requester::new(client);
    let calls = (0..5_000).map(|number| requester.call(number.to_string()));
    let outcomes = futures::future::join_all(calls).await;
    assert!(outcomes.iter().any(Result::is_ok));
    let is_ended = |outcome: &Result<Message, CallError>| match outcome {
        Ok(_) => true,
        Err(error) => error.is_retryable(),
    };
    assert!(outcomes.iter().all(is_ended));
    let stats = responder.stats();
    assert_eq!((stats.answered + stats.overloaded, stats.unanswered), (5_000, 0));
    assert!(stats.is_consistent());
}

#[tokio::test]
async fn a_time_limit_for_sending_drops_no_answer() {
    let endpoint = unique();
    let server = Server::builder().send_hwm(1).send_timeout(Duration::ZERO);
    let responder = Responder::new(server.bind(endpoint.as_str()).await.unwrap());
    tokio::spawn(responder.serve(service_fn(|request: Request| async move {
        task::yield_now().await;
        echo(request).await
    })));
    let client = Client::builder().recv_hwm(1).connect(endpoint.as_str()).await.unwrap();
    for id in 0..10 {
        client.send(envelope(REQUEST, id, [0x00])).await.unwrap();
    }
    for _ in 0..10 {
        assert_eq!(opened(&client.recv().await.unwrap()).0, REPLY);
    }
    until_there(&responder, |stats| stats.answered == 10).await;
}

#[tokio::test]
async fn replies_that_wait_for_one_client_are_bounded_in_bytes() {
    let gate = Arc::new(Semaphore::new(0));
    let endpoint = unique();
    let server = Server::builder().send_hwm(1).bind(endpoint.as_str()).await.unwrap();
    let responder = Responder::builder(server).max_bytes_per_remote(3 * LONG).build();
    tokio::spawn(responder.serve(service_fn({
        let gate = Arc::clone(&gate);
        move |_| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                Ok::<_, Failure>(vec![7; LONG])
            }
        }
    })));
    let client = Client::builder().recv_hwm(1).connect(endpoint.as_str()).await.unwrap();
    for id in 0..20 {
        client.send(envelope(REQUEST, id, [0x00])).await.unwrap();
    }
    until_there(&responder, |stats| stats.running == 20).await;
    gate.add_permits(20);
    while gate.available_permits() > 0 {
        task::yield_now().await;
    }
    let (mut replies, mut failures) = (0, 0);
    for _ in 0..20 {
        match opened(&client.recv().await.unwrap()) {
            (REPLY, _, body) => {
                assert_eq!(body.len(), LONG);
                replies += 1;
            }
            (ERROR, _, rest) => {
                assert_eq!(rest[0], 0x17);
                failures += 1;
            }
            other => panic!("neither a reply nor an error: {other:?}"),
        }
    }
    // About two are in transit, and the limit of bytes, headers included, bounds those that wait.
    assert!((2..8).contains(&replies), "{replies} replies, {failures} failures");
    until_there(&responder, |stats| stats.running == 0).await;
    let stats = responder.stats();
    assert_eq!((stats.answered, stats.unread), (replies, failures));
    assert!(stats.is_consistent());
}

#[tokio::test]
async fn streams_to_a_client_that_does_not_read_wait_and_lose_no_part() {
    let endpoint = unique();
    let server = Server::builder().send_hwm(1).bind(endpoint.as_str()).await.unwrap();
    let responder = Responder::builder(server).max_bytes_per_remote(3 * LONG).build();
    tokio::spawn(responder.serve(service_fn(|_| async {
        let parts = stream::iter(0..10).map(|_| Ok::<_, Failure>(vec![7; LONG]));
        Ok::<_, Failure>(Response::stream(parts))
    })));
    let client = Client::builder().recv_hwm(1).connect(endpoint.as_str()).await.unwrap();
    for id in 0..20 {
        client.send(envelope(REQUEST, id, b"\x02\0\0\x03\xe8")).await.unwrap();
    }
    until_there(&responder, |stats| stats.running > 0).await;
    let (mut parts, mut ends, mut failures) = (0, 0, 0);
    while ends + failures < 20 {
        match opened(&client.recv().await.unwrap()) {
            (PART, ..) => parts += 1,
            (END, ..) => ends += 1,
            (ERROR, ..) => failures += 1,
            other => panic!("not of a stream: {other:?}"),
        }
    }
    assert_eq!((parts, ends, failures), (200, 20, 0));
    until_there(&responder, |stats| stats.answered == 20).await;
    assert!(responder.stats().is_consistent());
}

#[tokio::test]
async fn a_reply_that_waits_for_capacity_holds_no_permit_of_a_limit() {
    let endpoint = unique();
    let server = Server::builder().send_hwm(1).bind(endpoint.as_str()).await.unwrap();
    let responder = Responder::new(server);
    let service =
        ServiceBuilder::new().concurrency_limit(2).service_fn(|request: Request| async move {
            task::yield_now().await;
            echo(request).await
        });
    tokio::spawn(responder.serve(service));
    let mute = Client::builder().recv_hwm(1).connect(endpoint.as_str()).await.unwrap();
    for id in 0..20 {
        mute.send(envelope(REQUEST, id, [0x00])).await.unwrap();
    }
    until_there(&responder, |stats| stats.running >= 2 && stats.waiting > 0).await;
    let requester = Requester::new(Client::builder().connect(endpoint.as_str()).await.unwrap());
    for _ in 0..10 {
        assert_eq!(requester.call("x").await.unwrap(), "x");
    }
    for _ in 0..20 {
        assert_eq!(opened(&mute.recv().await.unwrap()).0, REPLY);
    }
}

#[tokio::test]
async fn a_client_that_disconnects_without_reading_leaves_nothing_behind() {
    for endpoint in ["tcp://127.0.0.1:*", &unique()] {
        let server = Server::builder().send_hwm(2).bind(endpoint).await.unwrap();
        let responder = Responder::new(server);
        let endpoint = responder.server().last_endpoint().unwrap();
        tokio::spawn(responder.serve(service_fn(|_| async { Ok::<_, Failure>(vec![7; LONG]) })));
        let client = Client::builder()
            .recv_hwm(1)
            .linger(Some(Duration::ZERO))
            .connect(endpoint.clone())
            .await
            .unwrap();
        for id in 0..200 {
            client.send(envelope(REQUEST, id, [0x00])).await.unwrap();
        }
        until_there(&responder, |stats| stats.running == 1 && stats.waiting > 0).await;
        client.close().await;
        until_there(&responder, |stats| stats.disconnected > 0).await;
        until_there(&responder, |stats| stats.running + stats.waiting == 0).await;
        assert!(responder.stats().is_consistent());
        let requester = Requester::new(Client::builder().connect(endpoint).await.unwrap());
        assert_eq!(requester.call("x").await.unwrap().len(), LONG);
    }
}

/// The size of a reply. The operating system buffers only a few of this size.
const LONG: usize = 100_000;

const REQUESTS: u64 = 1_000;
