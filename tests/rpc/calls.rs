//! Each caller gets its own reply.

use futures::future;
use tokio::sync::Barrier;
use tokio_zmtp::rpc::{CallError, Failure, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Message, Server};

use crate::wire::{Bare, REPLY, REQUEST, body, echo, pair, unique};

#[tokio::test]
async fn every_call_gets_its_own_reply_in_any_order_of_arrival() {
    let bare = Bare::bind("tcp://127.0.0.1:*").await;
    let requester =
        Requester::new(Client::builder().connect(bare.endpoint().as_str()).await.unwrap());
    let calls = future::join_all((0..20).map(|number| requester.call(number.to_string())));
    let serve = async {
        let mut requests = Vec::new();
        for _ in 0..20 {
            requests.push(bare.expect(REQUEST).await);
        }
        for (from, id, rest) in requests.into_iter().rev() {
            bare.send(from, REPLY, id, body(&rest)).await;
        }
    };
    let (replies, ()) = tokio::join!(calls, serve);
    for (number, reply) in replies.into_iter().enumerate() {
        assert_eq!(reply.unwrap(), number.to_string());
    }
    let stats = requester.stats();
    assert_eq!((stats.sent, stats.answered, stats.outstanding), (20, 20, 0));
    assert!(stats.is_consistent());
}

#[tokio::test]
async fn bodies_of_any_length_make_a_round_trip_over_every_transport() {
    for endpoint in ["tcp://127.0.0.1:*", "ipc://*", &unique()] {
        let responder = Responder::new(Server::builder().bind(endpoint).await.unwrap());
        let endpoint = responder.server().last_endpoint().unwrap();
        tokio::spawn(responder.serve(service_fn(echo)));
        let requester = Requester::new(Client::builder().connect(endpoint).await.unwrap());
        for len in [0, 1, 59, 60, 61, 62, 70, 71, 255, 256, 32_768, 1_000_000] {
            let body = Message::from(vec![len as u8; len]);
            assert_eq!(requester.call(&body).await.unwrap(), body);
        }
        assert!(responder.stats().is_consistent());
    }
}

#[tokio::test]
async fn several_servers_share_the_calls() {
    let client = Client::builder().build();
    let mut responders = Vec::new();
    for _ in 0..3 {
        let endpoint = unique();
        let responder = Responder::new(Server::builder().bind(endpoint.as_str()).await.unwrap());
        tokio::spawn(responder.serve(service_fn(echo)));
        client.connect(endpoint.as_str()).await.unwrap();
        responders.push(responder);
    }
    let requester = Requester::new(client);
    for number in 0..30 {
        assert_eq!(requester.call(number.to_string()).await.unwrap(), number.to_string());
    }
    for responder in responders {
        assert_eq!(responder.stats().answered, 10);
    }
}

#[tokio::test]
async fn handlers_run_concurrently() {
    let together = std::sync::Arc::new(Barrier::new(10));
    let (requester, responder, _) = pair(move |request| {
        let together = together.clone();
        async move {
            together.wait().await;
            Ok::<_, Failure>(request.into_body())
        }
    })
    .await;
    let calls = (0..10).map(|_| requester.call("together"));
    assert!(future::join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(responder.stats().answered, 10);
}

#[tokio::test]
async fn calls_beyond_the_limit_wait_for_a_slot() {
    let bare = Bare::bind(&unique()).await;
    let client = Client::new();
    client.connect(bare.endpoint().as_str()).await.unwrap();
    let requester = Requester::builder(client).max_outstanding(2).build();
    let calls: Vec<_> =
        (0..5).map(|number| tokio::spawn(requester.call(number.to_string()))).collect();
    let (from, first, _) = bare.expect(REQUEST).await;
    let (_, second, _) = bare.expect(REQUEST).await;
    tokio::task::yield_now().await;
    assert!(bare.server.try_recv().is_err(), "two calls are outstanding");
    bare.send(from, REPLY, second, "1").await;
    bare.send(from, REPLY, first, "0").await;
    for _ in 2..5 {
        bare.echo().await;
    }
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap(), number.to_string());
    }
}

