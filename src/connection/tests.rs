//! Connections over an in-memory stream, whose other end is scripted byte by byte.

mod heartbeat;

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use zmtp_proto::handshake::HandshakeConfig;
use zmtp_proto::mechanism::HandshakeMechanism;
use zmtp_proto::metadata::Metadata;
use zmtp_proto::socket_type::SocketType;

mod floods;

use super::*;
use crate::message::Message;
use crate::monitor::{EventSource, HandshakeFailure};
use crate::pipe::HighWaterMark;
use crate::remote::tests::any_remote;
use crate::routing::{EndpointId, FairQueue, Losses, OutgoingPipes, RoundRobin, Routing};
use crate::sync::Lock;

#[tokio::test]
async fn messages_go_both_ways() {
    let mut socket = TestSocket::new(10);
    let (connection, mut remote) = socket.connect(1_000).await;
    socket.send("ping").unwrap();
    assert_eq!(read(&mut remote, 6).await, b"\x00\x04ping"[..]);
    remote.write_all(b"\x00\x04pong").await.unwrap();
    assert_eq!(socket.recv().await, "pong");
    drop(remote);
    assert!(matches!(connection.await.unwrap().0, DisconnectReason::ClosedByRemote));
}

#[tokio::test]
async fn a_flood_of_pings_is_answered_as_fast_as_the_remote_reads() {
    const PINGS: usize = 20_000;
    let mut socket = TestSocket::new(10);
    let (_connection, remote) = socket.connect(1_000).await;
    let (mut answers, mut questions) = tokio::io::split(remote);
    let flood = tokio::spawn(async move {
        for number in 0..u32::try_from(PINGS).unwrap() {
            let mut ping = *b"\x04\x0b\x04PING\x00\x00____";
            ping[9..].copy_from_slice(&number.to_be_bytes());
            questions.write_all(&ping).await.unwrap();
        }
        questions
    });
    for number in 0..u32::try_from(PINGS).unwrap() {
        let mut pong = [0; 11];
        answers.read_exact(&mut pong).await.unwrap();
        assert_eq!(pong[..7], b"\x04\x09\x04PONG"[..]);
        assert_eq!(pong[7..], number.to_be_bytes());
    }
    flood.await.unwrap();
}

#[tokio::test]
async fn a_full_incoming_queue_stops_reading_but_not_writing() {
    let mut socket = TestSocket::new(3);
    let (_connection, mut remote) = socket.connect(0x10_0000).await;
    remote.write_all(&b"\x00\x01x".repeat(1_000)).await.unwrap();
    assert_eq!(socket.recv().await, "x");
    // The queue has reached the mark; the PONG is sent anyway.
    socket.send("still there").unwrap();
    assert_eq!(read(&mut remote, 13).await, b"\x00\x0bstill there"[..]);
    for _ in 1..1_000 {
        assert!(socket.queued() <= 3);
        assert_eq!(socket.recv().await, "x");
    }
}

#[tokio::test]
async fn requests_that_arrive_together_are_delivered_in_two_parts_while_reading_continues() {
    let mut socket = TestSocket::new(100);
    let (_connection, mut remote) = socket.connect(1_000).await;
    ask_together(&socket, &mut remote).await;
    assert_eq!(socket.queued(), 10);
    for _ in 0..20 {
        assert_eq!(socket.recv().await, "?");
    }
}

