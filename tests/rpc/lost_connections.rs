//! Calls whose connection is lost.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_zmtp::monitor::{DialFailure, DisconnectReason, EventKind};
use tokio_zmtp::rpc::{CallError, Requester};
use tokio_zmtp::{Client, Dealer, Endpoint, Mechanism, ReconnectStop, Router, Server, Undelivered};
use tower::ServiceExt;

use crate::wire::{Bare, REPLY, REQUEST, body, opened, until, until_connected};

#[tokio::test]
async fn calls_that_were_written_to_a_lost_connection_fail_immediately() {
    for endpoint in ["tcp://127.0.0.1:*", "ipc://*", &crate::wire::unique()] {
        let bare = Bare::bind(endpoint).await;
        let requester =
            Requester::new(Client::builder().connect(bare.endpoint().as_str()).await.unwrap());
        let calls = [(); 3].map(|()| tokio::spawn(requester.call("x")));
        for _ in 0..3 {
            bare.expect(REQUEST).await;
        }
        bare.server.close().await;
        for call in calls {
            let error = call.await.unwrap().unwrap_err();
            assert_eq!(error, CallError::ConnectionLost);
            assert!(!error.is_retryable() && error.is_retryable_if_idempotent());
        }
        let stats = requester.stats();
        assert_eq!((stats.connection_lost, stats.outstanding), (3, 0));
        assert!(stats.is_consistent());
    }
}

#[tokio::test]
async fn calls_wait_for_the_next_connection() {
    let bare = Bare::bind("tcp://127.0.0.1:*").await;
    let endpoint = bare.endpoint();
    let client = Client::builder()
        .reconnect_interval(Some(Duration::from_millis(1)))
        .connect(endpoint.as_str())
        .await
        .unwrap();
    let requester = Requester::new(client);
    let written = tokio::spawn(requester.call("written"));
    bare.expect(REQUEST).await;
    bare.server.close().await;
    assert_eq!(written.await.unwrap(), Err(CallError::ConnectionLost));

    let mut waiting = tokio_test::task::spawn(requester.call("waiting"));
    assert!(waiting.poll().is_pending());
    assert_eq!(requester.stats().sent, 1, "no server is connected to receive the second");
    let bare = Bare { server: Server::builder().bind(endpoint.as_str()).await.unwrap() };
    let (reply, ()) = tokio::join!(waiting, bare.echo());
    assert_eq!(reply.unwrap(), "waiting");
    let stats = requester.stats();
    assert_eq!((stats.sent, stats.answered, stats.connection_lost), (2, 1, 1));
    assert!(stats.is_consistent());
}

#[tokio::test]
async fn a_call_whose_request_is_refused_fails_and_later_calls_succeed() {
    for endpoint in ["tcp://127.0.0.1:*", "ipc://*"] {
        let server = Server::builder().max_message_size(0x1_0000).bind(endpoint).await.unwrap();
        let bare = Bare { server };
        let moment = Duration::from_millis(1);
        let client = Client::builder().reconnect_interval(moment).build();
        client.connect(bare.endpoint().as_str()).await.unwrap();
        let requester = Requester::new(client);
        let refused = tokio::spawn(requester.call(vec![7; LONGER_THAN_BUFFERS]));
        until(&requester, |stats| stats.sent == 1).await;
        let behind = tokio::spawn(requester.call("behind"));
        bare.echo().await;
        assert_eq!(behind.await.unwrap().unwrap(), "behind");
        let error = refused.await.unwrap().unwrap_err();
        assert_eq!(error, CallError::Refused);
        assert!(!error.is_retryable_if_idempotent());
        let stats = requester.stats();
        assert_eq!((stats.refused, stats.answered, stats.outstanding), (1, 1, 0));
        assert!(stats.is_consistent());
    }
}

