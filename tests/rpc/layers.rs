//! Layers of `tower` on either side.

use std::future::{self, Ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio_zmtp::rpc::{CallError, ErrorCode, Failure, Request, Requester, Responder};
use tokio_zmtp::{Client, Message, Server};
use tower::retry::Policy;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::wire::{Bare, ERROR, REPLY, REQUEST, echo, pair, unique, until, until_there};

#[tokio::test(start_paused = true)]
async fn a_timeout_of_the_service_is_reported_as_deadline_exceeded() {
    let service = ServiceBuilder::new()
        .timeout(Duration::from_secs(1))
        .service_fn(|_: Request| future::pending::<Result<Message, Failure>>());
    let (requester, responder) = serve(service).await;
    assert_eq!(code(requester.call("x").await), ErrorCode::DEADLINE_EXCEEDED);
    assert_eq!(responder.stats().deadline_exceeded, 1);
    assert!(responder.stats().is_consistent());
}

#[tokio::test]
async fn the_concurrency_limit_of_a_service_is_enforced() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let most_seen = Arc::clone(&most);
    let service = ServiceBuilder::new().concurrency_limit(3).service_fn(move |request: Request| {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::Relaxed);
            echo(request).await
        }
    });
    let (requester, responder) = serve(service).await;
    let calls = (0..100).map(|number| requester.call(number.to_string()));
    let replies = futures::future::join_all(calls).await;
    assert!(replies.iter().all(Result::is_ok));
    assert_eq!(most_seen.load(Ordering::Relaxed), 3);
    assert_eq!(responder.stats().answered, 100);
}

#[tokio::test]
async fn shed_load_is_reported_as_overloaded() {
    let service = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .service_fn(|_: Request| future::pending::<Result<Message, Failure>>());
    let (requester, responder) = serve(service).await;
    let first = tokio::spawn(requester.call("first"));
    until_there(&responder, |stats| stats.running == 1).await;
    let error = requester.call("second").await.unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(code(Err(error)), ErrorCode::OVERLOADED);
    assert_eq!(responder.stats().overloaded, 1);
    first.abort();
}

#[tokio::test]
async fn a_retryable_call_is_retried() {
    let bare = Bare::bind(&unique()).await;
    let client = Client::new();
    client.connect(bare.endpoint().as_str()).await.unwrap();
    let requester = Requester::new(client);
    let service = ServiceBuilder::new().retry(IfSafe).service(requester.clone());
    let call = tokio::spawn(service.oneshot(Request::from("x")));
    for _ in 0..3 {
        let (from, id, _) = bare.expect(REQUEST).await;
        bare.send(from, ERROR, id, [0x01, 0, 0, 0, 0]).await;
    }
    let (from, id, _) = bare.expect(REQUEST).await;
    bare.send(from, REPLY, id, "at last").await;
    assert_eq!(call.await.unwrap().unwrap(), "at last");
    let stats = requester.stats();
    assert_eq!((stats.sent, stats.failed, stats.answered), (4, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_the_caller_cancels_the_call() {
    let (requester, responder, _) = pair(|_| future::pending::<Result<Message, Failure>>()).await;
    let service = ServiceBuilder::new().timeout(Duration::from_secs(1)).service(requester.clone());
    assert!(service.oneshot(Request::from("x")).await.is_err());
    assert_eq!(requester.stats().cancelled, 1);
    until_there(&responder, |stats| stats.cancelled == 1).await;
}

#[tokio::test]
async fn readiness_waits_for_a_slot_and_reserves_it() {
    let bare = Bare::bind(&unique()).await;
    let client = Client::new();
    client.connect(bare.endpoint().as_str()).await.unwrap();
    let requester = Requester::builder(client).max_outstanding(1).build();
    let mut one = requester.clone();
    one.ready().await.unwrap();
    let mut other = requester.clone();
    let mut readiness = tokio_test::task::spawn(other.ready());
    assert!(readiness.poll().is_pending());
    let call = tokio::spawn(Service::call(&mut one, Request::from("x")));
    bare.echo().await;
    assert_eq!(call.await.unwrap().unwrap(), "x");
    assert!(readiness.is_woken());
    readiness.await.unwrap();
    // A reserved slot is released with its handle.
    let waiting = tokio::spawn(Requester::call(&requester, "y"));
    tokio::task::yield_now().await;
    assert_eq!(requester.stats().sent, 1);
    drop(other);
    until(&requester, |stats| stats.sent == 2).await;
    bare.echo().await;
    assert_eq!(waiting.await.unwrap().unwrap(), "y");
}

async fn serve<S>(service: S) -> (Requester, Responder)
where
    S: Service<Request, Response = Message> + Send + 'static,
    S::Error: Into<tower::BoxError> + 'static,
    S::Future: Send + 'static,
{
    let endpoint = unique();
    let responder = Responder::new(Server::builder().bind(endpoint.as_str()).await.unwrap());
    tokio::spawn(responder.serve(service));
    (Requester::new(Client::builder().connect(endpoint.as_str()).await.unwrap()), responder)
}

fn code(outcome: Result<Message, CallError>) -> ErrorCode {
    match outcome {
        Err(CallError::Failed(failure)) => failure.code(),
        other => panic!("not an error of the responder: {other:?}"),
    }
}

/// Retries calls that were certainly not started.
#[derive(Clone)]
struct IfSafe;

impl Policy<Request, Message, CallError> for IfSafe {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _request: &mut Request,
        outcome: &mut Result<Message, CallError>,
    ) -> Option<Ready<()>> {
        let error = outcome.as_ref().err()?;
        error.is_retryable().then(|| future::ready(()))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn a_tower_service_needs_no_adapter() {
    let (requester, _) = serve(service_fn(echo)).await;
    assert_eq!(requester.call("x").await.unwrap(), "x");
}
