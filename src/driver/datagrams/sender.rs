use std::collections::VecDeque;
use std::future;
use std::io;
use std::mem;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task;
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use zmtp_proto::datagram::Datagram;
use zmtp_proto::endpoint::{Endpoint, UdpEndpoint};
use zmtp_proto::message_shape::{last_part, split_first_part};

use super::losses::{LossSeries, calls_for_another_socket};
use crate::driver::backoff::Backoff;
use crate::driver::{SocketState, log, within};
use crate::message::Message;
use crate::monitor::{DialFailure, DisconnectReason, EventKind, EventSource};
use crate::pipe::{Take, Want};
use crate::quota::Quotas;
use crate::remote::{Origin, Remote};
use crate::remotes::{Direction, RemoteSource};
use crate::routing::{Attachment, AttachmentError, EndpointId, Remainder};
use crate::stats::{DatagramDrop, Volume};
use crate::transport::udp;

/// Sends the messages of a RADIO to a connected `udp` endpoint, and opens another socket when one
/// fails.
#[derive(Debug)]
pub(in crate::driver) struct RadioSender {
    endpoint: UdpEndpoint,
    attachment: Attachment,
    /// Cancelled by the driver.
    ended: CancellationToken,
    /// Notified when a socket has failed.
    lost: Option<Arc<Notify>>,
    shared: Arc<SocketState>,
    quotas: Arc<Quotas>,
    backoff: Backoff,
    /// Whether the last socket could not be opened.
    is_failing: bool,
    /// The number of sockets so far.
    sockets: u64,
}

/// The result of a socket that is no longer used.
enum Served {
    /// The pipe has ended, and is empty.
    Ended,
    /// A socket is opened again, after a delay or immediately.
    Again { failed: bool },
}

impl RadioSender {
    /// Creates the task, with its pipe.
    ///
    /// # Errors
    ///
    /// [`AttachmentError`] once the socket is closed.
    pub(in crate::driver) fn new(
        endpoint: UdpEndpoint,
        id: EndpointId,
        ended: CancellationToken,
        shared: &Arc<SocketState>,
    ) -> Result<Self, AttachmentError> {
        let quotas = Arc::<Quotas>::default();
        let subject = EventSource::endpoint(endpoint.clone().into());
        let attachment = shared.routing.attach(id, subject)?.within(&quotas);
        attachment.join_all_groups();
        let interval = shared.options.reconnect_interval.unwrap_or_default();
        let backoff = Backoff::new(interval, shared.options.reconnect_interval_max);
        let shared = Arc::clone(shared);
        Ok(Self {
            endpoint,
            attachment,
            ended,
            lost: None,
            shared,
            quotas,
            backoff,
            is_failing: false,
            sockets: 0,
        })
    }

    /// Notifies `lost` whenever a socket has failed.
    pub(in crate::driver) fn notifying(self, lost: Option<Arc<Notify>>) -> Self {
        Self { lost, ..self }
    }

    /// Sends until the endpoint ends and everything is sent, or until another attempt is ruled out.
    pub(in crate::driver) async fn run(mut self, source: RemoteSource) {
        tracing::info!(target: log::ENDPOINT, "connecting");
        match self.run_sockets().await {
            Some(failure) => self.shared.abandon(source, failure),
            None => drop(source),
        }
        tracing::info!(target: log::ENDPOINT, "closed");
        self.publish(|| EventKind::Closed);
    }

    /// Returns the last failure if no other attempt is made, unless the endpoint ends.
    async fn run_sockets(&mut self) -> Option<DialFailure> {
        let mut last = None;
        while !self.ended.is_cancelled() || !self.attachment.is_empty() {
            let opened = self.open_unless_ended().await?;
            match opened {
                Ok(socket) => {
                    self.is_failing = false;
                    match self.serve(socket).await {
                        Served::Ended => return None,
                        Served::Again { failed: false } => continue,
                        Served::Again { failed: true } => {}
                    }
                }
                Err(failure) => {
                    log::connect_failed(&self.quotas, &failure, &mut self.is_failing);
                    self.publish(|| EventKind::ConnectFailed { reason: failure.clone() });
                    self.shared.remotes.fail(failure.clone());
                    last = Some(failure);
                }
            }
            if self.shared.options.reconnect_interval.is_none() {
                tracing::warn!(target: log::ENDPOINT, "not reconnecting");
                return last;
            }
            let delay = self.backoff.after_failure(fastrand::f64());
            tracing::debug!(target: log::ENDPOINT, ?delay, "reconnecting");
            self.publish(|| EventKind::ConnectRetried { delay });
            tokio::select! {
                () = time::sleep(delay) => {}
                () = self.ended.cancelled(), if !self.ended.is_cancelled() => {}
            }
        }
        None
    }