#[tokio::test]
async fn a_later_read_does_not_wait_for_the_second_part() {
    let mut socket = TestSocket::new(100);
    let (_connection, mut remote) = socket.connect(1_000).await;
    ask_together(&socket, &mut remote).await;
    remote.write_all(b"\x00\x01x").await.unwrap();
    ping(&mut remote).await;
    assert_eq!(socket.queued(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_is_silent_while_the_second_part_waits_is_disconnected() {
    let mut socket = TestSocket::new(100);
    socket.options.heartbeat.interval = Some(Duration::from_secs(10));
    let (connection, mut remote) = socket.connect(1_000).await;
    ask_together(&socket, &mut remote).await;
    assert!(matches!(connection.await.unwrap().0, DisconnectReason::HeartbeatTimedOut));
    assert_eq!(socket.queued(), 20);
}

#[tokio::test]
async fn messages_that_were_not_written_wait_for_the_next_connection() {
    let mut socket = TestSocket::new(100);
    let (connection, mut remote) = socket.connect(20).await;
    for number in 0..10_u8 {
        socket.send([number; 8]).unwrap();
    }
    // Two frames of ten bytes fit into the stream. The remote does not read, so a third is not
    // written completely.
    let first = read(&mut remote, 15).await;
    drop(remote);
    let (reason, attachment) = connection.await.unwrap();
    assert!(matches!(reason, DisconnectReason::Io(_) | DisconnectReason::ClosedByRemote));
    socket.attachment = Some(attachment);

    let (_connection, mut remote) = socket.connect(1_000).await;
    let mut again = [0; 10];
    remote.read_exact(&mut again).await.unwrap();
    let resumed_at = again[2];
    assert_eq!(first[2], 0);
    // Only the bytes in the stream are lost, and no message arrives twice.
    assert!((2..=4).contains(&resumed_at), "resumed at {resumed_at}");
    for number in resumed_at + 1..10 {
        assert_eq!(read(&mut remote, 10).await[2..], [number; 8]);
    }
}

#[tokio::test]
async fn messages_that_found_no_room_are_received_after_the_connection() {
    let mut socket = TestSocket::new(3);
    let (connection, mut remote) = socket.connect(0x10_0000).await;
    let mut sent = b"\x00\x01x".repeat(10);
    sent.extend(b"\x04\x07\x04PING\x00\x00".repeat(2));
    sent.extend(b"\x00\x01y".repeat(10));
    remote.write_all(&sent).await.unwrap();
    assert_eq!(socket.recv().await, "x");
    // The connection is full and does not see the end of the stream. Writing to it fails.
    drop(remote);
    socket.send("anybody there?").unwrap();
    let (reason, attachment) = connection.await.unwrap();
    assert!(matches!(reason, DisconnectReason::Io(_)), "{reason:?}");
    drop(attachment);
    for _ in 1..10 {
        assert_eq!(socket.recv().await, "x");
    }
    for _ in 0..10 {
        assert_eq!(socket.recv().await, "y");
    }
}

#[tokio::test]
async fn many_messages_that_found_no_room_are_all_received() {
    let mut socket = TestSocket::new(1);
    let (connection, mut remote) = socket.connect(0x10_0000).await;
    // From then on, the read buffer is large.
    remote.write_all(&[&b"\x02\0\0\0\0\0\0\x80\0"[..], &[0; 0x8000]].concat()).await.unwrap();
    assert_eq!(socket.recv().await.len(), 0x8000);
    remote.write_all(&b"\x00\x01x\x04\x04\x03FOO".repeat(200)).await.unwrap();
    assert_eq!(socket.recv().await, "x");
    drop(remote);
    socket.send("anybody there?").unwrap();
    let (_, mut attachment) = connection.await.unwrap();
    assert!(attachment.has_left_much());
    for _ in 1..200 {
        let _ = future::poll_fn(|cx| Poll::Ready(attachment.poll_deliver_rest(cx.waker()))).await;
        assert_eq!(socket.recv().await, "x");
    }
    assert!(!attachment.has_left_much());
    assert_eq!(socket.routing.losses.read().unread, 0);
}

#[tokio::test(start_paused = true)]
async fn a_retired_queue_ends_the_connection_when_all_is_written() {
    let mut socket = TestSocket::new(10);
    let (connection, mut remote) = socket.connect(1_000).await;
    socket.send("last words").unwrap();
    socket.routing.close();
    assert_eq!(read(&mut remote, 12).await, b"\x00\x0alast words"[..]);
    assert_eq!(remote.read(&mut [0]).await.unwrap(), 0);
    drop(remote);
    assert!(matches!(connection.await.unwrap().0, DisconnectReason::Closed));
    assert_eq!(socket.routing.losses.read().undelivered, 0);
}

#[tokio::test(start_paused = true)]
async fn messages_sent_until_the_remote_sees_the_end_are_received() {
    let mut socket = TestSocket::new(10);
    let (connection, mut remote) = socket.connect(1_000).await;
    socket.routing.retire(EndpointId(0));
    assert_eq!(remote.read(&mut [0]).await.unwrap(), 0);
    remote.write_all(b"\x00\x07goodbye").await.unwrap();
    drop(remote);
    assert!(matches!(connection.await.unwrap().0, DisconnectReason::Closed));
    assert_eq!(socket.recv().await, "goodbye");
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_answers_pings_is_kept() {
    let mut socket = TestSocket::new(10);
    socket.options.heartbeat.interval = Some(Duration::from_secs(10));
    socket.options.heartbeat.ttl = Some(Duration::from_secs(20));
    let (connection, mut remote) = socket.connect(1_000).await;
    let start = Instant::now();
    for round in 1..=20 {
        let ping = read(&mut remote, 13).await;
        assert_eq!(ping[..9], b"\x04\x0b\x04PING\x00\xc8"[..]);
        assert_eq!(start.elapsed().as_secs(), 10 * round);
        remote.write_all(b"\x04\x05\x04PONG").await.unwrap();
    }
    assert!(!connection.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_does_not_answer_a_ping_is_disconnected() {
    let mut socket = TestSocket::new(10);
    socket.options.heartbeat.interval = Some(Duration::from_secs(10));
    socket.options.heartbeat.timeout = Some(Duration::from_secs(3));
    let (connection, _remote) = socket.connect(1_000).await;
    let start = Instant::now();
    assert!(matches!(connection.await.unwrap().0, DisconnectReason::HeartbeatTimedOut));
    assert_eq!(start.elapsed().as_secs(), 13);
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_is_silent_beyond_its_time_to_live_is_disconnected() {
    let mut socket = TestSocket::new(10);
    let (connection, mut remote) = socket.connect(1_000).await;
    let start = Instant::now();
    remote.write_all(b"\x04\x07\x04PING\x00\x0a").await.unwrap();
    assert!(matches!(connection.await.unwrap().0, DisconnectReason::HeartbeatTimedOut));
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_arrives_slowly_is_a_sign_of_life() {
    let mut socket = TestSocket::new(10);
    socket.options.heartbeat.interval = Some(Duration::from_secs(10));
    let (_connection, remote) = socket.connect(10_000).await;
    let (_pings, mut remote) = tokio::io::split(remote);
    remote.write_all(b"\x00\x64").await.unwrap();
    for _ in 0..100 {
        time::sleep(Duration::from_secs(7)).await;
        remote.write_all(b"x").await.unwrap();
    }
    assert_eq!(socket.recv().await.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_remote_stays_connected_while_its_messages_are_not_received() {
    let mut socket = TestSocket::new(1);
    socket.options.heartbeat.interval = Some(Duration::from_secs(10));
    let (connection, mut remote) = socket.connect(10_000).await;
    remote.write_all(b"\x00\x01a\x00\x01b").await.unwrap();
    time::sleep(Duration::from_secs(100)).await;
    assert!(!connection.is_finished());
    assert_eq!(socket.recv().await, "a");
    assert_eq!(socket.recv().await, "b");
    // From here on, its silence counts.
    assert!(matches!(connection.await.unwrap().0, DisconnectReason::HeartbeatTimedOut));
}

#[tokio::test]
async fn an_error_command_ends_the_connection_permanently() {
    let mut socket = TestSocket::new(10);
    let (connection, mut remote) = socket.connect(1_000).await;
    remote.write_all(b"\x04\x0c\x05ERROR\x05go-on").await.unwrap();
    match connection.await.unwrap().0 {
        DisconnectReason::Refused { reason } => assert_eq!(reason, "go-on"),
        other => panic!("refused, not {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_does_not_complete_the_handshake_is_disconnected() {
    let (near, _remote) = duplex(1_000);
    let deadline = Some(Duration::from_secs(30));
    let error = establish(
        near,
        config(),
        HandshakeMechanism::Null,
        Deadline::after(deadline),
        Options::default().message_limits(),
        None,
        |_| Ok(()),
    )
    .await
    .unwrap_err();
    assert!(matches!(error, HandshakeFailure::TimedOut { .. }));
}

#[tokio::test]
async fn a_remote_of_the_wrong_type_gets_an_error() {
    let (near, mut remote) = duplex(1_000);
    let establishing = tokio::spawn(establish(
        near,
        config(),
        HandshakeMechanism::Null,
        Deadline::after(None),
        Options::default().message_limits(),
        None,
        |_| Ok(()),
    ));
    remote.write_all(&GREETING).await.unwrap();
    remote.write_all(b"\x04\x1b\x05READY\x0bSocket-Type\0\0\0\x05PULL_").await.unwrap();
    assert!(matches!(establishing.await.unwrap(), Err(HandshakeFailure::Protocol(_))));
    let mut all = Vec::new();
    remote.read_to_end(&mut all).await.unwrap();
    assert!(all.windows(6).any(|bytes| bytes == b"\x05ERROR"), "{}", all.escape_ascii());
}

/// A CLIENT without handles, a driver or a transport.
struct TestSocket {
    outgoing: Arc<Lock<OutgoingPipes<RoundRobin>>>,
    routing: Routing,
    attachment: Option<Attachment>,
    options: Options,
}

impl TestSocket {
    fn new(hwm: usize) -> Self {
        let hwm = HighWaterMark::new(hwm, 0);
        let outgoing = Arc::new(Lock::new(OutgoingPipes::new(RoundRobin::default(), hwm)));
        let routing = Routing {
            outgoing: Arc::clone(&outgoing) as Arc<Lock<dyn crate::routing::Outgoing>>,
            incoming: Arc::new(Lock::new(FairQueue::new(hwm, 0))),
            losses: Arc::new(Losses::new(Arc::default())),
            ends: Arc::default(),
            takes_replies: false,
            notifies: false,
            subscription_events: None,
            returned: Arc::default(),
        };
        let subject = EventSource::from(&any_remote());
        let attachment = routing.attach(EndpointId(0), subject).ok();
        Self { outgoing, routing, attachment, options: Options::default() }
    }

    /// Starts a connection whose stream holds `capacity` bytes each way; returns it with the
    /// remote's end, after the handshake.
    async fn connect(
        &mut self,
        capacity: usize,
    ) -> (JoinHandle<(DisconnectReason, Attachment)>, DuplexStream) {
        let mut attachment = self.attachment.take().expect("one connection at a time");
        let (near, mut remote) = duplex(capacity);
        let options = self.options.clone();
        let connection = tokio::spawn(async move {
            let ((framed, _), ()) = establish(
                near,
                config(),
                HandshakeMechanism::Null,
                Deadline::after(None),
                Options::default().message_limits(),
                None,
                |_| Ok(()),
            )
            .await
            .unwrap();
            let reason =
                Connection::new(framed, WRITE_SIZE, &mut attachment, any_remote(), &options)
                    .run()
                    .await;
            (reason, attachment)
        });
        let (mut from, mut to) = tokio::io::split(remote);
        let mut handshake = BytesMut::from(&GREETING[..]);
        handshake.put_slice(SERVER_READY);
        let write = to.write_all(&handshake);
        let mut ours = [0; GREETING.len() + CLIENT_READY.len()];
        let read = from.read_exact(&mut ours);
        let (written, read) = tokio::join!(write, read);
        written.unwrap();
        read.unwrap();
        assert_eq!(ours[..GREETING.len()], GREETING);
        assert_eq!(ours[GREETING.len()..], *CLIENT_READY);
        remote = from.unsplit(to);
        (connection, remote)
    }

    fn send(&self, message: impl Into<Message>) -> Result<(), crate::routing::Refusal> {
        let message = &mut Some(message.into());
        self.outgoing.with(|outgoing, wakes| outgoing.try_send(&(), message, wakes))
    }

    /// Returns the number of unread messages.
    fn queued(&self) -> usize {
        self.routing.incoming.lock().queued(None)
    }

    async fn recv(&self) -> Message {
        let mut ticket = None;
        future::poll_fn(|cx| {
            let popped = self
                .routing
                .incoming
                .with(|incoming, wakes| incoming.poll_pop(&mut ticket, cx.waker(), wakes));
            popped.map(|popped| popped.expect("not closed"))
        })
        .await
    }
}

/// Sends twenty requests from a remote that has received everything, and waits until they are read.
async fn ask_together(socket: &TestSocket, remote: &mut DuplexStream) {
    socket.send("x").unwrap();
    assert_eq!(read(remote, 3).await, b"\x00\x01x"[..]);
    remote.write_all(&b"\x00\x01?".repeat(20)).await.unwrap();
    ping(remote).await;
}

/// Waits until everything that was written before is read.
async fn ping(remote: &mut DuplexStream) {
    remote.write_all(b"\x04\x07\x04PING\x00\x00").await.unwrap();
    assert_eq!(read(remote, 7).await, b"\x04\x05\x04PONG"[..]);
}

fn config() -> HandshakeConfig {
    HandshakeConfig { socket_type: SocketType::Client, metadata: Metadata::default() }
}

async fn read(remote: &mut DuplexStream, len: usize) -> Bytes {
    let mut bytes = BytesMut::zeroed(len);
    remote.read_exact(&mut bytes).await.unwrap();
    bytes.freeze()
}

const GREETING: [u8; 64] = {
    let mut greeting = [0; 64];
    greeting[0] = 0xFF;
    greeting[9] = 0x7F;
    greeting[10] = 3;
    greeting[11] = 1;
    greeting[12] = b'N';
    greeting[13] = b'U';
    greeting[14] = b'L';
    greeting[15] = b'L';
    greeting
};

const SERVER_READY: &[u8] = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06SERVER";
const CLIENT_READY: &[u8] = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06CLIENT";

/// The write size of TCP.
const WRITE_SIZE: usize = 0xF000;
