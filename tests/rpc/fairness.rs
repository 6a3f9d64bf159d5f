//! Fairness between clients that share one responder.

use std::future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_zmtp::rpc::{
    Failure, Request, Requester, Responder, ResponderBuilder, Response, service_fn,
};
use tokio_zmtp::{Client, Server};

use crate::wire::{
    CANCEL, CREDIT, END, ERROR, PART, REQUEST, envelope, opened, unique, until_there,
};

#[tokio::test]
async fn streams_without_credit_do_not_shut_out_other_clients() {
    for endpoint in ["tcp://127.0.0.1:*", "ipc://*", &unique()] {
        let (responder, endpoint) = serve(endpoint, |it| it.max_running(64).max_waiting(64)).await;
        let greedy = Client::new();
        greedy.connect(endpoint.as_str()).await.unwrap();
        for id in 0..128 {
            greedy.send(envelope(REQUEST, id, b"\x02\0\0\0\0stream")).await.unwrap();
        }
        until_there(&responder, |stats| stats.received == 128).await;
        let stats = responder.stats();
        assert_eq!((stats.running, stats.waiting, stats.overloaded), (32, 32, 64));
        honest_calls(&endpoint).await;
        // The greedy client keeps its slots.
        greedy.send(envelope(CREDIT, 0, [0, 0, 0, 1])).await.unwrap();
        let mut kinds = Vec::new();
        while kinds.last() != Some(&END) {
            kinds.push(opened(&greedy.recv().await.unwrap()).0);
        }
        assert_eq!(kinds, [&[ERROR; 64][..], &[PART, END]].concat());
        greedy.close().await;
        until_there(&responder, |stats| stats.running + stats.waiting == 0).await;
        assert!(responder.stats().is_consistent());
    }
}

#[tokio::test]
async fn handlers_that_never_end_do_not_shut_out_other_clients() {
    let (responder, endpoint) = serve(&unique(), |it| it.max_running(64).max_waiting(64)).await;
    let greedy: Vec<_> = {
        let clients = (0..4).map(|_| Client::builder().connect(endpoint.as_str()));
        futures::future::try_join_all(clients).await.unwrap()
    };
    for client in &greedy {
        for id in 0..128 {
            client.send(envelope(REQUEST, id, b"\0pending")).await.unwrap();
        }
    }
    until_there(&responder, |stats| stats.received == 4 * 128).await;
    let stats = responder.stats();
    assert!(stats.running < 64 && stats.waiting < 64, "{stats:?}");
    honest_calls(&endpoint).await;
    assert!(responder.stats().is_consistent());
}

#[tokio::test]
async fn one_client_is_limited_even_on_an_idle_responder() {
    let (responder, endpoint) =
        serve(&unique(), |it| it.max_running_per_remote(3).max_waiting_per_remote(2)).await;
    let client = Client::new();
    client.connect(endpoint.as_str()).await.unwrap();
    for id in 0..10 {
        client.send(envelope(REQUEST, id, b"\0pending")).await.unwrap();
    }
    until_there(&responder, |stats| stats.received == 10).await;
    let stats = responder.stats();
    assert_eq!((stats.running, stats.waiting, stats.overloaded), (3, 2, 5));
}

#[tokio::test]
async fn the_waiting_requests_of_one_client_are_bounded_in_bytes() {
    let (responder, endpoint) =
        serve(&unique(), |it| it.max_running(1).max_bytes_per_remote(1_000)).await;
    let client = Client::new();
    client.connect(endpoint.as_str()).await.unwrap();
    client.send(envelope(REQUEST, 0, b"\0pending")).await.unwrap();
    for id in 1..10 {
        client.send(envelope(REQUEST, id, [0; 401])).await.unwrap();
    }
    until_there(&responder, |stats| stats.received == 10).await;
    let stats = responder.stats();
    assert_eq!((stats.running, stats.waiting, stats.overloaded), (1, 2, 7));
    let other = Client::new();
    other.connect(endpoint.as_str()).await.unwrap();
    other.send(envelope(REQUEST, 0, [0; 100_000])).await.unwrap();
    until_there(&responder, |stats| stats.waiting == 3).await;
}

