//! Requesters, responders, and the envelopes of `docs/rpc.md`.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinHandle;
use tokio_zmtp::rpc::stats::{RequesterStats, ResponderStats};
use tokio_zmtp::rpc::{
    Failure, Request, Requester, RequestingSocket, Responder, RespondingSocket, Response,
    service_fn,
};
use tokio_zmtp::{Client, Message, RoutingId, Server};
use tower::ServiceExt;

pub(crate) const REQUEST: u8 = 0x11;
pub(crate) const REPLY: u8 = 0x12;
pub(crate) const PART: u8 = 0x13;
pub(crate) const ERROR: u8 = 0x14;
pub(crate) const CANCEL: u8 = 0x15;
pub(crate) const CREDIT: u8 = 0x16;
pub(crate) const END: u8 = 0x17;
pub(crate) const DRAIN: u8 = 0x18;
pub(crate) const DRAINED: u8 = 0x19;

/// The id of DRAIN and DRAINED.
pub(crate) const CONNECTION: u64 = 0xffff_ffff_ffff_ffff;

/// Encodes a message.
pub(crate) fn envelope(kind: u8, id: u64, rest: impl AsRef<[u8]>) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(id.to_be_bytes());
    bytes.extend(rest.as_ref());
    bytes
}

/// Splits a message into its kind, its id and the rest.
pub(crate) fn opened(message: &[u8]) -> (u8, u64, &[u8]) {
    (message[0], u64::from_be_bytes(message[1..9].try_into().unwrap()), &message[9..])
}

/// A plain server without the module `rpc`.
pub(crate) struct Bare {
    pub(crate) server: Server,
}

impl Bare {
    pub(crate) async fn bind(endpoint: &str) -> Self {
        Self { server: Server::builder().bind(endpoint).await.unwrap() }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.server.last_endpoint().unwrap().to_string()
    }

    /// Receives a message of this kind. Returns the sender, the id and the rest.
    pub(crate) async fn expect(&self, kind: u8) -> (RoutingId, u64, Vec<u8>) {
        let message = self.server.recv().await.unwrap();
        let (got, id, rest) = opened(&message);
        assert_eq!(got, kind, "{message:?}");
        (message.routing_id().unwrap(), id, rest.to_vec())
    }

    pub(crate) async fn send(&self, to: RoutingId, kind: u8, id: u64, rest: impl AsRef<[u8]>) {
        self.server.route(to, envelope(kind, id, rest)).await.unwrap();
    }

    /// Echoes the next request.
    pub(crate) async fn echo(&self) {
        let (from, id, rest) = self.expect(REQUEST).await;
        self.send(from, REPLY, id, body(&rest)).await;
    }
}

/// Returns the body of a REQUEST that has no field except a timeout.
pub(crate) fn body(rest: &[u8]) -> &[u8] {
    match rest {
        [0x00, body @ ..] | [0x01, _, _, _, _, body @ ..] => body,
        _ => panic!("unexpected fields: {rest:?}"),
    }
}

/// Creates a responder and a requester that is connected to it in this process, so that time can be
/// paused.
pub(crate) async fn pair<F, Fut, T>(handler: F) -> (Requester, Responder, JoinHandle<()>)
where
    F: FnMut(Request) -> Fut + Send + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
    T: Into<Response> + 'static,
{
    let endpoint = unique();
    let responder = Responder::new(Server::builder().bind(endpoint.as_str()).await.unwrap());
    let serving = tokio::spawn(responder.serve(service_fn(handler)));
    let requester = Requester::new(Client::builder().connect(endpoint.as_str()).await.unwrap());
    (requester, responder, serving)
}

/// Echoes a request.
pub(crate) async fn echo(request: Request) -> Result<Message, Failure> {
    Ok(request.into_body())
}

/// Returns an endpoint that no other test uses.
pub(crate) fn unique() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("inproc://rpc-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Yields until the statistics of a requester satisfy a condition.
pub(crate) async fn until<S: RequestingSocket>(
    requester: &Requester<S>,
    is_so: impl Fn(&RequesterStats) -> bool,
) {
    while !is_so(&requester.stats()) {
        tokio::task::yield_now().await;
    }
}

/// Yields until the client of a requester is connected to this number of servers.
pub(crate) async fn until_connected(requester: &Requester, servers: usize) {
    while requester.client().remotes().list().len() != servers {
        tokio::task::yield_now().await;
    }
}

/// Yields until a requester has no server that accepts requests.
pub(crate) async fn until_shut(requester: &Requester) {
    let mut handle = requester.clone();
    while tokio_test::task::spawn(handle.ready()).poll().is_ready() {
        tokio::task::yield_now().await;
    }
}

/// Yields until the statistics of a responder satisfy a condition.
pub(crate) async fn until_there<S: RespondingSocket>(
    responder: &Responder<S>,
    is_so: impl Fn(&ResponderStats) -> bool,
) {
    while !is_so(&responder.stats()) {
        tokio::task::yield_now().await;
    }
}
