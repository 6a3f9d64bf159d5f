//! The operations of a socket that the module `rpc` uses beyond the public handle. Without the
//! feature `rpc`, nothing uses them.
//!
//! Requests and replies depend on the queue positions of their messages, the messages that were
//! lost with a connection, and the remotes that accept requests. A requester selects connected
//! remotes, sends to a certain pipe and redirects the messages that a connection leaves. A
//! responder pauses remotes and stops accepting. Both receive in batches, with the pipe of each
//! message, and watch for the ends of connections. Weak handles do not keep a socket alive.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker, ready};

use tokio::sync::watch;
use tokio::task::coop;
use tokio::time::Instant;

use super::{Client, Core, Handle, Server, Socket, sending};
use crate::connection_id::ConnectionId;
use crate::message::Message;
pub(crate) use crate::monitor::EventSource;
use crate::pipe::WaitingLine;
pub(crate) use crate::pipe::{Grants, InLine, PipeKey, Ticket};
use crate::remote::Remote;
pub(crate) use crate::remotes::Presence;
use crate::routing::{Closed, FairQueue, RoundRobin, RoutingTable};
pub(crate) use crate::routing::{
    ConnectionEnd, ConnectionEnds, QueuePosition, Refusal, ReportedEnds, ReturnedMessage,
};
use crate::routing_id::RoutingId;
use crate::runtime::Runtime;
pub(crate) use crate::runtime::Timer;
use crate::sync::{Lock, Wakes};

/// A socket that carries requests and replies.
pub(crate) trait Tracked: Socket {
    /// Returns the queues of received messages.
    fn incoming(&self) -> &Lock<FairQueue>;

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

impl Tracked for Client {
    fn incoming(&self) -> &Lock<FairQueue> {
        &self.core().incoming
    }
}

impl Tracked for Server {
    fn incoming(&self) -> &Lock<FairQueue> {
        &self.core().incoming
    }
}

impl Client {
    const fn core(&self) -> &Arc<Core<RoundRobin>> {
        &self.0.core
    }

    /// Returns a handle that does not keep the socket alive.
    pub(crate) fn downgrade(&self) -> WeakClient {
        WeakClient(Arc::downgrade(self.core()))
    }

    /// Keeps ends of connections for the caller from now on, and offers senders only remotes that
    /// are connected and do not drain. Also returns a live counter of these remotes.
    pub(crate) fn watch_connections(&self) -> (Arc<ConnectionEnds>, Arc<AtomicUsize>) {
        (self.watch_ends(), self.core().outgoing.lock().select())
    }

    /// Restores the behavior of a client without a requester.
    pub(crate) fn unwatch_connections(&self) {
        self.core().outgoing.with(|outgoing, wakes| outgoing.select_all(wakes));
        let unwritten = self.core().control.shared().routing.ends.unwatch();
        for ReturnedMessage { message, .. } in unwritten {
            self.count_undelivered(message);
        }
    }

