//! The connected remotes of a socket.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::connection_id::ConnectionId;
use crate::monitor::{DialFailure, DisconnectReason};
use crate::remote::Remote;
use crate::routing::{Pipe, Routing};
use crate::routing_id::RoutingId;
use crate::stats::{RefusedRemotes, RemoteRefusal, RemoteStats};
use crate::sync::Lock;

/// The remotes whose handshake is completed, and whether more can be expected.
#[derive(Debug)]
pub(crate) struct RemoteTable {
    state: Lock<RemoteTableState>,
    presence: watch::Sender<Presence>,
}

#[derive(Debug)]
struct RemoteTableState {
    next_id: ConnectionId,
    connected: BTreeMap<ConnectionId, ConnectedRemote>,
    by_routing_id: HashMap<RoutingId, ConnectionId>,
    /// The sum of the statistics of ended connections.
    ended: RemoteStats,
    reconnects: u64,
    refused: RefusedRemotes,
}

#[derive(Debug)]
struct ConnectedRemote {
    remote: Remote,
    pipe: Pipe,
    direction: Direction,
    /// Present until the end of the connection is requested.
    disconnect: Option<oneshot::Sender<EndRequest>>,
}

/// A request to end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndRequest {
    Disconnect,
    /// The admission of the remote was revoked.
    Revoke,
    /// The remote has missed this number of messages.
    TooSlow(u64),
}

/// The side that established a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Accepted,
    Dialed {
        /// The number of earlier connections to the same endpoint.
        reconnects: u64,
    },
}

/// The state that tasks wait for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presence {
    /// The number of connected remotes.
    pub(crate) connected: usize,
    /// The number of remotes that have ever connected.
    pub(crate) joined: u64,
    /// The number of endpoints that may add remotes: bound, or dialed repeatedly.
    pub(crate) endpoints: usize,
    /// The number of listeners that accept, and of accepted remotes in their handshake.
    pub(crate) arriving: usize,
    /// The failure of the last attempt to connect.
    pub(crate) failure: Option<DialFailure>,
    /// The reason why the last endpoint was abandoned; `None` if the application ended it.
    pub(crate) abandoned: Option<Arc<DialFailure>>,
    pub(crate) closed: bool,
}

impl Presence {
    /// Returns whether no remote is connected, and no endpoint is left because the last one was
    /// abandoned.
    pub(crate) const fn is_hopeless(&self) -> bool {
        self.connected == 0 && self.endpoints == 0 && self.abandoned.is_some()
    }

    /// Returns the reason, if no remote can be expected.
    pub(crate) fn hopeless(&self) -> Option<Arc<DialFailure>> {
        if self.is_hopeless() { self.abandoned.clone() } else { None }
    }
}

/// Identifies a connected remote by either of its ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemoteId {
    /// The id of its connection.
    Connection(ConnectionId),
    /// The routing id of the remote on a [`Server`](crate::Server) or [`Peer`](crate::Peer).
    Routing(RoutingId),
}

impl From<ConnectionId> for RemoteId {
    fn from(id: ConnectionId) -> Self {
        Self::Connection(id)
    }
}

impl From<RoutingId> for RemoteId {
    fn from(id: RoutingId) -> Self {
        Self::Routing(id)
    }
}

/// Keeps a remote in the table until it is dropped.
#[derive(Debug)]
pub(crate) struct Membership {
    remotes: Arc<RemoteTable>,
    id: ConnectionId,
    /// Polled whenever the connection is, and therefore not a `CancellationToken`, which locks.
    disconnected: oneshot::Receiver<EndRequest>,
}

/// Counts an endpoint that may add remotes until it is dropped.
#[derive(Debug)]
pub(crate) struct RemoteSource {
    remotes: Arc<RemoteTable>,
    abandoned: Option<Arc<DialFailure>>,
}

/// Counts a listener that accepts, or a remote in its handshake, until it is dropped.
#[derive(Debug)]
pub(crate) struct PendingHandshake(Arc<RemoteTable>);

impl RemoteTable {
    pub(crate) fn new() -> Self {
        let state = RemoteTableState {
            next_id: ConnectionId::FIRST,
            connected: BTreeMap::new(),
            by_routing_id: HashMap::new(),
            ended: RemoteStats::default(),
            reconnects: 0,
            refused: RefusedRemotes::default(),
        };
        Self { state: Lock::new(state), presence: watch::Sender::default() }
    }

