//! The work that `benches/micro` times and counts, in rounds.
//!
//! Only that package compiles this module: it builds a copy of the library, with `cfg(micro)`, so
//! that private modules can be measured without being public.

#![expect(clippy::new_without_default, reason = "a round is created explicitly")]

mod connected;
mod frames;
mod queues;
mod sockets;
mod strategies;

pub use self::connected::Connected;
pub use self::frames::{Decoding, Encoding};
pub use self::queues::{InboundPop, InboundPush, OutboundPush, OutboundTake};
pub use self::sockets::{InprocBatch, RecvMany, TryRecv, TrySend, TrySendMany};
pub use self::strategies::{FairQueuePop, PublishToMany, RoundRobinSend, RoutingTableSend};

/// Work that is repeated.
pub trait Round {
    /// Prepares a round. It is not measured.
    fn prepare(&mut self);

    /// Runs the measured work.
    fn run(&mut self);
}

/// The number of messages of a round, unless another number is specified: the default high-water
/// mark.
pub const MESSAGES: usize = 1_000;

/// The length of a body where the length does not matter: short enough to be stored inline in a
/// message.
pub const SHORT: usize = 64;
