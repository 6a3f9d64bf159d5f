//! The state that the parts of one socket share.

use std::collections::VecDeque;
use std::future;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::task;
use tokio_util::sync::CancellationToken;
use tracing::Span;
use zmtp_proto::endpoint::Endpoint;
use zmtp_proto::greeting::MechanismName;
use zmtp_proto::handshake::{HandshakeConfig, Negotiated};
use zmtp_proto::identity::Identity;
use zmtp_proto::message_shape::MessageShape;
use zmtp_proto::metadata::Metadata;
use zmtp_proto::socket_type::SocketType;

use super::log;
use crate::auth::{Admission, AuthenticatorCall, Caller, RevocableConnection, Revocation};
use crate::connection::Admitted;
use crate::connection_id::ConnectionId;
use crate::message::{AnyMessage, Message, Multipart};
use crate::monitor::{
    DialFailure, DisconnectReason, EventKind, EventPublisher, EventSource, HandshakeFailure,
};
use crate::options::Options;
use crate::pipe::{DeliveredMessages, Delivery, MessageList};
use crate::quota::Quotas;
use crate::remote::{Description, Origin, Remote};
use crate::remotes::{Direction, Membership, RemoteSource, RemoteTable};
use crate::routing::{Attachment, AttachmentError, EndpointId, IdentityClaim, Losses, Routing};
use crate::runtime::Runtime;
use crate::sync::Lock;

/// The state that the driver, its tasks and the handles of one socket share.
#[derive(Debug)]
pub(crate) struct SocketState {
    pub(crate) routing: Routing,
    pub(crate) options: Options,
    pub(crate) remotes: Arc<RemoteTable>,
    pub(crate) publisher: Arc<EventPublisher>,
    pub(crate) runtime: Runtime,
    pub(super) handshake: HandshakeConfig,
    /// Cancelled when the socket stops accepting remotes.
    pub(super) full: CancellationToken,
    /// Can change while the socket is in use.
    linger: Lock<Option<Duration>>,
}

/// A connection whose handshake is completed. Dropping it removes the remote from the table, and
/// reports the end.
#[derive(Debug)]
pub(super) struct RegisteredRemote {
    shared: Arc<SocketState>,
    remote: Remote,
    membership: Membership,
    direction: Direction,
    reason: DisconnectReason,
    revocable: Option<Box<Revocable>>,
    /// Dropped after the membership.
    _wakes_hopeless: WakesHopeless,
}

/// A connection that revocations end. Boxed, because few connections are revocable.
#[derive(Debug)]
struct Revocable {
    revoked: Arc<Notify>,
    _connections: Vec<RevocableConnection>,
}

/// Wakes the senders that wait for a remote when it is dropped, if none can be expected anymore.
#[derive(Debug)]
struct WakesHopeless(Arc<SocketState>);

impl SocketState {
    pub(crate) fn new(
        routing: Routing,
        options: Options,
        handshake: HandshakeConfig,
        publisher: Arc<EventPublisher>,
        runtime: Runtime,
    ) -> Self {
        let linger = Lock::new(options.linger);
        let (remotes, full) = (Arc::new(RemoteTable::new()), CancellationToken::new());
        Self { routing, options, remotes, publisher, runtime, handshake, full, linger }
    }

    /// Stops accepting remotes at every endpoint: addresses become free, and connections continue.
    pub(crate) fn stop_accepting(&self) {
        self.full.cancel();
    }

    /// Removes an endpoint that is dialed no more although the application has not ended it.
    pub(super) fn abandon(&self, source: RemoteSource, failure: DialFailure) {
        source.abandon(failure);
        self.wake_hopeless();
    }

    /// Wakes the tasks that wait for a remote, if none can be expected anymore: requests and the
    /// wait for a subscriber fail.
    fn wake_hopeless(&self) {
        if self.remotes.hopeless().is_some() {
            self.routing.wake_senders();
        }
    }

    /// Returns the shape of the messages of the socket.
    pub(crate) const fn message_shape(&self) -> MessageShape {
        MessageShape::of(self.handshake.socket_type)
    }

