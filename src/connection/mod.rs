//! One remote's connection: the handshake under a deadline, then traffic, in one task.
//!
//! The only place that knows both the protocol and Tokio's codecs. A connection moves messages
//! between its stream and its remote's double queue ([`Attachment`]); it knows neither handles nor
//! other remotes.
//!
//! **Back-pressure.** A full incoming queue stops reading but never writing; a stream that accepts
//! no bytes stops writing but never reading.
//!
//! **Memory.** In addition to the queues, a connection holds one read buffer, and the messages that
//! it took from the queue and has not written: at most 256 KiB, or one longer message. It encodes
//! as many of them at a time as fit into one write, except long bodies, which are never copied.
//!
//! **Ending.** An empty retired queue ends the connection when everything is written: it shuts down
//! its side of the stream and briefly waits for the remote to do the same. Any other end is caused
//! by the remote or the network; [`refuse`](Connection::refuse) transmits the reason over streams
//! that can. In either case, messages that were not written completely are
//! returned to the queue, and messages that were read but not queued are kept for the remote's next
//! connection, or for the handles if there is none.

mod batch_split;
mod codec;
mod ending;
mod establish;
mod follow_up;
mod handshake_stream;
mod idle;
mod proxy;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::VecDeque;
use std::future;
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::BytesMut;
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task;
use tokio::time::{self, Instant, Sleep};
use tokio_util::codec::{Decoder, Framed};
use zmtp_proto::batch::Batch;
use zmtp_proto::command::Command;
use zmtp_proto::greeting::Version;
use zmtp_proto::heartbeat::{Heartbeat, HeartbeatConfig, HeartbeatTimeout};
use zmtp_proto::message_shape::MessageShape;
use zmtp_proto::socket_type::SocketType;
use zmtp_proto::traffic::Traffic;

use self::batch_split::BatchSplit;
use self::codec::DecodeError;
pub(crate) use self::codec::TrafficCodec;
pub(crate) use self::establish::{Admitted, AnnouncedHandshake, Deadline, Established, establish};
use self::follow_up::FollowUp;
use self::idle::IdleDetector;
pub(crate) use self::proxy::read_proxy_header;
use self::writer::Writer;
use crate::monitor::DisconnectReason;
use crate::options::Options;
use crate::pipe::{DeliveredMessages, Delivery, Take, Want};
use crate::quota::within_quota;
use crate::remote::{ACCEPTS_PING, Remote};
use crate::routing::{Attachment, Remainder};

