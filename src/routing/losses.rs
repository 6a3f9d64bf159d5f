//! Messages that a socket drops.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zmtp_proto::identity::Identity;

use crate::message::Message;
use crate::monitor::{DropCause, EventKind, EventPublisher, EventSource};
use crate::quota::{Quotas, within_quota};
use crate::remote::Remote;
use crate::routing::{Copies, DiscardedReplies, SlowReport};
use crate::stats::{DatagramCounters, DatagramDrop, Dropped};
use crate::sync::Lock;

/// Counts dropped messages, and reports them.
#[derive(Debug)]
pub(crate) struct Losses {
    undelivered: AtomicU64,
    refused: AtomicU64,
    unread: AtomicU64,
    missed: AtomicU64,
    replaced: AtomicU64,
    unroutable: AtomicU64,
    malformed_requests: AtomicU64,
    unanswered_requests: AtomicU64,
    malformed_replies: AtomicU64,
    stray_replies: AtomicU64,
    multipart: AtomicU64,
    datagrams: DatagramCounters,
    redirected: AtomicU64,
    returned: AtomicU64,
    /// The undelivered messages themselves, once they have been requested.
    kept: Lock<Option<Vec<KeptMessage>>>,
    publisher: Arc<EventPublisher>,
    /// The quotas for log lines without an endpoint.
    quotas: Arc<Quotas>,
}

/// A message that was not delivered, with the identity of its remote if remotes have one.
#[derive(Debug)]
pub(crate) struct KeptMessage {
    pub(crate) message: Message,
    pub(crate) identity: Option<Identity>,
}

impl From<Message> for KeptMessage {
    fn from(message: Message) -> Self {
        Self { message, identity: None }
    }
}

impl Losses {
    pub(crate) fn new(publisher: Arc<EventPublisher>) -> Self {
        Self {
            undelivered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            unread: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
            unroutable: AtomicU64::new(0),
            malformed_requests: AtomicU64::new(0),
            unanswered_requests: AtomicU64::new(0),
            malformed_replies: AtomicU64::new(0),
            stray_replies: AtomicU64::new(0),
            multipart: AtomicU64::new(0),
            datagrams: DatagramCounters::default(),
            redirected: AtomicU64::new(0),
            returned: AtomicU64::new(0),
            kept: Lock::new(None),
            publisher,
            quotas: Arc::default(),
        }
    }

    /// Keeps undelivered messages from now on.
    pub(crate) fn keep(&self) {
        self.kept.lock().get_or_insert_with(Vec::new);
    }

    /// Returns the kept messages, and stops keeping more.
    pub(crate) fn take_kept(&self) -> Vec<KeptMessage> {
        self.kept.lock().take().unwrap_or_default()
    }

