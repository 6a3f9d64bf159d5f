//! What is measured, each thing in rounds.

#![expect(clippy::new_without_default, reason = "what is measured is made on purpose")]

mod connected;
mod frames;
mod queues;
mod sockets;
mod strategies;

pub use self::connected::Connected;
pub use self::frames::{Decoding, Encoding};
pub use self::queues::{InboundPop, InboundPush, OutboundPush, OutboundTake};
pub use self::sockets::{InprocBatch, TryRecv, TrySend};
pub use self::strategies::{FairQueuePop, RoundRobinSend, RoutingTableSend};

/// Work that is done again and again.
pub trait Round {
    /// Brings about what a round begins with. It is not measured.
    fn prepare(&mut self);

    /// Does the work.
    fn run(&mut self);
}

/// How many messages a round handles, unless it is told how many: as many as a queue takes by default.
pub const MESSAGES: usize = 1_000;

/// How long a body is where the length is of no interest: short enough to be kept in a message itself.
pub const SHORT: usize = 64;
