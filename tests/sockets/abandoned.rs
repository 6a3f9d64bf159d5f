//! Endpoints that are not dialed again although the application has not ended them.

use std::error::Error;
use std::time::Duration;

use tokio_test::{assert_pending, task};
use tokio_zmtp::auth::Users;
use tokio_zmtp::monitor::{DialFailure, DisconnectReason, HandshakeFailure};
use tokio_zmtp::{LockStepError, Mechanism, NoRemoteError, ReconnectStop, Rep, Req, RequestError};

use crate::remote::{RemoteListener, ReservedPort};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn requests_to_a_remote_that_refuses_the_socket_fail_with_the_reason() {
    let _watchdog = Watchdog::start();
    let users = Users::new();
    users.insert("alice", "right");
    let rep = Rep::builder().mechanism(Mechanism::PlainServer).authenticator(users);
    let rep = rep.bind("tcp://127.0.0.1:*").await.unwrap();
    let mechanism = Mechanism::plain_client("alice", "wrong").unwrap();
    let req = Req::builder().mechanism(mechanism).build();
    let mut waiting = ["a", "b", "c"].map(|body| task::spawn(req.request(body)));
    for request in &mut waiting {
        assert_pending!(request.poll(), "there is no endpoint yet");
    }
    req.connect(rep.last_endpoint().unwrap()).await.unwrap();
    for (request, body) in waiting.into_iter().zip(["a", "b", "c"]) {
        let error = request.await.unwrap_err();
        assert!(!error.may_be_carried_out());
        let RequestError::NoEndpoint { failure, .. } = &error else { panic!("{error:?}") };
        let DialFailure::Handshake(HandshakeFailure::Refused { reason }) = &**failure else {
            panic!("{failure:?}")
        };
        assert_eq!(reason, "400");
        let reason = error.source().and_then(Error::source).unwrap().to_string();
        assert_eq!(reason, "the remote refuses this socket: 400 denied");
        assert_eq!(error.into_unsent().unwrap(), [body]);
    }
    let late = req.request("late").await;
    assert!(matches!(late, Err(RequestError::NoEndpoint { .. })));
    let turn = req.lock_step().send("late").await;
    assert!(matches!(turn, Err(LockStepError::Failed(RequestError::NoEndpoint { .. }))));
}

#[tokio::test]
async fn requests_succeed_when_another_endpoint_is_connected() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let req = Req::builder().reconnect_stop([ReconnectStop::ConnectionRefused]);
    let req = req.connect(port.endpoint()).await.unwrap();
    let failed = req.request("early").await;
    assert!(matches!(failed, Err(RequestError::NoEndpoint { .. })));
    let rep = Rep::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    req.connect(rep.last_endpoint().unwrap()).await.unwrap();
    let serve = async {
        let (request, mut replier) = rep.recv().await.unwrap();
        replier.reply(request).await.unwrap();
    };
    let (reply, ()) = tokio::join!(req.request("late"), serve);
    assert_eq!(reply.unwrap(), ["late"]);
}

#[tokio::test]
async fn requests_wait_after_the_application_has_disconnected_an_endpoint() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let req = Req::builder().connect(port.endpoint()).await.unwrap();
    let timeout = Duration::from_secs(60);
    let mut connected = task::spawn(req.remotes().connected_timeout(timeout));
    assert_pending!(connected.poll());
    // An attempt has failed by now, or will.
    req.disconnect(port.endpoint()).await.unwrap();
    let mut request = task::spawn(req.request("request"));
    assert_pending!(request.poll());
    let listener = RemoteListener::bind();
    req.connect(listener.endpoint()).await.unwrap();
    let _remote = listener.accept_as("REP").await;
    connected.await.unwrap();
    assert_pending!(request.poll());
}

#[tokio::test]
async fn waiting_for_a_remote_reports_a_connection_that_is_not_re_established() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let req = Req::builder().reconnect_stop([ReconnectStop::AfterDisconnect]);
    let req = req.connect(listener.endpoint()).await.unwrap();
    drop(listener.accept_as("REP").await);
    // Until the end of the connection is detected, one remote is connected.
    let error = req.remotes().at_least(2).await.unwrap_err();
    let NoRemoteError::Failed(DialFailure::Disconnected(reason)) = error else {
        panic!("{error:?}")
    };
    assert!(matches!(reason, DisconnectReason::ClosedByRemote), "{reason:?}");
}
