//! Statistics of a socket and of its remotes.
//!
//! Counting has no measurable cost: a connection counts what it writes and reads once for each
//! batch, in memory that only its task writes.

#[cfg(feature = "serde")]
mod nanoseconds;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The number and the size of a set of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
pub struct Volume {
    /// The number of messages.
    pub messages: u64,
    /// Their size on the wire, frame headers included. Over `inproc`, the header of a
    /// [`Message`](crate::Message) does not count. In a proxy, only bodies and parts count.
    pub bytes: u64,
}

/// The statistics of a socket since its creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct Stats {
    /// The messages handed to the transport, over all connections including ended ones.
    pub sent: Volume,
    /// The messages read from all connections.
    pub received: Volume,
    /// Messages that were neither written nor received.
    pub dropped: Dropped,
    /// Messages that are currently queued, for all remotes.
    pub queued: Queued,
    /// Unread messages of ended remotes, which are part of `queued`.
    pub ended: EndedRemotes,
    /// The number of connected remotes.
    pub connected: usize,
    /// The number of connections that were re-established to the same endpoint.
    pub reconnects: u64,
    /// The connections that this socket refused.
    pub refused: RefusedRemotes,
    /// The number of messages that one remote has left and that were queued for another, with
    /// [`Undelivered::Redirect`](crate::Undelivered::Redirect). A message counts each time. When it
    /// is written, it is also `sent`.
    pub redirected: u64,
    /// The number of messages that a remote has left and that the application has received, with
    /// [`Undelivered::Return`](crate::Undelivered::Return). They are neither `sent` nor `dropped`.
    pub returned: u64,
}

/// The statistics of one connected remote since its connection was established.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct RemoteStats {
    /// The messages handed to the transport.
    pub sent: Volume,
    /// The messages that were read.
    pub received: Volume,
    /// The number of multipart messages that were discarded, because they have no meaning between
    /// thread-safe sockets (RFC 37, Thread-Safe Socket Types).
    pub multipart: u64,
    /// The number of messages of a PUB, XPUB, RADIO or XSUB that were dropped for this remote,
    /// because its queue was full, and with [`Unroutable::Drop`](crate::Unroutable::Drop) of such
    /// messages of a ROUTER.
    pub missed: u64,
    /// The number of messages of a PUB or XPUB that a later one with the same first part has
    /// replaced in the queue of this remote, with
    /// [`SlowSubscriber::KeepLast`](crate::SlowSubscriber::KeepLast).
    pub replaced: u64,
    /// The datagrams of a `udp` endpoint that were dropped.
    pub datagrams: DroppedDatagrams,
    /// Messages that are currently queued.
    pub queued: Queued,
    /// The number of earlier connections to the same endpoint.
    pub reconnects: u64,
    /// The round trip of the last PING; `None` before the first PONG, and if no
    /// heartbeats are sent.
    #[cfg_attr(feature = "serde", serde(with = "nanoseconds"))]
    pub heartbeat_round_trip: Option<Duration>,
}

/// Dropped messages by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct Dropped {
    /// Accepted from a handle, but not handed to the transport when their remote or the socket
    /// ended. This includes messages dropped by [`Lossy`](crate::Lossy).
    pub undelivered: u64,
    /// Accepted from a handle, but dropped because the remote ended two connections in a row while
    /// they were being written.
    ///
    /// A remote does this when a message is longer than it allows. Such a message would end every
    /// further connection and block all later messages. After the first connection the message is
    /// sent again, because the server may have been restarted in the middle of a long message. A
    /// connection counts if the remote closed or reset it when part of the message was written.
    /// Connections that a heartbeat, the network or this side ends do not count.
    pub refused: u64,
    /// Messages read from a remote, but not queued for `recv` when the connection or the socket
    /// ended. On a [`Pub`](crate::Pub) or [`Push`](crate::Push), which never receive, all messages
    /// of the remote.
    pub unread: u64,
    /// Messages of a PUB, XPUB, RADIO or XSUB that were dropped because the queue of a remote
    /// was full, each counted for every such remote, and with
    /// [`Unroutable::Drop`](crate::Unroutable::Drop) such messages of a ROUTER.
    pub missed: u64,
    /// Messages of a PUB or XPUB that a later one with the same first part has replaced, each
    /// counted for every remote in whose queue it was, with
    /// [`SlowSubscriber::KeepLast`](crate::SlowSubscriber::KeepLast).
    pub replaced: u64,
    /// Messages that a [`Rep`](crate::Rep) received and that are not requests: they have no empty
    /// part before their last part.
    pub malformed_requests: u64,
    /// Requests that a [`Rep`](crate::Rep) received and that were not replied to: their
    /// [`Replier`](crate::Replier) was dropped.
    pub unanswered_requests: u64,
    /// Messages that a [`Req`](crate::Req) received and that do not have the form of a reply.
    pub malformed_replies: u64,
    /// Replies that a [`Req`](crate::Req) received and that no request waited for: the request had
    /// ended, was sent to another remote, or did not exist.
    pub stray_replies: u64,
    /// With [`Unroutable::Drop`](crate::Unroutable::Drop), messages of a ROUTER that were dropped
    /// because no remote had their identity.
    pub unroutable: u64,
    /// Multipart messages, which thread-safe sockets do not support (RFC 37, Thread-Safe Socket
    /// Types).
    pub multipart: u64,
    /// Datagrams of `udp` endpoints.
    pub datagrams: DroppedDatagrams,
}

