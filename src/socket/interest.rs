//! Adds and removes what a socket wants to receive, for its sending and its receiving side.

use super::Core;
use crate::routing::{Announcing, Interest, Removed};

impl<S: Announcing> Core<S> {
    /// Adds an interest. Returns false if the socket has it already.
    ///
    /// The incoming lock is taken under the outgoing one, so that concurrent changes of an interest
    /// have the same order for remotes and for receivers. A proxy acquires the locks of two
    /// sockets in the same order.
    pub(super) fn add_interest(&self, interest: &S::Interest) -> bool {
        self.outgoing.with(|outgoing, wakes| {
            let is_new = outgoing.add_interest(interest, wakes);
            if is_new && S::FILTERS {
                interest.want(&mut self.incoming.lock());
            }
            is_new
        })
    }

    /// Removes an interest, or reduces its count. Returns false if the socket does not have it.
    pub(super) fn remove_interest(&self, interest: &S::Interest) -> bool {
        self.outgoing.with(|outgoing, wakes| {
            let removed = outgoing.remove_interest(interest, wakes);
            if removed == Removed::Last && S::FILTERS {
                interest.unwant(&mut self.incoming.lock());
            }
            removed != Removed::Nothing
        })
    }
}
