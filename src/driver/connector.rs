//! Connected endpoints.

use std::future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::Notify;
use tokio::time::{self, Instant};
use tokio_util::codec::Framed;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};
use zmtp_proto::endpoint::{Endpoint, InprocEndpoint};
use zmtp_proto::handshake::Negotiated;

use super::SocketState;
use super::backoff::Backoff;
use super::dialing::{DialTarget, DialedStream};
use super::log;
use super::retry::Retry;
use super::socket_state::admitted_before;
use crate::auth::Admission;
use crate::connection::{Admitted, Connection, Deadline, TrafficCodec, establish};
use crate::connection_id::ConnectionId;
use crate::inproc;
use crate::monitor::{DialFailure, DisconnectReason, EventKind, EventSource, HandshakeFailure};
use crate::quota::Quotas;
use crate::remote::Origin;
use crate::remotes::{Direction, RemoteSource};
use crate::routing::{Attachment, AttachmentError, EndpointId, IdentityClaim};
use crate::routing_id::RoutingId;
use crate::transport::Stream;

/// Dials an endpoint repeatedly, and keeps its pipe between connections.
#[derive(Debug)]
pub(super) struct Connector {
    target: DialTarget,
    id: EndpointId,
    /// Always present, or with `immediate` only while there is a connection, and during the
    /// attempts of a socket with one remote at most. If the remote determines its identity, absent
    /// until the first connection.
    attachment: Option<Attachment>,
    /// Cancelled by the driver.
    ended: CancellationToken,
    /// Notified when a connection has ended.
    lost: Option<Arc<Notify>>,
    shared: Arc<SocketState>,
    quotas: Arc<Quotas>,
    backoff: Backoff,
    /// Whether the last attempt failed.
    is_failing: bool,
    /// The number of connections so far.
    connections: u64,
    server_key: ServerKeyTurn,
}

/// The turn of the key of the server that the next attempt uses.
#[derive(Debug, Default)]
struct ServerKeyTurn {
    turn: usize,
    /// The number of keys that have failed since the last connection or round.
    failed: usize,
}

/// The result of a successful attempt.
#[derive(Debug)]
struct Dialed {
    medium: Medium,
    remote: Box<Admitted>,
    connection_id: ConnectionId,
    origin: Origin,
    /// The admission by the application that has dialed the stream.
    admission: Option<Box<Admission>>,
    /// Present if the remote was attached during its handshake.
    admitted: Option<Box<Attachment>>,
}

/// The stream or link of a connection.
#[derive(Debug)]
enum Medium {
    Inproc(inproc::LinkSide),
    Stream(Box<Framed<Stream, TrafficCodec>>),
}

impl Connector {
    pub(super) fn new(
        target: DialTarget,
        id: EndpointId,
        ended: CancellationToken,
        shared: &Arc<SocketState>,
    ) -> Result<Self, AttachmentError> {
        let options = &shared.options;
        let quotas = Arc::<Quotas>::default();
        // From now on the queue exists, with or without a connection (RFC 41).
        let subject = EventSource::endpoint(target.endpoint.clone());
        let attachment = if shared.routing.identifies() {
            // Without an identity, no sender could name the remote.
            let is_named = target.identity.is_some() && !options.immediate;
            let claim = IdentityClaim { identity: target.identity(), accepted: None };
            shared.routing.admit()?;
            let attached = is_named.then(|| shared.attach_identified(id, subject, claim, false));
            attached.transpose()?.map(|attachment| attachment.within(&quotas))
        } else if options.immediate {
            shared.routing.admit()?;
            None
        } else {
            Some(shared.routing.attach(id, subject)?.within(&quotas))
        };
        let interval = options.reconnect_interval.unwrap_or_default();
        let backoff = Backoff::new(interval, options.reconnect_interval_max);
        let shared = Arc::clone(shared);
        let lost = None;
        Ok(Self {
            target,
            id,
            attachment,
            ended,
            lost,
            shared,
            quotas,
            backoff,
            is_failing: false,
            connections: 0,
            server_key: ServerKeyTurn::default(),
        })
    }

    /// Notifies `lost` whenever a connection has ended.
    pub(super) fn notifying(self, lost: Option<Arc<Notify>>) -> Self {
        Self { lost, ..self }
    }

    /// Returns the routing id of the remote: that of its pipe, which keeps it between connections.
    pub(super) fn routing_id(&self) -> Option<RoutingId> {
        self.attachment.as_ref()?.routing_id()
    }

