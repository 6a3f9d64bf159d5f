//! Requests whose connection or socket ends.

use std::time::Duration;

use tokio_zmtp::{Multipart, Req, RequestError};

use super::{Watchdog, quick, read_request, reply, req_and_router, req_and_router_with, start};
use crate::remote::{LONGER_THAN_BUFFERS, Remote, RemoteListener};

#[tokio::test]
async fn a_request_that_was_written_ends_with_its_connection() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router().await;
    let requests = [start(&req, "a"), start(&req, "b")];
    for _ in 0..2 {
        read_request(&mut router).await;
    }
    drop(router);
    for request in requests {
        let error = request.await.unwrap().unwrap_err();
        assert_eq!(error, RequestError::ConnectionLost);
        assert!(error.may_be_carried_out());
        assert_eq!(error.into_unsent(), None);
    }
}

/// A REQ of libzmq can neither send nor receive after this.
#[tokio::test]
async fn the_next_request_uses_the_next_connection() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let req = quick().connect(listener.endpoint()).await.unwrap();
    for _ in 0..3 {
        let mut router = listener.accept_as("ROUTER").await;
        let lost = start(&req, "lost");
        read_request(&mut router).await;
        drop(router);
        assert_eq!(lost.await.unwrap().unwrap_err(), RequestError::ConnectionLost);
    }
    let request = start(&req, "request");
    let mut router = listener.accept_as("ROUTER").await;
    let (id, _) = read_request(&mut router).await;
    router.write(&reply(id, b"reply")).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
}

#[tokio::test]
async fn a_reply_that_precedes_the_end_of_the_connection_is_received() {
    let _watchdog = Watchdog::start();
    for _ in 0..20 {
        let (req, mut router) = req_and_router().await;
        let requests = [start(&req, "a"), start(&req, "b")];
        let (id, parts) = read_request(&mut router).await;
        read_request(&mut router).await;
        router.write(&reply(id, &parts[0])).await;
        drop(router);
        let [a, b] = requests;
        assert_eq!(a.await.unwrap().unwrap(), ["a"]);
        assert_eq!(b.await.unwrap().unwrap_err(), RequestError::ConnectionLost);
    }
}

#[tokio::test]
async fn requests_that_were_not_written_go_to_the_next_remote() {
    let _watchdog = Watchdog::start();
    let [one, other] = [RemoteListener::bind(), RemoteListener::bind()];
    let req = quick().connect(one.endpoint()).await.unwrap();
    let mut router = one.accept_as("ROUTER").await;
    let written = start(&req, "written");
    read_request(&mut router).await;
    let long = start(&req, vec![7; LONGER_THAN_BUFFERS]);
    // Its header.
    router.read(8).await;
    let behind = start(&req, "behind");
    tokio::task::yield_now().await;
    req.connect(other.endpoint()).await.unwrap();
    let mut next = other.accept_as("REP").await;
    next.sync().await;
    drop((router, one));
    assert_eq!(written.await.unwrap().unwrap_err(), RequestError::ConnectionLost);
    let mut lengths = Vec::new();
    for _ in 0..2 {
        let (id, parts) = read_request(&mut next).await;
        lengths.push(parts[0].len());
        next.write(&reply(id, b"reply")).await;
    }
    lengths.sort_unstable();
    assert_eq!(lengths, [6, LONGER_THAN_BUFFERS]);
    assert_eq!(long.await.unwrap().unwrap(), ["reply"]);
    assert_eq!(behind.await.unwrap().unwrap(), ["reply"]);
}

#[tokio::test]
async fn a_request_during_which_the_remote_ends_two_connections_is_refused() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let req = quick().connect(listener.endpoint()).await.unwrap();
    let refused = start(&req, vec![7; LONGER_THAN_BUFFERS]);
    for _ in 0..2 {
        let mut router = listener.accept_as("ROUTER").await;
        router.read(8).await;
    }
    let error = refused.await.unwrap().unwrap_err();
    assert!(matches!(error, RequestError::Refused(Some(_))), "{error}");
    assert!(!error.may_be_carried_out());
    assert_eq!(error.into_unsent().unwrap(), [vec![7; LONGER_THAN_BUFFERS]]);

    let request = start(&req, "request");
    let mut router = listener.accept_as("ROUTER").await;
    let (id, _) = read_request(&mut router).await;
    router.write(&reply(id, b"reply")).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
}

#[tokio::test]
async fn a_request_waits_for_a_remote() {
    let _watchdog = Watchdog::start();
    let req = Req::new();
    let mut request = Box::pin(req.request("request"));
    assert!(futures::poll!(&mut request).is_pending());
    let endpoint = req.bind("tcp://127.0.0.1:*").await.unwrap();
    assert!(futures::poll!(&mut request).is_pending());
    let mut router = Remote::dial(&endpoint).await;
    router.shake_hands("ROUTER").await;
    let serving = async {
        let (id, _) = read_request(&mut router).await;
        router.write(&reply(id, b"reply")).await;
    };
    let (received, ()) = tokio::join!(request, serving);
    assert_eq!(received.unwrap(), ["reply"]);
}

#[tokio::test]
async fn closing_ends_all_requests() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router_with(Req::builder().linger(Duration::ZERO)).await;
    let sent = start(&req, "sent");
    read_request(&mut router).await;
    let unconnected = Req::new();
    let mut waiting = Box::pin(unconnected.request("waiting"));
    assert!(futures::poll!(&mut waiting).is_pending());
    tokio::join!(req.close(), unconnected.close());
    let error = sent.await.unwrap().unwrap_err();
    assert_eq!(error, RequestError::Closed(None));
    assert!(error.may_be_carried_out());
    let error = waiting.await.unwrap_err();
    assert_eq!(error.into_unsent().unwrap(), ["waiting"]);
    let error = req.request("late").await.unwrap_err();
    assert!(matches!(error, RequestError::Closed(Some(_))));
    assert!(!error.may_be_carried_out());
}

#[tokio::test]
async fn closing_returns_unwritten_requests_without_their_envelopes() {
    let _watchdog = Watchdog::start();
    for correlate in [true, false] {
        let builder = Req::builder().linger(Duration::ZERO).correlate(correlate);
        let (req, router) = req_and_router_with(builder).await;
        let request = Multipart::from([&b"price"[..], &[7; LONGER_THAN_BUFFERS]]);
        let sent = start(&req, &request);
        router.peek().await;
        let (report, undelivered) = req.close_with_undelivered().await;
        assert_eq!(report.undelivered, 1);
        assert!(undelivered == [request]);
        assert_eq!(sent.await.unwrap().unwrap_err(), RequestError::Closed(None));
    }
}

#[tokio::test]
async fn a_disconnected_endpoint_still_replies_to_the_requests_that_it_has() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router().await;
    let request = start(&req, "request");
    let (id, _) = read_request(&mut router).await;
    req.disconnect(req.last_endpoint().unwrap()).await.unwrap();
    assert_eq!(router.read_to_end().await, b"");
    router.write(&reply(id, b"reply")).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
    let lost = start(&req, "lost");
    req.close().await;
    assert!(matches!(lost.await.unwrap().unwrap_err(), RequestError::Closed(Some(_))));
}
