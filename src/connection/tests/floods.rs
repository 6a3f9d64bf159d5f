//! Remotes that send useless data as fast as it is read.

use std::cell::Cell;
use std::rc::Rc;

use tokio::io::ReadBuf;
use zmtp_proto::handshake::Handshake;
use zmtp_proto::mechanism::curve::{CurveKeypair, CurveSecretKey, Opener, Sealer, Seed};
use zmtp_proto::traffic::TrafficDecoder;

use super::*;

#[tokio::test]
async fn a_flood_of_any_bytes_yields_to_other_tasks() {
    let long = |flags: u8| [&[flags, 0, 0, 0, 0, 0, 1, 0, 0][..], &[0; 0x1_0000]].concat();
    let mut endless = b"\x02\x00\x00\x01\0\0\0\0\0".to_vec();
    endless.resize(0x10_0000, 0);
    let command = [&b"\x06\0\0\0\0\0\0\x80\0\x03FOO"[..], &[0; 0x7FFC]].concat();
    for (flood, limit) in [
        (b"\x01\x00".repeat(0x8000), 0x1_0000),
        (b"\x01\x01x".repeat(0x8000), 0x1_0000),
        (b"\x01\x00\x00\x00".repeat(0x8000), 0x1_0000),
        (long(0x03), 0x2_0000),
        (b"\x00\x00".repeat(0x8000), WORK_PER_WAKE),
        (command, WORK_PER_WAKE),
        (b"\x04\x04\x03FOO".repeat(0x1_0000), WORK_PER_WAKE),
        (b"\x04\x07\x04PING\x00\x00".repeat(0x1_0000), WORK_PER_WAKE),
        // The buffer has the size of the last read, which one read can fill.
        (endless, 2 * WORK_PER_WAKE),
    ] {
        let shown = flood[..12].escape_ascii().to_string();
        let flood = Flood::of(flood);
        let read = Rc::clone(&flood.read);
        one_turn(flood, None).await;
        assert!(read.get() > 0 && read.get() <= limit + READ_MORE, "{shown}: {}", read.get());
    }
}

#[tokio::test]
async fn a_turn_decrypts_fewer_frames() {
    for (flags, body) in [(0x01, &b""[..]), (0x00, b""), (0x02, b"\x03FOO")] {
        let (mut sealer, opener) = ends();
        let mut frames = BytesMut::new();
        for _ in 0..FRAMES {
            sealer.put(&mut frames, flags, body);
        }
        let flood = Flood::of(frames.to_vec());
        let (read, frame) = (Rc::clone(&flood.read), frames.len() / FRAMES);
        one_turn(flood, Some(opener)).await;
        // The messages of the last buffer have been read, and wait.
        let decrypted = (read.get().saturating_sub(READ_MORE)) / frame;
        assert!(decrypted < 1_000, "{flags}: {decrypted}");
    }
}

/// Polls a connection once without a receiver, and checks that it has requested another poll.
async fn one_turn(flood: Flood, opener: Option<Opener>) {
    let mut socket = TestSocket::new(1_000);
    let mut attachment = socket.attachment.take().expect("the attachment is taken once");
    let codec = TrafficCodec {
        decoder: TrafficDecoder::new(None, opener),
        version: Version::ZMTP_3_1,
        sealer: None,
    };
    let framed = Box::new(Framed::with_capacity(flood, codec, 0));
    let mut connection =
        Connection::new(framed, WRITE_SIZE, &mut attachment, any_remote(), &socket.options);
    future::poll_fn(|cx| {
        let turn = connection.poll_traffic(cx);
        assert!(turn.is_pending(), "{turn:?}");
        Poll::Ready(())
    })
    .await;
}

/// Completes a CURVE handshake; returns the sealer of the client and the opener of the server.
fn ends() -> (Sealer, Opener) {
    let [server_keys, client_keys] =
        [0x50, 0xC0].map(|byte| CurveKeypair::from(CurveSecretKey::from_bytes([byte; 32])));
    let mechanisms = [
        HandshakeMechanism::CurveClient {
            server_key: server_keys.public_key(),
            keypair: client_keys,
        },
        HandshakeMechanism::CurveServer { keypairs: [server_keys].into() },
    ];
    let types = [SocketType::Client, SocketType::Server];
    let mut handshakes = [0, 1].map(|end| {
        let config = HandshakeConfig { socket_type: types[end], metadata: Metadata::default() };
        let seed = Seed::new(&[0x55; Seed::LEN]);
        Handshake::new(&config, mechanisms[end].clone(), false, seed)
    });
    let mut inputs = [BytesMut::new(), BytesMut::new()];
    let mut complete = 0;
    while complete < 2 {
        for (end, handshake) in handshakes.iter_mut().enumerate() {
            complete += usize::from(handshake.handle_input(&mut inputs[end]).unwrap().is_some());
            while let Some(output) = handshake.poll_output() {
                inputs[1 - end].extend_from_slice(&output);
            }
        }
    }
    let [client, server] = handshakes.map(|mut handshake| handshake.take_session().unwrap());
    (client.sealer, server.opener)
}

/// A stream that repeats the same bytes, and accepts every write.
struct Flood {
    bytes: Vec<u8>,
    at: usize,
    read: Rc<Cell<usize>>,
}

impl Flood {
    fn of(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0, read: Rc::default() }
    }
}

impl AsyncRead for Flood {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        assert!(self.read.get() < 0x100_0000, "other tasks never run");
        let rest = &self.bytes[self.at..];
        let piece = &rest[..rest.len().min(buffer.remaining())];
        buffer.put_slice(piece);
        self.read.set(self.read.get() + piece.len());
        self.at = (self.at + piece.len()) % self.bytes.len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// More frames than one turn handles.
const FRAMES: usize = 20_000;

/// The maximum length of one more read.
const READ_MORE: usize = 0x2_0000;
