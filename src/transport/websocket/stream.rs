//! The stream of ZMTP over a WebSocket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BufMut, BytesMut};
use pin_project::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{self, Instant, Sleep};
use tokio_util::io::poll_read_buf;
use tungstenite::protocol::frame::coding::{CloseCode, Control};
use zmtp_proto::greeting::MechanismName;
use zmtp_proto::heartbeat::{Heartbeat, HeartbeatConfig, HeartbeatTimeout};

use super::frames::{ControlFrame, FrameReader, FrameWriter, Violation, WebSocketRole};

/// A stream of ZMTP over a WebSocket whose upgrade is completed.
#[pin_project]
#[derive(Debug)]
pub(super) struct WebSocketStream<S> {
    #[pin]
    io: S,
    reader: FrameReader,
    /// Bytes of the WebSocket that are not translated yet.
    input: BytesMut,
    /// The size of the next read, which grows with the traffic.
    read_size: usize,
    writer: FrameWriter,
    /// Frames that are not written yet.
    output: BytesMut,
    /// Absent if this end sends no pings.
    pings: Option<Box<Pings>>,
    /// The payload of the ping to send, until it is in the output.
    ping: Option<BytesMut>,
    /// The answer to the last ping, until it is in the output.
    pong: Option<BytesMut>,
    /// The payload of the close frame to send, until it is in the output.
    close: Option<BytesMut>,
    closing: Closing,
}

/// The heartbeats of this end.
#[derive(Debug)]
struct Pings {
    heartbeat: Heartbeat,
    timer: Pin<Box<Sleep>>,
}

/// The close frames that have been exchanged.
#[derive(Debug, Default)]
struct Closing {
    is_sent: bool,
    is_received: bool,
}

impl<S> WebSocketStream<S> {
    /// `input` follows the upgrade.
    pub(super) fn new(
        io: S,
        role: WebSocketRole,
        mechanism: MechanismName,
        input: BytesMut,
    ) -> Self {
        Self {
            io,
            reader: FrameReader::new(role, mechanism),
            input,
            read_size: READ_MIN,
            writer: FrameWriter::new(role),
            output: BytesMut::new(),
            pings: None,
            ping: None,
            pong: None,
            close: None,
            closing: Closing::default(),
        }
    }

    /// Sends pings, and ends the stream if nothing arrives in time.
    pub(super) fn with_pings(self, config: HeartbeatConfig) -> Self {
        if config.interval.is_none() {
            return self;
        }
        let heartbeat = Heartbeat::new(config, Instant::now().into_std());
        let timer = Box::pin(time::sleep(Duration::ZERO));
        Self { pings: Some(Box::new(Pings { heartbeat, timer })), ..self }
    }
}