    /// Returns the messages that begin each connection to a remote.
    pub(super) fn openings(&self, remote: &Remote) -> VecDeque<Message> {
        self.options.openings(remote.socket_type()).map(|body| self.notice(body)).collect()
    }

    /// Returns a message of one part with this body, as queues hold it.
    fn notice(&self, body: Bytes) -> Message {
        match self.message_shape() {
            MessageShape::Multipart => Multipart::from(body).into_queue(),
            MessageShape::Single | MessageShape::GroupAndBody => Message::from(body),
        }
    }

    /// Creates the span of an endpoint.
    pub(super) fn endpoint_span(&self, endpoint: &Endpoint) -> Span {
        log::endpoint_span(self.spoken(), endpoint)
    }

    /// Creates the span of a connection.
    pub(super) fn connection_span(&self, endpoint: &Endpoint, origin: Origin) -> Span {
        log::connection_span(self.spoken(), endpoint, origin)
    }

    /// Returns what the socket expects of its remotes.
    const fn spoken(&self) -> (SocketType, MechanismName) {
        (self.handshake.socket_type, self.options.mechanism.name())
    }

    pub(crate) fn losses(&self) -> &Losses {
        &self.routing.losses
    }

    /// Returns the authenticator, if there is one.
    pub(super) fn authenticator_call(
        &self,
        endpoint: &Endpoint,
        origin: Origin,
        admission: Option<&Admission>,
    ) -> Option<AuthenticatorCall> {
        let authenticator = self.options.authenticator.clone()?;
        let domain = Arc::clone(&self.options.domain);
        let admission = admission.cloned().unwrap_or_default();
        Some(AuthenticatorCall {
            authenticator,
            caller: Caller::new(domain, endpoint.clone(), origin, admission),
        })
    }

    /// Reports that an endpoint pauses establishing connections, or resumes.
    pub(super) fn paused(&self, is_paused: bool, endpoint: &Endpoint, quotas: &Quotas) {
        let event = if is_paused {
            let ended = self.routing.ended();
            log::paused(quotas, ended);
            EventKind::ConnectionsPaused { ended }
        } else {
            log::resumed(quotas);
            EventKind::ConnectionsResumed
        };
        self.publisher.publish(&EventSource::endpoint(endpoint.clone()), || event);
    }

    pub(crate) const fn socket_type(&self) -> SocketType {
        self.handshake.socket_type
    }

    pub(crate) fn linger(&self) -> Option<Duration> {
        *self.linger.lock()
    }

    pub(crate) fn set_linger(&self, linger: Option<Duration>) {
        *self.linger.lock() = linger;
    }

    /// Returns the identity that a remote is to have: the `assigned` one, unless it is empty, or
    /// the one that the remote announced.
    pub(super) fn claim(
        &self,
        negotiated: &Negotiated,
        assigned: &Identity,
        accepted: Option<ConnectionId>,
    ) -> Result<IdentityClaim, HandshakeFailure> {
        let announced =
            negotiated.metadata.identity().map_err(HandshakeFailure::InvalidIdentity)?;
        let identity = if assigned.is_empty() { announced } else { assigned.clone() };
        Ok(IdentityClaim { identity, accepted })
    }

    /// Attaches a remote of an endpoint, unless the endpoint has ended.
    ///
    /// Attaching wakes the senders that wait for a remote. One of them may have queued messages for
    /// this remote and ended the endpoint by now. The connection then ends when they are written.
    pub(super) fn attach(
        &self,
        endpoint: EndpointId,
        subject: EventSource,
        ended: &CancellationToken,
        quotas: &Arc<Quotas>,
    ) -> Result<Attachment, AttachmentError> {
        let routing = &self.routing;
        let attachment = routing.attach(endpoint, subject)?.within(quotas);
        if !ended.is_cancelled() {
            return Ok(attachment);
        }
        // No message is queued from here on.
        routing.retire_pipe(attachment.pipe());
        if attachment.is_empty() { Err(AttachmentError::Closed) } else { Ok(attachment) }
    }

