//! Sends commands from handles to the driver, and reads the state that all parts of a socket share.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use zmtp_proto::endpoint::{
    Endpoint, UdpEndpoint, check_bindable, check_connectable, check_dialable,
};
use zmtp_proto::identity::Identity;
use zmtp_proto::socket_type::SocketType;

use super::stats;
#[cfg(feature = "metrics")]
use super::stats_reader::SocketStatsReader;
use crate::auth::Mechanism;
use crate::connection_id::ConnectionId;
use crate::driver::{
    self, Acceptor, AttachedStream, DialTarget, DriverCommand, EndpointUse, SocketState,
};
use crate::error::{
    AttachError, BindError, ConnectError, ConnectPeerError, DisconnectError, NoRemoteError,
    UnbindError,
};
use crate::message::Message;
use crate::monitor::{DialFailure, Monitor};
use crate::options::Options;
use crate::platform::StdListener;
use crate::remote::Remote;
use crate::remotes::{Presence, RemoteId};
use crate::routing::{AttachmentError, KeptMessage};
use crate::routing_id::RoutingId;
use crate::stats::{RemoteStats, Stats};
use crate::sync::Lock;
use crate::transport::{RemoteStream, SharedDialer};

/// The operations on a socket as a whole, independent of its type.
#[derive(Debug)]
pub(crate) struct Control {
    /// The driver receives from it.
    commands: mpsc::Sender<DriverCommand>,
    last_endpoint: Lock<Option<Endpoint>>,
    shared: Arc<SocketState>,
}

/// The outcome of closing a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// The number of messages handed to the transport since the socket was created. Remotes may not
    /// have received all of them.
    pub written: u64,
    /// The number of messages that the socket accepted since it was created but did not hand to the
    /// transport, because their remote left or [refused](crate::stats::Dropped::refused) them, or
    /// because `linger` expired.
    pub undelivered: u64,
}

/// The reason why a socket does not use a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TransportRefusal {
    NoTls,
    NoWebSockets,
    SocketType(SocketType),
    Unsecured,
}

/// What a socket does with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Binds,
    Connects,
}

impl Side {
    /// Returns whether the socket has the option for `tls` and `wss` endpoints.
    #[cfg(feature = "tls")]
    const fn has_tls(self, Options { tls, .. }: &Options) -> bool {
        match self {
            Self::Binds => tls.server.is_some(),
            Self::Connects => tls.client.is_some(),
        }
    }

    #[cfg(not(feature = "tls"))]
    const fn has_tls(self, _: &Options) -> bool {
        false
    }

    /// Returns the only socket type that does this with `udp` endpoints.
    const fn uses_datagrams(self) -> SocketType {
        match self {
            Self::Binds => SocketType::Dish,
            Self::Connects => SocketType::Radio,
        }
    }
}

impl Control {
    pub(super) const fn new(
        commands: mpsc::Sender<DriverCommand>,
        shared: Arc<SocketState>,
    ) -> Self {
        Self { commands, last_endpoint: Lock::new(None), shared }
    }

    pub(super) async fn bind(&self, asked: Endpoint) -> Result<Endpoint, BindError> {
        if self.commands.is_closed() {
            return Err(BindError::Closed);
        }
        check_bindable(&asked)?;
        self.check_transport(&asked, Side::Binds).map_err(|refusal| match refusal {
            TransportRefusal::NoTls => BindError::NoTlsServer { endpoint: asked.clone() },
            TransportRefusal::NoWebSockets => BindError::NoWebSockets { endpoint: asked.clone() },
            TransportRefusal::SocketType(socket_type) => {
                BindError::IncompatibleTransport { endpoint: asked.clone(), socket_type }
            }
            TransportRefusal::Unsecured => {
                BindError::UnsecuredTransport { endpoint: asked.clone() }
            }
        })?;
        if let Endpoint::Udp(udp) = &asked {
            return self.bind_datagrams(udp.clone()).await;
        }
        let (endpoint, shared) = (asked.clone(), Arc::clone(&self.shared));
        let binding = async move { Acceptor::bind(&endpoint, &shared.options).await };
        let acceptor = self.shared.runtime.run(binding).await.ok_or(BindError::Closed)?;
        self.listen(asked, acceptor.map_err(|error| self.unless_closed(error))?).await
    }

