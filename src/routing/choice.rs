//! The choice of pipes for a message.

use crate::pipe::PipeKey;

/// The choice of a strategy for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice<'a> {
    /// An offered pipe.
    Offered(PipeKey),
    /// The one pipe that the sender specifies. If it is full, the sender waits for it.
    One(PipeKey),
    /// All of these pipes. The sender never waits: a full pipe misses the message, which is
    /// counted.
    Many(&'a [PipeKey]),
    /// All of these pipes. The sender waits until none of them is full.
    All(&'a [PipeKey]),
    /// No pipe is offered. The sender waits for any pipe.
    Full,
    /// No remote has this target.
    Unreachable,
}
