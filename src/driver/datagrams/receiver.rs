use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::{task, time};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use zmtp_proto::datagram::Datagram;
use zmtp_proto::endpoint::Endpoint;
use zmtp_proto::group::Group;

use super::losses::LossSeries;
use crate::driver::{SocketState, log};
use crate::message::{GroupMessage, Message};
use crate::monitor::{DisconnectReason, EventKind, EventSource};
use crate::pipe::{DeliveredMessages, Delivery, MessageList};
use crate::quota::{Quotas, within_quota};
use crate::remote::{Origin, Remote};
use crate::remotes::{Direction, RemoteSource};
use crate::routing::{Attachment, EndpointId};
use crate::stats::{DatagramDrop, Volume};
use crate::transport::udp;

/// Receives the datagrams of a `udp` endpoint that a DISH is bound to.
#[derive(Debug)]
pub(in crate::driver) struct DishReceiver {
    socket: udp::Receiver,
    id: EndpointId,
    endpoint: Endpoint,
    /// Cancelled by the driver.
    ended: CancellationToken,
    shared: Arc<SocketState>,
    quotas: Arc<Quotas>,
}

impl DishReceiver {
    pub(in crate::driver) fn new(
        socket: udp::Receiver,
        id: EndpointId,
        ended: CancellationToken,
        shared: Arc<SocketState>,
    ) -> Self {
        let endpoint = socket.local_endpoint().clone();
        let receiver = Self { socket, id, endpoint, ended, shared, quotas: Arc::default() };
        receiver.publish(|| EventKind::Listening);
        receiver
    }

    /// Receives until the endpoint ends. `release` is notified as soon as the address is free.
    pub(in crate::driver) async fn run(
        mut self,
        source: RemoteSource,
        release: oneshot::Sender<()>,
    ) {
        tracing::info!(target: log::ENDPOINT, "listening");
        let ended = self.ended.clone();
        tokio::select! {
            () = self.serve() => {}
            () = ended.cancelled() => {}
        }
        let Self { socket, shared, endpoint, .. } = self;
        drop(socket);
        drop(source);
        tracing::info!(target: log::ENDPOINT, "closed");
        shared.publisher.publish(&EventSource::endpoint(endpoint), || EventKind::Closed);
        let _ = release.send(());
    }

    /// Receives indefinitely, or until the socket is closed.
    async fn serve(&mut self) {
        let origin = Origin::default();
        loop {
            let subject = EventSource::endpoint(self.endpoint.clone());
            let Ok(attachment) = self.shared.routing.attach(self.id, subject) else { return };
            let mut attachment = attachment.within(&self.quotas);
            // No groups are announced to it.
            self.shared.routing.retire_pipe(attachment.pipe());
            let connection_id = self.shared.remotes.allot();
            let span = self.shared.connection_span(&self.endpoint, origin);
            log::record_connection_id(&span, connection_id);
            let id = (connection_id, origin);
            let mut joined = span.in_scope(|| {
                self.shared.join_datagrams(&attachment, &self.endpoint, id, Direction::Accepted)
            });
            let remote = joined.remote();
            attachment.begin(&remote);
            let series = |cause| LossSeries::new(cause, &remote, &self.shared, &self.quotas);
            let mut receiving = Receiving {
                attachment: &mut attachment,
                malformed: series(DatagramDrop::Malformed),
                overflowed: series(DatagramDrop::Overflowed),
                remote: remote.clone(),
            };
            self.receive(&mut receiving, async { drop(joined.disconnected().await) })
                .instrument(span)
                .await;
            drop(receiving);
            joined.end(DisconnectReason::Closed, &mut attachment, None);
        }
    }

    /// Receives until the remote is disconnected by its id. Pauses after errors.
    async fn receive(
        &mut self,
        receiving: &mut Receiving<'_>,
        disconnected: impl Future<Output = ()>,
    ) {
        let mut disconnected = pin!(disconnected);
        loop {
            let failure = tokio::select! {
                failure = receiving.run(&mut self.socket) => failure,
                () = &mut disconnected => return,
            };
            within_quota!(
                self.quotas.accept_failed,
                warn,
                target: log::ENDPOINT,
                error = &failure as &dyn std::error::Error,
                "cannot receive datagrams",
            );
            let error = Arc::new(failure);
            self.publish(|| EventKind::AcceptFailed { error });
            time::sleep(PAUSE).await;
        }
    }

    fn publish(&self, kind: impl FnOnce() -> EventKind) {
        let subject = EventSource::endpoint(self.endpoint.clone());
        self.shared.publisher.publish(&subject, kind);
    }
}

/// Queues the messages of received datagrams.
struct Receiving<'a> {
    attachment: &'a mut Attachment,
    malformed: LossSeries,
    overflowed: LossSeries,
    remote: Remote,
}

impl Receiving<'_> {
    /// Receives until the system reports an error.
    async fn run(&mut self, socket: &mut udp::Receiver) -> io::Error {
        loop {
            match socket.recv().await {
                Ok(received) => self.deliver(&received),
                Err(error) => return error,
            }
            for _ in 1..RECEIVES_PER_WAKE {
                match socket.try_recv() {
                    Ok(received) => self.deliver(&received),
                    // An error is reported by the next call.
                    Err(_) => break,
                }
            }
            task::yield_now().await;
        }
    }

    /// Queues the messages of groups that the socket has joined, as many as there is room for.
    fn deliver(&mut self, received: &udp::Received<'_>) {
        let mut malformed = None;
        let mut decoded = Vec::new();
        let mut refused = 0;
        for bytes in received.datagrams() {
            match Datagram::decode(bytes) {
                Ok(datagram) => decoded.push(datagram),
                Err(error) => {
                    refused += 1;
                    malformed = Some(error);
                }
            }
        }
        let error = malformed.as_ref().map(|error| error as &(dyn std::error::Error + 'static));
        self.malformed.count(refused, error);
        self.attachment.retain_wanted(&mut decoded, |datagram| datagram.group());
        let bytes = decoded.iter().map(|datagram| datagram.len() as u64).sum();
        let messages: Vec<_> = decoded.iter().filter_map(message).collect();
        let volume = Volume { messages: messages.len() as u64, bytes };
        self.remote.counters().count_received(volume);
        let cargo = DeliveredMessages::Whole(MessageList::new(messages.into()));
        let mut delivery = Delivery { cargo, remote: self.remote.clone() };
        // Nothing waits for room: what finds none is dropped.
        let queued = self.attachment.poll_deliver(Waker::noop(), &mut delivery, usize::MAX);
        let overflowed = if queued.is_ready() { 0 } else { delivery.cargo.messages() as u64 };
        self.overflowed.count(overflowed + u64::from(received.dropped), None);
    }
}

/// Returns the message of a datagram. Its body is copied, so that it does not keep the buffer.
fn message(datagram: &Datagram<'_>) -> Option<Message> {
    let group = Group::try_from(datagram.group()).ok()?;
    Some(GroupMessage::new(&group, datagram.body()).into_frames())
}

/// How often the system is asked for datagrams before the task yields.
const RECEIVES_PER_WAKE: u32 = 16;

/// The pause after an error of the system, which may persist.
const PAUSE: Duration = Duration::from_millis(100);
