//! Time limits and attempts: the Lazy Pirate of the guide.

use std::time::Duration;

use tokio_zmtp::{Req, RequestError};

use super::{Watchdog, quick, read_request, reply, req_and_router, req_and_router_with, start};
use crate::remote::{Remote, RemoteListener};

#[tokio::test]
async fn a_request_without_a_reply_ends_at_its_time_limit() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router_with(Req::builder().request_timeout(SHORT)).await;
    let limited = start(&req, "limited");
    let (late, _) = read_request(&mut router).await;
    let error = limited.await.unwrap().unwrap_err();
    assert_eq!(error, RequestError::Timeout(None));
    assert!(error.may_be_carried_out());

    // The socket is not stuck.
    router.write(&reply(late, b"late")).await;
    let request = req.request_timeout("request", Duration::MAX);
    let serving = async {
        let (id, _) = read_request(&mut router).await;
        router.write(&reply(id, b"reply")).await;
    };
    let (received, ()) = tokio::join!(request, serving);
    assert_eq!(received.unwrap(), ["reply"]);
    assert_eq!(req.stats().dropped.stray_replies, 1);
}

#[tokio::test]
async fn a_request_that_no_remote_takes_in_time_is_returned() {
    let _watchdog = Watchdog::start();
    let req = Req::new();
    let error = req.request_timeout("request", SHORT).await.unwrap_err();
    assert!(!error.may_be_carried_out());
    assert_eq!(error, RequestError::Timeout(Some("request".into())));

    let req = Req::builder().send_timeout(SHORT).build();
    let error = req.request("request").await.unwrap_err();
    assert_eq!(error.into_unsent().unwrap(), ["request"]);
}

#[tokio::test]
async fn a_request_without_time_is_not_sent() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router().await;
    let error = req.request_timeout("request", Duration::ZERO).await.unwrap_err();
    assert_eq!(error.into_unsent().unwrap(), ["request"]);
    let _next = start(&req, "next");
    assert_eq!(read_request(&mut router).await.1, [b"next"]);
}

#[tokio::test]
async fn each_attempt_goes_to_the_next_remote() {
    let _watchdog = Watchdog::start();
    let builder = Req::builder().attempts(3).attempt_timeout(SHORT);
    let req = builder.build();
    let mut routers = connect_all(&req, 3).await;
    let request = start(&req, "request");
    let mut ids = Vec::new();
    for router in &mut routers {
        let (id, parts) = read_request(router).await;
        assert_eq!(parts, [b"request"]);
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
    // The reply to an earlier attempt is late.
    routers[0].write(&reply(ids[0], b"late")).await;
    routers[0].sync().await;
    let error = request.await.unwrap().unwrap_err();
    assert_eq!(error, RequestError::Timeout(None));
    assert_eq!(req.stats().dropped.stray_replies, 1);
}

#[tokio::test]
async fn an_attempt_whose_connection_is_lost_is_followed_by_another() {
    let _watchdog = Watchdog::start();
    let req = Req::builder().attempts(2).build();
    let mut routers = connect_all(&req, 2).await;
    let request = start(&req, "request");
    read_request(&mut routers[0]).await;
    drop(routers.remove(0));
    let (id, _) = read_request(&mut routers[0]).await;
    routers[0].write(&reply(id, b"reply")).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
}

#[tokio::test]
async fn by_default_a_request_is_sent_once() {
    let _watchdog = Watchdog::start();
    let req = Req::builder().attempt_timeout(SHORT).build();
    let mut routers = connect_all(&req, 2).await;
    let request = start(&req, "request");
    read_request(&mut routers[0]).await;
    assert_eq!(request.await.unwrap().unwrap_err(), RequestError::Timeout(None));
    let request = start(&req, "request");
    read_request(&mut routers[1]).await;
    drop(routers.remove(1));
    assert_eq!(request.await.unwrap().unwrap_err(), RequestError::ConnectionLost);
}

#[tokio::test]
async fn a_server_that_is_restarted_answers_a_later_attempt() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let req = quick().attempts(10).connect(listener.endpoint()).await.unwrap();
    let request = start(&req, "request");
    for _ in 0..3 {
        let mut router = listener.accept_as("ROUTER").await;
        read_request(&mut router).await;
    }
    let mut router = listener.accept_as("ROUTER").await;
    let (id, _) = read_request(&mut router).await;
    router.write(&reply(id, b"reply")).await;
    assert_eq!(request.await.unwrap().unwrap(), ["reply"]);
}

/// Connects a req to scripted ROUTERs, in order.
async fn connect_all(req: &Req, routers: usize) -> Vec<Remote> {
    let mut connected = Vec::new();
    for _ in 0..routers {
        let listener = RemoteListener::bind();
        req.connect(listener.endpoint()).await.unwrap();
        let mut router = listener.accept_as("ROUTER").await;
        router.sync().await;
        connected.push(router);
    }
    connected
}

/// A time limit that is reached.
const SHORT: Duration = Duration::from_millis(20);