#[tokio::test]
async fn clients_take_turns_regardless_of_their_waiting_requests() {
    let gate = Arc::new(Semaphore::new(0));
    let order = Arc::new(Mutex::new(Vec::new()));
    let endpoint = unique();
    let server = Server::new();
    server.bind(endpoint.as_str()).await.unwrap();
    let responder = Responder::builder(server).max_running(1).build();
    tokio::spawn(responder.serve(service_fn({
        let (gate, order) = (Arc::clone(&gate), Arc::clone(&order));
        move |request: Request| {
            order.lock().unwrap().push(request.body().to_str().unwrap().to_owned());
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                Ok::<_, Failure>(request.into_body())
            }
        }
    })));
    let mut clients = Vec::new();
    for name in ["a", "b", "c"] {
        let client = Client::new();
        client.connect(endpoint.as_str()).await.unwrap();
        let requests = if name == "a" { 4 } else { 2 };
        for number in 0..requests {
            let body = format!("\0{name}{number}");
            client.send(envelope(REQUEST, number, body)).await.unwrap();
        }
        let so_far = clients.len() as u64 * 2 + 4;
        until_there(&responder, |stats| stats.received == so_far).await;
        clients.push(client);
    }
    gate.add_permits(8);
    until_there(&responder, |stats| stats.answered == 8).await;
    let order = order.lock().unwrap().join(" ");
    assert_eq!(order, "a0 a1 b0 c0 a2 b1 c1 a3");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_request_ends_at_its_deadline() {
    let (responder, endpoint) = serve(&unique(), |it| it.max_running(1)).await;
    let client = Client::new();
    client.connect(endpoint.as_str()).await.unwrap();
    client.send(envelope(REQUEST, 0, b"\0pending")).await.unwrap();
    let start = Instant::now();
    for (id, seconds) in [(1, 30), (2, 10), (3, 20)] {
        let millis: u32 = seconds * 1_000;
        let rest = [&[0x01][..], &millis.to_be_bytes(), b"pending"].concat();
        client.send(envelope(REQUEST, id, rest)).await.unwrap();
    }
    for (id, seconds) in [(2, 10), (3, 20), (1, 30)] {
        let message = client.recv().await.unwrap();
        assert_eq!(opened(&message), (ERROR, id, &[0x11, 0, 0, 0, 0][..]));
        let (took, due) = (start.elapsed(), Duration::from_secs(seconds));
        assert!(took >= due && took < due + Duration::from_millis(10), "{took:?}");
    }
    let stats = responder.stats();
    assert_eq!((stats.deadline_exceeded, stats.waiting, stats.running), (3, 0, 1));
    assert!(stats.is_consistent());
}

#[tokio::test]
async fn every_waiting_request_can_be_cancelled() {
    let (responder, endpoint) = serve(&unique(), |it| it.max_running(1)).await;
    let client = Client::new();
    client.connect(endpoint.as_str()).await.unwrap();
    for id in 0..1_000 {
        client.send(envelope(REQUEST, id, b"\0pending")).await.unwrap();
    }
    for id in (1..1_000).rev().step_by(3) {
        client.send(envelope(CANCEL, id, "")).await.unwrap();
    }
    client.send(envelope(CANCEL, 1_000, "")).await.unwrap();
    until_there(&responder, |stats| stats.unknown == 1).await;
    let stats = responder.stats();
    assert_eq!((stats.cancelled, stats.waiting, stats.running), (333, 666, 1));
    client.close().await;
    until_there(&responder, |stats| stats.disconnected == 667).await;
    assert!(responder.stats().is_consistent());
}

/// Serves requests with an echo, with a stream of one part, or indefinitely.
async fn serve(
    endpoint: &str,
    options: impl FnOnce(ResponderBuilder) -> ResponderBuilder,
) -> (Responder, String) {
    let responder =
        options(Responder::builder(Server::builder().bind(endpoint).await.unwrap())).build();
    tokio::spawn(responder.serve(service_fn(|request: Request| async move {
        match request.body().to_str() {
            Ok("stream") => Ok(Response::stream(stream::iter([Ok::<_, Failure>("part")]))),
            Ok("pending") => future::pending().await,
            _ => Ok::<_, Failure>(Response::new(request.into_body())),
        }
    })));
    let endpoint = responder.server().last_endpoint().unwrap().to_string();
    (responder, endpoint)
}

/// Makes calls from another client, all of which succeed.
async fn honest_calls(endpoint: &str) {
    let requester = Requester::new(Client::builder().connect(endpoint).await.unwrap());
    let calls = (0..100).map(|number| requester.call(number.to_string()));
    for (number, reply) in futures::future::join_all(calls).await.into_iter().enumerate() {
        assert_eq!(reply.unwrap(), number.to_string());
    }
}
