//! The handshake: from a new stream to one that carries traffic.

use std::future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{self, Instant};
use tokio_util::codec::{Framed, FramedParts};
use tokio_util::io::poll_read_buf;
use zmtp_proto::error_reason::ErrorReason;
use zmtp_proto::handshake::{Handshake, HandshakeConfig, HandshakeError, Negotiated};
use zmtp_proto::mechanism::HandshakeMechanism;
use zmtp_proto::mechanism::curve::{CurvePublicKey, Seed};
use zmtp_proto::message_shape::MessageShape;
use zmtp_proto::metadata::Metadata;
use zmtp_proto::socket_type::SocketType;
use zmtp_proto::traffic::TrafficDecoder;

use super::codec::{DecodeError, HandshakeCodec, TrafficCodec};
use super::ending::refuse;
use super::handshake_stream::HandshakeStream;
use crate::auth::{Admission, AuthenticatorCall, Credentials, Revocation, StatusCode};
use crate::monitor::{Claimant, HandshakeFailure};
use crate::options::MessageLimits;
use crate::transport::ClosingStream;

/// A stream that carries traffic, and what is known of its remote. Boxed, because all futures that
/// they pass through would otherwise reserve space for them as long as the connection lasts.
pub(crate) type Established<S> = (Box<Framed<S, TrafficCodec>>, Box<Admitted>);

/// A remote whose handshake is complete.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) negotiated: Negotiated,
    /// The name or the key that the remote presented to the authenticator.
    pub(crate) claimant: Option<Claimant>,
    /// The public key of the server under CURVE.
    pub(crate) server_key: Option<CurvePublicKey>,
    /// Those of its admissions.
    pub(crate) revocations: Vec<Revocation>,
}

impl Admitted {
    /// Returns the result of a handshake without a mechanism.
    pub(crate) const fn unauthenticated(negotiated: Negotiated) -> Self {
        Self { negotiated, claimant: None, server_key: None, revocations: Vec::new() }
    }
}

/// The deadline of a handshake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    /// The deadline, and the time limit that it came from; `None` for no deadline.
    end: Option<(Instant, Duration)>,
}

impl Deadline {
    /// Creates a deadline. A limit beyond the range of the clock means no deadline.
    pub(crate) fn after(limit: Option<Duration>) -> Self {
        Self { end: limit.and_then(|limit| Some((Instant::now().checked_add(limit)?, limit))) }
    }

    /// Runs a future until the deadline.
    ///
    /// # Errors
    ///
    /// The failure of the future, or a timeout.
    pub(crate) async fn keep<T>(
        self,
        doing: impl Future<Output = Result<T, HandshakeFailure>>,
    ) -> Result<T, HandshakeFailure> {
        match self.end {
            Some((end, limit)) => time::timeout_at(end, doing)
                .await
                .unwrap_or(Err(HandshakeFailure::TimedOut { limit })),
            None => doing.await,
        }
    }
}

/// Performs the handshake until the deadline. The authenticator, if any, decides whether the remote
/// is admitted. Then `admit` is called, when this side has announced itself.
pub(crate) async fn establish<S: ClosingStream + Unpin, T>(
    stream: S,
    config: HandshakeConfig,
    mechanism: HandshakeMechanism,
    deadline: Deadline,
    limits: MessageLimits,
    authenticator_call: Option<&AuthenticatorCall>,
    admit: impl FnOnce(&Negotiated) -> Result<T, HandshakeFailure>,
) -> Result<(Established<S>, T), HandshakeFailure> {
    let socket_type = config.socket_type;
    let is_decided_here = is_decided_here(&mechanism, authenticator_call);
    let handshake = Handshake::new(&config, mechanism, is_decided_here, seed()?);
    let mut framed = frame(stream, handshake);
    let mut verdict = Verdict::default();
    let shaking_hands = async {
        let reached = shake_hands(&mut framed, &mut verdict, authenticator_call).await;
        let negotiated = reached.map(Reached::negotiated);
        let admitted = negotiated.and_then(|negotiated| {
            let admitted = admit(&negotiated)?;
            Ok((negotiated, admitted))
        });
        refuse_late(&mut framed, admitted.as_ref().err());
        let admitted = admitted?;
        send_last_command(&mut framed).await?;
        Ok(admitted)
    };
    match deadline.keep(shaking_hands).await {
        Ok((negotiated, admitted)) => {
            Ok((carry_traffic(framed, negotiated, verdict, (socket_type, limits)), admitted))
        }
        Err(failure) => Err(finish(framed, failure, deadline).await),
    }
}

/// A handshake that has reached the announcement of a socket.
#[derive(Debug)]
pub(crate) struct AnnouncedHandshake<S> {
    stream: S,
    handshake: Handshake,
    read: BytesMut,
    verdict: Verdict,
}

