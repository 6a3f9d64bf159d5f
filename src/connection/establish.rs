//! From a fresh stream to one that carries traffic.

use std::future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time;
use tokio_util::codec::Framed;
use zeroize::Zeroizing;

use super::codec::{DecodeError, HandshakeCodec, TrafficCodec};
use crate::auth::{Admission, Asking, Credentials, StatusCode};
use crate::monitor::HandshakeFailure;
use crate::proto::handshake::{Handshake, HandshakeConfig, HandshakeError, Peer};
use crate::proto::mechanism::curve::Seed;
use crate::proto::traffic::TrafficDecoder;

/// Shakes hands with the remote, within `deadline` if there is one, and asks the authenticator about it if
/// there is one.
pub(crate) async fn establish<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    config: HandshakeConfig,
    deadline: Option<Duration>,
    max_message_size: Option<u64>,
    asking: Option<&Asking>,
) -> Result<(Framed<S, TrafficCodec>, Peer), HandshakeFailure> {
    let mut seed = Zeroizing::new([0x00; Seed::LEN]);
    getrandom::fill(&mut *seed).map_err(io::Error::from)?;
    let codec = HandshakeCodec(Handshake::new(config, Seed::new(&seed)));
    let mut framed = Framed::with_capacity(stream, codec, HANDSHAKE_BUFFER);
    let shaking_hands = shake_hands(&mut framed, asking);
    let peer = match deadline {
        Some(deadline) => time::timeout(deadline, shaking_hands)
            .await
            .unwrap_or(Err(HandshakeFailure::TimedOut { limit: deadline }))?,
        None => shaking_hands.await?,
    };
    let framed = framed.map_codec(|mut handshake| {
        let (sealer, opener) =
            handshake.0.take_session().map(|session| (session.sealer, session.opener)).unzip();
        TrafficCodec { decoder: TrafficDecoder::new(max_message_size, opener), sealer }
    });
    Ok((framed, peer))
}

async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    framed: &mut Framed<S, HandshakeCodec>,
    asking: Option<&Asking>,
) -> Result<Peer, HandshakeFailure> {
    let mut admission = Admission::default();
    let outcome = loop {
        match future::poll_fn(|cx| poll_progress(framed, cx)).await {
            Ok(Progress::Peer(peer)) => break Ok(peer),
            Ok(Progress::Credentials(credentials)) => {
                let answer = match asking {
                    Some(asking) => asking.authenticate(credentials).await,
                    None => Ok(Admission::default()),
                };
                match judge(framed, answer.map(|answer| admission = answer)) {
                    Ok(Some(peer)) => break Ok(peer),
                    Ok(None) => {}
                    Err(error) => break Err(error.into()),
                }
            }
            Err(failure) => break Err(failure),
        }
    };
    // The last word: our READY, or the ERROR by which the remote learns why. Where the remote is
    // gone there is nobody to tell.
    let last_word = async {
        while let Some(output) = framed.codec_mut().0.poll_output() {
            Pin::new(&mut *framed).start_send(output)?;
        }
        future::poll_fn(|cx| Pin::new(&mut *framed).poll_flush(cx)).await?;
        if outcome.is_err() {
            future::poll_fn(|cx| Pin::new(framed.get_mut()).poll_shutdown(cx)).await?;
        }
        Ok::<_, HandshakeFailure>(())
    }
    .await;
    let peer = outcome?;
    last_word?;
    let Admission { user_id, metadata: granted } = admission;
    Ok(Peer { user_id, granted, ..peer })
}

/// What the handshake cannot go on without, or how it has ended.
#[derive(Debug)]
enum Progress {
    Credentials(Credentials),
    Peer(Peer),
}

/// Tells the handshake what the authenticator has decided, and lets it take what was read before.
fn judge<S>(
    framed: &mut Framed<S, HandshakeCodec>,
    verdict: Result<(), StatusCode>,
) -> Result<Option<Peer>, HandshakeError> {
    let mut input = mem::take(framed.read_buffer_mut());
    let handshake = &mut framed.codec_mut().0;
    let progress = match handshake.handle_verdict(verdict) {
        Ok(None) => handshake.handle_input(&mut input),
        ended => ended,
    };
    *framed.read_buffer_mut() = input;
    progress
}

/// Writes what the handshake has to say and reads what it waits for.
fn poll_progress<S: AsyncRead + AsyncWrite + Unpin>(
    framed: &mut Framed<S, HandshakeCodec>,
    cx: &mut Context<'_>,
) -> Poll<Result<Progress, HandshakeFailure>> {
    loop {
        if let Some(credentials) = framed.codec_mut().0.poll_credentials() {
            return Poll::Ready(Ok(Progress::Credentials(credentials)));
        }
        while let Some(output) = framed.codec_mut().0.poll_output() {
            Pin::new(&mut *framed).start_send(output)?;
        }
        // While this is pending, reading goes on: the remote may be writing first, too.
        if let Poll::Ready(flushed) = Pin::new(&mut *framed).poll_flush(cx) {
            flushed?;
        }
        match Pin::new(&mut *framed).poll_next(cx) {
            Poll::Ready(Some(peer)) => {
                return Poll::Ready(peer.map(Progress::Peer).map_err(HandshakeFailure::from));
            }
            Poll::Ready(None) => return Poll::Ready(Err(HandshakeFailure::ClosedByRemote)),
            Poll::Pending => {}
        }
        // What was read may call for an answer, although it was not all that is to come.
        let handshake = &mut framed.codec_mut().0;
        if let Some(output) = handshake.poll_output() {
            Pin::new(&mut *framed).start_send(output)?;
        } else if !handshake.awaits_verdict() {
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

/// Enough for the greeting and the READY of an ordinary remote.
const HANDSHAKE_BUFFER: usize = 0x200;