    pub(super) async fn bind_from_std(&self, listener: StdListener) -> Result<Endpoint, BindError> {
        if self.commands.is_closed() {
            return Err(BindError::Closed);
        }
        let shared = Arc::clone(&self.shared);
        let adopting = async move { Acceptor::adopt(listener, &shared.options) };
        let acceptor = self.shared.runtime.run(adopting).await.ok_or(BindError::Closed)?;
        let acceptor =
            acceptor.map_err(|error| self.unless_closed(BindError::UnusableListener(error)))?;
        self.listen(acceptor.local_endpoint(), acceptor).await
    }

    pub(super) async fn connect(&self, endpoint: Endpoint) -> Result<(), ConnectError> {
        self.check_connectable(&endpoint)?;
        self.dial(endpoint.into()).await.map(|_| ())
    }

    /// Connects the socket to an endpoint whose streams the application dials.
    pub(super) async fn connect_with(
        &self,
        endpoint: Endpoint,
        dialer: SharedDialer,
    ) -> Result<(), ConnectError> {
        check_dialable(&endpoint)?;
        let target = DialTarget { dialer: Some(dialer), ..endpoint.into() };
        self.dial(target).await.map(|_| ())
    }

    /// Adds the remote of a stream that the application has established. Returns the id of the
    /// connection.
    pub(super) async fn attach(&self, stream: RemoteStream) -> Result<ConnectionId, AttachError> {
        let attaching = self.ask(|done| DriverCommand::Attach { done }).await;
        let (done, connection_id) = oneshot::channel();
        let stream = Box::new(AttachedStream { stream, done });
        // Without a listener, the socket is closed, or accepts no more remotes.
        let sent = attaching.ok_or(AttachError::Closed)?.send(stream).await;
        sent.map_err(|_| AttachError::Closed)?;
        connection_id.await.map_err(|_| AttachError::Closed)
    }

    /// Connects the socket to an endpoint, and assigns an identity to its remote.
    pub(super) async fn connect_identity(
        &self,
        endpoint: Endpoint,
        identity: Identity,
    ) -> Result<(), ConnectError> {
        self.check_connectable(&endpoint)?;
        let identity = Some(identity).filter(|identity| !identity.is_empty()).map(Box::new);
        self.dial(DialTarget { identity, ..endpoint.into() }).await.map(|_| ())
    }

    /// Connects the socket to an endpoint, and returns the routing id of the remote.
    pub(super) async fn connect_peer(
        &self,
        endpoint: Endpoint,
    ) -> Result<RoutingId, ConnectPeerError> {
        check_connectable(&endpoint)?;
        if self.shared.options.immediate {
            return Err(ConnectPeerError::Immediate);
        }
        match self.check_connectable(&endpoint) {
            Ok(()) => {}
            Err(ConnectError::NoTlsClient { endpoint }) => {
                return Err(ConnectPeerError::NoTlsClient { endpoint });
            }
            Err(ConnectError::NoWebSockets { endpoint }) => {
                return Err(ConnectPeerError::NoWebSockets { endpoint });
            }
            Err(_) => return Err(ConnectPeerError::IncompatibleTransport { endpoint }),
        }
        // A PEER admits any number of remotes. Without an id the socket was closed before the pipe
        // existed.
        let connected = self.dial(endpoint.into()).await;
        connected.ok().flatten().ok_or(ConnectPeerError::Closed)
    }

