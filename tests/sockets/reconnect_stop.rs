//! Endpoints that stop reconnecting.

use std::time::Duration;

use tokio_zmtp::monitor::{DropCause, EventKind, Monitor};
use tokio_zmtp::{Builder, Client, Endpoint, Message, ReconnectStop, TrySendError};

use crate::events;
use crate::remote::{self, RemoteListener, ReservedPort};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_refused_connection_ends_an_endpoint_if_the_options_require_it() {
    let _watchdog = Watchdog::start();
    for builder in [stopping([ReconnectStop::ConnectionRefused]), once()] {
        let port = ReservedPort::reserve();
        let (client, mut monitor) = connected_to(builder, &port.endpoint()).await;
        client.try_send("queued").unwrap();

        assert_ended(&client, &mut monitor).await;
        let subject = events::until_dropped(&mut monitor, 1, DropCause::Undelivered).await;
        assert_eq!(subject, events::NO_CONNECTION);
        assert_eq!(port.listen().backlog(), 0);
    }
}

#[tokio::test]
async fn a_failed_handshake_ends_an_endpoint_if_the_options_require_it() {
    let _watchdog = Watchdog::start();
    for builder in [stopping([ReconnectStop::HandshakeFailed]), once()] {
        for bytes in
            [&b""[..], b"SSH-2.0-", &[&remote::GREETING[..], &remote::ready("SUB")].concat()]
        {
            let listener = RemoteListener::bind();
            let (client, mut monitor) = connected_to(builder.clone(), &listener.endpoint()).await;
            let mut remote = listener.accept().await;
            remote.write(bytes).await;
            remote.shut_down().await;
            remote.read_to_end().await;

            assert_ended(&client, &mut monitor).await;
            assert_eq!(listener.backlog(), 0);
        }
    }
}

#[tokio::test]
async fn a_disconnect_ends_an_endpoint_if_the_options_require_it() {
    let _watchdog = Watchdog::start();
    for builder in [stopping([ReconnectStop::AfterDisconnect]), once()] {
        let listener = RemoteListener::bind();
        let (client, mut monitor) = connected_to(builder, &listener.endpoint()).await;
        drop(listener.accept_as("SERVER").await);

        assert_ended(&client, &mut monitor).await;
        assert_eq!(listener.backlog(), 0);
    }
}

#[tokio::test]
async fn an_endpoint_reconnects_after_failures_that_the_options_do_not_name() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let builder = stopping([ReconnectStop::HandshakeFailed]);
    let (_client, mut monitor) = connected_to(builder, &port.endpoint()).await;
    assert_retried(&mut monitor).await;
    let listener = port.listen();
    drop(listener.accept_as("SERVER").await);
    events::until_disconnected(&mut monitor).await;
    assert_retried(&mut monitor).await;

    let listener = RemoteListener::bind();
    let builder = stopping([ReconnectStop::ConnectionRefused, ReconnectStop::AfterDisconnect]);
    let (_client, mut monitor) = connected_to(builder, &listener.endpoint()).await;
    drop(listener.accept().await);
    assert_retried(&mut monitor).await;
    listener.accept_as("SERVER").await;
}

#[tokio::test]
async fn an_endpoint_that_has_ended_can_be_connected_again() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let (client, mut monitor) = connected_to(once(), &listener.endpoint()).await;
    drop(listener.accept().await);
    assert_ended(&client, &mut monitor).await;

    client.connect(listener.endpoint()).await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(listener.accept_as("SERVER").await.read_message().await, b"x");
}

fn stopping<const N: usize>(after: [ReconnectStop; N]) -> Builder<Client> {
    Client::builder().reconnect_stop(after).reconnect_interval(Duration::from_millis(1))
}

/// Attempts to connect once to each endpoint.
fn once() -> Builder<Client> {
    Client::builder().reconnect_interval(None)
}

async fn connected_to(builder: Builder<Client>, endpoint: &Endpoint) -> (Client, Monitor) {
    let client = builder.build();
    let monitor = client.monitor();
    client.connect(endpoint.clone()).await.unwrap();
    (client, monitor)
}

/// Waits for the end of the endpoint, and checks that there was no further attempt.
async fn assert_ended(client: &Client, monitor: &mut Monitor) {
    loop {
        match events::next(monitor).await.kind {
            EventKind::Closed => break,
            EventKind::ConnectRetried { .. } => panic!("reconnecting has not stopped"),
            _ => {}
        }
    }
    let full = client.try_send("x");
    assert_eq!(full, Err(TrySendError::Full(Message::from("x"))));
}

async fn assert_retried(monitor: &mut Monitor) {
    loop {
        match events::next(monitor).await.kind {
            EventKind::ConnectRetried { .. } => return,
            EventKind::Closed => panic!("reconnecting has stopped"),
            _ => {}
        }
    }
}
