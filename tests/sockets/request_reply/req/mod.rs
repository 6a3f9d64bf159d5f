//! REQ.

mod attempts;
mod exchange;
mod load;
mod lock_step;
mod losses;
mod uncorrelated;
mod wire;

use tokio::task::JoinHandle;
use tokio_zmtp::{Builder, Multipart, Req, RequestError};

use crate::remote::{MORE, Remote, RemoteListener};
use crate::watchdog::Watchdog;
use crate::{events, remote};

/// Returns a req that is connected to a scripted ROUTER.
async fn req_and_router() -> (Req, Remote) {
    req_and_router_with(Req::builder()).await
}

async fn req_and_router_with(builder: Builder<Req>) -> (Req, Remote) {
    let listener = RemoteListener::bind();
    let req = builder.connect(listener.endpoint()).await.unwrap();
    let router = listener.accept_as("ROUTER").await;
    req.remotes().connected().await.unwrap();
    (req, router)
}

/// Returns options for connections that are re-established soon.
fn quick() -> Builder<Req> {
    use std::time::Duration;
    Req::builder().reconnect_interval(Duration::from_millis(1))
}

/// Starts a request in a task of its own.
fn start(req: &Req, request: impl Into<Multipart>) -> Started {
    let (req, request) = (req.clone(), request.into());
    tokio::spawn(async move { req.request(request).await })
}

type Started = JoinHandle<Result<Multipart, RequestError>>;

/// Reads a request that carries an id. Returns the id and the parts after the empty one.
async fn read_request(remote: &mut Remote) -> ([u8; 4], Vec<Vec<u8>>) {
    let (flags, id) = remote.read_frame().await;
    assert_eq!(flags, MORE);
    (id.try_into().unwrap(), read_plain_request(remote).await)
}

/// Reads a request without an id. Returns the parts after the empty one.
async fn read_plain_request(remote: &mut Remote) -> Vec<Vec<u8>> {
    assert_eq!(remote.read_frame().await, (MORE, Vec::new()));
    let mut parts = Vec::new();
    loop {
        let (flags, part) = remote.read_frame().await;
        parts.push(part);
        if flags & MORE == 0 {
            return parts;
        }
    }
}

/// Encodes a reply of one short part.
fn reply(id: [u8; 4], body: &[u8]) -> Vec<u8> {
    [&b"\x01\x04"[..], &id, &plain_reply(body)].concat()
}

/// Encodes a reply of one short part, without an id.
fn plain_reply(body: &[u8]) -> Vec<u8> {
    [b"\x01\x00", &remote::message(body)[..]].concat()
}

/// Replies to every request with its parts, until the connection ends.
fn echo(mut remote: Remote) -> JoinHandle<()> {
    tokio::spawn(async move {
        // Requests and replies have the same form.
        while let Some(read) = remote.read_some().await {
            remote.write_what_is_taken(&read).await;
        }
    })
}
