//! The connections of a listener, from the handshake to the end.

use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::Span;
use zmtp_proto::endpoint::{Endpoint, without_resource};
use zmtp_proto::handshake::Negotiated;
use zmtp_proto::mechanism::HandshakeMechanism;
use zmtp_proto::proxy_header::ProxyHeader;

use super::ListenerState;
use crate::auth::{Admission, AuthenticatorCall};
use crate::connection::{
    Admitted, AnnouncedHandshake, Connection, Deadline, Established, establish, read_proxy_header,
};
use crate::connection_id::ConnectionId;
use crate::driver::half_open::Evicted;
use crate::driver::incoming::{AttachedStream, HandOver, HandedOver, Incoming, PortId};
use crate::driver::log;
use crate::driver::socket_state::{RegisteredRemote, admitted_before};
use crate::driver::{SocketState, within};
use crate::inproc::Dial;
use crate::monitor::{DisconnectReason, EventKind, EventSource, HandshakeFailure};
use crate::remote::Origin;
use crate::remotes::{Direction, PendingHandshake};
use crate::routing::Attachment;
use crate::transport::{RemoteStream, Stream};

/// The id of a connection, and its origin.
#[derive(Debug)]
pub(super) struct IncomingConnection {
    connection_id: ConnectionId,
    pub(super) origin: Origin,
    /// Held until the remote is connected.
    arriving: PendingHandshake,
}

/// The result of a handshake, with the attachment of a remote that was admitted during it; `None` if
/// the endpoint ended in between.
type EstablishedStream =
    Result<Option<(Established<Stream>, Option<Box<Attachment>>)>, HandshakeFailure>;

