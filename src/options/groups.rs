//! The options of sockets with groups.

use zmtp_proto::group::Group;

/// The options of RADIO and DISH.
#[derive(Clone, Debug)]
pub(crate) struct GroupOptions {
    /// The groups that a new DISH joins.
    pub(crate) join: Vec<Group>,
    /// The number of groups that a remote of a RADIO may join.
    pub(crate) max_groups: usize,
    /// The sum of the lengths of their names.
    pub(crate) max_group_bytes: usize,
    /// Whether senders wait for remotes whose queue is full.
    pub(crate) no_drop: bool,
}

impl Default for GroupOptions {
    fn default() -> Self {
        Self {
            // A DISH has no group that it could join without being told.
            join: Vec::new(),
            // libzmq has no such limit. A remote takes memory for each group that it joins, about
            // 200 bytes and the name: with these values some 3 MiB at most.
            max_groups: 10_000,
            max_group_bytes: 0x10_0000,
            // RFC 48: "SHALL silently drop the message if the queue for a dish is full".
            no_drop: false,
        }
    }
}
