//! Shuts a responder down without losing a request.
//!
//! It stops accepting remotes and sends the connected ones a notice. A requester that supports
//! draining sends no more requests and acknowledges the notice. Requests that arrive before the
//! acknowledgement are served, because they were sent before the notice was received. When all
//! remotes have acknowledged, no more requests can arrive, and the connections can be closed
//! without losing one.
//!
//! A remote that does not support draining never acknowledges. Its requests are refused when
//! [`GRACE`] has passed since the notice was written. The grace period does not begin while the
//! queue of the remote holds messages, including the notice: a slow requester that has not received
//! the notice yet is not disconnected.

use std::collections::HashMap;
use std::future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio_stream::wrappers::WatchStream;
use zmtp_proto::rpc::envelope::{CONNECTION, Content};

use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::remote::Remote;
use crate::rpc::return_path::ReturnPath;
use crate::rpc::{RespondingSocket, unaddressed};
use crate::socket::tracked::{InLine, Presence, Refusal, Timer};

/// The remotes that were sent the notice, and those that have not acknowledged it.
#[derive(Debug)]
pub(super) struct Draining<S: RespondingSocket> {
    socket: S,
    /// The connections that were sent the notice.
    notified: HashMap<S::Key, ConnectionId>,
    /// The notified remotes that may still send requests.
    open: HashMap<S::Key, OpenRemote>,
    presence: Pin<Box<WatchStream<Presence>>>,
    /// The number of remotes that had joined when all were last notified.
    joined: Option<u64>,
    /// The number of listeners that still accept and of remotes in their handshake.
    arriving: usize,
    grace: Timer,
    /// Whether the first grace period has passed, after which no handshake delays the end.
    is_late: bool,
}

/// A remote that has not acknowledged the notice.
#[derive(Clone, Copy, Debug)]
struct OpenRemote {
    /// Whether the current grace period began before the notice was written.
    was_queued: bool,
}

impl<S: RespondingSocket> Draining<S> {
    /// Starts draining: accepts no more remotes, and notifies the connected ones.
    pub(super) fn start(socket: &S) -> Self {
        let presence = socket.presence();
        socket.stop_accepting();
        Self {
            socket: socket.clone(),
            notified: HashMap::new(),
            open: HashMap::new(),
            presence: Box::pin(WatchStream::new(presence)),
            joined: None,
            arriving: 0,
            grace: None,
            is_late: false,
        }
    }

    /// Returns whether a request of a remote is still accepted.
    pub(super) fn admits(&mut self, remote: &Remote) -> bool {
        let Some(key) = self.notify(remote) else { return false };
        self.open.contains_key(&key)
    }

    /// Records that a remote sends no more requests.
    pub(super) fn acknowledge(&mut self, remote: &Remote) {
        if let Some(key) = self.notify(remote) {
            self.open.remove(&key);
        }
    }

    /// Ready when no remote can send another request that would be accepted.
    pub(super) fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(Some(presence)) = self.presence.as_mut().poll_next(cx) {
            self.arriving = presence.arriving;
            if self.joined.replace(presence.joined) != Some(presence.joined) {
                for remote in self.socket.remotes() {
                    self.notify(&remote);
                }
            }
            let Self { socket, notified, open, .. } = self;
            open.retain(|id, _| is_connected(socket, *id, notified.get(id).copied()));
        }
        while !self.open.is_empty() || self.arriving > 0 && !self.is_late {
            let Self { socket, grace, .. } = self;
            if socket.runtime().poll_sleep(grace, GRACE, cx).is_pending() {
                return Poll::Pending;
            }
            self.grace = None;
            self.is_late = true;
            let Self { socket, open, .. } = self;
            open.retain(|id, remote| {
                let queued = socket.remotes().stats(*id).map_or(0, |stats| stats.queued.outgoing);
                let had_time = queued == 0 && !remote.was_queued;
                remote.was_queued = queued > 0;
                !had_time
            });
        }
        Poll::Ready(())
    }

    /// Notifies a remote, unless its connection has been notified already. Returns its key,
    /// unless it is disconnected.
    ///
    /// A remote that would take the notice for a reply is not sent one, and is treated like a
    /// remote that does not acknowledge it.
    fn notify(&mut self, remote: &Remote) -> Option<S::Key> {
        let (path, connection) = (S::path_to(remote)?, remote.connection_id());
        let key = path.key();
        if self.notified.get(&key) == Some(&connection) {
            return Some(key);
        }
        if !is_connected(&self.socket, key, Some(connection)) {
            return None;
        }
        let mut is_full = false;
        if S::is_asynchronous(remote) {
            let notice = unaddressed::message(path.framing(), CONNECTION, Content::Drain);
            let mut notice = Some(notice);
            match self.socket.try_route_to(&key, &mut notice) {
                Ok(()) => {}
                Err(Refusal::Full) => {
                    is_full = true;
                    self.notify_later(key, notice);
                }
                Err(_) => return None,
            }
        }
        self.notified.insert(key, connection);
        // A remote that connects during a grace period gets the rest of it and a second one.
        let was_queued = is_full || self.grace.is_some();
        self.open.insert(key, OpenRemote { was_queued });
        Some(key)
    }

    /// Queues the notice as soon as there is capacity. The task ends when the notice is queued, the
    /// remote disconnects, or the socket is closed.
    fn notify_later(&self, to: S::Key, mut notice: Option<Message>) {
        let socket = self.socket.clone();
        let mut position = InLine::new(socket.senders(to));
        self.socket.runtime().spawn(async move {
            let _ = future::poll_fn(|cx| {
                let (_, ticket) = position.parts();
                socket.poll_route(&to, &mut notice, ticket, cx)
            })
            .await;
        });
    }
}

/// Returns whether a connection of a remote is the current one.
fn is_connected<S: RespondingSocket>(
    socket: &S,
    id: S::Key,
    connection: Option<ConnectionId>,
) -> bool {
    socket.remotes().get(id).map(|remote| remote.connection_id()) == connection
        && connection.is_some()
}

/// The time limit for a remote to acknowledge the notice, which takes a round trip. It suffices for
/// any network, and is short enough for a process that must end while connected remotes do not
/// support draining. Go's HTTP/2 server waits for the same time after its GOAWAY.
const GRACE: Duration = Duration::from_secs(1);
