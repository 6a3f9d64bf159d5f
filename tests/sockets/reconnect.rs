//! Broken connections, and reconnecting.

use std::time::Duration;

use tokio::task;
use tokio::time::{self, Instant};
use tokio_zmtp::{BindError, Client, Message, Server, TrySendError};

use crate::over_transport::OverTransport;
use crate::remote::{self, LONGER_THAN_BUFFERS, RemoteListener, ReservedPort};
use crate::transports::{Transport, over_every_transport_and_layer};
use crate::watchdog::Watchdog;

over_every_transport_and_layer!(a_returning_server_receives_the_messages_queued_meanwhile);

async fn a_returning_server_receives_the_messages_queued_meanwhile(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::builder().over(transport).build();
    client.connect(endpoint.clone()).await.unwrap();
    client.send("before").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "before");

    // Waits until the client has also closed the connection.
    server.close().await;
    for number in 0..100_u8 {
        client.send([number]).await.unwrap();
    }
    let server = Server::builder().over(transport).build();
    server.bind(endpoint).await.unwrap();

    for number in 0..100_u8 {
        assert_eq!(server.recv().await.unwrap(), [number]);
    }
    client.send("later").await.unwrap();
    let request = server.recv().await.unwrap();
    assert_eq!(request, "later");
    server.reply(&request, "reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "reply");
}

#[tokio::test]
async fn a_remote_that_answers_no_ping_is_dialed_again() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let _client = Client::builder()
        .heartbeat_interval(Duration::from_millis(10))
        .connect(listener.endpoint())
        .await
        .unwrap();
    let mut silent = listener.accept_as("SERVER").await;
    let _next = listener.accept_as("SERVER").await;
    // The server had received the request.
    let (_, ping) = silent.read_frame().await;
    assert_eq!(ping[..5], *b"\x04PING");
}

over_every_transport_and_layer!(a_dropped_server_can_be_bound_again_and_its_clients_reconnect);

async fn a_dropped_server_can_be_bound_again_and_its_clients_reconnect(transport: Transport) {
    let _watchdog = Watchdog::start();
    let mut server = Server::builder().over(transport).bind(transport.any()).await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let client = Client::builder().over(transport).build();
    client.connect(endpoint.clone()).await.unwrap();
    for _ in 0..3 {
        // Messages that the client writes to an ending connection are lost.
        let mut request = tokio_test::task::spawn(server.recv());
        while request.poll().is_pending() {
            let _ = client.try_send("anybody there?");
            task::yield_now().await;
        }
        drop(request);
        drop(server);
        // The address is released in the background.
        server = loop {
            match Server::builder().over(transport).bind(endpoint.clone()).await {
                Ok(server) => break server,
                Err(error) => assert!(matches!(error, BindError::AddrInUse { .. })),
            }
            task::yield_now().await;
        };
    }
}

#[tokio::test]
async fn an_interrupted_message_is_resent_from_its_start() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    let body: Vec<u8> = (0..251).cycle().take(LONGER_THAN_BUFFERS).collect();
    client.send("before").await.unwrap();
    client.send(body.clone()).await.unwrap();
    client.send("after").await.unwrap();

    let mut first = listener.accept_as("SERVER").await;
    assert_eq!(first.read_message().await, b"before");
    assert_eq!(first.read_header().await, (remote::LONG, body.len()));
    first.read(100_000).await;
    drop(first);

    let mut second = listener.accept_as("SERVER").await;
    assert!(second.read_message().await == body);
    assert_eq!(second.read_message().await, b"after");
    drop(listener);
    second.shut_down().await;
    assert_eq!(second.read_to_end().await, b"", "nothing was sent twice");
}