    pub(super) async fn connect_all(&self, endpoint: Endpoint) -> Result<(), ConnectError> {
        self.check_connectable(&endpoint)?;
        let asked = endpoint.clone();
        let connected = self.ask(|done| DriverCommand::ConnectAll { endpoint: asked, done }).await;
        self.connected_to(endpoint, Identity::default(), connected)
    }

    pub(super) async fn unbind(&self, endpoint: Endpoint) -> Result<(), UnbindError> {
        let asked = endpoint.clone();
        match self.ask(|done| DriverCommand::Unbind { endpoint: asked, done }).await {
            Some(EndpointUse::Used) => Ok(()),
            Some(EndpointUse::Unused) => Err(UnbindError::NotBound { endpoint }),
            None => Err(UnbindError::Closed),
        }
    }

    pub(super) async fn disconnect(&self, endpoint: Endpoint) -> Result<(), DisconnectError> {
        let asked = endpoint.clone();
        match self.ask(|done| DriverCommand::Disconnect { endpoint: asked, done }).await {
            Some(EndpointUse::Used) => Ok(()),
            Some(EndpointUse::Unused) => Err(DisconnectError::NotConnected { endpoint }),
            None => Err(DisconnectError::Closed),
        }
    }

    pub(super) async fn close(&self) -> CloseReport {
        // Without an answer the driver has ended already.
        let _ = self.ask(|done| DriverCommand::Close { done }).await;
        self.commands.closed().await;
        let Stats { sent, dropped, .. } = self.stats();
        CloseReport { written: sent.messages, undelivered: dropped.undelivered + dropped.refused }
    }

    pub(super) async fn close_with_undelivered(&self) -> (CloseReport, Vec<KeptMessage>) {
        self.shared.losses().keep();
        let report = self.close().await;
        (report, self.shared.losses().take_kept())
    }

    /// Waits until this many remotes are connected, or until no remote can be expected anymore.
    pub(super) async fn connected(&self, remotes: usize) -> Result<(), NoRemoteError> {
        let mut presence = self.shared.remotes.presence();
        let state = presence.wait_for(|presence| {
            presence.connected >= remotes || presence.closed || presence.is_hopeless()
        });
        let state = state.await.expect("the sender is as long-lived as the socket").clone();
        match state {
            Presence { closed: true, .. } => Err(NoRemoteError::Closed),
            Presence { connected, abandoned: Some(failure), .. } if connected < remotes => {
                Err(NoRemoteError::Failed(DialFailure::clone(&failure)))
            }
            _ => Ok(()),
        }
    }

    /// Waits like [`connected`](Self::connected), at most for `limit`.
    pub(super) async fn connected_timeout(&self, limit: Duration) -> Result<(), NoRemoteError> {
        match self.shared.runtime.timeout(limit, self.connected(1)).await {
            Some(connected) => connected,
            None => {
                let failure = self.shared.remotes.presence().borrow().failure.clone();
                Err(NoRemoteError::Timeout(failure))
            }
        }
    }

    pub(super) fn stats(&self) -> Stats {
        let SocketState { remotes, routing, .. } = &*self.shared;
        stats::combine(remotes, &routing.losses, routing.queued(None), routing.ended())
    }

    /// Returns a reader of the statistics that does not keep the socket alive.
    #[cfg(feature = "metrics")]
    pub(crate) fn meter(&self) -> SocketStatsReader {
        SocketStatsReader::new(&self.shared)
    }

    pub(super) fn monitor(&self) -> Monitor {
        self.shared.publisher.monitor()
    }

    pub(super) fn remotes(&self) -> Vec<Remote> {
        self.shared.remotes.all()
    }

    pub(super) fn connected_remotes(&self) -> usize {
        self.shared.remotes.len()
    }

    pub(super) fn remote(&self, id: RemoteId) -> Option<Remote> {
        self.shared.remotes.find(id).map(|(remote, _)| remote)
    }