/// The admission by the authenticator, and the name or the key that it has checked.
#[derive(Debug, Default)]
struct Verdict {
    admission: Admission,
    claimant: Option<Claimant>,
}

impl<S: ClosingStream + Unpin> AnnouncedHandshake<S> {
    /// Performs the handshake until this end has to announce itself, before the deadline. In the
    /// client's role of a mechanism the remote has not announced itself by then.
    pub(crate) async fn hear(
        stream: S,
        mechanism: HandshakeMechanism,
        deadline: Deadline,
        authenticator_call: Option<&AuthenticatorCall>,
    ) -> Result<Self, HandshakeFailure> {
        let is_decided_here = is_decided_here(&mechanism, authenticator_call);
        let handshake = Handshake::with_deferred_introduction(mechanism, is_decided_here, seed()?);
        let mut framed = frame(stream, handshake);
        let mut verdict = Verdict::default();
        let shaking_hands = shake_hands(&mut framed, &mut verdict, authenticator_call);
        if let Err(failure) = deadline.keep(shaking_hands).await {
            return Err(finish(framed, failure, deadline).await);
        }
        let FramedParts { io, codec, read_buf, .. } = framed.into_inner().into_parts();
        Ok(Self { stream: io, handshake: codec.0, read: read_buf, verdict })
    }

    /// Assigns the remote to a socket, and completes its handshake before the deadline.
    ///
    /// `admit` is called for a remote that is known to be compatible, before the socket announces
    /// itself. If the remote has not announced itself by then, and the result is `None`, it is
    /// called again when it has. Its result is dropped if the handshake fails.
    pub(crate) async fn introduce<T>(
        self,
        config: &HandshakeConfig,
        deadline: Deadline,
        limits: MessageLimits,
        mut admit: impl FnMut(Option<&Negotiated>) -> Result<Option<T>, HandshakeFailure>,
    ) -> Result<(Established<S>, Option<T>), HandshakeFailure> {
        let Self { stream, mut handshake, read, mut verdict } = self;
        let introduced = handshake.introduce(config).map_err(HandshakeFailure::from);
        let admitted = introduced.and_then(|negotiated| {
            let admitted = admit(negotiated.as_ref())?;
            Ok((negotiated, admitted))
        });
        let failure = admitted.as_ref().err();
        if let Some(reason) = failure.and_then(HandshakeFailure::reason_for_remote) {
            handshake.refuse(ErrorReason::new(reason.as_bytes()));
        }
        let mut framed =
            HandshakeStream::new(Framed::with_capacity(stream, HandshakeCodec(handshake), 0));
        *framed.read_buffer_mut() = read;
        let completing = async {
            let outcome = match admitted? {
                (Some(negotiated), admitted) => (negotiated, admitted),
                (None, admitted) => {
                    let reached = shake_hands(&mut framed, &mut verdict, None).await;
                    let outcome = reached.and_then(|reached| {
                        let negotiated = reached.negotiated();
                        let admitted = match admitted {
                            None => admit(Some(&negotiated))?,
                            admitted => admitted,
                        };
                        Ok((negotiated, admitted))
                    });
                    refuse_late(&mut framed, outcome.as_ref().err());
                    outcome?
                }
            };
            send_last_command(&mut framed).await?;
            Ok(outcome)
        };
        match deadline.keep(completing).await {
            Ok((negotiated, admitted)) => {
                let form = (config.socket_type, limits);
                Ok((carry_traffic(framed, negotiated, verdict, form), admitted))
            }
            Err(failure) => Err(finish(framed, failure, deadline).await),
        }
    }
}

impl<S> AnnouncedHandshake<S> {
    /// Returns the requested resource, which may not be valid.
    pub(crate) fn resource(&self) -> Option<&[u8]> {
        self.handshake.requested()?.value(Metadata::RESOURCE)
    }

    /// Replaces the stream between two bytes.
    pub(crate) fn map<T>(
        self,
        change: impl FnOnce(S) -> io::Result<T>,
    ) -> io::Result<AnnouncedHandshake<T>> {
        let Self { stream, handshake, read, verdict } = self;
        Ok(AnnouncedHandshake { stream: change(stream)?, handshake, read, verdict })
    }
}

/// The progress of a handshake.
#[derive(Debug)]
enum Reached {
    Negotiated(Negotiated),
    Request,
}

impl Reached {
    fn negotiated(self) -> Negotiated {
        match self {
            Self::Negotiated(negotiated) => negotiated,
            Self::Request => unreachable!("the introduction is not deferred"),
        }
    }
}