    /// Opens a socket. Returns `None` if the endpoint has ended in between and there is nothing to
    /// send.
    async fn open_unless_ended(&self) -> Option<Result<udp::Sender, DialFailure>> {
        let mut opening = Box::pin(self.open());
        tokio::select! {
            opened = &mut opening => return Some(opened),
            () = self.ended.cancelled(), if !self.ended.is_cancelled() => {}
        }
        if self.attachment.is_empty() { None } else { Some(opening.await) }
    }

    async fn open(&self) -> Result<udp::Sender, DialFailure> {
        self.publish(|| EventKind::ConnectDelayed);
        let options = &self.shared.options;
        let limit = options.connect_timeout;
        match within(limit, udp::Sender::open(&self.endpoint, options)).await {
            Some(opened) => opened.map_err(|error| DialFailure::Transport(Arc::new(error))),
            None => Err(DialFailure::TimedOut { limit: limit.unwrap_or_default() }),
        }
    }

    /// Sends through a socket until it fails, or until there is nothing left to send.
    async fn serve(&mut self, socket: udp::Sender) -> Served {
        let origin = Origin::from(socket.address());
        let endpoint = Endpoint::Udp(self.endpoint.clone());
        let connection_id = self.shared.remotes.allot();
        let span = self.shared.connection_span(&endpoint, origin);
        log::record_connection_id(&span, connection_id);
        let subject = EventSource::endpoint(endpoint.clone()).connection(connection_id, origin);
        self.shared.publisher.publish(&subject, || EventKind::Connected);
        let direction = Direction::Dialed { reconnects: self.sockets };
        self.sockets += 1;
        let begun = Instant::now();
        let id = (connection_id, origin);
        let mut joined = span
            .in_scope(|| self.shared.join_datagrams(&self.attachment, &endpoint, id, direction));
        let Self { attachment, shared, quotas, .. } = self;
        attachment.begin(&joined.remote());
        let mut sending = Sending {
            attachment,
            taken: VecDeque::new(),
            socket,
            batch: udp::DatagramBatch::default(),
            losses: LossSeries::new(DatagramDrop::Lost, &joined.remote(), shared, quotas),
            remote: joined.remote(),
        };
        let outcome = tokio::select! {
            outcome = sending.run().instrument(span) => Some(outcome),
            _ = joined.disconnected() => None,
        };
        drop(sending);
        let was_useful = joined.remote().stats().sent.messages > 0;
        self.backoff.handle_connection(was_useful, begun.elapsed());
        match outcome {
            Some(Ok(())) => {
                joined.end(DisconnectReason::Closed, &mut self.attachment, None);
                Served::Ended
            }
            Some(Err(error)) => {
                let reason = DisconnectReason::Io(Arc::new(error));
                joined.end(reason, &mut self.attachment, None);
                if let Some(lost) = &self.lost {
                    lost.notify_one();
                }
                Served::Again { failed: true }
            }
            None => {
                joined.end(DisconnectReason::Closed, &mut self.attachment, None);
                Served::Again { failed: false }
            }
        }
    }

    fn publish(&self, kind: impl FnOnce() -> EventKind) {
        let subject = EventSource::endpoint(self.endpoint.clone().into());
        self.shared.publisher.publish(&subject, kind);
    }
}

/// Messages in transit through a socket. When this is dropped, messages that were not sent return
/// to the pipe.
struct Sending<'a> {
    attachment: &'a mut Attachment,
    /// Messages that were taken from the pipe. The first of them are in the batch.
    taken: VecDeque<Message>,
    socket: udp::Sender,
    batch: udp::DatagramBatch,
    losses: LossSeries,
    remote: Remote,
}