    pub(super) fn disconnect_remote(&self, id: RemoteId) -> bool {
        self.shared.remotes.disconnect(id, &self.shared.routing)
    }

    pub(super) fn remote_stats(&self, id: RemoteId) -> Option<RemoteStats> {
        let (remote, pipe) = self.shared.remotes.find(id)?;
        let queued = self.shared.routing.queued(Some(pipe));
        Some(RemoteStats { queued, ..remote.stats() })
    }

    pub(super) fn linger(&self) -> Option<Duration> {
        self.shared.linger()
    }

    pub(super) fn set_linger(&self, limit: Option<Duration>) {
        self.shared.set_linger(limit);
    }

    pub(super) fn ended_hwm_bytes(&self) -> usize {
        self.shared.routing.ended_hwm()
    }

    pub(super) fn set_ended_hwm_bytes(&self, bytes: usize) {
        self.shared.routing.set_ended_hwm(bytes);
    }

    pub(super) fn recv_hwm(&self) -> usize {
        self.shared.routing.marks().1.messages()
    }

    pub(super) fn set_recv_hwm(&self, messages: usize) {
        self.shared.routing.change_recv_hwm(|hwm| hwm.with_messages(messages));
    }

    pub(super) fn recv_hwm_bytes(&self) -> usize {
        self.shared.routing.marks().1.bytes()
    }

    pub(super) fn set_recv_hwm_bytes(&self, bytes: usize) {
        self.shared.routing.change_recv_hwm(|hwm| hwm.with_bytes(bytes));
    }

    pub(super) fn send_hwm(&self) -> usize {
        self.shared.routing.marks().0.messages()
    }

    pub(super) fn set_send_hwm(&self, messages: usize) {
        self.shared.routing.change_send_hwm(|hwm| hwm.with_messages(messages));
    }

    pub(super) fn send_hwm_bytes(&self) -> usize {
        self.shared.routing.marks().0.bytes()
    }

    pub(super) fn set_send_hwm_bytes(&self, bytes: usize) {
        self.shared.routing.change_send_hwm(|hwm| hwm.with_bytes(bytes));
    }

    /// Returns the state that all parts of the socket share.
    pub(super) fn shared(&self) -> &SocketState {
        &self.shared
    }

    pub(super) fn last_endpoint(&self) -> Option<Endpoint> {
        self.last_endpoint.lock().clone()
    }

    /// Counts a message that a handle accepted but did not queue.
    pub(super) fn count_undelivered(&self, message: Message) {
        self.shared.losses().undelivered(None, iter::once(message.into()));
    }

    fn check_connectable(&self, endpoint: &Endpoint) -> Result<(), ConnectError> {
        check_connectable(endpoint)?;
        self.check_transport(endpoint, Side::Connects).map_err(|refusal| match refusal {
            TransportRefusal::NoTls => ConnectError::NoTlsClient { endpoint: endpoint.clone() },
            TransportRefusal::NoWebSockets => {
                ConnectError::NoWebSockets { endpoint: endpoint.clone() }
            }
            TransportRefusal::SocketType(socket_type) => {
                ConnectError::IncompatibleTransport { endpoint: endpoint.clone(), socket_type }
            }
            TransportRefusal::Unsecured => {
                ConnectError::UnsecuredTransport { endpoint: endpoint.clone() }
            }
        })
    }

    /// Refuses WebSockets without the feature for them, and TLS without the option for it. Refuses `udp` for all sockets except those of one
    /// type, and for those that require security, which datagrams do not have.
    fn check_transport(&self, endpoint: &Endpoint, side: Side) -> Result<(), TransportRefusal> {
        let (options, socket_type) = (&self.shared.options, self.shared.socket_type());
        match endpoint {
            Endpoint::WebSocket(_) if cfg!(not(feature = "ws")) => {
                return Err(TransportRefusal::NoWebSockets);
            }
            Endpoint::WebSocket(websocket) if !websocket.is_encrypted() => return Ok(()),
            Endpoint::Tls(_) | Endpoint::WebSocket(_) if side.has_tls(options) => return Ok(()),
            Endpoint::Tls(_) | Endpoint::WebSocket(_) => return Err(TransportRefusal::NoTls),
            Endpoint::Udp(_) => {}
            _ => return Ok(()),
        }
        if socket_type != side.uses_datagrams() {
            return Err(TransportRefusal::SocketType(socket_type));
        }
        if options.authenticator.is_some() || !matches!(options.mechanism, Mechanism::Null) {
            return Err(TransportRefusal::Unsecured);
        }
        Ok(())
    }