#[tokio::test]
async fn with_heartbeats_a_call_to_a_hanging_server_fails_with_an_event() {
    let (endpoint_to, endpoint) = oneshot::channel();
    let (end, ended) = mpsc::channel::<()>();
    // The server receives the request, and then its runtime hangs. The operating system keeps the
    // connection open.
    let server = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bare = runtime.block_on(async {
            let bare = Bare::bind("tcp://127.0.0.1:*").await;
            endpoint_to.send(bare.endpoint()).unwrap();
            bare.expect(REQUEST).await;
            bare
        });
        let _ = ended.recv();
        drop((bare, runtime));
    });
    let client = Client::builder().heartbeat_interval(Duration::from_millis(20)).build();
    let mut monitor = client.monitor();
    client.connect(endpoint.await.unwrap().as_str()).await.unwrap();
    let requester = Requester::new(client);

    assert_eq!(requester.call("x").await, Err(CallError::ConnectionLost));

    let reason = loop {
        if let EventKind::Disconnected { reason, .. } = monitor.recv().await.unwrap().unwrap().kind
        {
            break reason;
        }
    };
    assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
    drop(end);
    server.join().unwrap();
}

#[tokio::test]
async fn replies_that_arrived_before_a_connection_was_lost_are_delivered() {
    for endpoint in ["tcp://127.0.0.1:*", &crate::wire::unique()] {
        let bare = Bare::bind(endpoint).await;
        let client = Client::builder().recv_hwm(2).connect(bare.endpoint().as_str()).await.unwrap();
        let requester = Requester::new(client);
        let calls: Vec<_> =
            (0..100).map(|number| tokio::spawn(requester.call(number.to_string()))).collect();
        for number in 0..100 {
            let (from, id, rest) = bare.expect(REQUEST).await;
            if number % 2 == 0 {
                bare.send(from, REPLY, id, body(&rest)).await;
            }
        }
        assert_eq!(bare.server.close().await.undelivered, 0);
        let (mut answered, mut lost) = (0, 0);
        for (number, call) in calls.into_iter().enumerate() {
            match call.await.unwrap() {
                Ok(reply) => {
                    assert_eq!(reply, number.to_string());
                    answered += 1;
                }
                Err(error) => {
                    assert_eq!(error, CallError::ConnectionLost);
                    lost += 1;
                }
            }
        }
        assert_eq!((answered, lost), (50, 50));
    }
}

#[tokio::test]
async fn unwritten_calls_to_a_disconnected_server_are_undelivered() {
    let endpoint: Endpoint = crate::wire::unique().parse().unwrap();
    let _mute = Server::builder().recv_hwm(1).bind(endpoint.clone()).await.unwrap();
    let client =
        Client::builder().linger(Some(Duration::ZERO)).connect(endpoint.clone()).await.unwrap();
    let requester = Requester::new(client);
    let calls = [(); 4].map(|()| tokio::spawn(requester.call("x")));
    until(&requester, |stats| stats.sent == 4).await;
    requester.client().disconnect(endpoint).await.unwrap();
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.push(call.await.unwrap().unwrap_err());
    }
    // The server has received exactly one request.
    assert_eq!(outcomes[0], CallError::ConnectionLost);
    assert_eq!(
        outcomes[1..],
        [CallError::Undelivered, CallError::Undelivered, CallError::Undelivered]
    );
    assert!(outcomes[1].is_retryable());
    let stats = requester.stats();
    assert_eq!((stats.undelivered, stats.connection_lost, stats.outstanding), (3, 1, 0));
    assert!(stats.is_consistent());
}

#[tokio::test]
async fn a_request_whose_call_has_failed_is_not_redirected_to_another_server() {
    for undelivered in [Undelivered::Redirect, Undelivered::Return] {
        let endpoints: [Endpoint; 2] = [(); 2].map(|()| crate::wire::unique().parse().unwrap());
        let _mute = Router::builder().recv_hwm(1).bind(endpoints[0].clone()).await.unwrap();
        let dealer = Dealer::builder().linger(Some(Duration::ZERO)).undelivered(undelivered);
        let requester = Requester::new(dealer.connect(endpoints[0].clone()).await.unwrap());
        let calls = [(); 4].map(|()| tokio::spawn(requester.call("x")));
        until(&requester, |stats| stats.sent == 4).await;
        requester.dealer().disconnect(endpoints[0].clone()).await.unwrap();
        let [_, failed @ ..] = calls;
        for call in failed {
            assert_eq!(call.await.unwrap(), Err(CallError::Undelivered));
        }

        let router = Router::builder().bind(endpoints[1].clone()).await.unwrap();
        requester.dealer().connect(endpoints[1].clone()).await.unwrap();
        let _call = tokio::spawn(requester.call("next"));
        let received = router.recv().await.unwrap();
        assert_eq!(body(opened(&received[1]).2), b"next");
        assert!(requester.dealer().try_recv_returned().is_err());
        assert_eq!(requester.dealer().stats().dropped.undelivered, 3);
    }
}

