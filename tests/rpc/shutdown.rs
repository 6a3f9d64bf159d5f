//! A responder that ends in good order.

use std::future;
use std::sync::Arc;

use tokio::sync::{Notify, oneshot};
use tokio_zmtp::rpc::{CallError, ErrorCode, Failure, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Message, Server};

use crate::wire::{echo, pair, until, until_shut, until_there};

#[tokio::test]
async fn what_was_accepted_is_finished_and_what_comes_then_waits_for_another_server() {
    let release = Arc::new(Notify::new());
    let released = Arc::clone(&release);
    let responder = Responder::new(Server::bind("tcp://127.0.0.1:*").await.unwrap());
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
    let requester = Requester::new(Client::connect(endpoint).await.unwrap());
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
    assert!(stats.is_balanced());
    drop(late);
    assert_eq!(requester.stats().never_sent, 1);
    assert_eq!(responder.server().try_recv().map(drop), Err(tokio_zmtp::TryRecvError::Closed));
}

#[tokio::test]
async fn a_responder_at_rest_ends_at_once() {
    let responder = Responder::new(Server::bind("tcp://127.0.0.1:*").await.unwrap());
    responder.serve_with_shutdown(service_fn(echo), future::ready(())).await;
    assert_eq!(responder.stats().received, 0);
}

#[tokio::test]
async fn serving_that_is_dropped_gives_up_what_is_under_way() {
    let (requester, responder, serving) =
        pair(|_| future::pending::<Result<Message, Failure>>()).await;
    let call = tokio::spawn(requester.call("x"));
    until_there(&responder, |stats| stats.running == 1).await;
    serving.abort();
    let Err(CallError::Failed(failure)) = call.await.unwrap() else { panic!("it was given up") };
    assert_eq!(failure.code(), ErrorCode::CANCELLED);
    assert_eq!(responder.stats().cancelled, 1);
    assert!(responder.stats().is_balanced());
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
    assert!(responder.stats().is_balanced());
}