/// Dropped datagrams by cause. Over `udp`, messages can also be lost on the network, which neither
/// side detects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct DroppedDatagrams {
    /// Messages that a RADIO did not send: the system refused the datagram, or the message did not
    /// fit one. If the remote host reports that its port is closed, the report counts as one,
    /// although the datagram was sent.
    pub lost: u64,
    /// Received datagrams that are not messages: empty, longer than 8,192 bytes, or with a group
    /// that is cut off or not valid.
    pub malformed: u64,
    /// Messages that a DISH received while its queue was full, and on Linux and Android datagrams
    /// that the system dropped while its buffer was full.
    pub overflowed: u64,
}

/// The number of connections that a socket refused, by cause, whether accepted or dialed. Each
/// attempt of a remote counts.
///
/// The [monitor](crate::monitor) reports each refusal with its remote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct RefusedRemotes {
    /// The authenticator did not admit the remote:
    /// [`AddressDenied`](crate::monitor::HandshakeFailure::AddressDenied) or
    /// [`Rejected`](crate::monitor::HandshakeFailure::Rejected). Or its admission was revoked, and
    /// it was disconnected: [`Revoked`](crate::monitor::DisconnectReason::Revoked).
    pub denied: u64,
    /// The identity that the remote announced to this [`Router`](crate::Router) belongs to another
    /// remote, or is not valid:
    /// [`DuplicateIdentity`](crate::monitor::HandshakeFailure::DuplicateIdentity) or
    /// [`InvalidIdentity`](crate::monitor::HandshakeFailure::InvalidIdentity).
    pub identity: u64,
    /// The type of the remote is incompatible with the type of this socket:
    /// [`IncompatibleSocketType`](crate::monitor::HandshakeFailure::IncompatibleSocketType).
    pub incompatible: u64,
    /// This [`Channel`](crate::Channel) or [`Pair`](crate::Pair) had another remote:
    /// [`Occupied`](crate::monitor::HandshakeFailure::Occupied).
    pub occupied: u64,
    /// The two sides use different mechanisms, have the same role, or the keys of CURVE do not
    /// match: [`MechanismMismatch`](crate::monitor::HandshakeFailure::MechanismMismatch),
    /// [`BothClients`](crate::monitor::HandshakeFailure::BothClients),
    /// [`BothServers`](crate::monitor::HandshakeFailure::BothServers) or
    /// [`WrongKey`](crate::monitor::HandshakeFailure::WrongKey).
    pub security: u64,
    /// The remote joined more groups than this [`Radio`](crate::Radio) allows, and was
    /// disconnected: [`TooManyGroups`](crate::monitor::DisconnectReason::TooManyGroups).
    pub too_many_groups: u64,
    /// The remote subscribed to more topics than this [`Pub`](crate::Pub) or
    /// [`XPub`](crate::XPub) allows, and was disconnected:
    /// [`TooManyTopics`](crate::monitor::DisconnectReason::TooManyTopics).
    pub too_many_topics: u64,
    /// The remote missed as many messages in a row as
    /// [`SlowSubscriber::Disconnect`](crate::SlowSubscriber::Disconnect) specifies, and was
    /// disconnected: [`TooSlow`](crate::monitor::DisconnectReason::TooSlow).
    pub too_slow: u64,
}

/// The number of queued messages. A message that a connection is writing is no longer queued, and
/// is not counted as sent until it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct Queued {
    /// Messages to be sent: limited by [`send_hwm`](crate::Builder::send_hwm) for each remote.
    pub outgoing: usize,
    /// Messages to be received: limited by [`recv_hwm`](crate::Builder::recv_hwm) for each remote.
    /// On an [`XPub`](crate::XPub), also requests, which are limited in the same way.
    pub incoming: usize,
    /// Messages that remotes of a [`Push`](crate::Push) or [`Dealer`](crate::Dealer) have left, and
    /// that wait to be redirected or returned: limited by
    /// [`returned_hwm`](crate::Builder::returned_hwm). They belong to no remote, and the statistics
    /// of remotes do not include them.
    pub returned: usize,
}

