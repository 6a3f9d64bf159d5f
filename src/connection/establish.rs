//! From a fresh stream to one that carries traffic.

use std::future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time;
use tokio_util::codec::Framed;

use super::codec::{DecodeError, HandshakeCodec, TrafficCodec};
use crate::monitor::HandshakeFailure;
use crate::proto::handshake::{Handshake, HandshakeConfig, HandshakeError, Peer};
use crate::proto::traffic::TrafficDecoder;

/// Shakes hands with the remote, within `deadline` if there is one.
pub(crate) async fn establish<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    config: HandshakeConfig,
    deadline: Option<Duration>,
    max_message_size: Option<u64>,
) -> Result<(Framed<S, TrafficCodec>, Peer), HandshakeFailure> {
    let codec = HandshakeCodec(Handshake::new(config));
    let mut framed = Framed::with_capacity(stream, codec, HANDSHAKE_BUFFER);
    let shaking_hands = shake_hands(&mut framed);
    let peer = match deadline {
        Some(deadline) => time::timeout(deadline, shaking_hands)
            .await
            .unwrap_or(Err(HandshakeFailure::TimedOut { limit: deadline }))?,
        None => shaking_hands.await?,
    };
    let decoder = TrafficDecoder::new(max_message_size);
    Ok((framed.map_codec(|_| TrafficCodec(decoder)), peer))
}

async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    framed: &mut Framed<S, HandshakeCodec>,
) -> Result<Peer, HandshakeFailure> {
    let outcome = future::poll_fn(|cx| poll_peer(framed, cx)).await;
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
    last_word.map(|()| peer)
}

/// Writes what the handshake has to say and reads what it waits for, until it has ended.
fn poll_peer<S: AsyncRead + AsyncWrite + Unpin>(
    framed: &mut Framed<S, HandshakeCodec>,
    cx: &mut Context<'_>,
) -> Poll<Result<Peer, HandshakeFailure>> {
    loop {
        while let Some(output) = framed.codec_mut().0.poll_output() {
            Pin::new(&mut *framed).start_send(output)?;
        }
        // While this is pending, reading goes on: the remote may be writing first, too.
        if let Poll::Ready(flushed) = Pin::new(&mut *framed).poll_flush(cx) {
            flushed?;
        }
        match Pin::new(&mut *framed).poll_next(cx) {
            Poll::Ready(Some(peer)) => return Poll::Ready(peer.map_err(HandshakeFailure::from)),
            Poll::Ready(None) => return Poll::Ready(Err(HandshakeFailure::ClosedByRemote)),
            Poll::Pending => {}
        }
        // What was read may call for an answer, although it was not all that is to come.
        match framed.codec_mut().0.poll_output() {
            Some(output) => Pin::new(&mut *framed).start_send(output)?,
            None => return Poll::Pending,
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