impl Pings {
    /// Returns the payload of a ping that is due. Otherwise this is woken in time.
    fn poll_ping(&mut self, cx: &mut Context<'_>) -> Poll<Result<BytesMut, HeartbeatTimeout>> {
        loop {
            let Some(due) = self.heartbeat.poll_timeout() else { return Poll::Pending };
            let due = Instant::from_std(due);
            if due != self.timer.deadline() {
                self.timer.as_mut().reset(due);
            }
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now().into_std();
            self.heartbeat.handle_timeout(now)?;
            if let Some(ping) = self.heartbeat.poll_ping() {
                self.heartbeat.handle_ping_written(now);
                let mut payload = BytesMut::new();
                ping.pong().encode(&mut payload);
                return Poll::Ready(Ok(payload));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite> WebSocketStream<S> {
    /// Writes the output. Control frames that wait for the end of a frame join it first.
    fn poll_output(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self.project();
        if this.writer.is_between_frames() && !this.closing.is_sent {
            if let Some(payload) = this.pong.take() {
                this.writer.put_control(Control::Pong, &payload, this.output);
            }
            if let Some(payload) = this.ping.take() {
                this.writer.put_control(Control::Ping, &payload, this.output);
            }
            if let Some(payload) = this.close.take() {
                this.writer.put_control(Control::Close, &payload, this.output);
                this.closing.is_sent = true;
            }
        }
        while !this.output.is_empty() {
            let written = ready!(this.io.as_mut().poll_write(cx, this.output))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            this.output.advance(written);
        }
        if this.output.capacity() > BUFFER_KEPT {
            *this.output = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }

    /// Handles a control frame. Returns whether the stream ends.
    fn handle(self: Pin<&mut Self>, control: ControlFrame) -> bool {
        let this = self.project();
        match control {
            ControlFrame::Ping(payload) => {
                *this.pong = Some(payload);
                false
            }
            ControlFrame::Pong(_) => false,
            ControlFrame::Close(payload) => {
                // The status code of the remote is the answer, without its reason.
                *this.close = Some(BytesMut::from(payload.get(..2).unwrap_or_default()));
                this.closing.is_received = true;
                true
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncRead for WebSocketStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.closing.is_received {
            return Poll::Ready(Ok(()));
        }
        let this = self.as_mut().project();
        if let Some(Poll::Ready(ping)) = this.pings.as_mut().map(|pings| pings.poll_ping(cx)) {
            let ping = ping.map_err(|error| io::Error::new(io::ErrorKind::TimedOut, error))?;
            *this.ping = Some(ping);
            // The next ping is due later.
            cx.waker().wake_by_ref();
            if let Poll::Ready(Err(error)) = self.as_mut().poll_output(cx) {
                return Poll::Ready(Err(error));
            }
        }
        loop {
            let before = buf.remaining();
            let this = self.as_mut().project();
            match this.reader.translate(this.input, buf) {
                Ok(None) => {}
                Ok(Some(control)) => {
                    let ends = self.as_mut().handle(control);
                    // Whatever cannot be written now is written with the next message.
                    if let Poll::Ready(Err(error)) = self.as_mut().poll_output(cx) {
                        return Poll::Ready(Err(error));
                    }
                    if ends {
                        return Poll::Ready(Ok(()));
                    }
                    continue;
                }
                Err(violation) => {
                    let code = match violation {
                        Violation::Text => CloseCode::Unsupported,
                        _ => CloseCode::Protocol,
                    };
                    *this.close = Some(BytesMut::from(&u16::from(code).to_be_bytes()[..]));
                    this.closing.is_received = true;
                    let _ = self.as_mut().poll_output(cx);
                    let error = io::Error::new(io::ErrorKind::InvalidData, violation);
                    return Poll::Ready(Err(error));
                }
            }
            if buf.remaining() < before || before == 0 {
                return Poll::Ready(Ok(()));
            }
            let this = self.as_mut().project();
            if this.input.is_empty() && this.input.capacity() > BUFFER_KEPT {
                *this.input = BytesMut::new();
            }
            this.input.reserve(*this.read_size);
            let mut limited = this.input.limit(*this.read_size);
            let read = ready!(poll_read_buf(this.io, cx, &mut limited))?;
            if read == 0 {
                return Poll::Ready(Ok(()));
            }
            if let Some(pings) = this.pings {
                pings.heartbeat.handle_traffic();
            }
            *this.read_size = if read == *this.read_size { READ_MAX } else { READ_MIN };
        }
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncWrite for WebSocketStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.closing.is_sent || self.closing.is_received {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.output.len() >= OUTPUT_MAX {
            ready!(self.as_mut().poll_output(cx))?;
        }
        let this = self.project();
        let translated = this.writer.translate(buf, this.output, OUTPUT_MAX);
        Poll::Ready(translated.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_output(cx))?;
        self.project().io.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.as_mut().project();
        if !this.closing.is_sent && this.close.is_none() {
            let normal = u16::from(CloseCode::Normal).to_be_bytes();
            *this.close = Some(BytesMut::from(&normal[..]));
        }
        ready!(self.as_mut().poll_output(cx))?;
        self.project().io.poll_shutdown(cx)
    }
}

/// The output after which it is written before more is translated, in bytes.
const OUTPUT_MAX: usize = 0x1_0000;

/// The bytes of one read, and of one that follows a full one.
const READ_MIN: usize = 0x1000;
const READ_MAX: usize = 0x1_0000;

/// The capacity that an empty buffer may keep, in bytes.
const BUFFER_KEPT: usize = 0x400;
