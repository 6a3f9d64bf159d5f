//! The operations of many messages or many remotes whose instructions are counted.

use micro::benchmarks::{PublishToMany, RecvMany, Round, TrySendMany};

/// A part of the path of many messages, or of one message to many remotes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    SendMany,
    RecvMany,
    FanOut,
}

impl Subject {
    pub(crate) const ALL: [Self; 3] = [Self::SendMany, Self::RecvMany, Self::FanOut];

    /// Returns the name of the subject in the budget.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SendMany => "send_many",
            Self::RecvMany => "recv_many",
            Self::FanOut => "fan_out",
        }
    }

    /// Creates a round, which handles [`MESSAGES`](micro::benchmarks::MESSAGES) messages.
    pub(crate) fn round(self) -> Box<dyn Round> {
        match self {
            Self::SendMany => Box::new(TrySendMany::new()),
            Self::RecvMany => Box::new(RecvMany::new()),
            Self::FanOut => Box::new(PublishToMany::new(100)),
        }
    }
}
