//! How much a queue may hold.

/// A limit on one queue, in messages and in octets; zero stands for none, as in libzmq.
///
/// In messages it is exact. In octets the message that reaches it is still taken: a queue that has
/// not reached its mark takes one more message, however long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HighWaterMark {
    messages: usize,
    octets: usize,
}

impl HighWaterMark {
    pub(crate) const fn new(messages: usize, octets: usize) -> Self {
        Self { messages: or_none(messages), octets: or_none(octets) }
    }

    /// The same mark with another number of messages.
    pub(crate) const fn with_messages(self, messages: usize) -> Self {
        Self { messages: or_none(messages), ..self }
    }

    /// The same mark with another number of octets.
    pub(crate) const fn with_octets(self, octets: usize) -> Self {
        Self { octets: or_none(octets), ..self }
    }

    /// The mark in messages; zero for none.
    pub(crate) const fn messages(self) -> usize {
        or_zero(self.messages)
    }

    /// The mark in octets; zero for none.
    pub(crate) const fn octets(self) -> usize {
        or_zero(self.octets)
    }

    /// How many more messages a queue may take that holds `messages`.
    pub(crate) const fn room(self, messages: usize) -> usize {
        self.messages.saturating_sub(messages)
    }

    /// Whether a queue takes one more message.
    #[inline]
    pub(crate) const fn has_room(self, messages: usize, octets: usize) -> bool {
        messages < self.messages && octets < self.octets
    }

    /// Whether all of what comes to `more_messages` and `more_octets` fits below the mark.
    pub(crate) const fn fits(
        self,
        (messages, octets): (usize, usize),
        (more_messages, more_octets): (usize, usize),
    ) -> bool {
        more_messages <= self.room(messages) && more_octets <= self.octets.saturating_sub(octets)
    }

    /// Whether so much of the queue is free that it is worth while to wake whoever fills it: half of
    /// it, or more.
    #[inline]
    pub(crate) const fn is_half_free(self, messages: usize, octets: usize) -> bool {
        self.room(messages) >= self.messages.div_ceil(2) && octets <= self.octets / 2
    }

    /// Whether half of the queue is taken, or more.
    #[inline]
    pub(crate) const fn is_half_full(self, messages: usize, octets: usize) -> bool {
        messages >= self.messages.div_ceil(2) || octets >= self.octets.div_ceil(2)
    }

    /// How many octets short of the mark a queue is that holds `octets`.
    pub(crate) const fn octets_left(self, octets: usize) -> usize {
        self.octets.saturating_sub(octets)
    }
}

const fn or_none(mark: usize) -> usize {
    if mark == 0 { usize::MAX } else { mark }
}

const fn or_zero(mark: usize) -> usize {
    if mark == usize::MAX { 0 } else { mark }
}