#[tokio::test]
async fn messages_survive_any_number_of_interruptions_in_order() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .reconnect_interval(Duration::from_millis(1))
        .reconnect_interval_max(Duration::from_millis(1))
        .connect(listener.endpoint())
        .await
        .unwrap();
    for number in 0..7 {
        client.send(vec![number; LONGER_THAN_BUFFERS]).await.unwrap();
    }

    // A remote that disconnects immediately.
    let mut remote = listener.accept().await;
    remote.write(&[&remote::GREETING[..], &remote::ready("SERVER")].concat()).await;
    remote.shut_down().await;
    drop(remote);
    // Each message except the first is interrupted once, in its header or in its body.
    for (number, bytes) in (0..).zip([0, 1, 9, 10, 1_000, 100_000, 0]) {
        let mut remote = listener.accept_as("SERVER").await;
        let body = remote.read_message().await;
        assert_eq!(body.len(), LONGER_THAN_BUFFERS);
        assert!(body.iter().all(|byte| *byte == number));
        let read = remote.read(bytes).await;
        assert!(read.iter().skip(9).all(|byte| *byte == number + 1));
    }
    assert_eq!(client.stats().dropped.refused, 0);
}

#[tokio::test]
async fn an_interrupted_message_is_resent_even_after_a_disconnect() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    client.send(vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
    let first = listener.accept_as("SERVER").await;
    first.peek().await;

    client.disconnect(listener.endpoint()).await.unwrap();
    drop(first);

    let mut second = listener.accept_as("SERVER").await;
    assert!(second.read_message().await == vec![7; LONGER_THAN_BUFFERS]);
    assert_eq!(second.read_to_end().await, b"");
}

over_every_transport_and_layer!(
    across_restarts_no_message_is_duplicated_or_reordered,
    flavor = "multi_thread",
    worker_threads = 2
);

async fn across_restarts_no_message_is_duplicated_or_reordered(transport: Transport) {
    let _watchdog = Watchdog::start();
    let mut server = Server::builder().over(transport).bind(transport.any()).await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let client = Client::builder()
        .over(transport)
        .reconnect_interval(Duration::from_millis(1))
        .connect(endpoint.clone())
        .await
        .unwrap();
    let sending = task::spawn(async move {
        for number in 0_u32.. {
            if client.send(number.to_be_bytes()).await.is_err() {
                return;
            }
        }
    });

    // Messages that the kernel had accepted are lost with a connection. All others arrive once and
    // in order.
    let mut next = 0;
    for _ in 0..20 {
        for _ in 0..500 {
            next = assert_not_before(next, &server.recv().await.unwrap());
        }
        server.close().await;
        while let Ok(message) = server.recv().await {
            next = assert_not_before(next, &message);
        }
        server = Server::builder().over(transport).bind(endpoint.clone()).await.unwrap();
    }
    sending.abort();
}

#[tokio::test]
async fn a_partially_received_message_is_dropped_with_its_connection() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::new();
    client.connect(listener.endpoint()).await.unwrap();
    let mut first = listener.accept_as("SERVER").await;
    first.write(&[remote::message(b"whole"), b"\0\x05hal".to_vec()].concat()).await;
    first.shut_down().await;
    drop(first);

    let mut second = listener.accept_as("SERVER").await;
    second.write(&remote::message(b"next")).await;

    assert_eq!(client.recv().await.unwrap(), "whole");
    assert_eq!(client.recv().await.unwrap(), "next");
}

#[tokio::test]
async fn a_server_that_connects_keeps_the_routing_id_of_its_client() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let server = Server::new();
    server.connect(listener.endpoint()).await.unwrap();
    let mut first = listener.accept_as("CLIENT").await;
    first.write(&remote::message(b"hello")).await;
    let id = server.recv().await.unwrap().routing_id().unwrap();
    first.shut_down().await;
    first.read_to_end().await;
    drop(first);

    // The queue of the client is kept while it is disconnected.
    server.route(id, "welcome back").await.unwrap();
    let mut second = listener.accept_as("CLIENT").await;
    assert_eq!(second.read_message().await, b"welcome back");
    second.write(&remote::message(b"hello")).await;
    assert_eq!(server.recv().await.unwrap().routing_id(), Some(id));
}

// Time is paused from here on: it advances only while all tasks wait for timers. No other timer,
// such as a deadline, may therefore exist while bytes are in flight.

