//! SUB (RFC 29).

mod exchange;
mod matching;
mod subscriber;
mod subscriptions;
mod wire;

use tokio_zmtp::Socket;

use crate::remote::{MORE, Remote, RemoteListener, message};

/// Accepts a subscriber as a scripted publisher that announces ZMTP 3.`minor`.
pub(crate) async fn accept_as(listener: &RemoteListener, socket_type: &str, minor: u8) -> Remote {
    let mut remote = listener.accept().await;
    remote.shake_hands_as(socket_type, minor).await;
    remote
}

/// Connects a scripted publisher of ZMTP 3.1 to a subscriber that is bound.
pub(crate) async fn connect_publisher(subscriber: &impl Socket, socket_type: &str) -> Remote {
    let mut remote = Remote::dial(&subscriber.last_endpoint().unwrap()).await;
    remote.shake_hands(socket_type).await;
    remote
}

/// Returns the frames of a message of two parts.
fn published(topic: &str, body: &str) -> Vec<u8> {
    let mut frames = message(topic.as_bytes());
    frames[0] |= MORE;
    frames.extend(message(body.as_bytes()));
    frames
}
