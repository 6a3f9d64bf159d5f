//! The stream of ZMTP over a WebSocket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, BytesMut};
use pin_project::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{self, Instant, Sleep};
use tokio_util::io::poll_read_buf;
use tungstenite::protocol::frame::coding::{CloseCode, Control};
use zmtp_proto::greeting::MechanismName;
use zmtp_proto::heartbeat::{Heartbeat, HeartbeatConfig, HeartbeatTimeout};

use super::frames::{ControlFrame, FrameReader, FrameWriter, Violation, WebSocketRole};
use crate::transport::shutdown::{CloseStatus, ClosingStream};

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
    /// The bytes of `output` up to the end of what the connection has written.
    unflushed: usize,
    /// Absent if this end sends no pings.
    pings: Option<Box<Pings>>,
    control: PendingControl,
    closing: Closing,
}

/// Control frames that wait until they can follow another frame in the output.
#[derive(Debug, Default)]
struct PendingControl {
    ping: Option<BytesMut>,
    /// The answer to the last ping. Earlier ones need no answer (RFC 6455, 5.5.3).
    pong: Option<BytesMut>,
    close: Option<BytesMut>,
    /// Whether the stream must be flushed for a control frame.
    needs_flush: bool,
}

/// The close frames that have been exchanged, and the violation that has ended the connection.
#[derive(Debug, Default)]
struct Closing {
    is_sent: bool,
    is_received: bool,
    /// Reported when everything that precedes it is read.
    violation: Option<Violation>,
    /// Whether bytes are read as they arrive, to be discarded.
    is_draining: bool,
}

/// The heartbeats of this end.
#[derive(Debug)]
struct Pings {
    heartbeat: Heartbeat,
    /// Created in the runtime of the connection.
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether the stream has refused bytes since there was nothing to write.
    is_refused: bool,
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
            unflushed: 0,
            pings: None,
            control: PendingControl::default(),
            closing: Closing::default(),
        }
    }

    /// Limits the bytes of a message in fragments, whose size the connection cannot check before the
    /// message is complete.
    pub(super) fn with_max_message_size(mut self, bytes: Option<u64>) -> Self {
        if let Some(bytes) = bytes {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            self.reader.set_fragmented_max(bytes.saturating_add(OVERHEAD_MAX));
        }
        self
    }

    /// Sends pings, and ends the stream if nothing arrives in time.
    pub(super) fn with_pings(self, config: HeartbeatConfig) -> Self {
        if config.interval.is_none() {
            return self;
        }
        let heartbeat = Heartbeat::new(config, now());
        Self { pings: Some(Box::new(Pings { heartbeat, timer: None, is_refused: false })), ..self }
    }
}

impl Pings {
    /// Returns the payload of a ping that is due. Otherwise this is woken in time.
    fn poll_ping(&mut self, cx: &mut Context<'_>) -> Poll<Result<BytesMut, HeartbeatTimeout>> {
        loop {
            let Some(due) = self.heartbeat.poll_timeout() else { return Poll::Pending };
            let due = Instant::from_std(due);
            let timer = self.timer.get_or_insert_with(|| Box::pin(time::sleep_until(due)));
            if due != timer.deadline() {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(cx));
            self.heartbeat.handle_timeout(now())?;
            if let Some(ping) = self.heartbeat.poll_ping() {
                let mut payload = BytesMut::new();
                ping.pong().encode(&mut payload);
                return Poll::Ready(Ok(payload));
            }
        }
    }

    /// Records that the stream has accepted bytes, which shows that the remote is alive if it had
    /// refused some before.
    fn handle_written(&mut self, bytes: usize) {
        if self.is_refused {
            self.heartbeat.handle_progress(bytes, now);
        }
    }

    /// Records that everything is written, `with_ping` if a ping was among it.
    fn handle_idle(&mut self, with_ping: bool) {
        self.is_refused = false;
        self.heartbeat.handle_idle();
        if with_ping && self.heartbeat.is_ping_queued() {
            self.heartbeat.handle_ping_written(now());
        }
    }
}