    /// Counts a message that one remote has left, and that is queued for another.
    pub(crate) fn redirected(&self) {
        self.redirected.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a message that a remote has left, and that the application has received.
    pub(crate) fn returned(&self) {
        self.returned.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of messages that were redirected, and of those that were returned.
    pub(crate) fn recovered(&self) -> (u64, u64) {
        (self.redirected.load(Ordering::Relaxed), self.returned.load(Ordering::Relaxed))
    }

    /// Counts messages that were accepted from a handle and will not be sent to any remote.
    /// Messages without a `source` have not been queued for a remote yet.
    pub(crate) fn undelivered(
        &self,
        source: Option<(&EventSource, &Quotas)>,
        messages: impl ExactSizeIterator<Item = KeptMessage>,
    ) {
        let count = messages.len() as u64;
        if count == 0 {
            return;
        }
        if let Some(kept) = &mut *self.kept.lock() {
            kept.extend(messages);
        }
        self.undelivered.fetch_add(count, Ordering::Relaxed);
        let quotas = source.map_or(&*self.quotas, |(_, quotas)| quotas);
        within_quota!(
            quotas.undelivered,
            warn,
            messages = count,
            "undelivered messages ended with their remote",
        );
        if let Some((subject, _)) = source {
            self.publish(subject, count, DropCause::Undelivered);
        }
    }

    /// Counts a message that a sink has accepted and dropped. It is not logged, because a sink may
    /// drop every message.
    pub(crate) fn dropped(&self, message: Message) {
        if let Some(kept) = &mut *self.kept.lock() {
            kept.push(message.into());
        }
        self.undelivered.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a message that the remote refuses.
    pub(crate) fn refused(
        &self,
        subject: &EventSource,
        quotas: Option<&Quotas>,
        message: KeptMessage,
    ) {
        let len = message.message.len();
        if let Some(kept) = &mut *self.kept.lock() {
            kept.push(message);
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        within_quota!(
            quotas.unwrap_or(&self.quotas).interrupted,
            warn,
            len,
            "dropped a message: the remote ends the connection while it is written"
        );
        self.publish(subject, 1, DropCause::Refused { len });
    }

    /// Counts messages that were read and will not be received.
    pub(crate) fn unread(&self, subject: &EventSource, quotas: &Quotas, messages: u64) {
        if messages > 0 {
            self.unread.fetch_add(messages, Ordering::Relaxed);
            within_quota!(
                quotas.unread,
                warn,
                messages,
                "dropped received messages: no receiver left",
            );
            self.publish(subject, messages, DropCause::Unread);
        }
    }

    /// Counts messages that slow remotes do not receive.
    #[inline]
    pub(crate) fn missed(&self, Copies { missed, replaced, .. }: Copies) {
        if missed > 0 {
            self.missed.fetch_add(missed, Ordering::Relaxed);
        }
        if replaced > 0 {
            self.replaced.fetch_add(replaced, Ordering::Relaxed);
        }
    }

    /// Reports a remote for which this has begun.
    pub(crate) fn report_slow(&self, remote: &Remote, report: SlowReport) {
        let cause = match report {
            SlowReport::Misses => {
                within_quota!(
                    remote.quotas().missed,
                    warn,
                    connection = %remote.connection_id(),
                    endpoint = %remote.endpoint(),
                    remote = remote.address().map(display),
                    "dropped a message: the queue of the remote is full",
                );
                DropCause::QueueFull
            }
            SlowReport::Replaces => DropCause::Replaced,
            SlowReport::TooSlow(_) => return,
        };
        self.publish(&EventSource::from(remote), 1, cause);
    }

    /// Counts a message that was dropped because no remote has its identity. Such a message belongs
    /// to no endpoint, and is reported only in the log.
    pub(crate) fn unroutable(&self, identity: &impl fmt::Debug) {
        self.unroutable.fetch_add(1, Ordering::Relaxed);
        within_quota!(
            self.quotas.unroutable,
            warn,
            ?identity,
            "dropped a message: no remote has its identity",
        );
    }

    /// Counts a message that is not a request, and reports the first of a series.
    pub(crate) fn malformed_request(&self, remote: &Remote) {
        self.malformed_requests.fetch_add(1, Ordering::Relaxed);
        if remote.counters().malformed.add() {
            within_quota!(
                remote.quotas().malformed_requests,
                warn,
                connection = %remote.connection_id(),
                endpoint = %remote.endpoint(),
                remote = remote.address().map(display),
                "discarded a message that is not a request",
            );
            self.publish(&EventSource::from(remote), 1, DropCause::MalformedRequest);
        }
    }

    /// Counts a request that was not replied to, and reports the first of a series.
    pub(crate) fn unanswered_request(&self, remote: &Remote) {
        self.unanswered_requests.fetch_add(1, Ordering::Relaxed);
        if remote.counters().unanswered.add() {
            within_quota!(
                remote.quotas().unanswered_requests,
                warn,
                connection = %remote.connection_id(),
                endpoint = %remote.endpoint(),
                remote = remote.address().map(display),
                "dropped a request without a reply",
            );
            self.publish(&EventSource::from(remote), 1, DropCause::UnansweredRequest);
        }
    }

    /// Counts messages that no request waited for, and reports the first of a series.
    pub(crate) fn replies(
        &self,
        subject: &EventSource,
        quotas: &Quotas,
        discarded: DiscardedReplies,
    ) {
        let DiscardedReplies { malformed, stray, begins } = discarded;
        if malformed == 0 && stray == 0 {
            return;
        }
        self.malformed_replies.fetch_add(malformed, Ordering::Relaxed);
        self.stray_replies.fetch_add(stray, Ordering::Relaxed);
        if !begins {
            return;
        }
        within_quota!(quotas.replies, warn, malformed, stray, "discarded replies");
        for (messages, cause) in
            [(malformed, DropCause::MalformedReply), (stray, DropCause::StrayReply)]
        {
            if messages > 0 {
                self.publish(subject, messages, cause);
            }
        }
    }

    /// Counts a reply that arrived before its request was abandoned, and was not taken.
    pub(crate) fn untaken_reply(&self) {
        self.stray_replies.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts multipart messages that were discarded.
    pub(crate) fn multipart(&self, subject: &EventSource, messages: u64) {
        self.multipart.fetch_add(messages, Ordering::Relaxed);
        self.publish(subject, messages, DropCause::Multipart);
    }

    /// Counts datagrams that were dropped.
    pub(crate) fn datagrams(&self, remote: &Remote, cause: DatagramDrop, datagrams: u64) {
        self.datagrams.add(cause, datagrams);
        remote.counters().datagrams.add(cause, datagrams);
    }

    /// Reports datagrams that were dropped and counted.
    pub(crate) fn report_datagrams(&self, remote: &Remote, cause: DatagramDrop, datagrams: u64) {
        let cause = match cause {
            DatagramDrop::Lost => DropCause::Lost,
            DatagramDrop::Malformed => DropCause::Malformed,
            DatagramDrop::Overflowed => DropCause::Overflowed,
        };
        self.publish(&EventSource::from(remote), datagrams, cause);
    }

    /// Returns the quotas for log lines without an endpoint.
    pub(super) fn quotas(&self) -> Arc<Quotas> {
        Arc::clone(&self.quotas)
    }

    pub(crate) fn read(&self) -> Dropped {
        Dropped {
            undelivered: self.undelivered.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            unread: self.unread.load(Ordering::Relaxed),
            missed: self.missed.load(Ordering::Relaxed),
            replaced: self.replaced.load(Ordering::Relaxed),
            unroutable: self.unroutable.load(Ordering::Relaxed),
            malformed_requests: self.malformed_requests.load(Ordering::Relaxed),
            unanswered_requests: self.unanswered_requests.load(Ordering::Relaxed),
            malformed_replies: self.malformed_replies.load(Ordering::Relaxed),
            stray_replies: self.stray_replies.load(Ordering::Relaxed),
            multipart: self.multipart.load(Ordering::Relaxed),
            datagrams: self.datagrams.read(),
        }
    }

    fn publish(&self, subject: &EventSource, messages: u64, cause: DropCause) {
        self.publisher.publish(subject, || EventKind::MessagesDropped { messages, cause });
    }
}
