//! Connections between two sockets of this process.
//!
//! There is no stream and no protocol: the double queue of the one socket is joined with that of the
//! other by a link, and messages move from queue to queue without a copy. A
//! [`Listener`] is found by its name. A socket that dials a name without a listener waits until
//! there is one.
//!
//! **Messages pass through no task.** A link is woken as a connection's task would be, and works
//! immediately, in the call that sends or receives.
//!
//! **Ending.** A link ends when either side leaves it, or when the outgoing queue of either side is
//! retired and empty. A link never holds messages: they are in the queue of one side or of the
//! other.

mod link;
mod names;

pub(crate) use self::link::Half;
pub(crate) use self::names::{Dial, InUse, Listener, dial};