/// An established connection.
#[derive(Debug)]
pub(crate) struct Connection<'a, S> {
    framed: Framed<S, TrafficCodec>,
    attachment: &'a mut Attachment,
    remote: Remote,
    writer: Writer,
    /// Messages that were read and wait: for queue capacity, or as the second part of a batch.
    /// More than one batch only if an earlier connection left some, or while a second part waits.
    unqueued: VecDeque<Delivery>,
    split: BatchSplit,
    /// Whether room for a notice has to be awaited before anything is read.
    needs_notice_room: bool,
    /// Whether writing has yielded since the last wake-up.
    yielded: bool,
    follow_up: FollowUp,
    heartbeat: Heartbeat,
    /// Whether the remote may be sent PING and PONG.
    accepts_pings: bool,
    /// Created when there is a deadline.
    timer: Option<Pin<Box<Sleep>>>,
    /// The number of bytes of an incomplete frame.
    incomplete: usize,
    /// Whether a message was written completely.
    has_written: bool,
    /// Whether the remote ended the connection.
    is_ended_by_remote: bool,
    idle: IdleDetector,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Connection<'a, S> {
    /// Takes over an established stream to a remote with the queues of `attachment`. The stream
    /// is written to with up to `write_size` bytes at a time.
    #[expect(
        clippy::boxed_local,
        reason = "a caller that unboxed it would keep the box until its own end"
    )]
    pub(crate) fn new(
        framed: Box<Framed<S, TrafficCodec>>,
        write_size: usize,
        attachment: &'a mut Attachment,
        remote: Remote,
        options: &Options,
    ) -> Self {
        let mut framed = *framed;
        let unqueued = attachment.begin(&remote);
        let needs_notice_room = attachment.notifies();
        let shape = framed.codec().decoder.shape();
        let TrafficCodec { version, sealer, .. } = framed.codec_mut();
        let mut writer = Writer::new(write_size, shape, *version, sealer.take());
        let accepts_pings = accepts_pings(shape, &remote);
        let sends_pings = accepts_pings && knows_pings(shape, framed.codec().version);
        let heartbeat = if sends_pings { options.heartbeat } else { HeartbeatConfig::default() };
        for opening in options.openings(remote.socket_type()) {
            writer.queue_opening(&opening);
        }
        Self {
            framed,
            attachment,
            remote,
            writer,
            unqueued,
            split: BatchSplit::new(),
            needs_notice_room,
            yielded: false,
            follow_up: FollowUp::default(),
            heartbeat: Heartbeat::new(heartbeat, now()),
            accepts_pings,
            timer: None,
            incomplete: 0,
            has_written: false,
            is_ended_by_remote: false,
            idle: IdleDetector::default(),
        }
    }

    /// Sends no PING over a stream with heartbeats of its own.
    pub(crate) fn disable_pings(&mut self) {
        self.heartbeat = Heartbeat::new(HeartbeatConfig::default(), now());
    }

    /// Moves messages in both directions until the connection ends.
    pub(crate) async fn run(&mut self) -> DisconnectReason {
        self.run_until(future::pending()).await.unwrap_or(DisconnectReason::Closed)
    }

    /// Does the same, but ends the connection early when `end` is ready, immediately if that is a
    /// reason. It then returns the same, and leaves unwritten messages to the next connection.
    pub(crate) async fn run_until(
        &mut self,
        end: impl Future<Output = Option<DisconnectReason>>,
    ) -> Option<DisconnectReason> {
        let mut end = pin!(end);
        let reason = future::poll_fn(|cx| match end.as_mut().poll(cx) {
            Poll::Ready(reason) => Poll::Ready(reason),
            Poll::Pending => self.poll_traffic(cx).map(Some),
        })
        .await;
        self.is_ended_by_remote = reason.as_ref().is_some_and(DisconnectReason::is_by_remote);
        if matches!(reason, None | Some(DisconnectReason::Closed)) {
            // Boxed, because it is needed only at the end.
            Box::pin(self.close()).await;
        }
        reason
    }

    /// Returns whether a queued message was written completely, and the remote did not end the
    /// connection during another. Messages from the remote do not count, nor do replies that it
    /// requests: they cost it nothing.
    pub(crate) fn was_useful(&mut self) -> bool {
        let buffered = self.framed.write_buffer().len();
        let is_interrupted = self.is_ended_by_remote && self.writer.is_within_message(buffered);
        self.has_written && !is_interrupted
    }

    fn poll_traffic(&mut self, cx: &mut Context<'_>) -> Poll<DisconnectReason> {
        self.yielded = false;
        loop {
            if let Poll::Ready(reason) = self.poll_read(cx) {
                return Poll::Ready(reason);
            }
            if let Err(HeartbeatTimeout) = self.poll_heartbeat(cx) {
                return Poll::Ready(DisconnectReason::HeartbeatTimedOut);
            }
            let held_up = self.writer.is_held_up();
            match self.poll_write(cx) {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(())) => return Poll::Ready(DisconnectReason::Closed),
                Err(error) => return Poll::Ready(error.into()),
            }
            self.note_progress(cx);
            if !held_up || self.writer.is_held_up() {
                if self.idle.poll(cx).is_ready() {
                    self.release_buffers();
                }
                return Poll::Pending;
            }
            // Reading stopped without registering a waker, and can continue now.
        }
    }

    /// Reads and delivers; ready when the connection has ended.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<DisconnectReason> {
        let (mut reads, mut work) = (0, 0_usize);
        while reads < READS_PER_WAKE && work < WORK_PER_WAKE {
            reads += 1;
            while let Some(arrival) = self.unqueued.front_mut() {
                let limit = self.split.limit();
                if self.attachment.poll_deliver(cx.waker(), arrival, limit).is_ready() {
                    self.unqueued.pop_front();
                } else if self.split.is_limited() {
                    break;
                } else {
                    return Poll::Pending;
                }
            }
            if self.needs_notice_room {
                if self.attachment.poll_notice_room(cx.waker()).is_pending() {
                    return Poll::Pending;
                }
                self.needs_notice_room = false;
            }
            if self.writer.is_held_up() {
                return Poll::Pending;
            }
            let Poll::Ready(traffic) = Pin::new(&mut self.framed).poll_next(cx) else {
                self.count_multipart();
                let incomplete = self.framed.read_buffer().len();
                if mem::replace(&mut self.incomplete, incomplete) != incomplete {
                    self.heartbeat.handle_traffic();
                }
                return Poll::Pending;
            };
            self.heartbeat.handle_traffic();
            self.count_multipart();
            let done = self.framed.codec_mut().decoder.take_work();
            self.idle.handle_bytes(done);
            work += done;
            match traffic {
                Some(Ok(Traffic::Messages(batch))) => {
                    self.receive(batch);
                }
                Some(Ok(Traffic::Command(command))) => {
                    if let Some(reason) = self.handle_command(command) {
                        self.framed.read_buffer_mut().clear();
                        return Poll::Ready(reason);
                    }
                }
                Some(Ok(Traffic::Progress)) => {}
                Some(Err(DecodeError::Io(error))) => return Poll::Ready(error.into()),
                Some(Err(DecodeError::Protocol(error))) => {
                    // Later bytes have no meaning, here as above.
                    self.framed.read_buffer_mut().clear();
                    return Poll::Ready(error.into());
                }
                None => return Poll::Ready(DisconnectReason::ClosedByRemote),
            }
        }
        defer(cx);
        Poll::Pending
    }

    /// Takes messages and writes them; ready when no more will follow.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<()>> {
        loop {
            if self.writer.is_idle() {
                match self.attachment.poll_take(Want::Write, cx.waker(), self.writer.taken()) {
                    Poll::Ready(Take::Commands(commands)) => {
                        for command in &commands {
                            self.writer.queue_command(command);
                        }
                    }
                    Poll::Ready(Take::Messages | Take::Last) => self.follow_up.handle_take(true),
                    Poll::Ready(Take::End) => return Ok(Poll::Ready(())),
                    Poll::Pending => {
                        self.follow_up.handle_take(false);
                        return Ok(Poll::Pending);
                    }
                }
            }
            let written = self.writer.poll_write(cx, &mut self.framed);
            let messages = self.count_written();
            if written?.is_pending() {
                return Ok(Poll::Pending);
            }
            if !self.yielded && messages > 0 && self.follow_up.is_expected(messages) {
                // Otherwise, senders would be served message by message.
                self.yielded = true;
                defer(cx);
                return Ok(Poll::Pending);
            }
        }
    }

    /// Sends PINGs that are due and checks the heartbeat timeout.
    fn poll_heartbeat(&mut self, cx: &mut Context<'_>) -> Result<(), HeartbeatTimeout> {
        self.heartbeat.handle_wake(now);
        while self.poll_timer(cx).is_ready() {
            let is_full = !self.unqueued.is_empty() && !self.split.is_limited();
            if is_full || self.needs_notice_room || self.writer.is_held_up() {
                // While nothing is read, silence of the remote has no meaning.
                self.heartbeat.handle_traffic();
            }
            self.heartbeat.handle_timeout(now())?;
            if let Some(ping) = self.heartbeat.poll_ping() {
                self.writer.queue_command(&Command::Ping(ping));
            }
        }
        Ok(())
    }

    /// Reports the progress of writing to the heartbeats.
    fn note_progress(&mut self, cx: &mut Context<'_>) {
        let progress = self.writer.take_progress();
        if progress > 0 {
            self.heartbeat.handle_progress(progress, now);
        }
        if self.writer.is_idle() {
            self.heartbeat.handle_idle();
        }
        if self.heartbeat.is_ping_queued() && self.writer.are_commands_written() {
            self.heartbeat.handle_ping_written(now());
            if self.poll_timer(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
    }

    /// Ready when the heartbeats are due, or earlier: a timer that fires too early is set
    /// again, which costs less than resetting it at every arrival.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.heartbeat.poll_timeout() else { return Poll::Pending };
        let due = Instant::from_std(due);
        let timer = self.timer.get_or_insert_with(|| Box::pin(time::sleep_until(due)));
        if due < timer.deadline() || timer.is_elapsed() {
            timer.as_mut().reset(due);
        }
        timer.as_mut().poll(cx)
    }

    fn handle_command(&mut self, command: Command) -> Option<DisconnectReason> {
        match command {
            Command::Ping(ping) => {
                self.heartbeat.handle_ping(&ping, now());
                if self.accepts_pings {
                    self.writer.queue_command(&Command::Pong(ping.pong()));
                }
                None
            }
            Command::Error(reason) => {
                Some(DisconnectReason::Refused { reason: reason.to_string() })
            }
            Command::Pong(pong) => {
                if let Some(round_trip) = self.heartbeat.handle_pong(&pong, now()) {
                    tracing::trace!(?round_trip, "the remote is alive");
                    self.remote.counters().set_round_trip(round_trip);
                }
                None
            }
            Command::Join(_) | Command::Leave(_) | Command::Subscribe(_) | Command::Cancel(_) => {
                let refused = self.attachment.command(&command).err();
                self.needs_notice_room = self.attachment.notifies();
                refused.map(DisconnectReason::from)
            }
            // libzmq also ignores commands without a meaning here.
            Command::Ready(_) | Command::Mechanism { .. } | Command::Unknown { .. } => {
                tracing::trace!(name = command.name(), "ignored a command");
                None
            }
        }
    }
}

