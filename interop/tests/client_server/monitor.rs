//! Both ends report the same connections.

use interop::{EventKind as Theirs, Monitor as TheirMonitor, SocketType as TheirType};
use tokio::time;
use tokio_zmtp::SocketType;
use tokio_zmtp::monitor::{DisconnectReason, Event, EventKind, HandshakeFailure, Monitor};

use crate::pairing::{ANY_PORT, DEFAULT_HWM, POLL_INTERVAL, Side, greet, guarded};
use crate::{ours, theirs};

#[tokio::test]
async fn our_server_and_a_client_report_their_connection() {
    guarded(async {
        let server = ours::server(DEFAULT_HWM);
        let mut of_ours = server.0.monitor();
        let client = theirs::client(DEFAULT_HWM);
        let of_theirs = client.0.monitor().unwrap();
        client.connect(&server.bind(ANY_PORT).await).await;
        let id = greet(&client, &server).await;
        server.0.close().await;

        assert!(matches!(next(&mut of_ours).await.kind, EventKind::Listening));
        assert!(matches!(next(&mut of_ours).await.kind, EventKind::Accepted));
        let established = next(&mut of_ours).await;
        assert!(matches!(established.kind, EventKind::HandshakeSucceeded));
        assert_eq!(established.routing_id, Some(id));
        for kind in [Theirs::ConnectDelayed, Theirs::Connected, Theirs::HandshakeSucceeded] {
            assert_eq!(next_of_theirs(&of_theirs).await, kind);
        }
        assert_eq!(next_of_theirs(&of_theirs).await, Theirs::Disconnected);
    })
    .await;
}

#[tokio::test]
async fn our_client_and_a_server_report_their_connection() {
    guarded(async {
        let server = theirs::server(DEFAULT_HWM);
        let of_theirs = server.0.monitor().unwrap();
        let client = ours::client(DEFAULT_HWM);
        let mut of_ours = client.0.monitor();
        client.connect(&server.bind(ANY_PORT).await).await;
        greet(&client, &server).await;
        for kind in [Theirs::Listening, Theirs::Accepted, Theirs::HandshakeSucceeded] {
            assert_eq!(next_of_theirs(&of_theirs).await, kind);
        }
        drop((server, of_theirs));

        assert!(matches!(next(&mut of_ours).await.kind, EventKind::ConnectDelayed));
        let connected = next(&mut of_ours).await;
        assert!(matches!(connected.kind, EventKind::Connected));
        let established = next(&mut of_ours).await;
        assert!(matches!(established.kind, EventKind::HandshakeSucceeded));
        assert_eq!(established.connection_id, connected.connection_id);
        let EventKind::Disconnected { reason, .. } = next(&mut of_ours).await.kind else {
            panic!("the client is still connected");
        };
        assert!(matches!(reason, DisconnectReason::ClosedByRemote), "{reason:?}");
    })
    .await;
}

#[tokio::test]
async fn a_dealer_is_reported_by_its_type() {
    guarded(async {
        let server = ours::server(DEFAULT_HWM);
        let mut of_ours = server.0.monitor();
        let dealer = theirs::socket(TheirType::Dealer, DEFAULT_HWM);
        dealer.connect(&server.bind(ANY_PORT).await).unwrap();
        let reason = loop {
            if let EventKind::HandshakeFailed { reason } = next(&mut of_ours).await.kind {
                break reason;
            }
        };
        let HandshakeFailure::IncompatibleSocketType { local, remote } = reason else {
            panic!("{reason:?}");
        };
        assert_eq!((local, remote), (SocketType::Server, SocketType::Dealer));
    })
    .await;
}

async fn next(monitor: &mut Monitor) -> Event {
    monitor.recv().await.unwrap().unwrap()
}

async fn next_of_theirs(monitor: &TheirMonitor) -> Theirs {
    loop {
        if let Some(event) = monitor.try_next().unwrap() {
            return event.kind;
        }
        time::sleep(POLL_INTERVAL).await;
    }
}
