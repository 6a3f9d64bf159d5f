//! How much a queue may hold.

/// A limit on one queue, in messages and in bytes; zero stands for none, as in libzmq.
///
/// In messages it is exact. In bytes the message that reaches it is still taken: a queue that has
/// not reached its mark takes one more message, however long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HighWaterMark {
    messages: usize,
    bytes: usize,
}

impl HighWaterMark {
    pub(crate) const fn new(messages: usize, bytes: usize) -> Self {
        Self { messages: or_none(messages), bytes: or_none(bytes) }
    }

    /// The same mark with another number of messages.
    pub(crate) const fn with_messages(self, messages: usize) -> Self {
        Self { messages: or_none(messages), ..self }
    }

    /// The same mark with another number of bytes.
    pub(crate) const fn with_bytes(self, bytes: usize) -> Self {
        Self { bytes: or_none(bytes), ..self }
    }

    /// The mark in messages; zero for none.
    pub(crate) const fn messages(self) -> usize {
        or_zero(self.messages)
    }

    /// The mark in bytes; zero for none.
    pub(crate) const fn bytes(self) -> usize {
        or_zero(self.bytes)
    }

    /// How many more messages a queue may take that holds `messages`.
    pub(crate) const fn room(self, messages: usize) -> usize {
        self.messages.saturating_sub(messages)
    }

    /// Whether a queue takes one more message.
    #[inline]
    pub(crate) const fn has_room(self, messages: usize, bytes: usize) -> bool {
        messages < self.messages && bytes < self.bytes
    }

    /// Whether all of what comes to `more_messages` and `more_bytes` fits below the mark.
    pub(crate) const fn fits(
        self,
        (messages, bytes): (usize, usize),
        (more_messages, more_bytes): (usize, usize),
    ) -> bool {
        more_messages <= self.room(messages) && more_bytes <= self.bytes.saturating_sub(bytes)
    }

    /// Whether so much of the queue is free that it is worth while to wake whoever fills it: half of
    /// it, or more.
    #[inline]
    pub(crate) const fn is_half_free(self, messages: usize, bytes: usize) -> bool {
        self.room(messages) >= self.messages.div_ceil(2) && bytes <= self.bytes / 2
    }

    /// Whether half of the queue is taken, or more.
    #[inline]
    pub(crate) const fn is_half_full(self, messages: usize, bytes: usize) -> bool {
        messages >= self.messages.div_ceil(2) || bytes >= self.bytes.div_ceil(2)
    }

    /// How many bytes short of the mark a queue is that holds `bytes`.
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