    /// Returns the reason why the last endpoint was abandoned, if no remote can be expected anymore.
    pub(crate) fn hopeless(&self) -> Option<Arc<DialFailure>> {
        self.presence.borrow().hopeless()
    }

    /// Returns the id for a new connection.
    pub(crate) fn allot(&self) -> ConnectionId {
        let mut state = self.state.lock();
        let id = state.next_id;
        state.next_id = id.next();
        id
    }

    /// Adds an endpoint that may add remotes.
    pub(crate) fn source(self: &Arc<Self>) -> RemoteSource {
        self.presence.send_modify(|presence| presence.endpoints += 1);
        RemoteSource { remotes: Arc::clone(self), abandoned: None }
    }

    /// Adds a listener that accepts, or a remote that was accepted. It is called before the
    /// listener's own value is dropped, and its result is dropped after the remote has joined, so
    /// that every remote is counted at all times.
    pub(crate) fn arrive(self: &Arc<Self>) -> PendingHandshake {
        self.presence.send_modify(|presence| presence.arriving += 1);
        PendingHandshake(Arc::clone(self))
    }

    /// Records that an attempt to connect has failed.
    pub(crate) fn fail(&self, failure: DialFailure) {
        self.presence.send_modify(|presence| presence.failure = Some(failure));
    }

    /// Counts a remote that this socket refused.
    pub(crate) fn refuse(&self, cause: RemoteRefusal) {
        self.state.lock().refused.count(cause);
    }

    /// Returns the number of refused remotes.
    pub(crate) fn refused(&self) -> RefusedRemotes {
        self.state.lock().refused
    }

    /// Adds a remote whose handshake is completed.
    pub(crate) fn join(
        self: &Arc<Self>,
        remote: Remote,
        pipe: Pipe,
        direction: Direction,
    ) -> Membership {
        let id = remote.connection_id();
        let (disconnect, disconnected) = oneshot::channel();
        let mut state = self.state.lock();
        state.reconnects += u64::from(remote.stats().reconnects > 0);
        state.by_routing_id.extend(remote.routing_id().map(|routing_id| (routing_id, id)));
        let entry = ConnectedRemote { remote, pipe, direction, disconnect: Some(disconnect) };
        state.connected.insert(id, entry);
        drop(state);
        self.presence.send_modify(|presence| {
            presence.connected += 1;
            presence.joined += 1;
        });
        Membership { remotes: Arc::clone(self), id, disconnected }
    }

    /// Records that the socket has ended.
    pub(crate) fn close(&self) {
        self.presence.send_modify(|presence| presence.closed = true);
    }

    /// Returns a receiver that observes the presence of remotes.
    pub(crate) fn presence(&self) -> watch::Receiver<Presence> {
        self.presence.subscribe()
    }

    /// Returns all remotes in the order in which they connected.
    pub(crate) fn all(&self) -> Vec<Remote> {
        self.state.lock().connected.values().map(|entry| entry.remote.clone()).collect()
    }

    /// Returns the number of remotes.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().connected.len()
    }

    pub(crate) fn find(&self, id: RemoteId) -> Option<(Remote, Pipe)> {
        self.state.lock().find(id).map(|entry| (entry.remote.clone(), entry.pipe))
    }

    /// Requests that the connection of a remote end; returns false if there is none. Nothing more
    /// is queued for the remote if it was accepted. If it was dialed, its pipe is kept for the next
    /// connection.
    pub(crate) fn disconnect(&self, id: RemoteId, routing: &Routing) -> bool {
        let mut state = self.state.lock();
        let Some(entry) = state.find_mut(id) else { return false };
        let ConnectedRemote { pipe, direction, .. } = *entry;
        let disconnect = entry.disconnect.take();
        drop(state);
        // Both wake the connection, which must not happen under the lock.
        if direction == Direction::Accepted {
            routing.retire_pipe(pipe);
        }
        disconnect.map(|disconnect| disconnect.send(EndRequest::Disconnect));
        true
    }

    /// Requests that a connection, whose identity another remote has taken over, end immediately.
    pub(crate) fn replace(&self, id: ConnectionId) {
        self.end(id, EndRequest::Disconnect);
    }

    /// Requests that a connection, whose remote has missed this number of messages in a row, end
    /// immediately.
    pub(crate) fn cut_off(&self, id: ConnectionId, missed: u64) {
        self.end(id, EndRequest::TooSlow(missed));
    }

    /// Requests that a connection, whose admission was revoked, end immediately.
    pub(crate) fn revoke(&self, id: ConnectionId) {
        self.end(id, EndRequest::Revoke);
    }

    fn end(&self, id: ConnectionId, request: EndRequest) {
        let mut state = self.state.lock();
        let disconnect = state.connected.get_mut(&id).and_then(|entry| entry.disconnect.take());
        drop(state);
        disconnect.map(|disconnect| disconnect.send(request));
    }

    /// Returns the sum over all connections so far, and the number of current ones.
    pub(crate) fn stats(&self) -> (RemoteStats, usize) {
        let state = self.state.lock();
        let mut sum = state.ended;
        for entry in state.connected.values() {
            sum.add(&entry.remote.stats());
        }
        sum.reconnects = state.reconnects;
        (sum, state.connected.len())
    }
}