    /// Attaches a remote with an identity, and ends the connection that loses it.
    pub(super) fn attach_identified(
        &self,
        endpoint: EndpointId,
        subject: EventSource,
        claim: IdentityClaim,
        is_arriving: bool,
    ) -> Result<Attachment, AttachmentError> {
        let (attachment, replaced) =
            self.routing.attach_identified(endpoint, subject, claim, is_arriving)?;
        if let Some(connection_id) = replaced {
            self.remotes.replace(connection_id);
        }
        Ok(attachment)
    }

    /// Does the same during a handshake. Returns `None` if the socket is closed.
    pub(super) fn admit_identified(
        &self,
        endpoint: EndpointId,
        subject: EventSource,
        claim: IdentityClaim,
        is_arriving: bool,
    ) -> Result<Option<Attachment>, HandshakeFailure> {
        let identity = claim.identity.clone();
        match self.attach_identified(endpoint, subject, claim, is_arriving) {
            Ok(attachment) => Ok(Some(attachment)),
            Err(AttachmentError::DuplicateIdentity) => {
                Err(HandshakeFailure::DuplicateIdentity { identity })
            }
            Err(AttachmentError::Closed | AttachmentError::Occupied) => Ok(None),
        }
    }

    /// Reclaims the memory of remotes that have left, in portions between which senders and other
    /// tasks continue.
    pub(super) async fn reclaim(&self) {
        while self.routing.reclaim() {
            task::yield_now().await;
        }
    }

    /// Reports that a handshake failed, and counts a remote that this side refused.
    pub(super) fn handshake_failed(&self, subject: &EventSource, reason: HandshakeFailure) {
        if let Some(cause) = reason.refusal() {
            self.remotes.refuse(cause);
        }
        self.publisher.publish(subject, || EventKind::HandshakeFailed { reason });
    }

    /// Adds a remote that has completed its handshake.
    #[expect(
        clippy::boxed_local,
        reason = "a caller that unboxed it would keep the box until its own end"
    )]
    pub(super) fn join(
        self: &Arc<Self>,
        attachment: &Attachment,
        endpoint: &Endpoint,
        (connection_id, origin): (ConnectionId, Origin),
        admitted: Box<Admitted>,
        direction: Direction,
    ) -> RegisteredRemote {
        let Admitted { negotiated, claimant, server_key, revocations } = *admitted;
        self.options.mechanism.handshake_used(server_key.as_ref());
        let identity = attachment.identity().or_else(|| negotiated.metadata.identity().ok());
        let description = Description {
            connection_id,
            routing_id: attachment.routing_id(),
            identity: identity.filter(|identity| !identity.is_empty()).map(Box::new),
            endpoint: endpoint.clone(),
            origin,
            socket_type: negotiated.socket_type,
            metadata: negotiated.metadata,
            user_id: negotiated.user_id,
            granted: negotiated.granted,
        };
        let mut registered = self.add(attachment, description, direction);
        self.audit_admitted(&registered.remote, claimant, server_key);
        self.publisher
            .publish(&EventSource::from(&registered.remote), || EventKind::HandshakeSucceeded);
        log::connected(&registered.remote, direction);
        registered.revocable = self.revocable(&revocations, connection_id);
        registered
    }

    /// Lets revocations end a connection. One that has been revoked in between ends it immediately.
    fn revocable(&self, revocations: &[Revocation], id: ConnectionId) -> Option<Box<Revocable>> {
        if revocations.is_empty() {
            return None;
        }
        let revoked = Arc::new(Notify::new());
        let connections = revocations.iter().filter_map(|revocation| {
            let (remotes, revoked) = (Arc::downgrade(&self.remotes), Arc::clone(&revoked));
            revocation.ends(move || {
                if let Some(remotes) = remotes.upgrade() {
                    remotes.revoke(id);
                }
                revoked.notify_one();
            })
        });
        let _connections = connections.collect();
        Some(Box::new(Revocable { revoked, _connections }))
    }

    /// Adds the remote of a `udp` endpoint, which has no handshake.
    pub(super) fn join_datagrams(
        self: &Arc<Self>,
        attachment: &Attachment,
        endpoint: &Endpoint,
        (connection_id, origin): (ConnectionId, Origin),
        direction: Direction,
    ) -> RegisteredRemote {
        let description = Description {
            connection_id,
            routing_id: None,
            identity: None,
            endpoint: endpoint.clone(),
            origin,
            socket_type: None,
            metadata: Metadata::default(),
            user_id: None,
            granted: Metadata::default(),
        };
        let registered = self.add(attachment, description, direction);
        log::connected(&registered.remote, direction);
        registered
    }

    fn add(
        self: &Arc<Self>,
        attachment: &Attachment,
        description: Description,
        direction: Direction,
    ) -> RegisteredRemote {
        let reconnects = match direction {
            Direction::Accepted => 0,
            Direction::Dialed { reconnects } => reconnects,
        };
        let remote = Remote::new(description, reconnects, attachment.share_quotas());
        let membership = self.remotes.join(remote.clone(), attachment.pipe(), direction);
        if self.routing.is_replaced(attachment.pipe()) {
            // A remote that took over the identity during the handshake did not find it.
            self.remotes.replace(remote.connection_id());
        }
        let shared = Arc::clone(self);
        let reason = DisconnectReason::Closed;
        let _wakes_hopeless = WakesHopeless(Arc::clone(self));
        RegisteredRemote {
            shared,
            remote,
            membership,
            direction,
            reason,
            revocable: None,
            _wakes_hopeless,
        }
    }
}

