//! The choice of pipes for a message.

use crate::options::SlowSubscriber;
use crate::pipe::PipeKey;

/// The choice of a strategy for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice<'a> {
    /// An offered pipe.
    Offered(PipeKey),
    /// The one pipe that the sender specifies. If it is full, the sender waits for it.
    One(PipeKey),
    /// All of these pipes.
    Many(ManyPipes<'a>),
    /// No pipe is offered. The sender waits for any pipe.
    Full,
    /// No remote has this target.
    Unreachable,
}

impl Choice<'_> {
    /// Returns the pipe that the sender specifies, in whose line it waits. A sender that specifies
    /// none waits for any pipe.
    pub(super) const fn specified(self) -> Option<PipeKey> {
        match self {
            Self::One(key) => Some(key),
            Self::Offered(_) | Self::Many(_) | Self::Full | Self::Unreachable => None,
        }
    }
}

/// The pipes of all remotes that a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ManyPipes<'a> {
    pub(crate) keys: &'a [PipeKey],
    /// What happens if some of them are full.
    pub(crate) slow: SlowSubscriber,
}