impl<S> Connection<'_, S> {
    /// Counts messages that were read, and keeps them for delivery.
    fn receive(&mut self, batch: Batch) {
        let cargo = DeliveredMessages::Framed(batch);
        let is_waiting = || self.unqueued.is_empty() && self.attachment.is_empty();
        self.split.handle_read(cargo.messages(), is_waiting);
        self.remote.counters().count_received(cargo.volume());
        self.unqueued.push_back(Delivery { cargo, remote: self.remote.clone() });
    }

    /// Returns the complete messages that were read and not decoded before the connection ended.
    fn decode_rest(&mut self) {
        let mut input = mem::take(self.framed.read_buffer_mut());
        while let Ok(Some(traffic)) = self.framed.codec_mut().decode(&mut input) {
            if let Traffic::Messages(batch) = traffic {
                self.receive(batch);
            }
        }
        self.count_multipart();
    }

    /// Returns the number of messages that were written.
    fn count_written(&mut self) -> u64 {
        let written = self.writer.take_written();
        if !written.is_empty() {
            self.has_written = true;
            self.idle.handle_bytes(usize::try_from(written.bytes).unwrap_or(usize::MAX));
            self.remote.counters().count_sent(written);
            self.split.handle_written();
        }
        written.messages
    }

    /// Frees the memory that only a busy connection needs.
    fn release_buffers(&mut self) {
        let mut input = mem::take(self.framed.read_buffer_mut());
        self.framed.codec_mut().decoder.release_memory(&mut input);
        *self.framed.read_buffer_mut() = input;
        if self.writer.is_idle() {
            *self.framed.write_buffer_mut() = BytesMut::new();
            *self.writer.taken() = VecDeque::new();
        }
        self.attachment.free_memory();
    }

    fn count_multipart(&mut self) {
        let discarded = self.framed.codec_mut().decoder.take_discarded();
        if discarded > 0 {
            // A remote that sends one multipart message usually sends many.
            if self.remote.counters().count_multipart(discarded) == discarded {
                within_quota!(
                    self.attachment.quotas().multipart,
                    warn,
                    messages = discarded,
                    "discarded multipart messages",
                );
            } else {
                tracing::trace!(messages = discarded, "discarded multipart messages");
            }
            self.attachment.count_multipart(discarded);
        }
    }
}

