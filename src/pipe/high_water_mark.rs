//! The capacity of a queue.

/// A limit of one queue, in messages and in bytes; zero means no limit, as in libzmq.
///
/// The limit in messages is exact. The limit in bytes admits the message that reaches it: a queue
/// below the mark accepts one more message of any length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HighWaterMark {
    messages: usize,
    bytes: usize,
}

impl HighWaterMark {
    pub(crate) const fn new(messages: usize, bytes: usize) -> Self {
        Self { messages: or_none(messages), bytes: or_none(bytes) }
    }

    /// Returns this mark with a different limit in messages.
    pub(crate) const fn with_messages(self, messages: usize) -> Self {
        Self { messages: or_none(messages), ..self }
    }

    /// Returns this mark with a different limit in bytes.
    pub(crate) const fn with_bytes(self, bytes: usize) -> Self {
        Self { bytes: or_none(bytes), ..self }
    }

    /// Returns the limit in messages; zero means no limit.
    pub(crate) const fn messages(self) -> usize {
        or_zero(self.messages)
    }

    /// Returns the limit in bytes; zero means no limit.
    pub(crate) const fn bytes(self) -> usize {
        or_zero(self.bytes)
    }

    /// Returns the number of messages that a queue of `messages` can still accept.
    pub(crate) const fn room(self, messages: usize) -> usize {
        self.messages.saturating_sub(messages)
    }

    /// Returns whether a queue accepts one more message.
    #[inline]
    pub(crate) const fn has_room(self, messages: usize, bytes: usize) -> bool {
        messages < self.messages && bytes < self.bytes
    }

    /// Returns the number of messages of any length that a queue certainly accepts: below a limit
    /// in bytes only one, because the next message may reach the limit.
    #[inline]
    pub(crate) const fn free_slots(self, messages: usize, bytes: usize) -> usize {
        let room = self.room(messages);
        match self.bytes {
            usize::MAX => room,
            limit if bytes >= limit => 0,
            _ if room == 0 => 0,
            _ => 1,
        }
    }

    /// Returns whether `more_messages` with `more_bytes` fit below the mark.
    pub(crate) const fn fits(
        self,
        (messages, bytes): (usize, usize),
        (more_messages, more_bytes): (usize, usize),
    ) -> bool {
        more_messages <= self.room(messages) && more_bytes <= self.bytes.saturating_sub(bytes)
    }

    /// Returns whether at least half of the queue is free, which makes it worthwhile to wake the
    /// task that fills it.
    #[inline]
    pub(crate) const fn is_half_free(self, messages: usize, bytes: usize) -> bool {
        self.room(messages) >= self.messages.div_ceil(2) && bytes <= self.bytes / 2
    }

    /// Returns whether at least half of the queue is used.
    #[inline]
    pub(crate) const fn is_half_full(self, messages: usize, bytes: usize) -> bool {
        messages >= self.messages.div_ceil(2) || bytes >= self.bytes.div_ceil(2)
    }

    /// Returns the number of bytes by which a queue of `bytes` is below the mark.
    pub(crate) const fn bytes_left(self, bytes: usize) -> usize {
        self.bytes.saturating_sub(bytes)
    }
}

const fn or_none(mark: usize) -> usize {
    if mark == 0 { usize::MAX } else { mark }
}

const fn or_zero(mark: usize) -> usize {
    if mark == usize::MAX { 0 } else { mark }
}
