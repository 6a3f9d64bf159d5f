//! How many messages a queue may hold.

/// A limit on the messages of one queue; zero stands for none, as in libzmq.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HighWaterMark(usize);

impl HighWaterMark {
    pub(crate) const fn new(messages: usize) -> Self {
        Self(if messages == 0 { usize::MAX } else { messages })
    }

    /// How many more messages a queue may take that holds `held`.
    pub(crate) const fn room(self, held: usize) -> usize {
        self.0.saturating_sub(held)
    }

    /// Half the mark, rounded up: the room that makes it worth while to wake whoever fills the queue.
    pub(crate) const fn half(self) -> usize {
        self.0.div_ceil(2)
    }
}