    /// Returns `error`, or `Closed` if the runtime shuts down, which refuses IO resources.
    fn unless_closed(&self, error: BindError) -> BindError {
        if self.commands.is_closed() { BindError::Closed } else { error }
    }

    /// Counts a message that a lossy sink dropped, because it could not be sent to its remote.
    pub(super) fn count_dropped(&self, message: Message) {
        self.shared.losses().dropped(message);
    }

    /// Connects the socket to an endpoint. Returns the routing id of the remote, if it has one
    /// before it is connected.
    async fn dial(&self, target: DialTarget) -> Result<Option<RoutingId>, ConnectError> {
        let (endpoint, identity) = (target.endpoint.clone(), target.identity());
        let connected = self.ask(|done| DriverCommand::Connect { target, done }).await;
        self.connected_to(endpoint, identity, connected)
    }

    /// Records that the socket connects to an endpoint, unless the driver has answered with an
    /// error.
    fn connected_to<T>(
        &self,
        endpoint: Endpoint,
        identity: Identity,
        answer: Option<Result<T, AttachmentError>>,
    ) -> Result<T, ConnectError> {
        match answer {
            Some(Ok(connected)) => {
                *self.last_endpoint.lock() = Some(endpoint);
                Ok(connected)
            }
            Some(Err(AttachmentError::DuplicateIdentity)) => {
                Err(ConnectError::DuplicateIdentity { endpoint, identity })
            }
            Some(Err(AttachmentError::Occupied)) => Err(ConnectError::Occupied { endpoint }),
            Some(Err(AttachmentError::Closed)) | None => Err(ConnectError::Closed),
        }
    }

    async fn bind_datagrams(&self, asked: UdpEndpoint) -> Result<Endpoint, BindError> {
        let (endpoint, shared) = (asked.clone(), Arc::clone(&self.shared));
        let binding = async move { driver::bind_datagrams(&endpoint, &shared.options).await };
        let receiver = self.shared.runtime.run(binding).await.ok_or(BindError::Closed)?;
        let receiver = receiver.map_err(|error| self.unless_closed(error))?;
        let local = receiver.local_endpoint().clone();
        let asked = Endpoint::Udp(asked);
        let bound = self.ask(|done| DriverCommand::BindDatagrams { asked, receiver, done }).await;
        bound.ok_or(BindError::Closed)?;
        *self.last_endpoint.lock() = Some(local.clone());
        Ok(local)
    }

    async fn listen(&self, asked: Endpoint, acceptor: Acceptor) -> Result<Endpoint, BindError> {
        let local = acceptor.local_endpoint();
        let bound = self.ask(|done| DriverCommand::Bind { asked, acceptor, done }).await;
        bound.ok_or(BindError::Closed)?;
        *self.last_endpoint.lock() = Some(local.clone());
        Ok(local)
    }

    /// Sends a command to the driver and returns its answer; `None` if the socket is closed.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> DriverCommand) -> Option<T> {
        let (done, mut answer) = oneshot::channel();
        self.commands.send(command(done)).await.ok()?;
        tokio::select! {
            biased;
            answer = &mut answer => answer.ok(),
            // A driver that ends with its runtime does not read the commands sent at that moment.
            () = self.commands.closed() => answer.try_recv().ok(),
        }
    }
}
