//! PUSH and PULL (RFC 30).

mod cancellation;
mod exchange;
mod limits;
mod security;
mod wire;

use tokio_zmtp::{Endpoint, Pull};

use crate::remote::Remote;

/// Creates a PULL and a scripted PUSH that has completed its handshake.
async fn pull_and_remote() -> (Pull, Remote) {
    let pull = Pull::new();
    let endpoint = pull.bind("tcp://127.0.0.1:*").await.unwrap();
    let remote = push_remote(&endpoint).await;
    (pull, remote)
}

/// Connects a scripted PUSH, and completes its handshake.
async fn push_remote(endpoint: &Endpoint) -> Remote {
    let mut remote = Remote::dial(endpoint).await;
    remote.shake_hands("PUSH").await;
    remote
}
