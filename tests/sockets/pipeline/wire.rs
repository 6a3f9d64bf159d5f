//! The bytes between a PUSH or PULL and remotes of other implementations.

use std::time::Duration;

use tokio::time;
use tokio_zmtp::monitor::DisconnectReason;
use tokio_zmtp::{Pull, Push, TryRecvError};

use super::{pull_and_remote, push_remote};
use crate::events;
use crate::remote::{COMMAND, LONG, MORE, Remote, RemoteListener, command, message, ping};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn each_part_except_the_last_is_a_frame_with_more() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let push = Push::builder().connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept_as("PULL").await;
    let long = vec![7; 300];
    push.send([&b"a"[..], b"", &long, b"b"]).await.unwrap();
    push.send("one").await.unwrap();
    assert_eq!(remote.read_frame().await, (MORE, b"a".to_vec()));
    assert_eq!(remote.read_frame().await, (MORE, Vec::new()));
    assert_eq!(remote.read_frame().await, (MORE | LONG, long));
    assert_eq!(remote.read_frame().await, (0, b"b".to_vec()));
    assert_eq!(remote.read_frame().await, (0, b"one".to_vec()));
}

#[tokio::test]
async fn a_message_is_visible_when_its_last_part_has_arrived() {
    let _watchdog = Watchdog::start();
    let (pull, mut remote) = pull_and_remote().await;
    for frame in [&part(b"a")[..], &part(b""), &part(&[7; 300])] {
        remote.write(frame).await;
        // The socket handles commands between the parts.
        remote.sync().await;
        assert_eq!(pull.try_recv(), Err(TryRecvError::Empty));
    }
    remote.write(&message(b"last")).await;
    assert_eq!(pull.recv().await.unwrap(), [&b"a"[..], b"", &[7; 300], b"last"]);
}

#[tokio::test]
async fn a_dropped_receive_loses_no_part() {
    let _watchdog = Watchdog::start();
    let (pull, mut remote) = pull_and_remote().await;
    let wire = [part(b"a"), part(b""), message(b"last")].concat();
    for _ in 0..3 {
        for byte in &wire {
            assert!(futures::poll!(Box::pin(pull.recv())).is_pending());
            remote.write(&[*byte]).await;
        }
        assert_eq!(pull.recv().await.unwrap(), ["a", "", "last"]);
    }
}

#[tokio::test]
async fn a_message_of_an_ended_connection_is_rolled_back() {
    let _watchdog = Watchdog::start();
    let (pull, mut remote) = pull_and_remote().await;
    let endpoint = pull.last_endpoint().unwrap();
    remote.write(&[part(b"whole"), message(b"one"), part(b"half"), part(b"of one")].concat()).await;
    assert_eq!(pull.recv().await.unwrap(), ["whole", "one"]);
    remote.sync().await;
    drop(remote);

    let mut next = push_remote(&endpoint).await;
    next.write(&[part(b"next"), message(b"one")].concat()).await;
    assert_eq!(pull.recv().await.unwrap(), ["next", "one"]);
    assert_eq!(pull.try_recv(), Err(TryRecvError::Empty));
}

#[tokio::test]
async fn a_message_of_an_ended_dialed_connection_is_rolled_back() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let pull = Pull::builder().connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept_as("PUSH").await;
    remote.write(&part(b"half")).await;
    remote.sync().await;
    drop(remote);

    let mut remote = listener.accept_as("PUSH").await;
    remote.write(&message(b"whole")).await;
    assert_eq!(pull.recv().await.unwrap(), ["whole"]);
}

#[tokio::test]
async fn a_half_written_message_is_written_whole_on_the_next_connection() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let push = Push::builder()
        .reconnect_interval(Duration::from_millis(1))
        .connect(listener.endpoint())
        .await
        .unwrap();
    let mut remote = listener.accept_as("PULL").await;
    let long = vec![7; crate::remote::LONGER_THAN_BUFFERS];
    push.send([&b"first"[..], &long, b"last"]).await.unwrap();
    assert_eq!(remote.read_frame().await, (MORE, b"first".to_vec()));
    remote.reset();

    let mut remote = listener.accept_as("PULL").await;
    assert_eq!(remote.read_frame().await, (MORE, b"first".to_vec()));
    assert_eq!(remote.read_frame().await, (MORE | LONG, long));
    assert_eq!(remote.read_frame().await, (0, b"last".to_vec()));
}

#[tokio::test]
async fn an_error_command_within_a_message_ends_the_connection() {
    let _watchdog = Watchdog::start();
    let (pull, mut remote) = pull_and_remote().await;
    let mut monitor = pull.monitor();
    remote.write(&[part(b"half"), command("ERROR", b"\x06denied")].concat()).await;
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::Refused { .. }), "{reason:?}");
    assert_eq!(pull.try_recv(), Err(TryRecvError::Empty));
}

#[tokio::test]
async fn an_incomplete_message_does_not_delay_other_remotes() {
    let _watchdog = Watchdog::start();
    let (pull, mut stalled) = pull_and_remote().await;
    stalled.write(&part(b"half")).await;
    stalled.sync().await;
    let mut other = push_remote(&pull.last_endpoint().unwrap()).await;
    other.write(&[part(b"a"), message(b"b")].concat()).await;
    assert_eq!(pull.recv().await.unwrap(), ["a", "b"]);
    stalled.write(&message(b"rest")).await;
    assert_eq!(pull.recv().await.unwrap(), ["half", "rest"]);
}

#[tokio::test(start_paused = true)]
async fn a_remote_of_zmtp_3_0_is_sent_no_ping() {
    let _watchdog = Watchdog::start();
    let push = Push::builder()
        .connect_timeout(None)
        .handshake_interval(None)
        .heartbeat_interval(Duration::from_millis(100))
        .build();
    let endpoint = push.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = Remote::dial(&endpoint).await;
    remote.shake_hands_as("PULL", 0).await;
    // Time is paused: it advances only while all tasks wait for timers.
    time::sleep(Duration::from_secs(10)).await;
    push.send(["still", "connected"]).await.unwrap();
    assert_eq!(remote.read_frame().await, (MORE, b"still".to_vec()));
    assert_eq!(remote.read_frame().await, (0, b"connected".to_vec()));
    // A remote that sends a PING knows PONG.
    remote.write(&ping(b"context")).await;
    assert_eq!(remote.read_frame().await, (COMMAND, b"\x04PONGcontext".to_vec()));
}

/// Returns the frame of a part that others follow.
fn part(body: &[u8]) -> Vec<u8> {
    let mut frame = message(body);
    frame[0] |= MORE;
    frame
}
