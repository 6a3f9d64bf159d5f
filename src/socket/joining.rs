//! Joins and leaves groups, for the sending and the receiving side of a socket.

use zmtp_proto::group::Group;

use super::Core;
use crate::routing::JoinedGroups;

impl Core<JoinedGroups> {
    /// Joins a group. Returns false if it is joined already.
    ///
    /// The incoming lock is taken under the outgoing one, so that concurrent changes of a group
    /// have the same order for remotes and for receivers. A proxy acquires the locks of two
    /// sockets in the same order.
    pub(super) fn join_group(&self, group: &Group) -> bool {
        self.outgoing.with(|outgoing, wakes| {
            let is_new = outgoing.join_group(group, wakes);
            if is_new {
                self.incoming.lock().want(group.clone());
            }
            is_new
        })
    }

    /// Leaves a group. Returns false if it is not joined.
    pub(super) fn leave_group(&self, group: &Group) -> bool {
        self.outgoing.with(|outgoing, wakes| {
            let was_joined = outgoing.leave_group(group, wakes);
            if was_joined {
                self.incoming.lock().unwant(group);
            }
            was_joined
        })
    }
}
