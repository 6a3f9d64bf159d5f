//! Heartbeats of busy connections.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_remote_that_takes_a_long_message_slowly_is_kept() {
    let mut socket = TestSocket::new(10);
    watch(&mut socket);
    let (connection, mut remote) = socket.connect(1_000).await;
    socket.send(vec![7; 100_000]).unwrap();
    take_slowly(&mut remote, 100).await;
    let rest = 100_000 + LONG_HEADER - 100 * 1_000;
    assert!(read(&mut remote, rest).await.iter().all(|byte| *byte == 7));
    // The overdue PING is sent now, once, with its own timeout.
    let written = Instant::now();
    assert_eq!(read(&mut remote, PING_LEN).await[..7], b"\x04\x0b\x04PING"[..]);
    time::sleep(TIMEOUT - Duration::from_secs(1)).await;
    remote.write_all(b"\x04\x05\x04PONG").await.unwrap();
    assert!(matches!(connection.await.unwrap().0, DisconnectReason::HeartbeatTimedOut));
    // Nothing was written since, so no bytes are in transit.
    assert!(written.elapsed() <= INTERVAL * 2 + TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_takes_many_messages_slowly_is_kept() {
    let mut socket = TestSocket::new(1_000);
    watch(&mut socket);
    let (connection, mut remote) = socket.connect(1_000).await;
    for _ in 0..500 {
        socket.send([7; 198]).unwrap();
    }
    // It never answers.
    take_slowly(&mut remote, 100).await;
    assert!(!connection.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_stops_reading_a_long_message_is_disconnected() {
    let mut socket = TestSocket::new(10);
    watch(&mut socket);
    let (connection, mut remote) = socket.connect(1_000).await;
    socket.send(vec![7; 100_000]).unwrap();
    take_slowly(&mut remote, 50).await;
    let stopped = Instant::now();
    assert!(matches!(connection.await.unwrap().0, DisconnectReason::HeartbeatTimedOut));
    // The bytes in transit would take longer.
    assert_eq!(stopped.elapsed(), TIMEOUT * 4);
}

#[tokio::test(start_paused = true)]
async fn writes_to_a_stream_that_was_not_full_are_not_a_sign_of_life() {
    let mut socket = TestSocket::new(10);
    watch(&mut socket);
    let (connection, _remote) = socket.connect(0x10_0000).await;
    let start = Instant::now();
    let trickle = async {
        loop {
            socket.send("x").unwrap();
            time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        ended = connection => {
            assert!(matches!(ended.unwrap().0, DisconnectReason::HeartbeatTimedOut));
        }
        () = trickle => {}
    }
    assert_eq!(start.elapsed(), INTERVAL + TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_time_to_live_runs_from_the_last_arrival() {
    let mut socket = TestSocket::new(100);
    let (connection, mut remote) = socket.connect(1_000).await;
    remote.write_all(b"\x04\x07\x04PING\x00\x1e").await.unwrap();
    for _ in 0..12 {
        time::sleep(Duration::from_millis(300)).await;
        remote.write_all(b"\x00\x01x").await.unwrap();
    }
    let last = Instant::now();
    assert!(matches!(connection.await.unwrap().0, DisconnectReason::HeartbeatTimedOut));
    assert_eq!(last.elapsed(), Duration::from_secs(3));
    assert_eq!(socket.queued(), 12);
}

#[tokio::test(start_paused = true)]
async fn pings_do_not_accumulate_while_writing_is_blocked() {
    let mut socket = TestSocket::new(10);
    watch(&mut socket);
    let (_connection, mut remote) = socket.connect(1_000).await;
    socket.send(vec![7; 100_000]).unwrap();
    take_slowly(&mut remote, 100).await;
    read(&mut remote, 100_000 + LONG_HEADER - 100 * 1_000).await;
    socket.send("after").unwrap();
    let mut pings = 0;
    loop {
        match read(&mut remote, 2).await[..] {
            [0, 5] => break,
            [4, 11] => pings += 1,
            ref other => panic!("{other:?}"),
        }
        read(&mut remote, PING_LEN - 2).await;
    }
    assert!(pings <= 1, "{pings}");
}

fn watch(socket: &mut TestSocket) {
    socket.options.heartbeat.interval = Some(INTERVAL);
    socket.options.heartbeat.timeout = Some(TIMEOUT);
}

/// Reads a thousand bytes a second, and sends nothing.
async fn take_slowly(remote: &mut DuplexStream, seconds: usize) {
    for _ in 0..seconds {
        time::sleep(Duration::from_secs(1)).await;
        read(remote, 1_000).await;
    }
}

const INTERVAL: Duration = Duration::from_secs(10);

const TIMEOUT: Duration = Duration::from_secs(3);

/// The header of a message of more than 255 bytes.
const LONG_HEADER: usize = 9;

/// A PING with the four bytes of its context.
const PING_LEN: usize = 13;