    /// Waits until a remote is connected and does not drain, or until the client is closed.
    pub(crate) fn poll_open(
        &self,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Poll<Result<(), Refusal>> {
        self.core().outgoing.lock().poll_open(ticket, waker)
    }

    /// Cancels a wait in [`poll_open`](Self::poll_open).
    pub(crate) fn cancel_open(&self, ticket: &mut Option<Ticket>) {
        if ticket.is_some() {
            self.core().outgoing.lock().cancel_open(ticket);
        }
    }

    /// Wakes all tasks that wait in [`poll_open`](Self::poll_open).
    pub(crate) fn wake_unconnected(&self) {
        self.core().outgoing.with(|outgoing, wakes| outgoing.wake_unconnected(wakes));
    }

    /// Stops offering a remote that drains, if it still has this connection. The acknowledgement is
    /// queued behind all earlier messages, and no later ones are sent to this connection.
    pub(crate) fn drain(&self, pipe: PipeKey, connection: ConnectionId, acknowledgement: Message) {
        self.core()
            .outgoing
            .with(|outgoing, wakes| outgoing.drain(pipe, connection, acknowledgement, wakes));
    }

    /// Returns whether the client is closed. Its connections end after that.
    pub(crate) fn is_closed(&self) -> bool {
        self.core().incoming.lock().is_closed()
    }

    /// Counts a message that was queued and will not be sent.
    pub(crate) fn count_undelivered(&self, message: Message) {
        self.core().control.count_undelivered(message);
    }

    /// Counts a message that a remote refuses.
    pub(crate) fn count_refused(&self, remote: &EventSource, message: Message) {
        self.core().control.shared().losses().refused(remote, None, message.into());
    }

    /// Queues the message that `make` creates for its position, as soon as there is capacity. The
    /// caller wakes `wakes`, after it has released its own lock.
    ///
    /// `make` is called under the lock of the outgoing queues.
    pub(crate) fn poll_send_with(
        &self,
        make: impl FnOnce(QueuePosition) -> Message,
        ticket: &mut Option<Ticket>,
        sender: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Result<(), Refusal>> {
        self.core().outgoing.lock().poll_send_with(make, ticket, sender, wakes)
    }

    /// Queues a message for one remote, if there is capacity.
    pub(crate) fn try_send_to(&self, pipe: PipeKey, message: Message) -> Result<(), Refusal> {
        self.core()
            .outgoing
            .with(|outgoing, wakes| outgoing.try_send_to(pipe, &mut Some(message), wakes))
    }

    /// Cancels a ticket in the line of senders.
    pub(crate) fn cancel_send(&self, ticket: Ticket) {
        self.core().cancel_send(&(), ticket);
    }

    /// Wakes all senders that wait for capacity.
    pub(crate) fn wake_senders(&self) {
        self.core().outgoing.with(|outgoing, wakes| outgoing.wake_waiting(wakes));
    }
}

impl Server {
    const fn core(&self) -> &Arc<Core<RoutingTable>> {
        &self.0.core
    }

    /// Stops accepting remotes. Connections continue.
    pub(crate) fn stop_accepting(&self) {
        self.core().control.shared().stop_accepting();
    }

    /// Stops receiving from a remote until it is resumed, so that back-pressure reaches it.
    pub(crate) fn pause(&self, remote: RoutingId) {
        let inbound = self.core().outgoing.lock().inbound(remote);
        if let Some(inbound) = inbound {
            self.pause_pipe(inbound);
        }
    }

    /// Pauses a remote like [`pause`](Self::pause), by the inbound half of its pipe.
    pub(crate) fn pause_pipe(&self, inbound: PipeKey) {
        self.core().incoming.lock().pause(inbound);
    }

    /// Ends one pause of a remote. Each caller of `pause` calls it once.
    pub(crate) fn resume(&self, remote: RoutingId) {
        let inbound = self.core().outgoing.lock().inbound(remote);
        if let Some(inbound) = inbound {
            self.core().incoming.with(|incoming, wakes| incoming.resume(inbound, wakes));
        }
    }

    /// Ends all pauses of the inbound half of a pipe.
    pub(crate) fn resume_pipe(&self, inbound: PipeKey) {
        self.core().incoming.with(|incoming, wakes| incoming.resume_fully(inbound, wakes));
    }

    /// Queues `message`, and takes it out of the option, as soon as there is capacity.
    /// `send_timeout` does not apply.
    pub(crate) fn poll_route(
        &self,
        to: RoutingId,
        message: &mut Option<Message>,
        ticket: &mut Option<Ticket>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Refusal>> {
        sending::poll_send(self.core(), &to, message, ticket, cx)
    }

    /// Returns a handle that does not keep the socket alive.
    pub(crate) fn downgrade(&self) -> WeakServer {
        WeakServer(Arc::downgrade(self.core()))
    }
}

/// A weak handle of a [`Client`] for background tasks. The client ends with the last handle of a
/// user.
#[derive(Clone, Debug)]
pub(crate) struct WeakClient(Weak<Core<RoundRobin>>);

/// A weak handle of a [`Server`] for background tasks. The server ends with the last handle of a
/// user.
#[derive(Clone, Debug)]
pub(crate) struct WeakServer(Weak<Core<RoutingTable>>);

impl WeakServer {
    /// Returns the server, if it still exists.
    pub(crate) fn upgrade(&self) -> Option<Server> {
        self.0.upgrade().map(|core| Server(Handle::new(core)))
    }
}

/// The line of a client's receivers.
impl WaitingLine for WeakClient {
    fn cancel(&self, ticket: Ticket) {
        if let Some(core) = self.0.upgrade() {
            core.cancel_receive(ticket);
        }
    }
}

/// The line of a server's receivers.
impl WaitingLine for WeakServer {
    fn cancel(&self, ticket: Ticket) {
        if let Some(core) = self.0.upgrade() {
            core.cancel_receive(ticket);
        }
    }
}

/// The line of a client's senders, which wait for capacity.
#[derive(Debug)]
pub(crate) struct ClientSenders(pub(crate) WeakClient);

impl WaitingLine for ClientSenders {
    fn cancel(&self, ticket: Ticket) {
        if let Some(core) = self.0.0.upgrade() {
            core.cancel_send(&(), ticket);
        }
    }
}

/// The line of a server's senders, which wait for capacity of one remote.
#[derive(Debug)]
pub(crate) struct ServerSenders {
    pub(crate) server: WeakServer,
    pub(crate) to: RoutingId,
}

impl WaitingLine for ServerSenders {
    fn cancel(&self, ticket: Ticket) {
        if let Some(core) = self.server.0.upgrade() {
            core.cancel_send(&self.to, ticket);
        }
    }
}
