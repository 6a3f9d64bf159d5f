//! The mute state: sockets with full queues, or without queues (RFC 41).

use std::pin::Pin;

use futures::{Sink, SinkExt, future};
use tokio_test::{assert_pending, task};
use tokio_zmtp::{Client, Message, RoutingId, Server, TryRecvError, TryRouteError, TrySendError};

use crate::over_transport::OverTransport;
use crate::remote::{self, LONGER_THAN_BUFFERS, Remote, RemoteListener, ReservedPort};
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_client_without_remotes_is_mute() {
    let _watchdog = Watchdog::start();
    let client = Client::builder().build();
    assert_full(&client);
    assert_pending!(task::spawn(client.send("x")).poll());
}

over_every_transport_and_streams!(a_bound_client_without_remotes_is_mute);

async fn a_bound_client_without_remotes_is_mute(transport: Transport) {
    let _watchdog = Watchdog::start();
    let client = Client::builder().over(transport).build();
    client.bind(transport.any()).await.unwrap();
    assert_full(&client);
    assert_pending!(task::spawn(client.send("x")).poll());
}

over_every_transport_and_streams!(a_bound_client_is_mute_again_when_its_only_remote_has_left);

async fn a_bound_client_is_mute_again_when_its_only_remote_has_left(transport: Transport) {
    let _watchdog = Watchdog::start();
    let client = Client::builder().over(transport).build();
    let endpoint = client.bind(transport.any()).await.unwrap();
    let server = Server::builder().over(transport).build();
    transport.connect(&server, &client, endpoint).await;
    client.send("hello").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "hello");

    // Waits until the client has also closed the connection.
    server.close().await;

    assert_full(&client);
}

#[tokio::test]
async fn an_endpoint_without_a_connection_queues_exactly_send_hwm_messages() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::builder().send_hwm(100).connect(port.endpoint()).await.unwrap();

    assert_eq!(fill(&client), 100);
    assert_pending!(task::spawn(client.send("x")).poll());

    let server = Server::new();
    server.bind(port.release()).await.unwrap();
    for number in 0..100_u32 {
        assert_eq!(server.recv().await.unwrap(), number.to_be_bytes());
    }
}

#[tokio::test]
async fn the_high_water_marks_are_a_thousand_by_default() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::new();
    client.connect(port.endpoint()).await.unwrap();
    assert_eq!(fill(&client), 1_000);

    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&endpoint).await;
    remote.write(&[remote::ping(b""), numbered(0..3_000)].concat()).await;
    assert_eq!(remote.read_frame().await.1, b"\x04PONG");
    assert_eq!(drain(&server).len(), 1_000);
}

#[tokio::test]
async fn a_high_water_mark_of_zero_means_no_limit() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::builder().send_hwm(0).connect(port.endpoint()).await.unwrap();
    for number in 0..20_000_u32 {
        client.try_send(number.to_be_bytes()).unwrap();
    }

    let listener = port.listen();
    let mut remote = listener.accept_as("SERVER").await;
    for number in 0..20_000_u32 {
        assert_eq!(remote.read_message().await, number.to_be_bytes());
    }

    let server = Server::builder().recv_hwm(0).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
    remote.write(&numbered(0..20_000)).await;
    remote.sync().await;
    assert_eq!(drain(&server).len(), 20_000);
}

over_every_transport_and_streams!(a_new_remote_wakes_a_waiting_sender);

async fn a_new_remote_wakes_a_waiting_sender(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::builder().over(transport).build();
    let mut send = task::spawn(client.send("x"));
    assert_pending!(send.poll());

    transport.connect(&client, &server, endpoint).await;

    assert!(send.is_woken());
    send.await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
}

over_every_transport_and_streams!(an_accepted_remote_wakes_a_waiting_sender);

async fn an_accepted_remote_wakes_a_waiting_sender(transport: Transport) {
    let _watchdog = Watchdog::start();
    let client = Client::builder().over(transport).build();
    let endpoint = client.bind(transport.any()).await.unwrap();
    let mut send = task::spawn(client.send("x"));
    assert_pending!(send.poll());

    let server = Server::builder().over(transport).build();
    transport.connect(&server, &client, endpoint).await;

    send.await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
}

over_every_transport_and_streams!(waiting_senders_are_served_in_order_of_arrival);