impl RegisteredRemote {
    pub(super) fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// Waits until the application disconnects the remote, or another remote takes over its
    /// identity. Returns a reason if the connection is to end without writing anything more.
    pub(super) async fn disconnected(&mut self) -> Option<DisconnectReason> {
        self.membership.disconnected().await
    }

    /// Waits until the admission of the remote is revoked, also after
    /// [`disconnected`](Self::disconnected).
    pub(super) async fn revoked(&self) {
        match &self.revocable {
            Some(revocable) => revocable.revoked.notified().await,
            None => future::pending().await,
        }
    }

    /// Returns whether another remote has taken over the identity of the remote.
    pub(super) fn is_replaced(&self) -> bool {
        let SocketState { routing, .. } = &*self.shared;
        routing.identifies() && self.membership.pipe().is_some_and(|pipe| routing.is_replaced(pipe))
    }

    /// Ends the connection with a reason; by default, that this side ended it. With another reason,
    /// the receivers of the remote's messages get a `notice` after all of them.
    pub(super) fn end(
        mut self,
        reason: DisconnectReason,
        attachment: &mut Attachment,
        notice: Option<&Bytes>,
    ) {
        self.reason = reason;
        let notice = notice.filter(|_| !matches!(self.reason, DisconnectReason::Closed));
        if let Some(notice) = notice {
            let message = self.shared.notice(notice.clone());
            let cargo = DeliveredMessages::Whole(MessageList::new([message].into()));
            attachment.leave(Delivery { cargo, remote: self.remote() });
        }
    }
}

/// Adds the admission by the application that has established the stream. What the authenticator
/// grants takes precedence.
pub(super) fn admitted_before(
    mut admitted: Box<Admitted>,
    admission: Option<Box<Admission>>,
) -> Box<Admitted> {
    if let Some(earlier) = admission {
        let Negotiated { user_id, granted, .. } = &mut admitted.negotiated;
        let later = Admission {
            user_id: user_id.take(),
            metadata: mem::take(granted),
            revocations: mem::take(&mut admitted.revocations),
        };
        let Admission { user_id: id, metadata, revocations } = later.after(*earlier);
        (*user_id, *granted) = (id, metadata);
        admitted.revocations = revocations;
    }
    admitted
}

impl Drop for WakesHopeless {
    fn drop(&mut self) {
        self.0.wake_hopeless();
    }
}

impl Drop for RegisteredRemote {
    fn drop(&mut self) {
        let Self { shared, remote, direction, reason, .. } = self;
        log::disconnected(remote, reason, *direction);
        if let DisconnectReason::Revoked = reason {
            shared.audit_revoked(remote);
        }
        if let Some(cause) = reason.refusal() {
            shared.remotes.refuse(cause);
        }
        shared.publisher.publish(&EventSource::from(&*remote), || EventKind::Disconnected {
            reason: reason.clone(),
            stats: Box::new(remote.stats()),
        });
    }
}