/// Sends the reason for which a remote is not admitted after this side has announced itself. A
/// remote whose traffic is encrypted by then would not accept it.
fn refuse_late<S>(framed: &mut HandshakeStream<S>, failure: Option<&HandshakeFailure>) {
    let handshake = &mut framed.codec_mut().0;
    if let Some(reason) = failure.and_then(HandshakeFailure::reason_for_remote) {
        if handshake.take_session().is_none() {
            handshake.refuse(ErrorReason::new(reason.as_bytes()));
        }
    }
}

fn seed() -> Result<Seed, HandshakeFailure> {
    Ok(Seed::try_filled(|bytes| getrandom::fill(bytes)).map_err(io::Error::from)?)
}

fn frame<S: AsyncRead + AsyncWrite>(stream: S, handshake: Handshake) -> HandshakeStream<S> {
    HandshakeStream::new(Framed::with_capacity(stream, HandshakeCodec(handshake), HANDSHAKE_BUFFER))
}

/// Returns whether credentials are passed to [`shake_hands`]. In the role of a server they always
/// are, because each decision is audited.
fn is_decided_here(mechanism: &HandshakeMechanism, call: Option<&AuthenticatorCall>) -> bool {
    call.is_some() || mechanism.is_server()
}

/// Exchanges commands until the handshake ends, or until it depends on the requested resource.
async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    framed: &mut Framed<S, HandshakeCodec>,
    verdict: &mut Verdict,
    authenticator_call: Option<&AuthenticatorCall>,
) -> Result<Reached, HandshakeFailure> {
    loop {
        let progress = future::poll_fn(|cx| poll_progress(framed, cx)).await;
        match progress.map_err(|failure| {
            failure.with_doubt_about_key(framed.codec().0.awaits_proof_of_key())
        })? {
            Progress::Negotiated(negotiated) => return Ok(Reached::Negotiated(negotiated)),
            Progress::Request => return Ok(Reached::Request),
            Progress::Credentials(credentials) => {
                let claimant = Claimant::of(&credentials);
                let answer = match authenticator_call {
                    Some(call) => call.authenticate(credentials).await,
                    None => {
                        let verdict = credentials.verdict_without_authenticator();
                        verdict.map(|()| Admission::default())
                    }
                };
                let admitted = answer.map(|admission| verdict.admission = admission);
                let server_key = framed.codec().0.server_key();
                let judged = judge(framed, admitted).map_err(|error| match error.into() {
                    HandshakeFailure::Rejected { status, .. } => {
                        let claimant = claimant.clone();
                        HandshakeFailure::Rejected { status, claimant, server_key }
                    }
                    failure => failure,
                });
                verdict.claimant = claimant;
                if let Some(negotiated) = judged? {
                    return Ok(Reached::Negotiated(negotiated));
                }
            }
        }
    }
}

/// Ends the stream of a handshake that failed, after an ERROR command if there is one. Returns the
/// failure.
async fn finish<S: ClosingStream + Unpin>(
    mut framed: HandshakeStream<S>,
    failure: HandshakeFailure,
    deadline: Deadline,
) -> HandshakeFailure {
    let ending = async {
        send_last_command(&mut framed).await?;
        if !refuse(framed.get_mut(), &failure).await {
            future::poll_fn(|cx| Pin::new(framed.get_mut()).poll_shutdown(cx)).await?;
        }
        Ok(())
    };
    // Boxed, because handshakes would otherwise reserve space for it. If the remote has disconnected,
    // the error cannot be sent. After the deadline, this ends when it would wait.
    let _ = Box::pin(deadline.keep(ending)).await;
    failure
}

/// Sends the last command: our READY, or an ERROR with the reason.
async fn send_last_command<S: AsyncRead + AsyncWrite + Unpin>(
    framed: &mut HandshakeStream<S>,
) -> Result<(), HandshakeFailure> {
    while let Some(output) = framed.codec_mut().0.poll_output() {
        Pin::new(&mut **framed).start_send(output)?;
    }
    future::poll_fn(|cx| poll_flush(framed, cx)).await
}

/// Writes the output of the handshake. Reads meanwhile, because the remote may wait until what it has
/// written is read. That can be more than its part of the handshake, such as pings of a WebSocket.
fn poll_flush<S: AsyncRead + AsyncWrite + Unpin>(
    framed: &mut HandshakeStream<S>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), HandshakeFailure>> {
    loop {
        if let Poll::Ready(flushed) = Pin::new(&mut **framed).poll_flush(cx) {
            return Poll::Ready(Ok(flushed?));
        }
        let room = READ_AHEAD_MAX.saturating_sub(framed.read_buffer().len());
        if room == 0 {
            return Poll::Pending;
        }
        // A buffer that grows leaves a copy of the password in freed memory.
        framed.wipe();
        // `Framed` has no method that borrows both the stream and the buffer.
        let mut input = mem::take(framed.read_buffer_mut());
        let read = poll_read_buf(Pin::new(framed.get_mut()), cx, &mut (&mut input).limit(room));
        *framed.read_buffer_mut() = input;
        if ready!(read)? == 0 {
            // The connection detects the end again.
            return Poll::Pending;
        }
    }
}