/// The unread messages of remotes whose connections have ended; on an [`XPub`](crate::XPub), also
/// their unread requests. A remote that has left both counts as two.
///
/// [`ended_hwm_bytes`](crate::Builder::ended_hwm_bytes) limits their memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct EndedRemotes {
    /// The number of these remotes.
    pub remotes: usize,
    /// The number of their messages.
    pub messages: usize,
    /// The memory that they keep in bytes: the messages, the rest of the buffers that they were
    /// read into, and the state of each remote. It is an upper bound.
    pub bytes: usize,
}

/// The counters of one connection. Only its task changes them, except `missed`, `replaced` and the
/// series.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    sent: VolumeCounter,
    received: VolumeCounter,
    multipart: AtomicU64,
    /// Changed under the lock of the outgoing pipes.
    missed: AtomicU64,
    /// Changed like `missed`.
    replaced: AtomicU64,
    pub(crate) datagrams: DatagramCounters,
    /// In nanoseconds; zero before the first PONG.
    round_trip: AtomicU64,
    /// Messages of the remote that are not requests.
    pub(crate) malformed: Series,
    /// Requests of the remote that were not replied to.
    pub(crate) unanswered: Series,
}

/// Events of one kind without an opposite one in between. Only the first of a series is reported.
#[derive(Debug, Default)]
pub(crate) struct Series(AtomicBool);

/// The reason why a remote was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RemoteRefusal {
    Denied,
    Identity,
    Incompatible,
    Occupied,
    Security,
    TooManyGroups,
    TooManyTopics,
    TooSlow,
}

/// The reason why a datagram was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DatagramDrop {
    Lost,
    Malformed,
    Overflowed,
}

/// The dropped datagrams of one endpoint, or of a socket.
#[derive(Debug, Default)]
pub(crate) struct DatagramCounters {
    lost: AtomicU64,
    malformed: AtomicU64,
    overflowed: AtomicU64,
}