    /// Maintains the connection until the endpoint ends and all messages are written, or until no
    /// further attempt is allowed.
    pub(super) async fn run(mut self, source: RemoteSource) {
        tracing::info!(target: log::ENDPOINT, "connecting");
        match self.run_attempts().await {
            Some(failure) => self.shared.abandon(source, failure),
            None => drop(source),
        }
        tracing::info!(target: log::ENDPOINT, "closed");
        self.publish(|| EventKind::Closed);
        let shared = Arc::clone(&self.shared);
        drop(self);
        shared.reclaim().await;
    }

    /// Returns the reason why no further attempt is allowed, unless the endpoint ends.
    async fn run_attempts(&mut self) -> Option<DialFailure> {
        while !self.ended.is_cancelled() || self.has_messages() {
            self.deliver_rest().await;
            let dialed = self.dial_unless_ended().await?;
            let mut has_another_key = false;
            let (retry, failure) = match dialed {
                Ok((dialed, span)) => {
                    self.is_failing = false;
                    self.server_key.failed = 0;
                    let serving = Box::pin(self.serve(dialed).instrument(span));
                    let served = serving.await;
                    self.shared.reclaim().await;
                    served?
                }
                Err(failure) => {
                    log::connect_failed(&self.quotas, &failure, &mut self.is_failing);
                    let retry = Retry::after_failure(&failure, &self.shared.options);
                    let keys = self.shared.options.mechanism.turns();
                    let may_retry = self.shared.options.reconnect_interval.is_some();
                    has_another_key = self.server_key.handle_failure(&failure, keys) && may_retry;
                    self.shared.remotes.fail(failure.clone());
                    if self.shared.options.immediate {
                        self.attachment = None;
                    }
                    (retry, failure)
                }
            };
            let delay = match retry {
                // The options that forbid a retry are about the last key.
                Retry::BackOff | Retry::Never if has_another_key => {
                    self.backoff.shortest(fastrand::f64())
                }
                Retry::BackOff => self.backoff.after_failure(fastrand::f64()),
                Retry::Rarely => self.backoff.longest(fastrand::f64()),
                Retry::Never => {
                    tracing::warn!(target: log::ENDPOINT, "not reconnecting");
                    return Some(failure);
                }
            };
            tracing::debug!(target: log::ENDPOINT, ?delay, "reconnecting");
            self.publish(|| EventKind::ConnectRetried { delay });
            let attachment = &mut self.attachment;
            let deliver_rest = async {
                if let Some(attachment) = attachment {
                    future::poll_fn(|cx| attachment.poll_deliver_rest(cx.waker())).await;
                }
                future::pending().await
            };
            tokio::select! {
                () = time::sleep(delay) => {}
                () = self.ended.cancelled(), if !self.ended.is_cancelled() => {}
                () = deliver_rest => {}
            }
        }
        None
    }

    /// Occupies the socket during an attempt, if it has one remote at most and does not keep its
    /// pipe.
    fn occupy(&mut self) -> Result<(), DialFailure> {
        let SocketState { routing, .. } = &*self.shared;
        if self.attachment.is_some() || !routing.is_exclusive() {
            return Ok(());
        }
        let subject = EventSource::endpoint(self.target.endpoint.clone());
        match routing.attach_arriving(self.id, subject) {
            Ok(attachment) => self.attachment = self.unless_ended(attachment),
            Err(AttachmentError::Occupied | AttachmentError::DuplicateIdentity) => {
                let failure = DialFailure::Handshake(HandshakeFailure::Occupied);
                self.publish(|| EventKind::ConnectFailed { reason: failure.clone() });
                return Err(failure);
            }
            // The attempt ends with the socket.
            Err(AttachmentError::Closed) => {}
        }
        Ok(())
    }

    /// Makes one attempt. Returns `None` if the endpoint has ended in between and there is
    /// nothing to write.
    async fn dial_unless_ended(&mut self) -> Option<Result<(Dialed, Span), DialFailure>> {
        if let Err(failure) = self.occupy() {
            return Some(Err(failure));
        }
        let this = &*self;
        // Boxed, like the future of a connection: neither reserves space for the other.
        let mut dialing = Box::pin(async {
            this.until_room().await;
            this.dial().await
        });
        tokio::select! {
            dialed = &mut dialing => return Some(dialed),
            () = this.ended.cancelled(), if !this.ended.is_cancelled() => {}
        }
        if this.has_messages() { Some(dialing.await) } else { None }
    }

    /// If this adds a remote, waits until the messages of ended remotes are below the limit.
    async fn until_room(&self) {
        let SocketState { routing, .. } = &*self.shared;
        if self.attachment.is_some() && self.connections > 0 {
            return;
        }
        let mut room = pin!(routing.has_room());
        if future::poll_fn(|cx| Poll::Ready(room.as_mut().poll(cx))).await.is_pending() {
            self.shared.paused(true, &self.target.endpoint, &self.quotas);
            room.await;
            self.shared.paused(false, &self.target.endpoint, &self.quotas);
        }
    }