async fn waiting_senders_are_served_in_order_of_arrival(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let client = Client::builder().over(transport).send_hwm(1).build();
    let mut sends = Vec::new();
    for number in 0..20_u8 {
        let mut send = task::spawn(client.send([number]));
        assert_pending!(send.poll());
        sends.push(send);
    }

    transport.connect(&client, &server, endpoint).await;
    // From here on, the two futures are polled in reverse order.
    sends.reverse();
    let sent = future::join_all(sends);
    let receive = async {
        for number in 0..20_u8 {
            assert_eq!(server.recv().await.unwrap(), [number]);
        }
    };

    let (sent, ()) = tokio::join!(sent, receive);
    assert!(sent.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_waiting_sender_is_not_overtaken() {
    let _watchdog = Watchdog::start();
    let client = Client::builder().send_hwm(1).build();
    let mut first = task::spawn(client.send("first"));
    assert_pending!(first.poll());

    let listener = RemoteListener::bind();
    client.connect(listener.endpoint()).await.unwrap();
    // The free slot is reserved for the waiting sender.
    assert_full(&client);
    first.await.unwrap();

    let mut remote = listener.accept_as("SERVER").await;
    assert_eq!(remote.read_message().await, b"first");
}

#[tokio::test]
async fn a_sink_that_is_dropped_releases_its_reserved_slot() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::builder().send_hwm(1).connect(port.endpoint()).await.unwrap();
    let mut sink = client.clone();
    future::poll_fn(|cx| Sink::<&str>::poll_ready(Pin::new(&mut sink), cx)).await.unwrap();
    assert_full(&client);
    let mut send = task::spawn(client.send("x"));
    assert_pending!(send.poll());

    drop(sink);

    assert!(send.is_woken());
    send.await.unwrap();
}

#[tokio::test]
async fn a_fed_sink_reserves_no_slot_while_there_is_room() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::builder().send_hwm(3).connect(port.endpoint()).await.unwrap();
    let mut sink = client.clone();
    sink.feed("first").await.unwrap();
    client.try_send("second").unwrap();
    client.try_send("third").unwrap();
    assert_full(&client);

    // The room that the first message left is used: the sink keeps its message.
    sink.feed("fourth").await.unwrap();
    assert_pending!(task::spawn(sink.feed("fifth")).poll());
    assert_pending!(task::spawn(SinkExt::<&str>::flush(&mut sink)).poll());
    drop(sink);

    // After a flush, the sink waits before it accepts a message.
    let mut sink = client.clone();
    assert_pending!(task::spawn(SinkExt::send(&mut sink, "not sent")).poll());
    drop(sink);
    assert_eq!(client.stats().dropped.undelivered, 1);
    let mut remote = port.listen().accept_as("SERVER").await;
    for expected in ["first", "second", "third"] {
        assert_eq!(remote.read_message().await, expected.as_bytes());
    }
    assert_eq!(client.close().await.undelivered, 1);
}

#[tokio::test]
async fn a_sink_keeps_an_accepted_message_for_an_ended_remote() {
    let _watchdog = Watchdog::start();
    let port = ReservedPort::reserve();
    let client = Client::new();
    client.connect(port.endpoint()).await.unwrap();
    let mut sink = client.clone();
    future::poll_fn(|cx| Sink::<&str>::poll_ready(Pin::new(&mut sink), cx)).await.unwrap();

    client.disconnect(port.endpoint()).await.unwrap();
    sink.start_send_unpin("x").unwrap();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    client.connect(endpoint).await.unwrap();
    SinkExt::<&str>::flush(&mut sink).await.unwrap();

    assert_eq!(server.recv().await.unwrap(), "x");
}

#[tokio::test]
async fn exactly_send_hwm_messages_are_queued_for_a_remote_that_does_not_read() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder().send_hwm(7).connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept_as("SERVER").await;

    // A message that the connection has started to write no longer counts.
    client.send(vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    let (_, size) = remote.read_header().await;
    assert_eq!(fill(&client), 7);
    let mut eighth = task::spawn(client.send(7_u32.to_be_bytes()));
    assert_pending!(eighth.poll());

    remote.read(size).await;
    for number in 0..7_u32 {
        assert_eq!(remote.read_message().await, number.to_be_bytes());
    }
    eighth.await.unwrap();
    assert_eq!(remote.read_message().await, 7_u32.to_be_bytes());
}