impl RemoteTableState {
    fn find(&self, id: RemoteId) -> Option<&ConnectedRemote> {
        self.connected.get(&self.connection_id(id)?)
    }

    fn find_mut(&mut self, id: RemoteId) -> Option<&mut ConnectedRemote> {
        self.connected.get_mut(&self.connection_id(id)?)
    }

    fn connection_id(&self, id: RemoteId) -> Option<ConnectionId> {
        match id {
            RemoteId::Connection(id) => Some(id),
            RemoteId::Routing(id) => self.by_routing_id.get(&id).copied(),
        }
    }
}

impl Membership {
    /// Waits until the connection is requested to end. Returns the reason if it is to end without
    /// writing anything more. Must not be called again afterwards.
    pub(crate) async fn disconnected(&mut self) -> Option<DisconnectReason> {
        match (&mut self.disconnected).await {
            Ok(EndRequest::Revoke) => Some(DisconnectReason::Revoked),
            Ok(EndRequest::TooSlow(missed)) => Some(DisconnectReason::TooSlow { missed }),
            // The sender exists as long as this value.
            Ok(EndRequest::Disconnect) | Err(_) => None,
        }
    }

    /// Returns the pipe of the remote.
    pub(crate) fn pipe(&self) -> Option<Pipe> {
        Some(self.remotes.state.lock().connected.get(&self.id)?.pipe)
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut state = self.remotes.state.lock();
        if let Some(ConnectedRemote { remote, .. }) = state.connected.remove(&self.id) {
            if let Some(routing_id) = remote.routing_id() {
                state.by_routing_id.remove(&routing_id);
            }
            state.ended.add(&remote.stats());
        }
        drop(state);
        self.remotes.presence.send_modify(|presence| presence.connected -= 1);
    }
}

impl RemoteSource {
    /// Removes an endpoint that is dialed no more although the application has not ended it.
    pub(crate) fn abandon(mut self, failure: DialFailure) {
        self.abandoned = Some(Arc::new(failure));
    }
}

impl Drop for RemoteSource {
    fn drop(&mut self) {
        self.remotes.presence.send_modify(|presence| {
            presence.endpoints -= 1;
            presence.abandoned = self.abandoned.take();
        });
    }
}

impl Drop for PendingHandshake {
    fn drop(&mut self) {
        self.0.presence.send_modify(|presence| presence.arriving -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Volume;

    #[test]
    fn statistics_include_ended_connections() {
        let remotes = Arc::new(RemoteTable::new());
        let remote = crate::remote::tests::any_remote();
        let membership = remotes.join(remote.clone(), Pipe::default(), Direction::Accepted);
        remote.counters().count_sent(Volume { messages: 2, bytes: 20 });
        let (stats, connected) = remotes.stats();
        assert_eq!((stats.sent.messages, connected), (2, 1));
        drop(membership);
        let (stats, connected) = remotes.stats();
        assert_eq!((stats.sent.messages, connected), (2, 0));
        assert!(remotes.find(RemoteId::Connection(remote.connection_id())).is_none());
    }

    #[test]
    fn connections_are_numbered_from_one() {
        let remotes = RemoteTable::new();
        assert_eq!([(); 3].map(|()| u64::from(remotes.allot())), [1, 2, 3]);
    }
}
