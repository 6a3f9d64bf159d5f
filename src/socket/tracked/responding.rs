//! What a responder needs of its socket: pauses of remotes, and replies to one of them.

use std::fmt::Debug;
use std::hash::Hash;
use std::task::{Context, Poll};

use super::{Tracked, WeakSenders};
use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::pipe::{PipeKey, Ticket};
use crate::remotes::RemoteId;
use crate::routing::{Refusal, Strategy};
use crate::routing_id::RoutingId;
use crate::socket::forwarding::SharedCore;
use crate::socket::{Rep, Server, sending};

/// A socket that addresses its remotes.
#[expect(private_bounds, reason = "other modules name the types of sockets")]
pub(crate) trait TrackedReplies:
    Tracked + SharedCore<Outgoing: Strategy<Target = <Self as TrackedReplies>::Key>>
{
    /// The id that a message names.
    type Key: RemoteKey;

    /// Returns the line of senders to a remote.
    fn senders(&self, to: Self::Key) -> WeakSenders<Self> {
        WeakSenders { socket: self.downgrade(), to }
    }

    /// Stops accepting remotes. Connections continue.
    fn stop_accepting(&self) {
        self.core().control.shared().stop_accepting();
    }

    /// Stops receiving from a remote until it is resumed, so that back-pressure reaches it.
    fn pause(&self, to: &Self::Key) {
        let inbound = self.core().outgoing.lock().inbound(to);
        if let Some(inbound) = inbound {
            self.pause_pipe(inbound);
            // If the connection has ended in between, its watcher may have resumed the pipe before
            // this pause, and nothing will resume the pipe by this id.
            let has_ended = self.core().outgoing.lock().inbound(to).is_none();
            if has_ended {
                self.core().incoming.with(|incoming, wakes| incoming.resume(inbound, wakes));
            }
        }
    }

    /// Pauses a remote like [`pause`](Self::pause), by the inbound half of its pipe.
    fn pause_pipe(&self, inbound: PipeKey) {
        self.core().incoming.lock().pause(inbound);
    }

    /// Ends one pause of a remote. Each caller of `pause` calls it once.
    fn resume(&self, to: &Self::Key) {
        let inbound = self.core().outgoing.lock().inbound(to);
        if let Some(inbound) = inbound {
            self.core().incoming.with(|incoming, wakes| incoming.resume(inbound, wakes));
        }
    }

    /// Ends all pauses of the inbound half of a pipe.
    fn resume_pipe(&self, inbound: PipeKey) {
        self.core().incoming.with(|incoming, wakes| incoming.resume_fully(inbound, wakes));
    }

    /// Queues `message`, and takes it out of the option, as soon as there is capacity.
    /// `send_timeout` does not apply.
    fn poll_route(
        &self,
        to: &Self::Key,
        message: &mut Option<Message>,
        ticket: &mut Option<Ticket>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Refusal>> {
        sending::poll_send(self.core(), to, message, ticket, cx)
    }

    /// Queues a message, and takes it out of the option, if there is capacity.
    #[inline]
    fn try_route_to(&self, to: &Self::Key, message: &mut Option<Message>) -> Result<(), Refusal> {
        self.core().try_send(to, message)
    }
}

/// An id of a remote.
pub(crate) trait RemoteKey:
    Copy + Debug + Eq + Hash + Into<RemoteId> + Send + Sync + Unpin
{
}

impl RemoteKey for ConnectionId {}

impl RemoteKey for RoutingId {}

impl TrackedReplies for Rep {
    type Key = ConnectionId;
}

impl TrackedReplies for Server {
    type Key = RoutingId;
}