    /// Queues the messages that connections have left, if there are too many for another connection
    /// to be established before.
    async fn deliver_rest(&mut self) {
        let Some(attachment) = &mut self.attachment else { return };
        if attachment.has_left_much() {
            tokio::select! {
                () = future::poll_fn(|cx| attachment.poll_deliver_rest(cx.waker())) => {}
                () = self.ended.cancelled() => {}
            }
        }
    }

    /// Makes one attempt; also returns the span of the connection.
    async fn dial(&self) -> Result<(Dialed, Span), DialFailure> {
        self.publish(|| EventKind::ConnectDelayed);
        if let Endpoint::Inproc(endpoint) = &self.target.endpoint {
            return self.dial_inproc(endpoint).await;
        }
        let dialed = self.target.dial(&self.shared.options).await;
        let DialedStream { stream, origin, admission } = match dialed {
            Ok(dialed) => dialed,
            Err(failure) => {
                self.publish(|| EventKind::ConnectFailed { reason: failure.clone() });
                return Err(failure);
            }
        };
        let SocketState { options, handshake, .. } = &*self.shared;
        let (connection_id, subject, span) = self.connected(origin);
        let deadline = Deadline::after(options.handshake_interval);
        let limits = options.message_limits();
        let (endpoint, known) = (&self.target.endpoint, admission.as_deref());
        let authenticator_call = self.shared.authenticator_call(endpoint, origin, known);
        let resource = match endpoint {
            Endpoint::Tcp(tcp) => tcp.resource(),
            _ => None,
        };
        let handshake = handshake.clone().requesting(resource);
        let mechanism = options.mechanism.for_handshake(self.server_key.turn);
        let call = authenticator_call.as_ref();
        let admit = |negotiated: &Negotiated| self.admit(negotiated);
        let shaking_hands = establish(stream, handshake, mechanism, deadline, limits, call, admit);
        let established = shaking_hands.instrument(span.clone()).await;
        let ((framed, remote), admitted) =
            established.map_err(|reason| self.handshake_failed(&subject, origin, &span, reason))?;
        let medium = Medium::Stream(framed);
        Ok((Dialed { medium, remote, connection_id, origin, admission, admitted }, span))
    }

    /// Waits indefinitely until there is a listener.
    async fn dial_inproc(&self, endpoint: &InprocEndpoint) -> Result<(Dialed, Span), DialFailure> {
        let answer = inproc::dial(endpoint, &self.shared.handshake.introduction()).await;
        let origin = Origin::default();
        let (connection_id, subject, span) = self.connected(origin);
        let admitted = answer.and_then(|(side, negotiated)| {
            let admitted = self.admit(&negotiated)?;
            Ok((side, negotiated, admitted))
        });
        let (side, negotiated, admitted) =
            admitted.map_err(|reason| self.handshake_failed(&subject, origin, &span, reason))?;
        let medium = Medium::Inproc(side);
        let remote = Box::new(Admitted::unauthenticated(negotiated));
        let admission = None;
        Ok((Dialed { medium, remote, connection_id, origin, admission, admitted }, span))
    }

    /// Attaches a remote that determines its identity. Boxed, because the futures that it passes
    /// through would otherwise reserve space for it.
    fn admit(&self, negotiated: &Negotiated) -> Result<Option<Box<Attachment>>, HandshakeFailure> {
        if self.attachment.is_some() || !self.shared.routing.identifies() {
            return Ok(None);
        }
        let claim = self.shared.claim(negotiated, &self.target.identity(), None)?;
        let subject = EventSource::endpoint(self.target.endpoint.clone());
        let attached = self.shared.admit_identified(self.id, subject, claim, true)?;
        Ok(attached.and_then(|attachment| self.unless_ended(attachment)).map(Box::new))
    }

    /// Returns the attachment of a new remote, unless the endpoint has ended.
    fn unless_ended(&self, attachment: Attachment) -> Option<Attachment> {
        // An endpoint is cancelled before its remotes are retired: this one is either among them,
        // or detects the end here.
        (!self.ended.is_cancelled()).then(|| attachment.within(&self.quotas))
    }

    /// Assigns an id to an established connection, and logs it.
    fn connected(&self, origin: Origin) -> (ConnectionId, EventSource, Span) {
        let connection_id = self.shared.remotes.allot();
        let span = self.shared.connection_span(&self.target.endpoint, origin);
        log::record_connection_id(&span, connection_id);
        span.in_scope(|| tracing::debug!(target: log::CONNECTION, "dialed"));
        let subject =
            EventSource::endpoint(self.target.endpoint.clone()).connection(connection_id, origin);
        self.shared.publisher.publish(&subject, || EventKind::Connected);
        (connection_id, subject, span)
    }

