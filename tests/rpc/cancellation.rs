//! Calls that are cancelled, miss their deadline, or panic.

use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_zmtp::rpc::{CallError, ErrorCode, Failure, Request, Requester};
use tokio_zmtp::{Client, Message, Server};

use crate::wire::{
    Bare, CANCEL, REPLY, REQUEST, body, echo, envelope, opened, pair, unique, until,
    until_connected, until_there,
};

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_at_its_server() {
    let first = Bare::bind(&unique()).await;
    let second = Bare::bind(&unique()).await;
    let client = Client::new();
    client.connect(first.endpoint().as_str()).await.unwrap();
    client.connect(second.endpoint().as_str()).await.unwrap();
    let requester = Requester::new(client);
    until_connected(&requester, 2).await;
    let (one, two) = (tokio::spawn(requester.call("1")), tokio::spawn(requester.call("2")));
    let (from, id, _) = first.expect(REQUEST).await;
    let (_, other, _) = second.expect(REQUEST).await;
    assert_ne!(id, other);
    one.abort();
    assert_eq!(first.expect(CANCEL).await, (from, id, Vec::new()));
    two.abort();
    assert_eq!(second.expect(CANCEL).await.1, other);
    let stats = requester.stats();
    assert_eq!((stats.cancelled, stats.cancels_unsent), (2, 0));
    assert!(stats.is_consistent());
}

#[tokio::test]
async fn a_cancellation_that_finds_a_full_queue_is_counted() {
    let endpoint = unique();
    let _mute = Server::builder().recv_hwm(1).bind(endpoint.as_str()).await.unwrap();
    let client = Client::builder().send_hwm(1).connect(endpoint.as_str()).await.unwrap();
    client.remotes().connected().await.unwrap();
    let requester = Requester::new(client);
    // The server has no capacity for the second request, and the client has none for more.
    let mut calls = [(); 2].map(|()| tokio_test::task::spawn(requester.call("not read")));
    for call in &mut calls {
        assert!(call.poll().is_pending());
    }
    assert_eq!(requester.stats().sent, 2);
    drop(calls);
    assert_eq!(requester.stats().cancels_unsent, 2);
}

#[tokio::test]
async fn the_handler_of_a_cancelled_call_is_dropped() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let guard = Guarded(Arc::clone(&dropped));
    let (requester, responder, _) = pair(move |_| {
        let guard = guard.clone();
        async move {
            let _guard = guard;
            future::pending::<Result<Message, Failure>>().await
        }
    })
    .await;
    let call = tokio::spawn(requester.call("endless"));
    until_there(&responder, |stats| stats.running == 1).await;
    call.abort();
    until_there(&responder, |stats| stats.cancelled == 1).await;
    while dropped.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(responder.stats().running, 0);
    assert!(responder.stats().is_consistent());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_enforced_on_both_sides() {
    let (requester, responder, _) = pair(|_| future::pending::<Result<Message, Failure>>()).await;
    let start = Instant::now();
    let error = requester.call(Request::from("x").with_timeout(Duration::from_secs(7))).await;
    assert_eq!(error, Err(CallError::DeadlineExceeded));
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(7) && took < Duration::from_secs(8), "{took:?}");
    tokio::time::advance(Duration::from_secs(1)).await;
    until_there(&responder, |stats| stats.deadline_exceeded == 1).await;
    assert!(responder.stats().is_consistent());
    // The responder still answers, for requesters that do not enforce deadlines.
    until(&requester, |stats| stats.late == 1).await;
    assert!(requester.stats().is_consistent());
}

#[tokio::test(start_paused = true)]
async fn the_remaining_time_is_sent_with_the_request() {
    let (requester, _, _) = pair(|request: Request| async move {
        Ok(format!("{}", request.remaining().unwrap().as_millis()))
    })
    .await;
    let request = Request::from("x").with_timeout(Duration::from_secs(7));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(requester.call(request).await.unwrap(), "5000");
}

