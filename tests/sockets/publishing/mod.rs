//! PUB (RFC 29), and what it has in common with XPUB.

mod drops;
mod pairs;
mod proxied;
mod slow;
mod subscribers;
mod wire;

use tokio_zmtp::{Endpoint, Socket};

use crate::remote::{Remote, command};
pub(crate) use support::publisher::Publisher;

/// Runs `async fn $test<P: Publisher>()` for both types.
macro_rules! for_either_publisher {
    ($test:ident) => {
        crate::one_way::for_pairs!($test [] publisher: Pub, xpub: XPub,);
    };
}
use for_either_publisher;

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
