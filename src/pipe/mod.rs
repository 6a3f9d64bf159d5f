//! The double queue of one remote (RFC 41: "a double queue for each connected peer").
//!
//! Pipes are plain data. A socket keeps the [`Outbound`] halves of all its pipes under one lock and
//! the [`Inbound`] halves under another, both in its `routing`, because choosing a pipe and using
//! it must be one step. Nothing else between a handle and a connection holds messages.
//!
//! Handles wait as [`Waiters`] for capacity or messages of a pipe. The connection waits for the
//! opposite.

mod connection_waker;
mod delivery;
mod grants;
mod high_water_mark;
mod in_line;
mod inbound;
mod outbound;
mod pack;
mod take;
mod waiters;

use slotmap::new_key_type;

pub(crate) use self::delivery::{DeliveredMessages, Delivery, MessageList, Unmoved};
pub(crate) use self::grants::Grants;
pub(crate) use self::high_water_mark::HighWaterMark;
pub(crate) use self::in_line::{InLine, WaitingLine};
#[cfg(test)]
pub(crate) use self::inbound::tests::arrival_of;
pub(crate) use self::inbound::{Inbound, PIPE_KEPT, Room};
pub(crate) use self::outbound::{FirstPartHash, Outbound};
pub(crate) use self::pack::{PACKED_MAX, unpack, unpack_all};
pub(crate) use self::take::{Take, Want};
pub(crate) use self::waiters::{Ticket, Waiters};

new_key_type! {
    /// Identifies one half of a pipe inside its socket; it is never reused.
    pub(crate) struct PipeKey;
}
