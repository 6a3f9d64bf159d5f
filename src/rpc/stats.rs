//! Statistics of requesters and responders.

/// The statistics of a [`Requester`](super::Requester) and all its clones.
///
/// Every call that was sent is counted in `outstanding`, or in exactly one of the counters from
/// `answered` to `cancelled`; see [`is_consistent`](Self::is_consistent).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequesterStats {
    /// Calls that ended before their request was queued: they were dropped, their deadline passed,
    /// the client was closed, or no endpoint was left. No other counter includes them.
    pub never_sent: u64,
    /// Requests that were queued for a server.
    pub sent: u64,
    /// Calls that have no outcome yet.
    pub outstanding: u64,
    /// Calls that received their reply, and streams that received their end.
    pub answered: u64,
    /// Calls that the responder answered with an error.
    pub failed: u64,
    /// Calls whose reply violated the protocol.
    pub bad_replies: u64,
    /// Calls whose deadline passed before the reply.
    pub deadline_exceeded: u64,
    /// Calls whose connection was lost before the reply.
    pub connection_lost: u64,
    /// Calls whose request was refused by servers: see
    /// [`CallError::Refused`](super::CallError::Refused).
    pub refused: u64,
    /// Calls whose request was not written before its server was abandoned, while no other server
    /// was connected.
    pub undelivered: u64,
    /// Calls that ended because the client was closed.
    pub closed: u64,
    /// Calls that were dropped before their outcome.
    pub cancelled: u64,
    /// Cancellations that could not be sent, because the queue of the server was full, the server
    /// was disconnected, or the server was a REP that accepts none. Dropped calls and calls whose
    /// reply violated the protocol send one.
    pub cancels_unsent: u64,
    /// Replies to calls that had ended without a reply. They were dropped.
    pub late: u64,
    /// Replies to calls that had already received their reply. They were dropped.
    pub duplicate: u64,
    /// Replies to calls that never existed, or whose request was sent to another server. They were
    /// dropped.
    pub unknown: u64,
    /// Messages that were not replies, or were malformed replies.
    pub malformed: u64,
}

impl RequesterStats {
    /// Returns whether the counters add up: every call that was sent is outstanding or has one
    /// outcome.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(requester: tokio_zmtp::rpc::Requester) {
    /// assert!(requester.stats().is_consistent());
    /// # }
    /// ```
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

/// The statistics of a [`Responder`](super::Responder).
///
/// Every request is counted in `waiting`, in `running`, or in exactly one of the counters from
/// `answered` to `duplicate`; see [`is_consistent`](Self::is_consistent).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponderStats {
    /// Requests that were received.
    pub received: u64,
    /// Requests that wait for the service.
    pub waiting: u64,
    /// Requests that the service is handling, or whose reply waits for queue capacity of its
    /// requester.
    pub running: u64,
    /// Requests that were answered with a reply, or with a complete stream.
    pub answered: u64,
    /// Requests for which the service returned an error.
    pub failed: u64,
    /// Requests whose handler panicked.
    pub panicked: u64,
    /// Requests that were refused because a limit was reached.
    pub overloaded: u64,
    /// Requests that were refused because the responder was shutting down.
    pub shutting_down: u64,
    /// Requests whose deadline passed before the reply.
    pub deadline_exceeded: u64,
    /// Requests that were cancelled, by their requester or because serving ended.
    pub cancelled: u64,
    /// Requests whose connection ended before the reply was queued.
    pub disconnected: u64,
    /// Requests whose reply was replaced by a failure, because replies of more than
    /// [`max_bytes_per_remote`](super::ResponderBuilder::max_bytes_per_remote) waited for their
    /// requester to read them.
    pub unread: u64,
    /// Requests whose requester had another request in progress with the same id. They were
    /// dropped, and the service was not called.
    pub duplicate: u64,
    /// Messages that were malformed, or that the responder does not expect.
    pub malformed: u64,
    /// Cancellations and credit for requests that had ended or never existed.
    pub unknown: u64,
    /// Errors that still waited for queue capacity when their requester disconnected or the server
    /// was closed.
    pub unanswered: u64,
}

impl ResponderStats {
    /// Returns whether the counters add up: every request received is waiting, running or has one
    /// outcome.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(responder: tokio_zmtp::rpc::Responder) {
    /// assert!(responder.stats().is_consistent());
    /// # }
    /// ```
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
