//! Several servers, some of which are disconnected.

use std::time::Duration;

use futures::future;
use tokio::time::{self, Instant};
use tokio_zmtp::rpc::{CallError, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Endpoint, Server};
use tower::{Service, ServiceExt};

use crate::wire::{Bare, REPLY, REQUEST, body, echo, unique, until, until_connected};

#[tokio::test]
async fn no_call_goes_to_a_disconnected_server_while_another_is_connected() {
    let live = Responder::new(Server::builder().bind("tcp://127.0.0.1:*").await.unwrap());
    tokio::spawn(live.serve(service_fn(echo)));
    let client = Client::new();
    client.connect(unused_endpoint().await).await.unwrap();
    client.connect(live.server().last_endpoint().unwrap()).await.unwrap();
    let requester = Requester::builder(client).timeout(Duration::from_secs(60)).build();
    let calls = (0..100).map(|number| requester.call(number.to_string()));
    for (number, reply) in future::join_all(calls).await.into_iter().enumerate() {
        assert_eq!(reply.unwrap(), number.to_string());
    }
    assert_eq!(live.stats().answered, 100);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_until_its_deadline_for_the_first_server_that_connects() {
    let [first, second] = [unique(), unique()];
    let client = Client::new();
    client.connect(first.as_str()).await.unwrap();
    client.connect(second.as_str()).await.unwrap();
    let requester = Requester::new(client);
    let begun = Instant::now();
    let hurried = Request::from("x").with_timeout(Duration::from_secs(7));
    assert_eq!(requester.call(hurried).await, Err(CallError::NotSent));
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(7) && took < Duration::from_secs(8), "{took:?}");
    let stats = requester.stats();
    assert_eq!((stats.sent, stats.never_sent), (0, 1));
    let calls = [(); 3].map(|()| tokio::spawn(requester.call("x")));
    let second = Bare::bind(&second).await;
    for call in calls {
        second.echo().await;
        assert_eq!(call.await.unwrap().unwrap(), "x");
    }
}

#[tokio::test]
async fn readiness_means_that_a_server_is_connected() {
    for endpoint in ["tcp://127.0.0.1:*", &unique()] {
        let bare = Bare::bind(endpoint).await;
        let endpoint = bare.server.last_endpoint().unwrap();
        let client = Client::builder().reconnect_interval(Some(Duration::from_millis(1)));
        let client = client.connect(endpoint.clone()).await.unwrap();
        let requester = Requester::builder(client).max_outstanding(1).build();
        let mut handle = requester.clone();
        handle.ready().await.unwrap();
        // A slot that a handle holds is released when the server has disconnected.
        bare.server.close().await;
        until_connected(&requester, 0).await;
        let mut readiness = tokio_test::task::spawn(handle.ready());
        assert!(readiness.poll().is_pending());
        let mut other = requester.clone();
        let mut other_readiness = tokio_test::task::spawn(other.ready());
        assert!(other_readiness.poll().is_pending());
        drop(readiness);
        drop(handle);
        let bare = Bare { server: Server::builder().bind(endpoint).await.unwrap() };
        other_readiness.await.unwrap();
        let call = tokio::spawn(Service::call(&mut other, Request::from("x")));
        bare.echo().await;
        assert_eq!(call.await.unwrap().unwrap(), "x");
        assert!(requester.stats().is_consistent());
    }
}

#[tokio::test]
async fn a_task_that_waits_for_a_server_is_woken_when_the_client_is_closed() {
    let requester = Requester::new(Client::builder().connect(unique().as_str()).await.unwrap());
    let mut handle = requester.clone();
    let mut readiness = tokio_test::task::spawn(handle.ready());
    assert!(readiness.poll().is_pending());
    requester.close().await;
    assert!(readiness.is_woken());
    assert_eq!(readiness.await.map(drop), Err(CallError::Closed));
}

#[tokio::test]
async fn a_load_balancer_skips_a_requester_without_a_server() {
    let live = Bare::bind("tcp://127.0.0.1:*").await;
    let mut requesters = Vec::new();
    for endpoint in [unused_endpoint().await, live.server.last_endpoint().unwrap()] {
        requesters.push(Requester::new(Client::builder().connect(endpoint).await.unwrap()));
    }
    for _ in 0..100 {
        let readiness = requesters.iter_mut().map(|requester| Box::pin(requester.ready()));
        let (ready, _, _) = future::select_all(readiness).await;
        let call = ready.unwrap().call(Request::from("x"));
        let (reply, ()) = tokio::join!(call, live.echo());
        assert_eq!(reply.unwrap(), "x");
    }
}

