//! The protocol's decoders as `Decoder`s of a framed stream.

use std::io;

use bytes::{Bytes, BytesMut};
use thiserror::Error;
use tokio_util::codec::{Decoder, Encoder};
use zmtp_proto::greeting::Version;
use zmtp_proto::handshake::{Handshake, HandshakeError, Negotiated};
use zmtp_proto::mechanism::curve::Sealer;
use zmtp_proto::traffic::{Traffic, TrafficDecoder, TrafficError};

/// Decodes the remote's part of the handshake as one item.
#[derive(Debug)]
pub(super) struct HandshakeCodec(pub(super) Handshake);

impl Decoder for HandshakeCodec {
    type Item = Negotiated;
    type Error = DecodeError<HandshakeError>;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Negotiated>, Self::Error> {
        self.0.handle_input(input).map_err(DecodeError::Protocol)
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Negotiated>, Self::Error> {
        // A truncated handshake is not an item; the caller sees the end of the stream.
        self.decode(input)
    }
}

impl Encoder<Bytes> for HandshakeCodec {
    type Error = DecodeError<HandshakeError>;

    fn encode(&mut self, output: Bytes, dst: &mut BytesMut) -> Result<(), Self::Error> {
        dst.extend_from_slice(&output);
        Ok(())
    }
}

/// Decodes the traffic after the handshake.
#[derive(Debug)]
pub(crate) struct TrafficCodec {
    pub(super) decoder: TrafficDecoder,
    /// The highest version that the remote supports.
    pub(super) version: Version,
    /// For the writer, if traffic is encrypted.
    pub(super) sealer: Option<Sealer>,
}

impl Decoder for TrafficCodec {
    type Item = Traffic;
    type Error = DecodeError<TrafficError>;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Traffic>, Self::Error> {
        self.decoder.decode(input).map_err(DecodeError::Protocol)
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Traffic>, Self::Error> {
        // A truncated frame is dropped with its connection.
        self.decode(input)
    }
}

/// A failure of the stream, or a violation of the protocol.
#[derive(Debug, Error)]
pub(crate) enum DecodeError<E> {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the remote violated the protocol")]
    Protocol(E),
}
