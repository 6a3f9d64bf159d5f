//! What has become of calls, in numbers.

/// What has become of the calls of a [`Requester`](super::Requester) and all its clones.
///
/// Every call that was sent is in exactly one of the numbers from `answered` on, or in `outstanding`;
/// see [`is_consistent`](Self::is_consistent).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequesterStats {
    /// Calls that ended before their request was queued: they were dropped, their time was over, or the
    /// client was closed. They are in none of the other numbers.
    pub never_sent: u64,
    /// Requests that were queued for a server.
    pub sent: u64,
    /// Calls that are waiting for their reply, or whose reply has not been fetched.
    pub outstanding: u64,
    /// Calls that got their reply, and streams that got their last.
    pub answered: u64,
    /// Calls that the responder has answered with an error.
    pub failed: u64,
    /// Calls whose reply broke the protocol.
    pub bad_replies: u64,
    /// Calls that had no reply in time.
    pub deadline_exceeded: u64,
    /// Calls that went with a connection.
    pub connection_lost: u64,
    /// Calls whose request servers refuse: see [`CallError::Refused`](super::CallError::Refused).
    pub refused: u64,
    /// Calls whose request was not written before its server was abandoned, while no other was
    /// connected.
    pub undelivered: u64,
    /// Calls that ended with the client.
    pub closed: u64,
    /// Calls that were dropped before there was a reply.
    pub cancelled: u64,
    /// Of these, and of streams that broke the protocol, those of which the server could not be told,
    /// as its queue was full or it had gone.
    pub cancels_unsent: u64,
    /// Replies to calls that had ended without one. They were dropped.
    pub late: u64,
    /// Replies to calls that had their reply already. They were dropped.
    pub duplicate: u64,
    /// Replies to calls that were never made, or that another server was asked. They were dropped.
    pub unknown: u64,
    /// Messages that were no replies, or replies that could not be read.
    pub malformed: u64,
}

impl RequesterStats {
    /// Returns whether the counters add up: every call that was sent is outstanding or has one outcome.
    #[must_use]
    pub const fn is_consistent(&self) -> bool {
        let ended = self.answered
            + self.failed
            + self.bad_replies
            + self.deadline_exceeded
            + self.connection_lost
            + self.refused
            + self.undelivered
            + self.closed
            + self.cancelled;
        self.sent == self.outstanding + ended
    }
}

/// What has become of the requests that a [`Responder`](super::Responder) got.
///
/// Every request is in exactly one of the numbers from `answered` to `duplicate`, or in `waiting` or
/// `running`; see [`is_consistent`](Self::is_consistent).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponderStats {
    /// Requests that came in.
    pub received: u64,
    /// Those that wait for the service.
    pub waiting: u64,
    /// Those that the service is handling, or whose reply waits for room in the queue of its requester.
    pub running: u64,
    /// Those that were answered with a reply, or with the whole of a stream.
    pub answered: u64,
    /// Those for which the service had an error.
    pub failed: u64,
    /// Those whose handler panicked.
    pub panicked: u64,
    /// Those that were refused as there was too much to do.
    pub overloaded: u64,
    /// Those that were refused as the responder was about to end.
    pub shutting_down: u64,
    /// Those whose time was over before there was a reply.
    pub deadline_exceeded: u64,
    /// Those that their requester has cancelled.
    pub cancelled: u64,
    /// Those whose requester's connection ended before the reply was queued.
    pub disconnected: u64,
    /// Those whose reply was replaced by a failure, because replies of more than
    /// [`max_bytes_per_remote`](super::ResponderBuilder::max_bytes_per_remote) waited for their
    /// requester to read them.
    pub unread: u64,
    /// Those whose requester had another request under way with the same id. They were dropped, and the
    /// service was not called.
    pub duplicate: u64,
    /// Messages that could not be understood, or that a responder does not get.
    pub malformed: u64,
    /// Cancellations and credit for calls that had ended, or never were.
    pub unknown: u64,
    /// Errors that still waited for room in the queue of their requester when it left or the server was
    /// closed.
    pub unanswered: u64,
}

impl ResponderStats {
    /// Returns whether the counters add up: every request received is waiting, running or has one outcome.
    #[must_use]
    pub const fn is_consistent(&self) -> bool {
        let ended = self.answered
            + self.failed
            + self.panicked
            + self.overloaded
            + self.shutting_down
            + self.deadline_exceeded
            + self.cancelled
            + self.disconnected
            + self.unread
            + self.duplicate;
        self.received == self.waiting + self.running + ended
    }
}