#[tokio::test(start_paused = true)]
async fn calls_end_at_their_own_deadlines_by_one_clock() {
    let bare = Bare::bind(&unique()).await;
    let client = Client::new();
    client.connect(bare.endpoint().as_str()).await.unwrap();
    let requester = Requester::builder(client).timeout(Duration::from_secs(100)).build();
    let start = Instant::now();
    let mut calls = Vec::new();
    for seconds in [30, 10, 20, 100] {
        let request = match seconds {
            100 => Request::from("the default"),
            _ => Request::from("x").with_timeout(Duration::from_secs(seconds)),
        };
        let call = requester.call(request);
        calls.push(tokio::spawn(async move {
            assert_eq!(call.await, Err(CallError::DeadlineExceeded));
            (seconds, start.elapsed())
        }));
    }
    for call in calls {
        let (seconds, took) = call.await.unwrap();
        let due = Duration::from_secs(seconds);
        assert!(took >= due && took < due + Duration::from_millis(10), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_server_ends_at_its_deadline() {
    let requester = Requester::new(Client::builder().build());
    let request = Request::from("x").with_timeout(Duration::from_secs(3));
    let error = requester.call(request).await.unwrap_err();
    assert_eq!(error, CallError::NotSent);
    assert!(!error.may_be_carried_out() && !error.is_retryable());
    let stats = requester.stats();
    assert_eq!((stats.sent, stats.never_sent), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_request_that_expires_is_not_started() {
    let endpoint = unique();
    let server = Server::new();
    server.bind(endpoint.as_str()).await.unwrap();
    let responder = tokio_zmtp::rpc::Responder::builder(server).max_running(1).build();
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    tokio::spawn(responder.serve(tokio_zmtp::rpc::service_fn(move |request: Request| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Ok::<_, Failure>(request.into_body())
        }
    })));
    let requester = Requester::new(Client::builder().connect(endpoint.as_str()).await.unwrap());
    let hurried = Request::from("hurried").with_timeout(Duration::from_secs(5));
    let (first, second, third) = tokio::join!(
        requester.call("patient"),
        requester.call(hurried),
        requester.call("patient, too")
    );
    assert!(first.is_ok() && third.is_ok());
    assert_eq!(second, Err(CallError::DeadlineExceeded));
    assert_eq!(begun.load(Ordering::Relaxed), 2);
    assert_eq!(responder.stats().deadline_exceeded, 1);
    assert!(responder.stats().is_consistent());
}

#[tokio::test]
async fn a_handler_that_panics_fails_only_its_own_call() {
    let (requester, responder, _) = pair(|request: Request| {
        assert_ne!(*request.body(), "immediately", "the test requires this panic");
        async move {
            if *request.body() == "later" {
                tokio::task::yield_now().await;
                panic!("the test requires this panic");
            }
            echo(request).await
        }
    })
    .await;
    for body in ["immediately", "later"] {
        let Err(CallError::Failed(failure)) = requester.call(body).await else {
            panic!("the handler did not panic")
        };
        assert_eq!(failure.code(), ErrorCode::PANICKED);
    }
    assert_eq!(requester.call("calm").await.unwrap(), "calm");
    let stats = responder.stats();
    assert_eq!((stats.panicked, stats.answered), (2, 1));
    assert!(stats.is_consistent());
}

#[tokio::test]
async fn the_handlers_of_a_disconnected_client_are_dropped() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let guard = Guarded(Arc::clone(&dropped));
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let responder = tokio_zmtp::rpc::Responder::new(server);
    tokio::spawn(responder.serve(tokio_zmtp::rpc::service_fn(move |_: Request| {
        let guard = guard.clone();
        async move {
            let _guard = guard;
            future::pending::<Result<Message, Failure>>().await
        }
    })));
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    for id in 0..3 {
        client.send(envelope(REQUEST, id, [0x00])).await.unwrap();
    }
    until_there(&responder, |stats| stats.running == 3).await;
    client.close().await;
    until_there(&responder, |stats| stats.disconnected == 3).await;
    while dropped.load(Ordering::Relaxed) < 3 {
        tokio::task::yield_now().await;
    }
    assert!(responder.stats().is_consistent());
}

#[tokio::test]
async fn a_reply_that_crosses_a_cancellation_is_late() {
    let bare = Bare::bind(&unique()).await;
    let client = Client::new();
    client.connect(bare.endpoint().as_str()).await.unwrap();
    let requester = Requester::new(client);
    let call = tokio::spawn(requester.call("x"));
    let message = bare.server.recv().await.unwrap();
    let (_, id, rest) = opened(&message);
    call.abort();
    bare.expect(CANCEL).await;
    bare.send(message.routing_id().unwrap(), REPLY, id, body(rest)).await;
    until(&requester, |stats| stats.late == 1).await;
    let (reply, ()) = tokio::join!(requester.call("the next"), bare.echo());
    assert_eq!(reply.unwrap(), "the next");
}

/// Counts the drops of its clones, except the first, which the service keeps.
#[derive(Clone)]
struct Guarded(Arc<AtomicUsize>);

impl Drop for Guarded {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