/// A [`Volume`] that grows.
#[derive(Debug, Default)]
struct VolumeCounter {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Volume {
    pub(crate) const fn is_empty(self) -> bool {
        self.messages == 0
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.messages = self.messages.saturating_add(more.messages);
        self.bytes = self.bytes.saturating_add(more.bytes);
    }
}

impl DroppedDatagrams {
    fn add(&mut self, more: Self) {
        let Self { lost, malformed, overflowed } = self;
        *lost = lost.saturating_add(more.lost);
        *malformed = malformed.saturating_add(more.malformed);
        *overflowed = overflowed.saturating_add(more.overflowed);
    }
}

impl RefusedRemotes {
    pub(crate) fn count(&mut self, cause: RemoteRefusal) {
        let counter = match cause {
            RemoteRefusal::Denied => &mut self.denied,
            RemoteRefusal::Identity => &mut self.identity,
            RemoteRefusal::Incompatible => &mut self.incompatible,
            RemoteRefusal::Occupied => &mut self.occupied,
            RemoteRefusal::Security => &mut self.security,
            RemoteRefusal::TooManyGroups => &mut self.too_many_groups,
            RemoteRefusal::TooManyTopics => &mut self.too_many_topics,
            RemoteRefusal::TooSlow => &mut self.too_slow,
        };
        *counter = counter.saturating_add(1);
    }
}

impl DatagramCounters {
    pub(crate) fn add(&self, cause: DatagramDrop, datagrams: u64) {
        let counter = match cause {
            DatagramDrop::Lost => &self.lost,
            DatagramDrop::Malformed => &self.malformed,
            DatagramDrop::Overflowed => &self.overflowed,
        };
        counter.fetch_add(datagrams, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> DroppedDatagrams {
        DroppedDatagrams {
            lost: self.lost.load(Ordering::Relaxed),
            malformed: self.malformed.load(Ordering::Relaxed),
            overflowed: self.overflowed.load(Ordering::Relaxed),
        }
    }
}

#[cfg(feature = "metrics")]
impl Stats {
    pub(crate) fn add(&mut self, other: &Self) {
        let Self {
            sent,
            received,
            dropped,
            queued,
            ended,
            connected,
            reconnects,
            refused,
            redirected,
            returned,
        } = self;
        sent.add(other.sent);
        received.add(other.received);
        for (sum, more) in [
            (&mut dropped.undelivered, other.dropped.undelivered),
            (&mut dropped.refused, other.dropped.refused),
            (&mut dropped.unread, other.dropped.unread),
            (&mut dropped.missed, other.dropped.missed),
            (&mut dropped.replaced, other.dropped.replaced),
            (&mut dropped.malformed_requests, other.dropped.malformed_requests),
            (&mut dropped.unanswered_requests, other.dropped.unanswered_requests),
            (&mut dropped.malformed_replies, other.dropped.malformed_replies),
            (&mut dropped.stray_replies, other.dropped.stray_replies),
            (&mut dropped.unroutable, other.dropped.unroutable),
            (&mut dropped.multipart, other.dropped.multipart),
            (reconnects, other.reconnects),
            (redirected, other.redirected),
            (returned, other.returned),
            (&mut refused.denied, other.refused.denied),
            (&mut refused.identity, other.refused.identity),
            (&mut refused.incompatible, other.refused.incompatible),
            (&mut refused.occupied, other.refused.occupied),
            (&mut refused.security, other.refused.security),
            (&mut refused.too_many_groups, other.refused.too_many_groups),
            (&mut refused.too_many_topics, other.refused.too_many_topics),
            (&mut refused.too_slow, other.refused.too_slow),
        ] {
            *sum = sum.saturating_add(more);
        }
        dropped.datagrams.add(other.dropped.datagrams);
        queued.outgoing += other.queued.outgoing;
        queued.incoming += other.queued.incoming;
        queued.returned += other.queued.returned;
        ended.remotes += other.ended.remotes;
        ended.messages += other.ended.messages;
        ended.bytes += other.ended.bytes;
        *connected += other.connected;
    }
}

impl RemoteStats {
    /// Adds the counters of another connection. Its queues, its earlier connections and its round
    /// trip have no sum.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { sent, received, multipart, missed, replaced, datagrams, .. } = self;
        sent.add(other.sent);
        received.add(other.received);
        *multipart = multipart.saturating_add(other.multipart);
        *missed = missed.saturating_add(other.missed);
        *replaced = replaced.saturating_add(other.replaced);
        datagrams.add(other.datagrams);
    }
}

impl Counters {
    pub(crate) fn count_sent(&self, volume: Volume) {
        self.sent.add(volume);
    }

    pub(crate) fn count_received(&self, volume: Volume) {
        self.received.add(volume);
    }

    /// Returns the new value.
    pub(crate) fn count_multipart(&self, messages: u64) -> u64 {
        add(&self.multipart, messages)
    }

    pub(crate) fn count_missed(&self, messages: u64) {
        add(&self.missed, messages);
    }

    pub(crate) fn count_replaced(&self, messages: u64) {
        add(&self.replaced, messages);
    }

    pub(crate) fn set_round_trip(&self, round_trip: Duration) {
        let nanoseconds = u64::try_from(round_trip.as_nanos()).unwrap_or(u64::MAX);
        self.round_trip.store(nanoseconds.max(1), Ordering::Relaxed);
    }

    /// Returns the statistics without queues and earlier connections.
    pub(crate) fn read(&self) -> RemoteStats {
        let round_trip = self.round_trip.load(Ordering::Relaxed);
        RemoteStats {
            sent: self.sent.read(),
            received: self.received.read(),
            multipart: self.multipart.load(Ordering::Relaxed),
            missed: self.missed.load(Ordering::Relaxed),
            replaced: self.replaced.load(Ordering::Relaxed),
            datagrams: self.datagrams.read(),
            heartbeat_round_trip: (round_trip > 0).then(|| Duration::from_nanos(round_trip)),
            ..RemoteStats::default()
        }
    }
}

impl Series {
    /// Adds an event. Returns whether it is the first of a series.
    pub(crate) fn add(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }

    /// Ends the series.
    #[inline]
    pub(crate) fn end(&self) {
        // Usually there is none, and reading costs less than writing.
        if self.0.load(Ordering::Relaxed) {
            self.0.store(false, Ordering::Relaxed);
        }
    }
}

impl VolumeCounter {
    fn add(&self, volume: Volume) {
        add(&self.messages, volume.messages);
        add(&self.bytes, volume.bytes);
    }

    fn read(&self) -> Volume {
        Volume {
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// Need not be one atomic step, because only one task writes.
fn add(counter: &AtomicU64, more: u64) -> u64 {
    let sum = counter.load(Ordering::Relaxed).wrapping_add(more);
    counter.store(sum, Ordering::Relaxed);
    sum
}

#[cfg(test)]
mod tests;
