//! PUSH and PULL (RFC 30): what they do not share with the types in `one_way`.

mod exchange;
mod leaving;
mod limits;
mod wire;

use tokio_zmtp::{Builder, Endpoint, Pull};

use crate::remote::Remote;

/// Creates a PULL and a scripted PUSH that has completed its handshake.
async fn pull_and_remote() -> (Pull, Remote) {
    pull_and_remote_with(Pull::builder()).await
}

/// Creates a PULL with options, and a scripted PUSH that has completed its handshake.
async fn pull_and_remote_with(builder: Builder<Pull>) -> (Pull, Remote) {
    let pull = builder.bind("tcp://127.0.0.1:*").await.unwrap();
    let remote = push_remote(&pull.last_endpoint().unwrap()).await;
    (pull, remote)
}

/// Connects a scripted PUSH, and completes its handshake.
async fn push_remote(endpoint: &Endpoint) -> Remote {
    let mut remote = Remote::dial(endpoint).await;
    remote.shake_hands("PUSH").await;
    remote
}
