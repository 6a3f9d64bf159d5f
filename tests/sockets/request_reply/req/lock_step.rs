//! REQ as in libzmq: a request is sent, and its reply is received.

use std::time::Duration;

use tokio_zmtp::{LockStepError, Multipart, Req, RequestError};

use super::{
    Watchdog, events, plain_reply, quick, read_plain_request, read_request, reply, req_and_router,
    req_and_router_with, start,
};
use crate::remote::{LONGER_THAN_BUFFERS, RemoteListener};

#[tokio::test]
async fn an_operation_out_of_turn_fails_and_changes_nothing() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router().await;
    let mut client = req.lock_step();
    for _ in 0..2 {
        assert_eq!(client.recv().await, Err(LockStepError::OutOfTurn(())));
        client.send(["a", "b"]).await.unwrap();
        let another = Multipart::from("another");
        assert_eq!(client.send(&another).await, Err(LockStepError::OutOfTurn(another)));
        let (id, parts) = read_request(&mut router).await;
        assert_eq!(parts, [b"a", b"b"]);
        router.write(&reply(id, b"reply")).await;
        assert_eq!(client.recv().await.unwrap(), ["reply"]);
    }
}

/// A REQ of libzmq can neither send nor receive after this.
#[tokio::test]
async fn a_lost_reply_ends_the_turn() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let req = quick().connect(listener.endpoint()).await.unwrap();
    let mut client = req.lock_step();
    for _ in 0..2 {
        let mut router = listener.accept_as("ROUTER").await;
        client.send("lost").await.unwrap();
        read_request(&mut router).await;
        drop(router);
        let lost = client.recv().await;
        assert_eq!(lost, Err(LockStepError::Failed(RequestError::ConnectionLost)));
    }
    let mut router = listener.accept_as("ROUTER").await;
    client.send("request").await.unwrap();
    let (id, _) = read_request(&mut router).await;
    router.write(&reply(id, b"reply")).await;
    assert_eq!(client.recv().await.unwrap(), ["reply"]);
}

#[tokio::test]
async fn a_dropped_receive_keeps_its_turn_and_a_timed_out_one_ends_it() {
    let _watchdog = Watchdog::start();
    let builder = Req::builder().request_timeout(Duration::from_millis(20));
    let (req, mut router) = req_and_router_with(builder).await;
    let mut client = req.lock_step();
    client.send("late").await.unwrap();
    assert!(futures::poll!(Box::pin(client.recv())).is_pending());
    let (late, _) = read_request(&mut router).await;
    let limited = client.recv().await;
    assert_eq!(limited, Err(LockStepError::Failed(RequestError::Timeout(None))));

    client.send("request").await.unwrap();
    assert!(futures::poll!(Box::pin(client.recv())).is_pending());
    let (id, _) = read_request(&mut router).await;
    router.write(&[reply(late, b"late"), reply(id, b"reply")].concat()).await;
    router.sync().await;
    assert_eq!(client.recv().await.unwrap(), ["reply"]);
}

#[tokio::test]
async fn a_receive_that_was_dropped_in_line_leaves_the_remote_to_other_requests() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let req = quick().correlate(false).connect(listener.endpoint()).await.unwrap();
    let mut monitor = req.monitor();
    let router = listener.accept_as("ROUTER").await;
    let mut client = req.lock_step();
    client.send(vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    router.peek().await;
    drop(router);
    events::until_disconnected(&mut monitor).await;
    assert!(futures::poll!(Box::pin(client.recv())).is_pending());

    let mut router = listener.accept_as("ROUTER").await;
    let other = start(&req, "other");
    assert_eq!(read_plain_request(&mut router).await, [b"other"]);
    router.write(&plain_reply(b"reply")).await;
    assert_eq!(other.await.unwrap().unwrap(), ["reply"]);
    let reading = async {
        assert_eq!(read_plain_request(&mut router).await[0].len(), LONGER_THAN_BUFFERS);
        router.write(&plain_reply(b"at last")).await;
    };
    let (reply, ()) = tokio::join!(client.recv(), reading);
    assert_eq!(reply.unwrap(), ["at last"]);
}

#[tokio::test]
async fn a_request_that_is_not_sent_is_returned() {
    let _watchdog = Watchdog::start();
    let req = Req::builder().send_timeout(Duration::ZERO).build();
    let mut client = req.lock_step();
    let Err(LockStepError::Failed(error)) = client.send("request").await else {
        panic!("there is no remote")
    };
    assert_eq!(error.into_unsent().unwrap(), ["request"]);
    // It is still the turn of `send`.
    assert_eq!(client.recv().await, Err(LockStepError::OutOfTurn(())));
    assert!(futures::poll!(Box::pin(client.send("waiting"))).is_ready());
}

#[tokio::test]
async fn dropping_the_lock_step_abandons_its_request() {
    let _watchdog = Watchdog::start();
    let (req, mut router) = req_and_router().await;
    let mut client = req.lock_step();
    client.send("abandoned").await.unwrap();
    let (id, _) = read_request(&mut router).await;
    drop(client);
    router.write(&reply(id, b"late")).await;
    router.sync().await;
    assert_eq!(req.stats().dropped.stray_replies, 1);
}
