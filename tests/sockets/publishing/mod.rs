//! PUB (RFC 29).

mod drops;
mod pairs;
mod proxied;
mod publisher;
mod slow;
mod subscribers;
mod wire;

use tokio_zmtp::{Endpoint, Socket};

pub(crate) use self::publisher::Publisher;
use crate::remote::{Remote, command};

/// Connects to a publisher, and subscribes to topics.
pub(crate) async fn subscriber(endpoint: &Endpoint, topics: &[&str]) -> Remote {
    let mut remote = Remote::dial(endpoint).await;
    remote.shake_hands("SUB").await;
    for topic in topics {
        remote.write(&command("SUBSCRIBE", topic.as_bytes())).await;
    }
    remote.sync().await;
    remote
}

pub(crate) async fn bound(publisher: &impl Socket) -> Endpoint {
    publisher.bind("tcp://127.0.0.1:*").await.unwrap()
}

/// Waits until a message with this first part is for `subscribers` remotes.
pub(crate) async fn until_subscribed(
    publisher: &impl Publisher,
    first: impl AsRef<[u8]>,
    subscribers: usize,
) {
    while publisher.subscribers(first.as_ref()) != subscribers {
        tokio::task::yield_now().await;
    }
}
