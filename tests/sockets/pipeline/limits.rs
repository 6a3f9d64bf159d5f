//! Messages that are too long, have too many parts, or never end.

use std::time::Duration;

use tokio_zmtp::auth::CurveKeypair;
use tokio_zmtp::monitor::{DisconnectReason, DropCause, EventKind};
use tokio_zmtp::{Mechanism, Multipart, Pull, Push};

use super::{pull_and_remote, pull_and_remote_with, push_remote};
use crate::events;
use crate::remote::{LONGER_THAN_BUFFERS, MORE, message};
use crate::security::AdmitAll;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_message_with_too_many_parts_ends_the_connection() {
    let _watchdog = Watchdog::start();
    let (pull, mut remote) = pull_and_remote_with(Pull::builder().max_message_parts(3)).await;
    let mut other = push_remote(&pull.last_endpoint().unwrap()).await;
    let mut monitor = pull.monitor();
    remote.write(b"\x01\x01a\x01\x01b\x00\x01c\x01\x00\x01\x00\x01\x00\x00").await;
    assert_eq!(pull.recv().await.unwrap(), ["a", "b", "c"]);
    remote.write(b"\x00").await;
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::TooManyParts { limit: 3 }), "{reason:?}");
    remote.read_to_end().await;
    other.write(&message(b"another remote")).await;
    assert_eq!(pull.recv().await.unwrap(), ["another remote"]);
}

#[tokio::test]
async fn the_size_limit_applies_to_all_parts_together() {
    let _watchdog = Watchdog::start();
    let (pull, mut remote) = pull_and_remote_with(Pull::builder().max_message_size(10)).await;
    let mut monitor = pull.monitor();
    remote.write(b"\x01\x0501234\x00\x0556789").await;
    assert_eq!(pull.recv().await.unwrap(), ["01234", "56789"]);
    // The header of the part that exceeds the limit suffices.
    remote.write(b"\x01\x0501234\x01\x00\x01\x06").await;
    let reason = events::until_disconnected(&mut monitor).await;
    let is_expected = matches!(reason, DisconnectReason::MessageTooLarge { size: 11, limit: 10 });
    assert!(is_expected, "{reason:?}");
}

#[tokio::test]
async fn a_message_that_never_ends_costs_its_remote_the_connection() {
    let _watchdog = Watchdog::start();
    let (pull, mut remote) = pull_and_remote().await;
    let mut monitor = pull.monitor();
    let endless = async {
        let parts = [MORE, 0].repeat(1_000);
        for _ in 0..100 {
            remote.write_what_is_taken(&parts).await;
        }
    };
    let (reason, ()) = tokio::join!(events::until_disconnected(&mut monitor), endless);
    assert!(matches!(reason, DisconnectReason::TooManyParts { limit: 0x1_0000 }), "{reason:?}");
    assert_eq!(pull.stats().received.messages, 0);
}

#[tokio::test]
async fn the_limits_apply_to_encrypted_messages() {
    let _watchdog = Watchdog::start();
    let keypair = CurveKeypair::generate();
    let client = Mechanism::curve_client(keypair.public_key());
    let pull = Pull::builder()
        .mechanism(Mechanism::curve_server(keypair))
        .authenticator(AdmitAll)
        .max_message_parts(3)
        .max_message_size(10)
        .build();
    let endpoint = pull.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = pull.monitor();
    let push = Push::builder().mechanism(client).connect(endpoint).await.unwrap();
    push.send(["0123", "456789", ""]).await.unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["0123", "456789", ""]);
    push.send(["0123", "456789", "x"]).await.unwrap();
    let reason = events::until_disconnected(&mut monitor).await;
    let is_expected = matches!(reason, DisconnectReason::MessageTooLarge { size: 11, limit: 10 });
    assert!(is_expected, "{reason:?}");
    push.send(["", "", "", ""]).await.unwrap();
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::TooManyParts { limit: 3 }), "{reason:?}");
}

#[tokio::test]
async fn a_message_of_a_million_parts_passes_if_no_limit_forbids_it() {
    let _watchdog = Watchdog::start();
    let pull = Pull::builder().max_message_parts(0).build();
    let endpoint = pull.bind("tcp://127.0.0.1:*").await.unwrap();
    let push = Push::builder().connect(endpoint).await.unwrap();
    let sent: Multipart = (0..1_000_000).map(|_| "").collect();
    push.send(&sent).await.unwrap();
    push.send("next").await.unwrap();
    let received = pull.recv().await.unwrap();
    assert_eq!(received.len(), 1_000_000);
    assert!(received == sent);
    assert_eq!(pull.recv().await.unwrap(), ["next"]);
}

#[tokio::test]
async fn a_message_that_a_pull_refuses_does_not_block_later_ones() {
    let _watchdog = Watchdog::start();
    let pull = Pull::builder().max_message_parts(2).build();
    let endpoint = pull.bind("tcp://127.0.0.1:*").await.unwrap();
    let push = Push::builder()
        .reconnect_interval(Duration::from_millis(1))
        .connect(endpoint)
        .await
        .unwrap();
    let mut monitor = push.monitor();
    // Longer than the system's buffers, so that the remote ends the connection within the message.
    let refused = vec![vec![7; LONGER_THAN_BUFFERS]; 4];
    push.send(refused).await.unwrap();
    push.send(["fits", "well"]).await.unwrap();
    let is_refused = |kind: &EventKind| {
        matches!(kind, EventKind::MessagesDropped { messages: 1, cause: DropCause::Refused { .. } })
    };
    events::until(&mut monitor, is_refused).await;
    assert_eq!(pull.recv().await.unwrap(), ["fits", "well"]);
}
