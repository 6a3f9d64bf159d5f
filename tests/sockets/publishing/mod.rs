//! PUB (RFC 29).

mod drops;
mod pairs;
mod proxied;
mod slow;
mod subscribers;
mod wire;

use tokio_zmtp::{Endpoint, Pub};

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

async fn bound(publisher: &Pub) -> Endpoint {
    publisher.bind("tcp://127.0.0.1:*").await.unwrap()
}
