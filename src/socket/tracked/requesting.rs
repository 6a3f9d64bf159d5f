//! What a requester needs of its socket: the choice of a server, and the positions of requests.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Poll, Waker};

use super::{Tracked, WeakSenders};
use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::monitor::EventSource;
use crate::pipe::{PipeKey, Ticket};
use crate::quota::within_quota;
use crate::remote::Remote;
use crate::routing::{ConnectionEnds, QueuePosition, Refusal, ReturnedMessage, RoundRobin};
use crate::socket::forwarding::SharedCore;
use crate::sync::Wakes;

/// A socket that sends requests to its remotes in turn.
#[expect(private_bounds, reason = "other modules name the types of sockets")]
pub(crate) trait TrackedRequests: Tracked + SharedCore<Outgoing = RoundRobin> {
    /// Returns the line of senders.
    fn senders(&self) -> WeakSenders<Self> {
        WeakSenders { socket: self.downgrade(), to: () }
    }

    /// Keeps ends of connections for the caller from now on, and offers senders only remotes that
    /// are connected and do not drain. Also returns a live counter of these remotes.
    fn watch_connections(&self) -> (Arc<ConnectionEnds>, Arc<AtomicUsize>) {
        (self.watch_ends(), self.core().outgoing.lock().select())
    }

    /// Restores the behavior of a socket without a requester.
    fn unwatch_connections(&self) {
        self.core().outgoing.with(|outgoing, wakes| outgoing.select_all(wakes));
        let unwritten = self.core().control.shared().routing.ends.unwatch();
        for ReturnedMessage { message, .. } in unwritten {
            self.count_undelivered(message);
        }
    }

    /// Waits until a remote is connected and does not drain, or until the socket is closed.
    fn poll_open(&self, ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<Result<(), Refusal>> {
        self.core().outgoing.lock().poll_open(ticket, waker)
    }

    /// Cancels a wait in [`poll_open`](Self::poll_open).
    fn cancel_open(&self, ticket: &mut Option<Ticket>) {
        if ticket.is_some() {
            self.core().outgoing.lock().cancel_open(ticket);
        }
    }

    /// Wakes all tasks that wait in [`poll_open`](Self::poll_open), and all senders.
    fn wake_unconnected(&self) {
        self.core().control.shared().routing.wake_senders();
    }

    /// Stops offering a remote that drains, if it still has this connection, and logs this. The
    /// acknowledgement is queued behind all earlier messages, and no later ones are sent to this
    /// connection.
    fn drain(&self, pipe: PipeKey, connection: ConnectionId, acknowledgement: Message) {
        let drained = self
            .core()
            .outgoing
            .with(|outgoing, wakes| outgoing.drain(pipe, connection, acknowledgement, wakes));
        if let Some(remote) = drained {
            within_quota!(
                remote.quotas().draining,
                info,
                connection = %remote.connection_id(),
                endpoint = %remote.endpoint(),
                remote = remote.address().map(display),
                "the server drains",
            );
        }
    }

    /// Returns whether the socket is closed. Its connections end after that.
    fn is_closed(&self) -> bool {
        self.core().incoming.lock().is_closed()
    }

    /// Counts a message that was queued and will not be sent.
    fn count_undelivered(&self, message: Message) {
        self.core().control.count_undelivered(message);
    }

    /// Counts a message that a remote refuses.
    fn count_refused(&self, remote: &EventSource, message: Message) {
        self.core().control.shared().losses().refused(remote, None, message.into());
    }

    /// Queues the message that `make` creates for its position, as soon as there is capacity. The
    /// caller wakes `wakes`, after it has released its own lock.
    ///
    /// `make` is called under the lock of the outgoing queues.
    fn poll_send_with(
        &self,
        make: impl FnOnce(QueuePosition) -> Message,
        ticket: &mut Option<Ticket>,
        sender: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Result<(), Refusal>> {
        self.core().outgoing.lock().poll_send_with(make, ticket, sender, wakes)
    }

    /// Queues a message for one remote, if there is capacity.
    fn try_send_to(&self, pipe: PipeKey, message: Message) -> Result<(), Refusal> {
        self.core()
            .outgoing
            .with(|outgoing, wakes| outgoing.try_send_to(pipe, &mut Some(message), wakes))
    }

    /// Cancels a ticket in the line of senders.
    fn cancel_send(&self, ticket: Ticket) {
        self.core().cancel_send(&(), ticket);
    }

    /// Returns the last remote of a pipe.
    fn last_remote(&self, pipe: PipeKey) -> Option<Remote> {
        self.core().outgoing.lock().last_remote(pipe)
    }
}

impl<S: Tracked + SharedCore<Outgoing = RoundRobin>> TrackedRequests for S {}
