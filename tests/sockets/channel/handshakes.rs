//! A remote occupies a channel as soon as it has announced itself, and only if it is compatible.

use tokio_test::{assert_pending, task};
use tokio_zmtp::TrySendError;

use super::*;
use crate::remote::{COMMAND, GREETING, Remote};

for_either_type!(a_remote_that_does_not_announce_itself_does_not_occupy_the_channel);

async fn a_remote_that_does_not_announce_itself_does_not_occupy_the_channel<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound::<S>(Transport::Tcp).await;
    let mut monitor = channel.monitor();
    let _silent = Remote::dial(&endpoint).await;
    let mut slow = Remote::dial(&endpoint).await;
    slow.write(&GREETING).await;
    assert_eq!(slow.read(GREETING.len()).await, GREETING);

    let other = connected::<S>(&endpoint).await;
    other.send("hello".into()).await.unwrap();
    assert_eq!(channel.recv().await.unwrap(), "hello".into());

    slow.write(&remote::ready(S::SOCKET_TYPE.as_str())).await;
    assert_eq!(slow.read_frame().await, (COMMAND, b"\x05ERROR\x08occupied".to_vec()));
    until_failed(&mut monitor).await;
}

for_either_type!(an_incompatible_remote_receives_no_messages);

async fn an_incompatible_remote_receives_no_messages<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    let (channel, endpoint) = bound::<S>(Transport::Tcp).await;
    let mut monitor = channel.monitor();
    let mut sending = task::spawn(channel.send("for a channel".into()));
    assert_pending!(sending.poll());
    for socket_type in ["PUSH", "CLIENT"] {
        let mut remote = Remote::dial(&endpoint).await;
        remote.write(&[&GREETING[..], &remote::ready(socket_type)].concat()).await;
        let (_, failure) = until_failed(&mut monitor).await;
        assert!(matches!(failure, HandshakeFailure::IncompatibleSocketType { .. }));
        assert_pending!(sending.poll());
    }
    let other = connected::<S>(&endpoint).await;
    sending.await.unwrap();
    assert_eq!(other.recv().await.unwrap(), "for a channel".into());
    assert_eq!(channel.stats().dropped.undelivered, 0);
}

for_either_type!(a_failed_handshake_releases_the_channel_and_loses_no_messages);

/// In the client's role of a mechanism, a channel announces itself before the remote does.
async fn a_failed_handshake_releases_the_channel_and_loses_no_messages<S: OnlyRemote>() {
    let _watchdog = Watchdog::start();
    let mechanism = Mechanism::plain_client("alice", "right").unwrap();
    let channel = builder::<S>().mechanism(mechanism).build();
    let mut monitor = channel.monitor();
    let endpoint = channel.bind("tcp://127.0.0.1:*").await.unwrap();

    let mut first = welcoming(&endpoint).await;
    let (_, initiate) = first.read_frame().await;
    assert!(initiate.starts_with(b"\x08INITIATE"));
    // The first remote occupies the channel, which is mute until the handshake is complete.
    let Err(TrySendError::Full(message)) = channel.try_send("for a channel".into()) else {
        panic!("the handshake is not complete");
    };
    let mut sending = task::spawn(channel.send(message));
    assert_pending!(sending.poll());
    let mut second = welcoming(&endpoint).await;
    assert_eq!(second.read_frame().await, (COMMAND, b"\x05ERROR\x08occupied".to_vec()));
    let (_, failure) = until_failed(&mut monitor).await;
    assert!(matches!(failure, HandshakeFailure::Occupied), "{failure:?}");

    drop(first);
    let (_, failure) = until_failed(&mut monitor).await;
    assert!(matches!(failure, HandshakeFailure::ClosedByRemote), "{failure:?}");
    assert_pending!(sending.poll());
    let mut third = welcoming(&endpoint).await;
    assert!(third.read_frame().await.1.starts_with(b"\x08INITIATE"));
    third.write(&remote::ready(S::SOCKET_TYPE.as_str())).await;
    sending.await.unwrap();
    assert_eq!(third.read_message().await, b"for a channel");
}

/// Connects as a server of PLAIN, and admits the client.
async fn welcoming(endpoint: &Endpoint) -> Remote {
    let mut greeting = GREETING;
    greeting[12..17].copy_from_slice(b"PLAIN");
    let mut remote = Remote::dial(endpoint).await;
    greeting[32] = 1;
    remote.write(&greeting).await;
    remote.read(GREETING.len()).await;
    let (_, hello) = remote.read_frame().await;
    assert_eq!(hello, b"\x05HELLO\x05alice\x05right");
    remote.write(&remote::command("WELCOME", b"")).await;
    remote
}