#[tokio::test]
async fn exactly_recv_hwm_messages_of_a_flood_are_queued() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().recv_hwm(10).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;

    // The reply is written after all bytes that arrived with the request have been read.
    remote.write(&[remote::ping(b""), numbered(0..100)].concat()).await;
    assert_eq!(remote.read_frame().await.1, b"\x04PONG");

    let mut received = drain(&server);
    assert_eq!(received.len(), 10);
    // From here on, free capacity is used immediately.
    while received.len() < 100 {
        received.push(number(&server.recv().await.unwrap()));
        let more = drain(&server);
        assert!(more.len() <= 10);
        received.extend(more);
    }
    assert!(received.into_iter().eq(0..100));
}

#[tokio::test]
async fn the_incoming_high_water_mark_applies_to_each_remote() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().recv_hwm(3).bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let mut remotes = Vec::new();
    for _ in 0..4 {
        let mut remote = Remote::client(&endpoint).await;
        remote.write(&[remote::ping(b""), numbered(0..10)].concat()).await;
        assert_eq!(remote.read_frame().await.1, b"\x04PONG");
        remotes.push(remote);
    }
    assert_eq!(drain(&server).len(), 4 * 3);
}

#[tokio::test]
async fn a_full_incoming_queue_does_not_stop_sending() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().recv_hwm(1).bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
    remote.write(&numbered(0..100)).await;
    let id = server.recv().await.unwrap().routing_id().unwrap();

    for number in 0..1_000_u32 {
        server.route(id, number.to_be_bytes()).await.unwrap();
        assert_eq!(remote.read_message().await, number.to_be_bytes());
    }

    for number in 1..100_u32 {
        assert_eq!(server.recv().await.unwrap(), number.to_be_bytes());
    }
}

#[tokio::test]
async fn one_full_remote_of_a_server_does_not_delay_another() {
    let _watchdog = Watchdog::start();
    let server = Server::builder().send_hwm(2).bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let (mut full, id) = full_remote(&server).await;
    let mut waiting = task::spawn(server.route(id, "c"));
    assert_pending!(waiting.poll());

    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    for number in 0..100_u32 {
        client.send(number.to_be_bytes()).await.unwrap();
        let request = server.recv().await.unwrap();
        server.reply(&request, &request).await.unwrap();
        assert_eq!(client.recv().await.unwrap(), number.to_be_bytes());
    }

    // The other remote is not affected until it reads.
    assert_pending!(waiting.poll());
    assert_eq!(full.read_message().await.len(), LONGER_THAN_BUFFERS);
    assert_eq!(full.read_message().await, b"a");
    assert_eq!(full.read_message().await, b"b");
    waiting.await.unwrap();
    assert_eq!(full.read_message().await, b"c");
}

/// Returns a remote for which a server with a `send_hwm` of two is full: `a` and `b` are queued
/// after a long message that the remote does not read.
async fn full_remote(server: &Server) -> (Remote, RoutingId) {
    let (remote, id) = Remote::known_to(server).await;
    server.route(id, vec![0; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    server.try_route(id, "a").unwrap();
    server.try_route(id, "b").unwrap();
    let full = server.try_route(id, "c");
    assert_eq!(full, Err(TryRouteError::Full(Message::from("c"))));
    (remote, id)
}

fn assert_full(client: &Client) {
    let full = client.try_send("x");
    assert_eq!(full, Err(TrySendError::Full(Message::from("x"))));
}

/// Sends 0, 1, 2… until the client is full. Returns the number of messages.
fn fill(client: &Client) -> u32 {
    let mut taken = 0_u32;
    loop {
        match client.try_send(taken.to_be_bytes()) {
            Ok(()) => taken += 1,
            Err(full) => {
                assert_eq!(full, TrySendError::Full(Message::from(taken.to_be_bytes())));
                return taken;
            }
        }
    }
}

/// Receives all queued messages. On a single-threaded runtime, none are added meanwhile.
fn drain(server: &Server) -> Vec<u32> {
    let mut drained = Vec::new();
    loop {
        match server.try_recv() {
            Ok(message) => drained.push(number(&message)),
            Err(error) => {
                assert_eq!(error, TryRecvError::Empty);
                return drained;
            }
        }
    }
}

fn numbered(numbers: std::ops::Range<u32>) -> Vec<u8> {
    numbers.flat_map(|number| remote::message(&number.to_be_bytes())).collect()
}

fn number(body: &[u8]) -> u32 {
    u32::from_be_bytes(body.try_into().unwrap())
}
