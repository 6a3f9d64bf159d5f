//! XSUB (RFC 29).

mod exchange;
mod proxied;
mod user_messages;
mod wire;

use tokio::task;
use tokio_zmtp::{Pub, XSub};

use crate::remote::Remote;

/// Connects a scripted publisher of ZMTP 3.1 to an XSUB that is bound.
async fn connect_publisher(xsub: &XSub, socket_type: &str) -> Remote {
    let mut remote = Remote::dial(&xsub.last_endpoint().unwrap()).await;
    remote.shake_hands(socket_type).await;
    remote
}

/// Waits until a message with this first part is for `subscribers` remotes.
async fn until_subscribed(publisher: &Pub, first: impl AsRef<[u8]>, subscribers: usize) {
    while publisher.subscribers(first.as_ref()) != subscribers {
        task::yield_now().await;
    }
}
