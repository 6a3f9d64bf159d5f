//! The options of sockets with groups.

use zmtp_proto::group::Group;

use super::SlowSubscriber;

/// The options of RADIO and DISH.
#[derive(Clone, Debug)]
pub(crate) struct GroupOptions {
    /// The groups that a new DISH joins.
    pub(crate) join: Vec<Group>,
    /// The memory that all remotes of a RADIO may claim by joining groups.
    pub(crate) max_group_bytes: usize,
    /// The memory that each of them may claim.
    pub(crate) max_group_bytes_per_remote: usize,
    /// The number of groups that each of them may join.
    pub(crate) max_groups_per_remote: usize,
    /// Whether senders wait for members whose queue is full.
    pub(crate) no_drop: bool,
}

impl GroupOptions {
    /// Returns the policy of a RADIO for members whose queue is full.
    pub(crate) const fn slow(&self) -> SlowSubscriber {
        if self.no_drop { SlowSubscriber::Wait } else { SlowSubscriber::DropNewest }
    }
}

impl Default for GroupOptions {
    fn default() -> Self {
        Self {
            // A DISH joins no group unless its application requests it.
            join: Vec::new(),
            // libzmq has no such limits. A group takes about 200 bytes and its name: a remote may
            // join 10,000 groups with names of 200 bytes, and 64 remotes may claim as much as one
            // can. A thousand remotes with a thousand groups each stay far below the limit, if they
            // share them.
            max_group_bytes: 0x1000_0000,
            max_group_bytes_per_remote: 0x40_0000,
            max_groups_per_remote: 10_000,
            // RFC 48 requires that messages are dropped, as RFC 29 does for a PUB.
            no_drop: false,
        }
    }
}