impl<S> Drop for Connection<'_, S> {
    fn drop(&mut self) {
        let buffered = self.framed.write_buffer().len();
        let (messages, is_begun) = self.writer.take_unwritten(buffered);
        self.count_written();
        self.decode_rest();
        let remainder = Remainder {
            messages,
            is_interrupted: is_begun && self.is_ended_by_remote,
            is_first: !self.has_written,
        };
        self.attachment.put_back(remainder, mem::take(&mut self.unqueued));
    }
}

/// Returns whether a remote may be sent PING and PONG. A DISH of libzmq takes either for a message
/// without a group, and ends the connection for good (libzmq#3551). A DISH of this crate announces
/// that it takes them.
fn accepts_pings(shape: MessageShape, remote: &Remote) -> bool {
    let is_dish =
        shape == MessageShape::GroupAndBody && remote.socket_type() != Some(SocketType::Radio);
    !is_dish || remote.property(ACCEPTS_PING).is_some()
}

/// Returns whether the remote knows PING, which ZMTP 3.0 lacks. Some implementations of the classic
/// types in ZMTP 3.0 ignore a PING, and would be considered dead. The other socket types are not
/// part of ZMTP 3.0: a remote of such a type that announces this version is libzmq, which knows
/// PING.
fn knows_pings(shape: MessageShape, version: Version) -> bool {
    shape != MessageShape::Multipart || version >= Version::ZMTP_3_1
}

/// Yields to other tasks of this thread, without waking another thread.
fn defer(cx: &mut Context<'_>) {
    let _ = pin!(task::yield_now()).poll(cx);
}

/// The time of the runtime, which tests can stop.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// The number of batches or commands that are read before the connection yields.
const READS_PER_WAKE: usize = 16;

/// The number of bytes that are read before the connection yields: few enough that receivers find
/// them in the cache, and release the buffers for later reads. Discarded bytes count as well, and
/// so does the cost of frames in addition to their bytes.
const WORK_PER_WAKE: usize = 0x4_0000;