fn carry_traffic<S: AsyncRead + AsyncWrite>(
    framed: HandshakeStream<S>,
    negotiated: Negotiated,
    Verdict { admission, claimant }: Verdict,
    (socket_type, limits): (SocketType, MessageLimits),
) -> Established<S> {
    let server_key = framed.codec().0.server_key();
    let traffic = |HandshakeCodec(mut handshake): HandshakeCodec| {
        let (sealer, opener) =
            handshake.take_session().map(|session| (session.sealer, session.opener)).unzip();
        let decoder = TrafficDecoder::new(limits.bytes, opener)
            .with_shape(MessageShape::of(socket_type))
            .with_subscriptions(socket_type.takes_subscriptions())
            .with_max_message_parts(limits.parts);
        TrafficCodec { decoder, version: negotiated.version, sealer }
    };
    let framed = framed.into_inner();
    let framed = if framed.read_buffer().is_empty() {
        // The constructor without capacities reserves 8 KiB in either direction, which an idle
        // connection does not need.
        let FramedParts { io, codec, .. } = framed.into_parts();
        Framed::with_capacity(io, traffic(codec), TRAFFIC_BUFFER)
    } else {
        framed.map_codec(traffic)
    };
    let Admission { user_id, metadata: granted, revocations } = admission;
    let negotiated = Negotiated { user_id, granted, ..negotiated };
    (Box::new(framed), Box::new(Admitted { negotiated, claimant, server_key, revocations }))
}

/// The next input of the handshake, or its result.
#[derive(Debug)]
enum Progress {
    Credentials(Credentials),
    Negotiated(Negotiated),
    Request,
}

/// Passes the decision of the authenticator to the handshake, which then handles bytes read before.
fn judge<S>(
    framed: &mut Framed<S, HandshakeCodec>,
    verdict: Result<(), StatusCode>,
) -> Result<Option<Negotiated>, HandshakeError> {
    let mut input = mem::take(framed.read_buffer_mut());
    let handshake = &mut framed.codec_mut().0;
    let progress = match handshake.handle_verdict(verdict) {
        Ok(None) => handshake.handle_input(&mut input),
        ended => ended,
    };
    *framed.read_buffer_mut() = input;
    progress
}

/// Writes the output of the handshake and reads its input.
fn poll_progress<S: AsyncRead + AsyncWrite + Unpin>(
    framed: &mut Framed<S, HandshakeCodec>,
    cx: &mut Context<'_>,
) -> Poll<Result<Progress, HandshakeFailure>> {
    loop {
        let handshake = &mut framed.codec_mut().0;
        if let Some(credentials) = handshake.poll_credentials() {
            return Poll::Ready(Ok(Progress::Credentials(credentials)));
        }
        if handshake.awaits_introduction() {
            return Poll::Ready(Ok(Progress::Request));
        }
        while let Some(output) = framed.codec_mut().0.poll_output() {
            Pin::new(&mut *framed).start_send(output)?;
        }
        // Reading continues while this is pending: the remote may write first as well.
        if let Poll::Ready(flushed) = Pin::new(&mut *framed).poll_flush(cx) {
            flushed?;
        }
        match Pin::new(&mut *framed).poll_next(cx) {
            Poll::Ready(Some(negotiated)) => {
                return Poll::Ready(
                    negotiated.map(Progress::Negotiated).map_err(HandshakeFailure::from),
                );
            }
            Poll::Ready(None) => return Poll::Ready(Err(HandshakeFailure::ClosedByRemote)),
            Poll::Pending => {}
        }
        // The bytes read so far may require an answer before more arrive.
        let handshake = &mut framed.codec_mut().0;
        if let Some(output) = handshake.poll_output() {
            Pin::new(&mut *framed).start_send(output)?;
        } else if !handshake.awaits_verdict() && !handshake.awaits_introduction() {
            return Poll::Pending;
        }
    }
}

impl From<DecodeError<HandshakeError>> for HandshakeFailure {
    fn from(error: DecodeError<HandshakeError>) -> Self {
        match error {
            DecodeError::Io(error) => error.into(),
            DecodeError::Protocol(error) => error.into(),
        }
    }
}

/// Enough for the greeting and for every HELLO: a buffer that grows leaves a copy of the password
/// in freed memory.
const HANDSHAKE_BUFFER: usize = 0x400;

/// The bytes that are read before the last command is written, as the connection starts with them.
const READ_AHEAD_MAX: usize = 0x1000;

/// Enough for the first messages.
const TRAFFIC_BUFFER: usize = 0x200;
