//! Requests without ids, for ROUTERs that read a fixed form.

use std::time::Duration;

use tokio_zmtp::{Builder, Req, RequestError};

use super::{Watchdog, plain_reply, quick, read_plain_request, req_and_router_with, start};
use crate::remote::RemoteListener;

#[tokio::test]
async fn a_request_begins_with_an_empty_part() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router_with(uncorrelated()).await;
    let request = start(&req, ["A", "B"]);
    assert_eq!(router.read(8).await, b"\x01\x00\x01\x01A\x00\x01B");
    router.write(b"\x01\x00\x01\x01C\x00\x01D").await;
    assert_eq!(request.await.unwrap().unwrap(), ["C", "D"]);
}

#[tokio::test]
async fn a_remote_is_sent_one_request_at_a_time() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router_with(uncorrelated()).await;
    let requests = ["a", "b", "c"].map(|body| start(&req, body));
    for body in ["a", "b", "c"] {
        assert_eq!(read_plain_request(&mut router).await, [body.as_bytes()]);
        // No other bytes are in flight.
        router.sync().await;
        router.write(&plain_reply(body.as_bytes())).await;
    }
    for (request, body) in requests.into_iter().zip(["a", "b", "c"]) {
        assert_eq!(request.await.unwrap().unwrap(), [body]);
    }
}

#[tokio::test]
async fn other_requests_go_to_other_remotes() {
    let _watchdog = Watchdog::start();
    let listeners = [RemoteListener::bind(), RemoteListener::bind()];
    let req = uncorrelated().build();
    let mut routers = Vec::new();
    for listener in &listeners {
        req.connect(listener.endpoint()).await.unwrap();
        routers.push(listener.accept_as("ROUTER").await);
        routers.last_mut().unwrap().sync().await;
    }
    let [silent, router] = &mut routers[..] else { unreachable!() };
    let stuck = start(&req, "stuck");
    read_plain_request(silent).await;
    for body in ["a", "b", "c"] {
        let request = start(&req, body);
        assert_eq!(read_plain_request(router).await, [body.as_bytes()]);
        router.write(&plain_reply(body.as_bytes())).await;
        assert_eq!(request.await.unwrap().unwrap(), [body]);
    }
    silent.write(&plain_reply(b"at last")).await;
    assert_eq!(stuck.await.unwrap().unwrap(), ["at last"]);
}

#[tokio::test]
async fn a_message_that_precedes_the_request_is_not_its_reply() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router_with(uncorrelated()).await;
    router.write(&plain_reply(b"unasked")).await;
    router.sync().await;
    let request = start(&req, "request");
    read_plain_request(&mut router).await;
    router.write(&[plain_reply(b"reply"), plain_reply(b"again")].concat()).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
    router.sync().await;
    assert_eq!(req.stats().dropped.stray_replies, 2);
    let request = start(&req, "next");
    read_plain_request(&mut router).await;
    router.write(&plain_reply(b"next")).await;
    assert_eq!(request.await.unwrap().unwrap(), ["next"]);
}

#[tokio::test]
async fn replies_of_another_form_are_discarded() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router_with(uncorrelated()).await;
    let request = start(&req, "request");
    read_plain_request(&mut router).await;
    router.write(b"\x00\x05reply\x01\x04abcd\x01\x00\x00\x05reply\x01\x01a\x00\x01b").await;
    router.sync().await;
    assert_eq!(req.stats().dropped.malformed_replies, 3);
    router.write(&plain_reply(b"reply")).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
}

/// Its late reply would be taken for the reply to the next request.
#[tokio::test]
async fn an_abandoned_request_ends_its_connection() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let builder = quick().correlate(false).request_timeout(Duration::from_millis(20));
    let req = builder.connect(listener.endpoint()).await.unwrap();
    let mut router = listener.accept_as("ROUTER").await;
    let abandoned = start(&req, "abandoned");
    read_plain_request(&mut router).await;
    assert_eq!(abandoned.await.unwrap().unwrap_err(), RequestError::Timeout(None));
    let next = tokio::spawn({
        let req = req.clone();
        async move { req.request_timeout("next", Duration::MAX).await }
    });
    router.write(&plain_reply(b"late")).await;
    assert_eq!(router.read_to_end().await, b"");
    drop(router);
    let mut router = listener.accept_as("ROUTER").await;
    assert_eq!(read_plain_request(&mut router).await, [b"next"]);
    router.write(&plain_reply(b"reply")).await;
    assert_eq!(next.await.unwrap().unwrap(), ["reply"]);
}

#[tokio::test]
async fn a_request_that_waits_in_line_is_abandoned_without_effect() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router_with(uncorrelated()).await;
    let first = start(&req, "first");
    read_plain_request(&mut router).await;
    let mut waiting = Box::pin(req.request("waiting"));
    assert!(futures::poll!(&mut waiting).is_pending());
    let third = start(&req, "third");
    tokio::task::yield_now().await;
    // It is granted the remote, and passes it on.
    router.write(&plain_reply(b"first")).await;
    assert_eq!(first.await.unwrap().unwrap(), ["first"]);
    drop(waiting);
    assert_eq!(read_plain_request(&mut router).await, [b"third"]);
    router.write(&plain_reply(b"third")).await;
    assert_eq!(third.await.unwrap().unwrap(), ["third"]);
}

fn uncorrelated() -> Builder<Req> {
    Req::builder().correlate(false)
}