#[tokio::test(start_paused = true)]
async fn attempts_become_rarer_until_a_message_was_written() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let interval = Duration::from_millis(100);
    let client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .reconnect_interval(interval)
        .reconnect_interval_max(interval * 10)
        .connect(listener.endpoint())
        .await
        .unwrap();

    for _ in 0..3 {
        // Only a handshake is a success, which resets the interval.
        client.send("x").await.unwrap();
        let mut remote = listener.accept_as("SERVER").await;
        assert_eq!(remote.read_message().await, b"x");
        drop(remote);
        let mut before = Instant::now();
        for factor in [1, 2, 4, 8, 10, 10] {
            // An established stream is not a success.
            drop(listener.accept().await);
            let (waited, longest) = (before.elapsed(), interval * factor);
            before = Instant::now();
            assert!(longest / 2 <= waited, "{waited:?} of {longest:?}");
            assert!(waited <= longest + TIMER_GRANULARITY, "{waited:?} of {longest:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_violates_the_protocol_is_dialed_again_after_the_longest_interval() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let _client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .reconnect_interval_max(Duration::from_secs(60))
        .connect(listener.endpoint())
        .await
        .unwrap();

    let mut remote = listener.accept().await;
    remote.write(b"HTTP/1.1 400 Bad Request\r\n").await;
    remote.read_to_end().await;
    drop(remote);
    let before = Instant::now();
    listener.accept_as("SERVER").await;

    assert!(Duration::from_secs(30) <= before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_error_command_during_the_handshake_ends_all_attempts() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .connect(listener.endpoint())
        .await
        .unwrap();
    client.try_send("queued").unwrap();

    let mut remote = listener.accept().await;
    remote.write(&remote::GREETING).await;
    remote.write(&remote::command("ERROR", b"\x03400")).await;
    remote.read_to_end().await;
    drop(remote);

    time::sleep(A_DAY).await;
    assert_eq!(listener.backlog(), 0);
    // No remote can become available, and the queued message is reported.
    let full = client.try_send("x");
    assert_eq!(full, Err(TrySendError::Full(Message::from("x"))));
    assert_eq!(client.close().await.undelivered, 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_command_in_traffic_ends_all_attempts() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let _client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .connect(listener.endpoint())
        .await
        .unwrap();

    let mut remote = listener.accept_as("SERVER").await;
    remote.write(&remote::command("ERROR", b"\x03500")).await;
    remote.read_to_end().await;
    drop(remote);

    time::sleep(A_DAY).await;
    assert_eq!(listener.backlog(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_endpoint_can_still_be_disconnected_and_connected_again() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .connect(listener.endpoint())
        .await
        .unwrap();
    let mut remote = listener.accept().await;
    remote.write(&remote::GREETING).await;
    remote.write(&remote::command("ERROR", b"\x03400")).await;
    remote.read_to_end().await;

    client.disconnect(listener.endpoint()).await.unwrap();
    client.connect(listener.endpoint()).await.unwrap();

    client.send("x").await.unwrap();
    let mut remote = listener.accept_as("SERVER").await;
    assert_eq!(remote.read_message().await, b"x");
}

#[tokio::test(start_paused = true)]
async fn a_silent_remote_is_disconnected_and_dialed_again() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let _client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(Duration::from_secs(7))
        .connect(listener.endpoint())
        .await
        .unwrap();

    let mut silent = listener.accept().await;
    assert_eq!(silent.read_to_end().await, remote::GREETING);

    listener.accept().await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_without_a_listener_is_dialed_until_there_is_one() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .connect(port.endpoint())
        .await
        .unwrap();
    client.send("x").await.unwrap();

    time::sleep(A_DAY).await;

    let mut remote = port.listen().accept_as("SERVER").await;
    assert_eq!(remote.read_message().await, b"x");
}

/// Checks that the number of a message is at least `next`. Returns the number that follows it.
fn assert_not_before(next: u32, message: &[u8]) -> u32 {
    let number = u32::from_be_bytes(message.try_into().unwrap());
    assert!(next <= number, "{number} after {}", next - 1);
    number + 1
}

/// The resolution of Tokio's timers.
const TIMER_GRANULARITY: Duration = Duration::from_millis(1);

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);
