//! SUB (RFC 29).

mod exchange;
mod matching;
mod subscriptions;
mod wire;

use tokio_zmtp::Sub;

use crate::remote::{COMMAND, GREETING, MORE, Remote, RemoteListener, message, ready};

/// Accepts a SUB as a scripted PUB that announces ZMTP 3.`minor`, and completes the handshake.
async fn accept_as_pub(listener: &RemoteListener, minor: u8) -> Remote {
    let mut remote = listener.accept().await;
    let mut greeting = GREETING;
    greeting[11] = minor;
    remote.write(&[&greeting[..], &ready("PUB")].concat()).await;
    assert_eq!(remote.read(GREETING.len()).await, GREETING);
    let (flags, body) = remote.read_frame().await;
    assert_eq!((flags, &body[..6]), (COMMAND, &b"\x05READY"[..]));
    remote
}

/// Connects a scripted PUB of ZMTP 3.1 to a SUB that is bound.
async fn connect_pub(sub: &Sub) -> Remote {
    let mut remote = Remote::dial(&sub.last_endpoint().unwrap()).await;
    remote.shake_hands("PUB").await;
    remote
}

/// Returns the frames of a message of two parts.
fn published(topic: &str, body: &str) -> Vec<u8> {
    let mut frames = message(topic.as_bytes());
    frames[0] |= MORE;
    frames.extend(message(body.as_bytes()));
    frames
}