    fn handshake_failed(
        &self,
        subject: &EventSource,
        origin: Origin,
        span: &Span,
        reason: HandshakeFailure,
    ) -> DialFailure {
        let error = &reason as &dyn std::error::Error;
        span.in_scope(|| {
            tracing::debug!(target: log::CONNECTION, error, "the handshake failed");
            self.shared.audit_failure(subject, origin, &reason, &self.quotas);
        });
        self.shared.handshake_failed(subject, reason.clone());
        reason.into()
    }

    /// Runs a connection to its end. Returns `None` if there will be no other connection.
    async fn serve(&mut self, dialed: Dialed) -> Option<(Retry, DialFailure)> {
        let Dialed { medium, remote, connection_id, origin, admission, admitted } = dialed;
        let SocketState { options, routing, remotes, .. } = &*self.shared;
        let mut attachment = match (self.attachment.take(), admitted) {
            (Some(attachment), _) => attachment,
            (None, Some(attachment)) => *attachment,
            // The socket or the endpoint has ended meanwhile.
            (None, None) if routing.identifies() => return None,
            (None, None) => {
                let subject = EventSource::endpoint(self.target.endpoint.clone());
                self.shared.attach(self.id, subject, &self.ended, &self.quotas).ok()?
            }
        };
        let mut registered = self.shared.join(
            &attachment,
            &self.target.endpoint,
            (connection_id, origin),
            admitted_before(remote, admission),
            Direction::Dialed { reconnects: self.connections },
        );
        self.connections += 1;
        let begun = Instant::now();
        let (reason, was_useful, mut attachment) = match medium {
            Medium::Inproc(side) => {
                let remote = registered.remote();
                let openings = self.shared.openings(&remote);
                side.join(attachment, remote, openings);
                let reason = tokio::select! {
                    reason = side.ended() => Some(reason),
                    cut_off = registered.disconnected() => cut_off,
                };
                // The socket that bound the name exists, and no handshake was wasted.
                (reason, true, side.leave()?)
            }
            Medium::Stream(framed) => {
                let (stream, remote) = (framed.get_ref(), registered.remote());
                let (write_size, has_heartbeats) = (stream.write_size(), stream.has_heartbeats());
                let mut connection =
                    Connection::new(framed, write_size, &mut attachment, remote, options);
                if has_heartbeats {
                    connection.disable_pings();
                }
                let reason = connection.run_until(registered.disconnected()).await;
                let was_useful = connection.was_useful();
                if let Some(reason) = &reason {
                    // Boxed, because it is needed only at the end.
                    Box::pin(connection.refuse(reason)).await;
                }
                drop(connection);
                (reason, was_useful, attachment)
            }
        };
        self.backoff.handle_connection(was_useful, begun.elapsed());
        let (retry, reason) = match reason {
            Some(DisconnectReason::Closed) => (None, DisconnectReason::Closed),
            Some(reason) => (Some(Retry::after_disconnect(&reason, options)), reason),
            None => (Some(Retry::BackOff), DisconnectReason::Closed),
        };
        let failure = match &reason {
            DisconnectReason::Refused { reason } => {
                let failure = HandshakeFailure::Refused { reason: reason.clone() }.into();
                remotes.fail(DialFailure::clone(&failure));
                failure
            }
            reason => DialFailure::Disconnected(reason.clone()),
        };
        registered.end(reason, &mut attachment, options.hiccup_message.as_ref());
        if !options.immediate {
            self.attachment = Some(attachment);
        }
        if let Some(lost) = &self.lost {
            lost.notify_one();
        }
        Some((retry?, failure))
    }

    fn has_messages(&self) -> bool {
        self.attachment.as_ref().is_some_and(|attachment| !attachment.is_empty())
    }

    fn publish(&self, kind: impl FnOnce() -> EventKind) {
        self.shared.publisher.publish(&EventSource::endpoint(self.target.endpoint.clone()), kind);
    }
}

impl ServerKeyTurn {
    /// Turns to the next of the client's keys of the server if the server seems to have another one.
    /// Returns whether there is one that has not been tried since the last connection or round.
    fn handle_failure(&mut self, failure: &DialFailure, keys: usize) -> bool {
        let DialFailure::Handshake(HandshakeFailure::ClosedByCurveServer) = failure else {
            return false;
        };
        self.turn = self.turn.wrapping_add(1);
        self.failed += 1;
        let has_another = self.failed < keys;
        if !has_another {
            self.failed = 0;
        }
        has_another
    }
}
