//! REP: requests in their envelopes, and the replies to them.

mod exchange;
mod lock_step;
mod lost_replies;
mod malformed;
mod security;
mod unanswered;
mod wire;

use tokio_zmtp::{Builder, Endpoint, Rep};

use crate::remote::Remote;

/// Creates a REP, and a scripted requester that has completed its handshake.
async fn rep_and_requester() -> (Rep, Remote) {
    rep_and_requester_with(Rep::builder()).await
}

/// Creates a REP with options, and a scripted requester that has completed its handshake.
async fn rep_and_requester_with(builder: Builder<Rep>) -> (Rep, Remote) {
    let rep = builder.bind("tcp://127.0.0.1:*").await.unwrap();
    let remote = requester(&rep.last_endpoint().unwrap()).await;
    (rep, remote)
}

/// Connects a scripted requester, and completes its handshake.
async fn requester(endpoint: &Endpoint) -> Remote {
    let mut remote = Remote::dial(endpoint).await;
    remote.shake_hands("DEALER").await;
    remote
}

/// Returns the frames of a request with a short body, as a REQ sends it.
fn request(body: &[u8]) -> Vec<u8> {
    [&b"\x01\x00\x00"[..], &[body.len().try_into().unwrap()], body].concat()
}
