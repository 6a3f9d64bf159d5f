//! Connections between two sockets of this process.
//!
//! There is no stream and no protocol. A link joins the pipes of the two sockets, and messages move
//! from queue to queue without a copy. Sockets find a [`InprocListener`] by its name. A socket that
//! dials a name without a listener waits until there is one.
//!
//! **Messages pass through no task.** A link is woken like the task of a connection, and works
//! immediately, in the call that sends or receives.
//!
//! **Ending.** A link ends when either side leaves it, or when the outgoing queue of either side is
//! retired and empty. A link never holds messages: they are in the queue of either side.

mod link;
mod names;

pub(crate) use self::link::LinkSide;
pub(crate) use self::names::{Dial, InUse, InprocListener, dial};
