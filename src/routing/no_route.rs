//! The strategy of sockets that send no messages: GATHER, PULL.

use crate::routing::{Choice, Strategy};

/// Chooses no pipe: the socket has no method that sends.
#[derive(Debug, Default)]
pub(crate) struct NoRoute;

impl Strategy for NoRoute {
    type Target = ();

    fn choose(&mut self, (): &()) -> Choice<'_> {
        Choice::Unreachable
    }
}
