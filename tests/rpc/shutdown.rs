//! The graceful shutdown of a responder.

use std::future;
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::{Notify, oneshot};
use tokio::task;
use tokio_zmtp::monitor::EventKind;
use tokio_zmtp::rpc::{CallError, ErrorCode, Failure, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Message, Server};

use crate::wire::{echo, pair, unique, until, until_shut, until_there};

#[tokio::test]
async fn accepted_requests_finish_and_later_ones_wait_for_another_server() {
    let release = Arc::new(Notify::new());
    let released = Arc::clone(&release);
    let responder = Responder::new(Server::builder().bind("tcp://127.0.0.1:*").await.unwrap());
    let endpoint = responder.server().last_endpoint().unwrap();
    let service = service_fn(move |request: Request| {
        let released = Arc::clone(&released);
        async move {
            released.notified().await;
            Ok::<_, Failure>(request.into_body())
        }
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(responder.serve_with_shutdown(service, async {
        let _ = stopped.await;
    }));
    let requester = Requester::new(Client::builder().connect(endpoint).await.unwrap());
    let accepted: Vec<_> =
        (0..10).map(|number| tokio::spawn(requester.call(number.to_string()))).collect();
    until_there(&responder, |stats| stats.running == 10).await;

    stop.send(()).unwrap();
    until_shut(&requester).await;
    let mut late = tokio_test::task::spawn(requester.call("too late"));
    assert!(late.poll().is_pending());
    assert_eq!(requester.stats().sent, 10);

    for _ in 0..10 {
        release.notify_one();
    }
    for (number, call) in accepted.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap(), number.to_string());
    }
    serving.await.unwrap();
    let stats = responder.stats();
    assert_eq!((stats.received, stats.answered, stats.shutting_down), (10, 10, 0));
    assert!(stats.is_consistent());
    drop(late);
    assert_eq!(requester.stats().never_sent, 1);
    assert_eq!(responder.server().try_recv().map(drop), Err(tokio_zmtp::TryRecvError::Closed));
}

#[tokio::test]
async fn an_idle_responder_ends_immediately() {
    let responder = Responder::new(Server::builder().bind("tcp://127.0.0.1:*").await.unwrap());
    responder.serve_with_shutdown(service_fn(echo), future::ready(())).await;
    assert_eq!(responder.stats().received, 0);
}

#[tokio::test]
async fn serving_that_is_dropped_cancels_running_requests() {
    let (requester, responder, serving) =
        pair(|_| future::pending::<Result<Message, Failure>>()).await;
    let call = tokio::spawn(requester.call("x"));
    until_there(&responder, |stats| stats.running == 1).await;
    serving.abort();
    let Err(CallError::Failed(failure)) = call.await.unwrap() else {
        panic!("the call was not cancelled")
    };
    assert_eq!(failure.code(), ErrorCode::CANCELLED);
    assert_eq!(responder.stats().cancelled, 1);
    assert!(responder.stats().is_consistent());
}

#[tokio::test]
async fn every_call_ends_when_serving_is_dropped() {
    for endpoint in ["tcp://127.0.0.1:*", &unique()] {
        let server = Server::builder().send_hwm(10).recv_hwm(10).bind(endpoint).await.unwrap();
        let responder = Responder::builder(server).max_running(100).build();
        let endpoint = responder.server().last_endpoint().unwrap();
        let never = || service_fn(|_| future::pending::<Result<Message, Failure>>());
        let serving = tokio::spawn(responder.serve(never()));
        let client = Client::builder().recv_hwm(1).connect(endpoint).await.unwrap();
        let requester = Requester::new(client);
        let calls: Vec<_> = (0..5_000).map(|_| tokio::spawn(requester.call("x"))).collect();
        until_there(&responder, |stats| stats.running > 0 && stats.waiting > 0).await;
        serving.abort();
        let mut seen = Vec::new();
        for call in calls {
            let Err(CallError::Failed(failure)) = call.await.unwrap() else {
                panic!("the call never succeeds")
            };
            seen.push(failure.code());
        }
        let expected = [ErrorCode::CANCELLED, ErrorCode::SHUTTING_DOWN];
        assert!(expected.iter().all(|code| seen.contains(code)));
        assert!(seen.iter().all(|code| expected.contains(code)));
        let stats = responder.stats();
        assert_eq!((stats.running + stats.waiting, stats.unanswered), (0, 0));
        assert!(stats.is_consistent());
        assert_eq!(stats.received, 5_000);
    }
}

#[tokio::test]
async fn a_server_is_served_again_after_serving_was_dropped() {
    let (requester, responder, serving) =
        pair(|_| future::pending::<Result<Message, Failure>>()).await;
    let call = tokio::spawn(requester.call("x"));
    until_there(&responder, |stats| stats.running == 1).await;
    serving.abort();
    assert!(call.await.unwrap().is_err());
    let Err(CallError::Failed(failure)) = requester.call("x").await else { panic!("not served") };
    assert_eq!(failure.code(), ErrorCode::SHUTTING_DOWN);

    let again = tokio::spawn(responder.serve(service_fn(echo)));
    task::yield_now().await;
    for _ in 0..100 {
        assert_eq!(requester.call("again").await.unwrap(), "again");
    }
    again.abort();
    assert!(again.await.is_err());
    let another = Responder::new(responder.server().clone());
    drop(responder);
    tokio::spawn(another.serve(service_fn(echo)));
    task::yield_now().await;
    assert_eq!(requester.call("another").await.unwrap(), "another");
}

#[tokio::test]
async fn a_dropped_serving_future_does_not_keep_the_server_alive() {
    let (requester, responder, serving) =
        pair(|_| future::pending::<Result<Message, Failure>>()).await;
    let call = tokio::spawn(requester.call("x"));
    until_there(&responder, |stats| stats.running == 1).await;
    serving.abort();
    assert!(call.await.unwrap().is_err());
    let mut monitor = requester.client().monitor();
    drop(responder);
    while !matches!(monitor.next().await.unwrap().unwrap().kind, EventKind::Disconnected { .. }) {}
}

#[tokio::test]
async fn serving_ends_when_the_server_is_closed() {
    let (requester, responder, serving) =
        pair(|_| future::pending::<Result<Message, Failure>>()).await;
    let call = tokio::spawn(requester.call("x"));
    until_there(&responder, |stats| stats.running == 1).await;
    responder.server().close().await;
    serving.await.unwrap();
    assert_eq!(call.await.unwrap(), Err(CallError::ConnectionLost));
    until(&requester, |stats| stats.outstanding == 0).await;
    assert!(responder.stats().is_consistent());
}
