//! Connections between two sockets of this process.
//!
//! There is no stream and no protocol: the double queue of the one socket is joined with that of the
//! other by a link, and messages move from queue to queue as they are. A
//! [`Listener`] is found by its name; whoever dials a name that nobody listens at waits until
//! somebody does.
//!
//! **Messages pass through no task.** A link is woken as a connection's task would be, and does
//! its work then and there: in the call that sends or receives.
//!
//! **Ending.** A link ends when either side leaves it, or when the outgoing queue of either side is
//! retired and empty. Messages never stay in a link: they are in the queue of the one side or of the
//! other.

mod link;
mod names;

pub(crate) use self::link::Half;
pub(crate) use self::names::{Dial, InUse, Listener, dial};