impl<S: AsyncRead + AsyncWrite> WebSocketStream<S> {
    /// Writes the output, and the control frames between its frames.
    fn poll_output(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.as_mut().put_control();
            let this = self.as_mut().project();
            if this.output.is_empty() {
                if let Some(pings) = this.pings {
                    pings.handle_idle(this.control.ping.is_none());
                }
                return Poll::Ready(Ok(()));
            }
            let Poll::Ready(written) = this.io.poll_write(cx, this.output) else {
                if let Some(pings) = this.pings {
                    pings.is_refused = true;
                }
                return Poll::Pending;
            };
            let written = written?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if let Some(pings) = this.pings {
                pings.handle_written(written);
            }
            this.output.advance(written);
            *this.unflushed = this.unflushed.saturating_sub(written);
        }
    }

    /// Moves the pending control frames to the output, if they can follow it. A remote that sends
    /// pings and does not read fills it only to its limit.
    fn put_control(self: Pin<&mut Self>) {
        let this = self.project();
        if !this.writer.is_between_frames()
            || this.closing.is_sent
            || this.output.len() >= OUTPUT_MAX
        {
            return;
        }
        let PendingControl { ping, pong, close, .. } = this.control;
        if let Some(payload) = pong.take() {
            this.writer.put_control(Control::Pong, &payload, this.output);
        }
        if let Some(payload) = ping.take() {
            this.writer.put_control(Control::Ping, &payload, this.output);
        }
        if let Some(payload) = close.take() {
            this.writer.put_control(Control::Close, &payload, this.output);
            this.closing.is_sent = true;
        }
    }

    /// Sends the pending control frames as far as possible. If the stream fails, the next write
    /// reports it: what has arrived before is still read.
    fn send_control(mut self: Pin<&mut Self>, cx: &mut Context<'_>) {
        if self.control.needs_flush {
            let written = self.as_mut().poll_output(cx);
            let this = self.project();
            let flushed = written.map_ok(|()| this.io.poll_flush(cx));
            this.control.needs_flush = !matches!(flushed, Poll::Ready(Ok(Poll::Ready(_)) | Err(_)));
        }
    }

    /// Sends the pings that are due. Ready with an error if the remote does not answer. Called only
    /// when there is nothing to read: bytes that are not read yet are a sign of life, too.
    fn poll_pings(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            let this = self.as_mut().project();
            let Some(pings) = this.pings else { return Poll::Pending };
            match ready!(pings.poll_ping(cx)) {
                Ok(ping) => {
                    this.control.ping = Some(ping);
                    this.control.needs_flush = true;
                }
                Err(error) => return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, error)),
            }
            self.as_mut().send_control(cx);
        }
    }

    /// Handles a control frame of the remote.
    fn handle(self: Pin<&mut Self>, frame: ControlFrame) {
        let this = self.project();
        match frame {
            ControlFrame::Ping(payload) => this.control.pong = Some(payload),
            ControlFrame::Pong(_) => return,
            ControlFrame::Close(payload) => {
                // The status code of the remote is the answer, without its reason.
                this.control.close = Some(BytesMut::from(payload.get(..2).unwrap_or_default()));
                this.closing.is_received = true;
            }
        }
        this.control.needs_flush = true;
    }

    /// Ends the connection because of a violation.
    fn refuse(mut self: Pin<&mut Self>, violation: Violation) {
        let this = self.as_mut().project();
        let code = match violation {
            Violation::Text => CloseCode::Unsupported,
            Violation::TooLong => CloseCode::Size,
            _ => CloseCode::Protocol,
        };
        this.closing.is_received = true;
        this.closing.violation = Some(violation);
        self.put_close(code);
    }

    /// Adds a close frame to the pending control frames, unless there is or was one.
    fn put_close(self: Pin<&mut Self>, code: CloseCode) {
        let this = self.project();
        if !this.closing.is_sent && this.control.close.is_none() {
            this.control.close = Some(BytesMut::from(&u16::from(code).to_be_bytes()[..]));
            this.control.needs_flush = true;
        }
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncRead for WebSocketStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.closing.is_draining {
            return self.project().io.poll_read(cx, buf);
        }
        self.as_mut().send_control(cx);
        let before = buf.remaining();
        while !self.closing.is_received {
            let this = self.as_mut().project();
            match this.reader.translate(this.input, buf) {
                Ok(None) if buf.remaining() < before || before == 0 => return Poll::Ready(Ok(())),
                Ok(None) => {}
                Ok(Some(frame)) => {
                    self.as_mut().handle(frame);
                    self.as_mut().send_control(cx);
                    continue;
                }
                Err(violation) => {
                    self.as_mut().refuse(violation);
                    self.as_mut().send_control(cx);
                    break;
                }
            }
            let this = self.as_mut().project();
            this.input.reserve(*this.read_size);
            let mut limited = this.input.limit(*this.read_size);
            let Poll::Ready(read) = poll_read_buf(this.io, cx, &mut limited) else {
                self.as_mut().release_buffers();
                return self.poll_pings(cx).map(Err);
            };
            let read = read?;
            if read == 0 {
                return Poll::Ready(Ok(()));
            }
            if let Some(pings) = this.pings {
                pings.heartbeat.handle_traffic();
            }
            *this.read_size = if read == *this.read_size { READ_MAX } else { READ_MIN };
        }
        // What precedes the end is read first.
        if buf.remaining() < before {
            return Poll::Ready(Ok(()));
        }
        match self.project().closing.violation.take() {
            Some(violation) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation)))
            }
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<S> WebSocketStream<S> {
    /// Releases empty buffers, so that an idle connection has none.
    fn release_buffers(self: Pin<&mut Self>) {
        let this = self.project();
        if this.input.is_empty() {
            *this.input = BytesMut::new();
            *this.read_size = READ_MIN;
        }
        if this.output.is_empty() {
            *this.output = BytesMut::new();
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
        // Not until it is empty: pings could fill it again.
        if self.output.len() >= OUTPUT_MAX
            && self.as_mut().poll_output(cx)?.is_pending()
            && self.output.len() > OUTPUT_MAX / 2
        {
            return Poll::Pending;
        }
        let this = self.project();
        this.output.reserve(buf.len().min(OUTPUT_MAX));
        let translated = this.writer.translate(buf, this.output, OUTPUT_MAX);
        *this.unflushed = this.output.len();
        Poll::Ready(translated.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error)))
    }

    /// Does not wait for control frames that follow: over a slow stream there may always be some.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.as_mut().poll_output(cx)?.is_pending() {
            if self.unflushed > 0 {
                return Poll::Pending;
            }
            self.as_mut().project().control.needs_flush = true;
        }
        self.project().io.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.as_mut().put_close(CloseCode::Normal);
        ready!(self.as_mut().poll_output(cx))?;
        self.project().io.poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite> ClosingStream for WebSocketStream<S> {
    /// The remote does not receive a status while a message is being written: a close frame follows a
    /// whole frame only.
    fn set_status(mut self: Pin<&mut Self>, status: CloseStatus) -> bool {
        self.as_mut().put_close(match status {
            CloseStatus::Normal => CloseCode::Normal,
            CloseStatus::ProtocolError => CloseCode::Protocol,
            CloseStatus::PolicyViolation => CloseCode::Policy,
            CloseStatus::TooLarge => CloseCode::Size,
            CloseStatus::InternalError => CloseCode::Error,
            CloseStatus::TryAgainLater => CloseCode::Again,
        });
        let this = self.project();
        this.closing.is_draining = true;
        *this.input = BytesMut::new();
        true
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// More bytes than the flags and CURVE add to a message.
const OVERHEAD_MAX: usize = 0x100;

/// The output after which it is written before more is translated, in bytes.
const OUTPUT_MAX: usize = 0x1_0000;

/// The bytes of one read, and of one that follows a full one.
const READ_MIN: usize = 0x1000;
const READ_MAX: usize = 0x1_0000;

#[cfg(test)]
mod tests;
