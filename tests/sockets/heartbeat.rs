//! Heartbeats: slow remotes stay connected, and dead remotes are detected.

use std::time::Duration;

use tokio::time::{self, Instant};
use tokio_zmtp::monitor::DisconnectReason;
use tokio_zmtp::{Client, Server};

use crate::events;
use crate::remote::{self, LONGER_THAN_BUFFERS, Remote, RemoteListener};
use crate::watchdog::Watchdog;

// Time is paused: it advances only while all tasks wait for timers.

#[tokio::test(start_paused = true)]
async fn a_message_that_takes_longer_than_the_heartbeat_timeout_arrives() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .heartbeat_interval(Duration::from_millis(500))
        .connect(listener.endpoint())
        .await
        .unwrap();
    let mut remote = listener.accept_as("SERVER").await;
    let body: Vec<u8> = (0..251).cycle().take(LONGER_THAN_BUFFERS).collect();
    client.send(body.clone()).await.unwrap();
    client.send("after").await.unwrap();

    assert_eq!(remote.read_header().await, (remote::LONG, body.len()));
    let start = Instant::now();
    let mut received = Vec::new();
    while received.len() < body.len() {
        time::sleep(Duration::from_millis(50)).await;
        received.extend(remote.read((body.len() - received.len()).min(0x1_0000)).await);
    }

    assert!(start.elapsed() > Duration::from_secs(10));
    assert!(received == body);
    assert_eq!(client.stats().reconnects, 0);
    // The PING arrives before the next message, or after it.
    let (_, frame) = remote.read_frame().await;
    assert!(frame == b"after" || frame.starts_with(b"\x04PING"));
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_stops_in_the_middle_of_a_message_is_detected() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let client = Client::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .heartbeat_interval(Duration::from_millis(500))
        .connect(listener.endpoint())
        .await
        .unwrap();
    let mut monitor = client.monitor();
    let mut remote = listener.accept_as("SERVER").await;
    client.send(vec![7; LONGER_THAN_BUFFERS]).await.unwrap();
    for _ in 0..50 {
        time::sleep(Duration::from_millis(50)).await;
        remote.read(0x1_0000).await;
    }
    let stopped = Instant::now();
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
    // The timeout, and the time that the preceding 256 KiB took.
    assert!(stopped.elapsed() <= Duration::from_secs(1), "{:?}", stopped.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_busy_remote_that_stops_is_detected_after_its_time_to_live() {
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .bind("tcp://127.0.0.1:*")
        .await
        .unwrap();
    let mut monitor = server.monitor();
    let mut remote = Remote::client(&server.last_endpoint().unwrap()).await;
    remote.write(&remote::command("PING", b"\0\x1e")).await;
    for _ in 0..20 {
        time::sleep(Duration::from_millis(300)).await;
        remote.write(&remote::message(b"request")).await;
        let request = server.recv().await.unwrap();
        server.reply(&request, "reply").await.unwrap();
    }
    let stopped = Instant::now();
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::HeartbeatTimedOut), "{reason:?}");
    let noticed = stopped.elapsed();
    let ttl = Duration::from_secs(3);
    assert!(ttl <= noticed && noticed <= ttl + Duration::from_millis(10), "{noticed:?}");
}
