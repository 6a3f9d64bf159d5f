//! The operations of a socket that the module `rpc` uses beyond the public handle. Without the
//! feature `rpc`, nothing uses them.
//!
//! Requests and replies depend on the queue positions of their messages, the messages that were
//! lost with a connection, and the remotes that accept requests. A requester selects connected
//! remotes, sends to a certain pipe and redirects the messages that a connection leaves. A
//! responder pauses remotes and stops accepting. Both receive in batches, with the pipe of each
//! message, and watch for the ends of connections. Weak handles do not keep a socket alive.

mod requesting;
mod responding;

use std::fmt;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use tokio::sync::watch;
use tokio::task::coop;
use tokio::time::Instant;

pub(crate) use self::requesting::TrackedRequests;
pub(crate) use self::responding::{RemoteKey, TrackedReplies};
use super::forwarding::SharedCore;
use super::{Client, Core, Dealer, Rep, Server, Socket};
use crate::message::Message;
use crate::monitor::DialFailure;
pub(crate) use crate::monitor::EventSource;
use crate::pipe::WaitingLine;
pub(crate) use crate::pipe::{Grants, InLine, PipeKey, Ticket};
use crate::remote::Remote;
pub(crate) use crate::remotes::Presence;
use crate::routing::{Closed, FairQueue, Strategy};
pub(crate) use crate::routing::{
    ConnectionEnd, ConnectionEnds, QueuePosition, Refusal, ReportedEnds, ReturnedMessage,
};
use crate::runtime::Runtime;
pub(crate) use crate::runtime::Timer;
use crate::sync::Lock;

/// The target of the messages of a socket.
type Target<S> = <<S as SharedCore>::Outgoing as Strategy>::Target;

/// A socket that carries requests and replies.
#[expect(private_bounds, reason = "other modules name the types of sockets")]
pub(crate) trait Tracked: Socket + SharedCore<Outgoing: 'static> {
    /// Returns the queues of received messages.
    fn incoming(&self) -> &Lock<FairQueue> {
        &self.core().incoming
    }

    /// Returns a handle that does not keep the socket alive.
    fn downgrade(&self) -> WeakSocket<Self> {
        WeakSocket(Arc::downgrade(self.core()))
    }

    /// Returns the runtime of the socket.
    fn runtime(&self) -> &Runtime {
        &self.control().shared().runtime
    }

    /// Waits until `deadline`, with a timer of the socket's runtime.
    fn poll_until(&self, timer: &mut Timer, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        self.runtime().poll_until(timer, deadline, cx)
    }

    /// Watches the presence of remotes.
    fn presence(&self) -> watch::Receiver<Presence> {
        self.control().shared().remotes.presence()
    }

    /// Returns the reason why the last endpoint was abandoned, if no remote can be expected anymore.
    /// Senders, and tasks that wait for a remote to connect, are woken when this changes.
    fn hopeless(&self) -> Option<Arc<DialFailure>> {
        self.control().shared().remotes.hopeless()
    }

    /// Keeps ends of connections for the caller from now on.
    fn watch_ends(&self) -> Arc<ConnectionEnds> {
        let ends = &self.control().shared().routing.ends;
        ends.watch();
        Arc::clone(ends)
    }

    /// Returns the number of messages that arrived before the end of a connection and are unread.
    fn unread(&self, end: &ConnectionEnd) -> u64 {
        self.incoming().lock().unread(end.inbound, end.arrived)
    }

    /// Takes all queued messages, up to the capacity of `received`, which must not be zero, as soon
    /// as there is one. Each message is stored with the value that `origin` returns for the
    /// outgoing half of its pipe and its remote.
    fn poll_receive_many<T>(
        &self,
        ticket: &mut Option<Ticket>,
        cx: &mut Context<'_>,
        received: &mut Vec<(T, Message)>,
        origin: impl Fn(PipeKey, &Remote) -> T,
    ) -> Poll<Result<(), Closed>> {
        let coop = ready!(coop::poll_proceed(cx));
        let got = self.incoming().with(|incoming, wakes| {
            let origin = |(pipe, remote): (PipeKey, &Remote)| origin(pipe, remote);
            let mut next = incoming.next_origin().map(origin);
            let mut message = Some(ready!(incoming.poll_pop(ticket, cx.waker(), wakes))?);
            while let Some((origin_of_it, it)) = next.zip(message) {
                received.push((origin_of_it, it));
                let is_full = received.len() == received.capacity();
                next = incoming.next_origin().filter(|_| !is_full).map(origin);
                message = if is_full { None } else { incoming.pop(wakes).ok().flatten() };
            }
            Poll::Ready(Ok(()))
        });
        if let Poll::Ready(Ok(())) = got {
            coop.made_progress();
        }
        got
    }
}

/// A weak handle of a socket for background tasks. The socket ends with the last handle of a user.
#[expect(private_bounds, reason = "other modules name the types of sockets")]
pub(crate) struct WeakSocket<S: SharedCore>(Weak<Core<S::Outgoing>>);

#[expect(private_bounds, reason = "other modules name the types of sockets")]
impl<S: SharedCore> WeakSocket<S> {
    /// Returns the socket, if it still exists.
    pub(crate) fn upgrade(&self) -> Option<S> {
        self.0.upgrade().map(S::from_core)
    }
}

impl<S: SharedCore> Clone for WeakSocket<S> {
    fn clone(&self) -> Self {
        Self(Weak::clone(&self.0))
    }
}

impl<S: SharedCore> fmt::Debug for WeakSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakSocket")
    }
}

/// The line of receivers.
impl<S: SharedCore> WaitingLine for WeakSocket<S> {
    fn cancel(&self, ticket: Ticket) {
        if let Some(core) = self.0.upgrade() {
            core.cancel_receive(ticket);
        }
    }
}

/// The line of senders, which wait for capacity: of any remote, or of one.
#[expect(private_bounds, reason = "other modules name the types of sockets")]
pub(crate) struct WeakSenders<S: SharedCore> {
    socket: WeakSocket<S>,
    to: Target<S>,
}

#[expect(private_bounds, reason = "other modules name the types of sockets")]
impl<S: SharedCore> WeakSenders<S> {
    /// Returns the socket, if it still exists.
    pub(crate) fn upgrade(&self) -> Option<S> {
        self.socket.upgrade()
    }
}

impl<S: SharedCore> fmt::Debug for WeakSenders<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSenders").field("to", &self.to).finish_non_exhaustive()
    }
}

impl<S: SharedCore> WaitingLine for WeakSenders<S> {
    fn cancel(&self, ticket: Ticket) {
        if let Some(core) = self.socket.0.upgrade() {
            core.cancel_send(&self.to, ticket);
        }
    }
}

impl Tracked for Client {}

impl Tracked for Dealer {}

impl Tracked for Rep {}

impl Tracked for Server {}