impl Sending<'_> {
    /// Sends until the pipe ends, or until the socket has to be replaced.
    async fn run(&mut self) -> io::Result<()> {
        loop {
            let Self { attachment, taken, .. } = &mut *self;
            let take = future::poll_fn(|cx| attachment.poll_take(Want::Write, cx.waker(), taken));
            match take.await {
                Take::End => return Ok(()),
                Take::Commands(_) => continue,
                Take::Messages | Take::Last => {}
            }
            while self.fill_batch() {
                self.send_batch().await?;
            }
            // The handles that fill the queue may run on this thread.
            task::yield_now().await;
        }
    }

    /// Encodes the next messages that can be sent together. Returns false if there are none.
    fn fill_batch(&mut self) -> bool {
        while let Some(message) = self.taken.get(self.batch.datagrams()) {
            let Some(datagram) = datagram(message) else {
                if self.batch.datagrams() > 0 {
                    break;
                }
                // It was queued before the endpoint was connected to.
                self.taken.pop_front();
                self.losses.count(1, None);
                continue;
            };
            if !self.socket.push(&mut self.batch, datagram) {
                break;
            }
        }
        self.batch.datagrams() > 0
    }

    async fn send_batch(&mut self) -> io::Result<()> {
        self.socket.send(&mut self.batch).await;
        match self.finish_batch() {
            Some(error) if calls_for_another_socket(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Counts what has become of the batch, and keeps its messages that were not tried. Returns the
    /// reason for the last loss.
    fn finish_batch(&mut self) -> Option<io::Error> {
        let udp::Sent { tried, sent, bytes, lost, error } = self.batch.finish();
        self.taken.drain(..tried);
        if sent > 0 {
            let sent = Volume { messages: sent as u64, bytes: bytes as u64 };
            self.remote.counters().count_sent(sent);
        }
        let cause = error.as_ref().map(|error| error as &(dyn std::error::Error + 'static));
        self.losses.count(lost as u64, cause);
        error
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        // It may have been dropped while it sent.
        self.finish_batch();
        let messages = mem::take(&mut self.taken);
        self.attachment.put_back(Remainder { messages, ..Remainder::default() }, VecDeque::new());
    }
}

/// Returns the datagram of a message of a group, if it fits one.
fn datagram(message: &Message) -> Option<Datagram<'_>> {
    let (group, rest) = split_first_part(message)?;
    Datagram::new(group, last_part(rest)?).ok()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::task::Waker;

    use futures::FutureExt;
    use zmtp_proto::group::Group;
    use zmtp_proto::handshake::HandshakeConfig;
    use zmtp_proto::metadata::Metadata;
    use zmtp_proto::socket_type::SocketType;

    use super::*;
    use crate::message::GroupMessage;
    use crate::monitor::EventPublisher;
    use crate::options::Options;
    use crate::pipe::HighWaterMark;
    use crate::routing::{FairQueue, GroupTable, Losses, Outgoing, OutgoingPipes, Routing};
    use crate::runtime::Runtime;
    use crate::sync::Lock;
    use crate::transport::udp::tests::drain;

    #[tokio::test]
    async fn a_batch_that_is_dropped_while_it_is_sent_one_by_one_is_counted_and_returned_in_part() {
        let messages = 30;
        let group: Group = "g".parse().unwrap();
        let outgoing = Arc::new(Lock::new(OutgoingPipes::new(
            GroupTable::default(),
            HighWaterMark::new(0, 0),
        )));
        let shared = shared(outgoing.clone());
        let endpoint: Endpoint = "udp://127.0.0.1:9".parse().unwrap();
        let subject = EventSource::endpoint(endpoint.clone());
        let mut attachment = shared.routing.attach(EndpointId(0), subject).unwrap();
        attachment.join_all_groups();
        let (socket, mut other) = udp::Sender::that_blocks().await;
        let id = (shared.remotes.allot(), Origin::from(socket.address()));
        let direction = Direction::Dialed { reconnects: 0 };
        let remote = shared.join_datagrams(&attachment, &endpoint, id, direction).remote();
        attachment.begin(&remote);
        for _ in 0..messages {
            let mut message = Some(GroupMessage::new(&group, [b'x'; 198]).into_frames());
            outgoing.with(|pipes, wakes| pipes.try_send(&group, &mut message, wakes)).unwrap();
        }

        let quotas = Arc::default();
        let mut sending = Sending {
            attachment: &mut attachment,
            taken: VecDeque::new(),
            socket,
            batch: udp::DatagramBatch::default(),
            losses: LossSeries::new(DatagramDrop::Lost, &remote, &shared, &quotas),
            remote: remote.clone(),
        };
        assert!(sending.run().now_or_never().is_none());
        assert!(sending.batch.datagrams() > 1);
        drop(sending);

        let sent = drain(&mut other);
        assert!((1..messages).contains(&sent), "{sent}");
        let counted = remote.stats().sent;
        assert_eq!((counted.messages, counted.bytes), (sent as u64, 200 * sent as u64));
        assert_eq!(shared.losses().read().datagrams.lost, 0);
        let mut returned = VecDeque::new();
        let waker = Waker::noop();
        assert!(attachment.poll_take(Want::Write, waker, &mut returned).is_ready());
        assert_eq!(returned.len(), messages - sent);
    }

    /// Returns the state of a RADIO.
    fn shared(outgoing: Arc<Lock<dyn Outgoing>>) -> Arc<SocketState> {
        let publisher = Arc::new(EventPublisher::default());
        let losses = Arc::new(Losses::new(Arc::clone(&publisher)));
        let incoming = Arc::new(Lock::new(FairQueue::closed()));
        let routing = Routing {
            outgoing,
            incoming,
            losses,
            ends: Arc::default(),
            returned: Arc::default(),
            takes_replies: false,
            notifies: false,
            subscription_events: None,
        };
        let handshake =
            HandshakeConfig { socket_type: SocketType::Radio, metadata: Metadata::default() };
        let runtime = Runtime::current();
        Arc::new(SocketState::new(routing, Options::default(), handshake, publisher, runtime))
    }
}