impl ListenerState {
    /// Serves one remote from its handshake to its end. Each stage is boxed separately, so that a
    /// connection occupies only the memory of its current stage.
    pub(super) async fn serve(self: Arc<Self>, mut incoming: Incoming, arriving: PendingHandshake) {
        let deadline = Deadline::after(self.shared.options.handshake_interval);
        match self.behind_proxy(&mut incoming, deadline).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(reason) => {
                let (_, subject) =
                    self.accepted(self.endpoint.clone(), incoming.origin(), arriving);
                return self.refuse(&subject, incoming.origin(), reason);
            }
        }
        let origin = incoming.origin();
        match incoming {
            Incoming::Attached(attached) => {
                Box::pin(self.serve_attached(attached, arriving, deadline)).await;
            }
            Incoming::SharedPort(stream, _, port) => {
                let directed = Box::pin(self.direct(stream, origin, port, deadline));
                // The socket that takes it over reports its outcome.
                if let Err(reason) = directed.await {
                    let (_, subject) = self.accepted(self.endpoint.clone(), origin, arriving);
                    self.refuse(&subject, origin, reason);
                }
            }
            Incoming::HandOver(call) => {
                let (connection_info, subject) =
                    self.accepted(self.endpoint.clone(), origin, arriving);
                let served =
                    Box::pin(self.serve_call(call, connection_info, &subject, deadline)).await;
                served.unwrap_or_else(|reason| self.refuse(&subject, origin, reason));
            }
            Incoming::Inproc(dial) => {
                let (connection_info, subject) =
                    self.accepted(self.endpoint.clone(), origin, arriving);
                let served = Box::pin(self.serve_dial(dial, connection_info, &subject)).await;
                served.unwrap_or_else(|reason| self.refuse(&subject, origin, reason));
            }
            Incoming::Stream(stream, _) => {
                let (connection_info, subject) =
                    self.accepted(self.endpoint.clone(), origin, arriving);
                let establishing =
                    Box::pin(self.establish_stream(stream, None, origin, &subject, deadline));
                let served =
                    Box::pin(self.serve_stream(establishing, connection_info, &subject)).await;
                served.unwrap_or_else(|reason| self.refuse(&subject, origin, reason));
            }
        }
    }

    async fn serve_attached(
        &self,
        attached: Box<AttachedStream>,
        arriving: PendingHandshake,
        deadline: Deadline,
    ) {
        let AttachedStream { stream, done } = *attached;
        if done.is_closed() {
            // The caller has stopped waiting.
            return;
        }
        let origin = stream.origin();
        let RemoteStream { stream, endpoint, admission, .. } = stream;
        let (connection_info, subject) = self.accepted(endpoint.into(), origin, arriving);
        let _ = done.send(connection_info.connection_id);
        let admission = Some(Box::new(admission));
        let establishing =
            Box::pin(self.establish_stream(stream, admission, origin, &subject, deadline));
        let served = Box::pin(self.serve_stream(establishing, connection_info, &subject)).await;
        served.unwrap_or_else(|reason| self.refuse(&subject, origin, reason));
    }

    /// Assigns an id to an accepted connection, and logs it.
    pub(super) fn accepted(
        &self,
        endpoint: Endpoint,
        origin: Origin,
        arriving: PendingHandshake,
    ) -> (IncomingConnection, EventSource) {
        let connection_id = self.shared.remotes.allot();
        log::record_connection_id(&Span::current(), connection_id);
        tracing::debug!(target: log::CONNECTION, "accepted");
        let subject = EventSource::endpoint(endpoint).connection(connection_id, origin);
        self.shared.publisher.publish(&subject, || EventKind::Accepted);
        (IncomingConnection { connection_id, origin, arriving }, subject)
    }

    /// Returns the mechanism of a new handshake.
    pub(super) fn mechanism_for_handshake(&self) -> HandshakeMechanism {
        let turn = self.server_key_turn.load(Ordering::Relaxed);
        self.shared.options.mechanism.for_handshake(turn)
    }

    pub(super) fn refuse(&self, subject: &EventSource, origin: Origin, reason: HandshakeFailure) {
        if let HandshakeFailure::ClosedByCurveServer = reason {
            // The next handshake uses another of the client's keys of the server.
            self.server_key_turn.fetch_add(1, Ordering::Relaxed);
        }
        log::refused(&self.quotas, &reason);
        self.shared.audit_failure(subject, origin, &reason, &self.quotas);
        self.shared.handshake_failed(subject, reason);
    }

    /// Reads the header of a proxy if the remote must send one. Returns false if the endpoint ended
    /// meanwhile.
    pub(super) async fn behind_proxy(
        &self,
        incoming: &mut Incoming,
        deadline: Deadline,
    ) -> Result<bool, HandshakeFailure> {
        if incoming.is_proxied(&self.shared.options) {
            Box::pin(self.accept_proxy_header(incoming, deadline)).await
        } else {
            Ok(true)
        }
    }

    /// Reads the header of a proxy, and adopts the origin in it. Returns false if the endpoint
    /// ended meanwhile.
    async fn accept_proxy_header(
        &self,
        incoming: &mut Incoming,
        deadline: Deadline,
    ) -> Result<bool, HandshakeFailure> {
        let (Incoming::Stream(stream, origin) | Incoming::SharedPort(stream, origin, _)) = incoming
        else {
            return Ok(true);
        };
        // Its address is not known yet, and all its clients share the address of the proxy.
        let reading = deadline.keep(read_proxy_header(stream));
        let Some(header) = self.while_half_open(None, reading).await? else { return Ok(false) };
        if let ProxyHeader::Proxied(address) = header {
            *origin = origin.of_client(address);
        }
        if let Some(address) = origin.address {
            log::record_remote(&Span::current(), address);
        }
        Ok(true)
    }

    /// Determines the resource that a remote requests, and hands the remote over to the socket that
    /// serves it.
    async fn direct(
        &self,
        stream: Stream,
        origin: Origin,
        port: PortId,
        deadline: Deadline,
    ) -> Result<(), HandshakeFailure> {
        let mechanism = self.mechanism_for_handshake();
        let caller = (&self.endpoint, origin, None);
        self.half_open(caller, async |authenticator_call| {
            let request =
                AnnouncedHandshake::hear(stream, mechanism, deadline, authenticator_call).await?;
            let resource = request.resource().map(|bytes| {
                let shown = bytes.get(..RESOURCE_LOG_MAX).unwrap_or(bytes);
                shown.escape_ascii().to_string()
            });
            let request = Box::new(HandedOver::Handshake(request.map(Stream::detach)?));
            let call = HandOver { request, origin, span: Span::current() };
            let handing_over = async {
                call.hand_over(&port).await;
                Ok(())
            };
            if deadline.keep(handing_over).await.is_err() {
                return Err(HandshakeFailure::UnknownResource { resource });
            }
            tracing::debug!(target: log::CONNECTION, resource, "handed over");
            Ok(())
        })
        .await
        .map(|_| ())
    }

    async fn serve_call(
        &self,
        call: HandOver,
        connection_info: IncomingConnection,
        subject: &EventSource,
        deadline: Deadline,
    ) -> Result<(), HandshakeFailure> {
        let SocketState { options, handshake, .. } = &*self.shared;
        let request = call.request.into_handshake().map(|stream| stream.attach(&options.tcp))?;
        let limits = options.message_limits();
        let running = {
            let admit = |negotiated: Option<&Negotiated>| self.admit(subject, negotiated);
            let introducing = Box::pin(request.introduce(handshake, deadline, limits, admit));
            let (established, attachment) = tokio::select! {
                introduced = introducing => introduced?,
                () = self.ended.cancelled() => return Ok(()),
            };
            if self.until_room().await.is_none() {
                return Ok(());
            }
            Box::pin(self.run(established, attachment, connection_info, subject))
        };
        running.await;
        self.shared.reclaim().await;
        Ok(())
    }

    /// Performs the handshake on a stream, as one of the half-open connections. The admission is that
    /// by the application that has attached the stream.
    async fn establish_stream(
        &self,
        stream: Stream,
        admission: Option<Box<Admission>>,
        origin: Origin,
        subject: &EventSource,
        deadline: Deadline,
    ) -> EstablishedStream {
        let known = admission.clone();
        let caller = (&subject.endpoint, origin, known.as_deref());
        let shaking_hands = self.half_open(caller, async |call| {
            self.shake_hands(stream, admission, call, subject, deadline).await
        });
        shaking_hands.await
    }

    /// Performs the handshake on a stream. The admission is added to that of the authenticator.
    pub(super) async fn shake_hands(
        &self,
        stream: Stream,
        admission: Option<Box<Admission>>,
        call: Option<&AuthenticatorCall>,
        subject: &EventSource,
        deadline: Deadline,
    ) -> Result<(Established<Stream>, Option<Box<Attachment>>), HandshakeFailure> {
        let SocketState { options, handshake, routing, .. } = &*self.shared;
        let limits = options.message_limits();
        let is_attached = matches!(subject.endpoint, Endpoint::Stream(_));
        let may_refuse = routing.is_exclusive() || routing.identifies();
        let ((framed, remote), attachment) = if may_refuse && !is_attached {
            let admitting = self.establish_admitted(stream, deadline, call, subject);
            Box::pin(admitting).await?
        } else {
            // Both ends of an attached stream may be of this kind, and neither waits until the other
            // has announced itself.
            let (config, mechanism) = (handshake.clone(), self.mechanism_for_handshake());
            let admit = |negotiated: &_| self.admit(subject, Some(negotiated));
            establish(stream, config, mechanism, deadline, limits, call, admit).await?
        };
        // Accepted before the limit was exceeded.
        routing.has_room().await;
        Ok(((framed, admitted_before(remote, admission)), attachment))
    }

    /// Runs a connection when it is established.
    pub(super) async fn serve_stream(
        &self,
        establishing: Pin<Box<impl Future<Output = EstablishedStream>>>,
        connection_info: IncomingConnection,
        subject: &EventSource,
    ) -> Result<(), HandshakeFailure> {
        let running = {
            let Some((established, attachment)) = establishing.await? else { return Ok(()) };
            Box::pin(self.run(established, attachment, connection_info, subject))
        };
        running.await;
        self.shared.reclaim().await;
        Ok(())
    }

    /// Performs the handshake with a remote that may begin one. Returns `None` if the endpoint
    /// ended in between.
    pub(super) async fn half_open<T>(
        &self,
        (endpoint, origin, admission): (&Endpoint, Origin, Option<&Admission>),
        handshake: impl AsyncFnOnce(Option<&AuthenticatorCall>) -> Result<T, HandshakeFailure>,
    ) -> Result<Option<T>, HandshakeFailure> {
        let endpoint = without_resource(endpoint);
        let authenticator_call = self.shared.authenticator_call(&endpoint, origin, admission);
        if authenticator_call.as_ref().is_some_and(|call| !call.allows_handshake()) {
            return Err(HandshakeFailure::AddressDenied);
        }
        let address = origin.address.map(|address| address.ip());
        // What waits for it would contain it more than once.
        let handshake = Box::pin(handshake(authenticator_call.as_ref()));
        self.while_half_open(address, handshake).await
    }

    /// Waits for a remote, as one of the half-open connections. Returns `None` if the endpoint ended
    /// in between.
    pub(super) async fn while_half_open<T>(
        &self,
        address: Option<IpAddr>,
        doing: impl Future<Output = Result<T, HandshakeFailure>>,
    ) -> Result<Option<T>, HandshakeFailure> {
        let slot = self.half_open.enter(address);
        tokio::select! {
            performed = slot.perform(doing) => match performed {
                Ok(done) => done.map(Some),
                Err(Evicted) => Err(HandshakeFailure::TooManyHalfOpen),
            },
            () = self.ended.cancelled() => Ok(None),
        }
    }

    /// Runs a connection to its end.
    async fn run(
        &self,
        (framed, remote): Established<Stream>,
        admitted: Option<Box<Attachment>>,
        connection_info: IncomingConnection,
        subject: &EventSource,
    ) {
        let Self { shared, .. } = self;
        let options = &shared.options;
        let mut attachment = match admitted {
            Some(attachment) => *attachment,
            None => match self.attach(subject) {
                Ok(attachment) => attachment,
                Err(_) => return,
            },
        };
        let IncomingConnection { connection_id, origin, arriving } = connection_info;
        let (endpoint, id) = (&subject.endpoint, (connection_id, origin));
        let mut registered = shared.join(&attachment, endpoint, id, remote, Direction::Accepted);
        drop(arriving);
        let (stream, remote) = (framed.get_ref(), registered.remote());
        let (write_size, has_heartbeats) = (stream.write_size(), stream.has_heartbeats());
        let mut connection = Connection::new(framed, write_size, &mut attachment, remote, options);
        if has_heartbeats {
            connection.disable_pings();
        }
        let reason = self.until_disconnected(&mut registered, pin!(connection.run())).await;
        // Boxed, because it is needed only at the end.
        Box::pin(connection.refuse(&reason)).await;
        drop(connection);
        registered.end(reason, &mut attachment, options.disconnect_message.as_ref());
    }

    async fn serve_dial(
        &self,
        dial: Dial,
        connection_info: IncomingConnection,
        subject: &EventSource,
    ) -> Result<(), HandshakeFailure> {
        let Self { endpoint, shared, .. } = self;
        let options = &shared.options;
        if let Err(reason) = dial.check(shared.handshake.socket_type) {
            dial.refuse(reason.clone());
            return Err(reason);
        }
        if self.until_room().await.is_none() {
            return Ok(());
        }
        let attachment = match self.admit_dial(subject, dial.negotiated()) {
            Ok(Some(attachment)) => attachment,
            Ok(None) => return Ok(()),
            Err(reason) => {
                dial.refuse(reason.clone());
                return Err(reason);
            }
        };
        let negotiated = dial.negotiated().clone();
        let remote = Box::new(Admitted::unauthenticated(negotiated));
        let IncomingConnection { connection_id, origin, arriving } = connection_info;
        let id = (connection_id, origin);
        let mut registered = shared.join(&attachment, endpoint, id, remote, Direction::Accepted);
        drop(arriving);
        let side = dial.accept(shared.handshake.introduction());
        let remote = registered.remote();
        let openings = shared.openings(&remote);
        side.join(attachment, remote, openings);
        let reason = self.until_disconnected(&mut registered, pin!(side.ended())).await;
        if let Some(mut attachment) = side.leave() {
            registered.end(reason, &mut attachment, options.disconnect_message.as_ref());
        }
        shared.reclaim().await;
        Ok(())
    }

    /// Waits until the messages of ended remotes are below the limit. Returns `None` if the
    /// endpoint ended in between.
    async fn until_room(&self) -> Option<()> {
        tokio::select! {
            () = self.shared.routing.has_room() => Some(()),
            () = self.ended.cancelled() => None,
        }
    }

    /// Runs a connection to its end, or, when its end is requested, until all messages queued for
    /// it are written.
    async fn until_disconnected(
        &self,
        registered: &mut RegisteredRemote,
        mut running: Pin<&mut impl Future<Output = DisconnectReason>>,
    ) -> DisconnectReason {
        let reason = tokio::select! {
            // Nothing is read from a remote whose admission has been revoked.
            biased;
            // Its pipe has been retired.
            cut_off = registered.disconnected() => {
                if let Some(reason) = cut_off {
                    return reason;
                }
                let linger = self.shared.linger();
                let linger = if registered.is_replaced() { Some(Duration::ZERO) } else { linger };
                tokio::select! {
                    // Boxed, because it is needed only at the end.
                    () = Box::pin(registered.revoked()) => return DisconnectReason::Revoked,
                    ended = within(linger, running) => ended.unwrap_or(DisconnectReason::Closed),
                }
            }
            reason = running.as_mut() => reason,
        };
        if registered.is_replaced() { DisconnectReason::HandedOver } else { reason }
    }
}

/// The maximum length of a reported resource; valid resources are not longer.
const RESOURCE_LOG_MAX: usize = 255;
