//! What a socket and its remotes have done so far, in numbers.
//!
//! Counting costs nothing that can be measured: a connection adds up what it writes and reads by the
//! batch, in memory that nobody else writes to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Messages, and the bytes that they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// How many messages.
    pub messages: u64,
    /// Their bytes on the wire, frame headers included; over `inproc`, which has none, those of their
    /// bodies.
    pub bytes: u64,
}

/// What a socket has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// What was handed to the transport, over all connections, those that have ended included.
    pub sent: Volume,
    /// What was read from all connections.
    pub received: Volume,
    /// Messages that went neither of these ways.
    pub dropped: Dropped,
    /// Messages that are queued now, for all remotes.
    pub queued: Queued,
    /// What ended remotes have left to be received, which is part of what is queued.
    pub ended: EndedRemotes,
    /// How many remotes are connected now.
    pub connected: usize,
    /// How many connections were made again after one to the same endpoint had ended.
    pub reconnects: u64,
}

/// What one connected remote has done since its connection was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteStats {
    /// What was handed to the transport.
    pub sent: Volume,
    /// What was read.
    pub received: Volume,
    /// How many multipart messages were discarded, as they have no meaning between thread-safe
    /// sockets (RFC 37, Thread-Safe Socket Types).
    pub multipart: u64,
    /// Messages that are queued now.
    pub queued: Queued,
    /// How many connections to the same endpoint came before this one.
    pub reconnects: u64,
    /// How long the last PING took to be answered; `None` before the first answer, and where no
    /// heartbeats are sent.
    pub heartbeat_round_trip: Option<Duration>,
}

/// Messages that were not delivered, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// Accepted from a handle, and not handed to the transport when their remote or the socket ended.
    /// This includes messages dropped by [`Lossy`](crate::Lossy).
    pub undelivered: u64,
    /// Accepted from a handle, and dropped because the remote has ended two connections in a row while
    /// they were being written.
    ///
    /// A remote does so when a message is longer than it allows. It would end every further connection,
    /// and block all messages behind. After one connection the message is tried again, for a server that
    /// was restarted in the middle of a long message. A connection counts if the remote has closed or
    /// reset it when part of the message was written. Connections that end by a heartbeat, by the
    /// network or by this side do not count.
    pub refused: u64,
    /// Read from a remote, and not queued for `recv` before the connection or the socket ended.
    pub unread: u64,
    /// Multipart messages, which have no meaning between thread-safe sockets (RFC 37, Thread-Safe
    /// Socket Types).
    pub multipart: u64,
}

/// How many messages wait in queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queued {
    /// To be sent: below [`send_hwm`](crate::Builder::send_hwm) for each remote.
    pub outgoing: usize,
    /// To be received: below [`recv_hwm`](crate::Builder::recv_hwm) for each remote.
    pub incoming: usize,
}

/// The unread messages of remotes whose connections have ended.
///
/// [`ended_hwm_bytes`](crate::Builder::ended_hwm_bytes) limits it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndedRemotes {
    /// How many such remotes there are.
    pub remotes: usize,
    /// How many messages they have left.
    pub messages: usize,
    /// How many bytes of memory they keep: the messages, the rest of the buffers that they were read
    /// into, and the state of each remote. It is an upper bound.
    pub bytes: usize,
}

/// The numbers of one connection. Its task alone changes them.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    sent: VolumeCounter,
    received: VolumeCounter,
    multipart: AtomicU64,
    /// In nanoseconds; zero for none yet.
    round_trip: AtomicU64,
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

#[cfg(feature = "metrics")]
impl Stats {
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { sent, received, dropped, queued, ended, connected, reconnects } = self;
        sent.add(other.sent);
        received.add(other.received);
        for (sum, more) in [
            (&mut dropped.undelivered, other.dropped.undelivered),
            (&mut dropped.refused, other.dropped.refused),
            (&mut dropped.unread, other.dropped.unread),
            (&mut dropped.multipart, other.dropped.multipart),
            (reconnects, other.reconnects),
        ] {
            *sum = sum.saturating_add(more);
        }
        queued.outgoing += other.queued.outgoing;
        queued.incoming += other.queued.incoming;
        ended.remotes += other.ended.remotes;
        ended.messages += other.ended.messages;
        ended.bytes += other.ended.bytes;
        *connected += other.connected;
    }
}

impl RemoteStats {
    /// Adds what a connection that has ended leaves for the numbers of its socket.
    pub(crate) fn add(&mut self, ended: &Self) {
        self.sent.add(ended.sent);
        self.received.add(ended.received);
        self.multipart = self.multipart.saturating_add(ended.multipart);
    }
}

impl Counters {
    pub(crate) fn count_sent(&self, volume: Volume) {
        self.sent.add(volume);
    }

    pub(crate) fn count_received(&self, volume: Volume) {
        self.received.add(volume);
    }

    /// Returns how many there have been by now.
    pub(crate) fn count_multipart(&self, messages: u64) -> u64 {
        add(&self.multipart, messages)
    }

    pub(crate) fn set_round_trip(&self, round_trip: Duration) {
        let nanoseconds = u64::try_from(round_trip.as_nanos()).unwrap_or(u64::MAX);
        self.round_trip.store(nanoseconds.max(1), Ordering::Relaxed);
    }

    /// What is known here: nothing of queues and of earlier connections.
    pub(crate) fn read(&self) -> RemoteStats {
        let round_trip = self.round_trip.load(Ordering::Relaxed);
        RemoteStats {
            sent: self.sent.read(),
            received: self.received.read(),
            multipart: self.multipart.load(Ordering::Relaxed),
            heartbeat_round_trip: (round_trip > 0).then(|| Duration::from_nanos(round_trip)),
            ..RemoteStats::default()
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

/// Nobody else writes, so that this need not be one step.
fn add(counter: &AtomicU64, more: u64) -> u64 {
    let sum = counter.load(Ordering::Relaxed).wrapping_add(more);
    counter.store(sum, Ordering::Relaxed);
    sum
}