#[tokio::test]
async fn unwritten_requests_go_to_another_server_with_their_remaining_time() {
    let [first, second] = [unique(), unique()];
    let mute = Server::builder().recv_hwm(1).bind(first.as_str()).await.unwrap();
    let requester = Requester::new(Client::builder().connect(first.as_str()).await.unwrap());
    let request =
        |number: u32| Request::from(number.to_string()).with_timeout(Duration::from_secs(1_000));
    let calls: Vec<_> =
        (0..5).map(|number| tokio::spawn(requester.call(request(number)))).collect();
    until(&requester, |stats| stats.sent == 5).await;
    let second = Bare::bind(&second).await;
    requester.client().connect(second.endpoint().as_str()).await.unwrap();
    until_connected(&requester, 2).await;
    mute.close().await;
    let mut calls = calls.into_iter();
    assert_eq!(calls.next().unwrap().await.unwrap(), Err(CallError::ConnectionLost));
    for (number, call) in (1..).zip(calls) {
        let (from, id, rest) = second.expect(REQUEST).await;
        assert_eq!(body(&rest), number.to_string().as_bytes());
        second.send(from, REPLY, id, body(&rest)).await;
        assert_eq!(call.await.unwrap().unwrap(), number.to_string());
    }
    let stats = requester.stats();
    assert_eq!((stats.sent, stats.answered, stats.connection_lost), (5, 4, 1));
    assert!(stats.is_consistent());
    assert_eq!(requester.client().stats().dropped.undelivered, 0);
}

#[tokio::test(start_paused = true)]
async fn unwritten_requests_wait_for_the_next_server_if_there_is_none() {
    let [first, second] = [unique(), unique()];
    let mute = Server::builder().recv_hwm(1).bind(first.as_str()).await.unwrap();
    let client = Client::new();
    client.connect(first.as_str()).await.unwrap();
    client.connect(second.as_str()).await.unwrap();
    let requester = Requester::new(client);
    let request = |seconds: u64| Request::from("x").with_timeout(Duration::from_secs(seconds));
    let calls = [1_000, 5, 2_000].map(|seconds| tokio::spawn(requester.call(request(seconds))));
    let dropped = tokio::spawn(requester.call(request(2_000)));
    until(&requester, |stats| stats.sent == 4).await;
    mute.close().await;
    let [lost, hurried, patient] = calls;
    assert_eq!(lost.await.unwrap(), Err(CallError::ConnectionLost));
    assert_eq!(hurried.await.unwrap(), Err(CallError::NotSent));
    dropped.abort();
    time::sleep(Duration::from_secs(995)).await;
    let second = Bare::bind(&second).await;
    let (from, id, rest) = second.expect(REQUEST).await;
    let left = u32::from_be_bytes(rest[1..5].try_into().unwrap());
    assert!((999_000..=1_000_000).contains(&left), "{left}");
    second.send(from, REPLY, id, body(&rest)).await;
    assert_eq!(patient.await.unwrap().unwrap(), "x");
    let stats = requester.stats();
    assert_eq!((stats.answered, stats.deadline_exceeded, stats.cancelled), (1, 1, 1));
    assert_eq!(stats.cancels_unsent, 0, "no server received the dropped call");
    assert!(stats.is_consistent());
    // The requests of the ended calls.
    assert_eq!(requester.client().stats().dropped.undelivered, 2);
}

#[tokio::test]
async fn a_request_that_ends_every_connection_is_not_sent_indefinitely() {
    let client = Client::builder().reconnect_interval(Some(Duration::from_millis(1))).build();
    let mut servers = Vec::new();
    for _ in 0..4 {
        let server = Server::builder().max_message_size(Some(1_000));
        let responder = Responder::new(server.bind("tcp://127.0.0.1:*").await.unwrap());
        tokio::spawn(responder.serve(service_fn(echo)));
        client.connect(responder.server().last_endpoint().unwrap()).await.unwrap();
        servers.push(responder);
    }
    let requester = Requester::new(client);
    until_connected(&requester, 4).await;
    let long = requester.call(vec![0; 10_000_000]).await;
    assert_eq!(long, Err(CallError::Refused));
    assert_eq!(requester.client().stats().dropped.refused, 1);
    for number in 0..20 {
        assert_eq!(requester.call(number.to_string()).await.unwrap(), number.to_string());
    }
    assert!(requester.stats().is_consistent());
}

/// Returns an endpoint without a listener.
async fn unused_endpoint() -> Endpoint {
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    server.close().await;
    endpoint
}