#[tokio::test]
async fn a_dropped_call_passes_its_slot_to_the_next() {
    let bare = Bare::bind(&unique()).await;
    let client = Client::new();
    client.connect(bare.endpoint().as_str()).await.unwrap();
    let requester = Requester::builder(client).max_outstanding(1).build();
    let mut first = tokio_test::task::spawn(requester.call("first"));
    assert!(first.poll().is_pending());
    let mut second = tokio_test::task::spawn(requester.call("second"));
    let mut third = tokio_test::task::spawn(requester.call("third"));
    assert!(second.poll().is_pending());
    assert!(third.poll().is_pending());
    bare.echo().await;
    assert_eq!(first.await.unwrap(), "first");
    assert!(second.is_woken());
    drop(second);
    assert!(third.is_woken());
    let (reply, ()) = tokio::join!(third, bare.echo());
    assert_eq!(reply.unwrap(), "third");
    assert_eq!(requester.stats().sent, 2);
}

#[tokio::test]
async fn a_closed_client_fails_outstanding_and_later_calls() {
    let bare = Bare::bind(&unique()).await;
    let client = Client::new();
    client.connect(bare.endpoint().as_str()).await.unwrap();
    let requester = Requester::builder(client).max_outstanding(1).build();
    let under_way = tokio::spawn(requester.call("under way"));
    bare.expect(REQUEST).await;
    let waiting = tokio::spawn(requester.call("waiting"));
    tokio::task::yield_now().await;
    requester.close().await;
    // The connection of the client ends as well, and either event may be handled first.
    let error = under_way.await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Closed | CallError::ConnectionLost));
    assert_eq!(waiting.await.unwrap(), Err(CallError::Closed));
    assert_eq!(requester.call("to come").await, Err(CallError::Closed));
    let stats = requester.stats();
    assert_eq!((stats.sent, stats.closed + stats.connection_lost), (1, 1));
    assert!(stats.is_consistent());
}

#[tokio::test]
async fn the_client_is_dropped_with_the_last_handle() {
    let (requester, responder, serving) = pair(echo).await;
    let another = requester.clone();
    drop(requester);
    assert_eq!(another.call("still there").await.unwrap(), "still there");
    assert_eq!(responder.server().remotes().list().len(), 1);
    drop(another);
    while !responder.server().remotes().list().is_empty() {
        tokio::task::yield_now().await;
    }
    responder.server().close().await;
    serving.await.unwrap();
}

#[tokio::test]
async fn a_client_that_outlives_its_requester_receives_again() {
    let endpoint = unique();
    let server = Server::new();
    server.bind(endpoint.as_str()).await.unwrap();
    let client = Client::new();
    client.connect(endpoint.as_str()).await.unwrap();
    let requester = Requester::new(client.clone());
    let call = tokio::spawn(requester.call("x"));
    let request = server.recv().await.unwrap();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    drop(requester);
    server.reply(&request, "one").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "one");
    server.reply(&request, "two").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "two");
}

#[tokio::test]
async fn a_requester_is_a_service_that_forwards_requests() {
    let (backend, responder, _) = pair(echo).await;
    let endpoint = unique();
    let proxy = Responder::new(Server::builder().bind(endpoint.as_str()).await.unwrap());
    tokio::spawn(proxy.serve(backend.clone()));
    let requester = Requester::new(Client::builder().connect(endpoint.as_str()).await.unwrap());
    let calls = (0..100).map(|number: u32| requester.call(number.to_string()));
    for (number, reply) in future::join_all(calls).await.into_iter().enumerate() {
        assert_eq!(reply.unwrap(), number.to_string());
    }
    assert_eq!(responder.stats().answered, 100);
    backend.close().await;
    let Err(CallError::Failed(failure)) = requester.call("too late").await else {
        panic!("the backend is closed")
    };
    assert!(!failure.code().is_not_started());
}

#[test]
fn handles_and_calls_can_move_between_threads() {
    fn assert_send<T: Send + 'static>() {}
    fn assert_sync<T: Sync + Clone>() {}
    assert_send::<(Requester, Responder, tokio_zmtp::rpc::Call, tokio_zmtp::rpc::Replies)>();
    assert_sync::<Requester>();
    assert_sync::<Responder>();
}