#[tokio::test]
async fn calls_without_any_server_left_are_undelivered() {
    for reconnects in [false, true] {
        let endpoint: Endpoint = crate::wire::unique().parse().unwrap();
        let mute = Server::builder().recv_hwm(1).bind(endpoint.clone()).await.unwrap();
        let client =
            if reconnects { Client::builder() } else { Client::builder().reconnect_interval(None) };
        let requester = Requester::new(client.connect(endpoint.clone()).await.unwrap());
        let calls = [(); 4].map(|()| tokio::spawn(requester.call("x")));
        until(&requester, |stats| stats.sent == 4).await;
        mute.close().await;
        let [first, rest @ ..] = calls;
        assert_eq!(first.await.unwrap(), Err(CallError::ConnectionLost));
        if reconnects {
            // The calls wait for the server to reconnect, but it does not.
            assert_eq!(requester.stats().outstanding, 3);
            requester.client().disconnect(endpoint).await.unwrap();
        }
        for call in rest {
            let error = call.await.unwrap().unwrap_err();
            let is_abandoned = !reconnects && matches!(error, CallError::NoEndpoint(_));
            assert!(is_abandoned || error == CallError::Undelivered, "{error:?}");
        }
        let stats = requester.stats();
        assert_eq!((stats.undelivered, stats.connection_lost, stats.outstanding), (3, 1, 0));
        assert!(stats.is_consistent());
    }
}

#[tokio::test]
async fn calls_to_a_server_that_refuses_the_client_fail_with_the_reason() {
    let server = Server::builder().mechanism(Mechanism::PlainServer);
    let server = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Client::builder().reconnect_stop([ReconnectStop::HandshakeFailed]).build();
    let requester = Requester::new(client);
    let mut calls = [(); 3].map(|()| tokio_test::task::spawn(requester.call("x")));
    for call in &mut calls {
        assert!(call.poll().is_pending(), "there is no endpoint yet");
    }
    let mut idle = requester.clone();
    let mut waiting = tokio_test::task::spawn(idle.ready());
    assert!(waiting.poll().is_pending());
    requester.client().connect(server.last_endpoint().unwrap()).await.unwrap();
    for call in calls {
        assert_abandoned(call.await.unwrap_err());
    }
    assert_abandoned(requester.call("too late").await.unwrap_err());
    assert_abandoned(waiting.await.unwrap_err());
    assert_abandoned(requester.clone().ready().await.unwrap_err());
    let stats = requester.stats();
    assert_eq!((stats.sent, stats.never_sent), (0, 4));
}

fn assert_abandoned(error: CallError) {
    assert!(!error.is_retryable_if_idempotent());
    let CallError::NoEndpoint(failure) = error else { panic!("{error:?}") };
    assert!(matches!(&*failure, DialFailure::Handshake(_)), "{failure:?}");
}

#[tokio::test]
async fn only_the_calls_of_the_lost_connection_fail() {
    let [one, two] = [Bare::bind("tcp://127.0.0.1:*").await, Bare::bind("tcp://127.0.0.1:*").await];
    let client = Client::new();
    client.connect(one.endpoint().as_str()).await.unwrap();
    client.connect(two.endpoint().as_str()).await.unwrap();
    let requester = Requester::new(client);
    until_connected(&requester, 2).await;
    let calls = [(); 2].map(|()| tokio::spawn(requester.call("x")));
    one.expect(REQUEST).await;
    let (from, id, rest) = two.expect(REQUEST).await;
    one.server.close().await;
    let [first, second] = calls;
    assert_eq!(first.await.unwrap(), Err(CallError::ConnectionLost));
    two.send(from, REPLY, id, body(&rest)).await;
    assert_eq!(second.await.unwrap().unwrap(), "x");
}

/// More bytes than the operating system buffers between two sockets.
const LONGER_THAN_BUFFERS: usize = 0x100_0000;
