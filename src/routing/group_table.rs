//! Routing by group: RADIO.

mod members;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use slotmap::SecondaryMap;
use zmtp_proto::command::Command;
use zmtp_proto::datagram::Datagram;
use zmtp_proto::group::Group;
use zmtp_proto::message_shape::{last_part, split_first_part};

use self::members::Members;
use crate::options::GroupOptions;
use crate::pipe::PipeKey;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{Choice, CommandEffect, ExceededLimit, ManyPipes, OutgoingPipes, Strategy};
use crate::sync::Wakes;

/// Sends each message to the remotes that have joined its group (RFC 48, The RADIO Socket Type).
#[derive(Debug, Default)]
pub(crate) struct GroupTable {
    /// The remotes of each group. The names come from remotes, so the hash has a random key.
    members: HashMap<Group, Members>,
    /// The groups of each remote. A long name is shared with `members`.
    joined: SecondaryMap<PipeKey, JoinedByRemote>,
    /// The memory that remotes claim by joining.
    bytes: usize,
    /// The pipes that are members of every group, and are among the `members` of each: `udp`
    /// endpoints.
    in_all: Vec<PipeKey>,
    options: GroupOptions,
}

/// The groups that one remote has joined.
#[derive(Debug, Default)]
struct JoinedByRemote {
    groups: BTreeSet<Group>,
    /// The memory that the remote would claim if it were the only member of each.
    bytes: usize,
}

impl GroupTable {
    fn join(&mut self, key: PipeKey, group: &Group) -> Result<(), ExceededLimit> {
        let Self { members, joined, bytes, in_all, options: limits, .. } = self;
        let Some(joined) = joined.entry(key) else { return Ok(()) };
        let joined = joined.or_default();
        if joined.groups.contains(group) {
            return Ok(());
        }
        let joined_bytes = joined.bytes + MEMBER_BYTES + group_bytes(group);
        if joined.groups.len() >= limits.max_groups_per_remote
            || joined_bytes > limits.max_group_bytes_per_remote
        {
            return Err(ExceededLimit::Groups);
        }
        let entry = members.entry(group.clone());
        let is_new = matches!(entry, Entry::Vacant(_));
        let all_bytes = *bytes + MEMBER_BYTES + if is_new { group_bytes(group) } else { 0 };
        if all_bytes > limits.max_group_bytes {
            return Err(ExceededLimit::Groups);
        }
        joined.groups.insert(entry.key().clone());
        entry.or_insert_with(|| Members::from(&in_all[..])).push(key);
        (joined.bytes, *bytes) = (joined_bytes, all_bytes);
        Ok(())
    }

    /// Returns whether the remote was a member.
    fn leave(&mut self, key: PipeKey, group: &Group) -> bool {
        let Some(joined) = self.joined.get_mut(key) else { return false };
        let was_member = joined.groups.remove(group);
        if was_member {
            joined.bytes -= MEMBER_BYTES + group_bytes(group);
            self.remove_member(key, group);
        }
        was_member
    }

    fn leave_all(&mut self, key: PipeKey) {
        let Some(JoinedByRemote { groups, .. }) = self.joined.remove(key) else { return };
        for group in &groups {
            self.remove_member(key, group);
        }
    }

    fn remove_member(&mut self, key: PipeKey, group: &Group) {
        let Some(members) = self.members.get_mut(group) else { return };
        members.remove(key);
        self.bytes -= MEMBER_BYTES;
        if members.as_slice().len() == self.in_all.len() {
            self.members.remove(group);
            self.bytes -= group_bytes(group);
            if self.members.len() < self.members.capacity() / 4 {
                self.members.shrink_to(self.members.len() * 2);
            }
        }
    }

    fn leave_all_as_datagrams(&mut self, key: PipeKey) {
        let Some(at) = self.in_all.iter().position(|member| *member == key) else { return };
        self.in_all.swap_remove(at);
        for members in self.members.values_mut() {
            members.remove(key);
        }
    }
}

impl OutgoingPipes<GroupTable> {
    /// Sets the limits of remotes, and whether senders wait for them.
    pub(crate) fn set_group_options(&mut self, options: GroupOptions) {
        self.strategy.options = options;
    }
}

impl Strategy for GroupTable {
    type Target = Group;

    const FANS_OUT: bool = true;

    #[inline]
    fn choose(&mut self, to: &Group) -> Choice<'_> {
        let members = match self.members.len() {
            // Comparing the names takes less time than hashing one.
            1 => self.members.iter().find(|(group, _)| *group == to).map(|(_, members)| members),
            _ => self.members.get(to),
        };
        let members = members.map_or(&self.in_all[..], Members::as_slice);
        Choice::Many(ManyPipes { keys: members, slow: self.options.slow() })
    }

    fn retire(&mut self, key: PipeKey, _pipe: &OutgoingPipe) {
        self.leave_all(key);
        self.leave_all_as_datagrams(key);
    }

    fn join_all(&mut self, key: PipeKey) {
        self.in_all.push(key);
        for members in self.members.values_mut() {
            members.push(key);
        }
    }

    #[inline]
    fn fits(&self, message: &[u8]) -> bool {
        self.in_all.is_empty() || fits_datagram(message)
    }

    /// Until then, messages are queued for the groups of the earlier connection. The remote of this
    /// one may be another program, and begins without groups.
    fn connect(&mut self, key: PipeKey, _: &OutgoingPipe, _was_open: bool, _: &mut Wakes) {
        self.leave_all(key);
    }

    fn command(
        &mut self,
        key: PipeKey,
        command: &Command,
        _: &mut Wakes,
    ) -> Result<CommandEffect, ExceededLimit> {
        match command {
            Command::Join(group) => self.join(key, group).map(|()| CommandEffect::Widened),
            Command::Leave(group) if self.leave(key, group) => Ok(CommandEffect::Narrowed),
            _ => Ok(CommandEffect::Unchanged),
        }
    }
}

/// The memory that a group takes, without its members.
fn group_bytes(group: &Group) -> usize {
    GROUP_BYTES + group.as_bytes().len()
}

/// Returns whether a message of a group can be sent as a datagram.
fn fits_datagram(message: &[u8]) -> bool {
    let Some((group, rest)) = split_first_part(message) else { return false };
    last_part(rest).is_some_and(|body| Datagram::check(group.len(), body.len()).is_ok())
}

/// The memory that a member of a group takes: its part of the tree of its groups, and of the
/// group's list of members when that has just grown.
const MEMBER_BYTES: usize = 80;

/// The memory that a group without its name takes in a hash table that has just grown, and the
/// header of a long name.
const GROUP_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use std::collections::{HashSet, VecDeque};

    use proptest::collection::vec;
    use proptest::prelude::{Strategy as _, prop_assert_eq, prop_oneof, proptest};

    use super::*;
    use crate::options::SlowSubscriber;
    use crate::pipe::HighWaterMark;
    use crate::routing::{EndpointId, Outgoing};

    #[test]
    fn joining_twice_is_joining_once() {
        let (mut pipes, [a, _]) = pipes(GroupOptions::default());
        for step in [join("x"), join("x"), leave("x")] {
            command(&mut pipes, a, &step).unwrap();
        }
        assert_eq!(members(&mut pipes, "x"), HashSet::new());
        assert!(pipes.strategy.members.is_empty());
    }

    #[test]
    fn a_remote_joins_no_more_groups_than_it_may() {
        let (mut pipes, [a, b]) = pipes(limits(2, usize::MAX, usize::MAX));
        for group in ["x", "y", "x"] {
            assert_eq!(command(&mut pipes, a, &join(group)), Ok(()));
        }
        assert_eq!(command(&mut pipes, a, &join("z")), Err(ExceededLimit::Groups));
        assert_eq!(command(&mut pipes, a, &leave("y")), Ok(()));
        assert_eq!(command(&mut pipes, a, &join("z")), Ok(()));
        assert_eq!(command(&mut pipes, b, &join("z")), Ok(()));
    }

    #[test]
    fn the_memory_of_its_groups_is_limited() {
        let (mut pipes, [a, b]) = pipes(limits(10, MEMBER_BYTES + GROUP_BYTES + 5, usize::MAX));
        assert_eq!(command(&mut pipes, a, &join("abc")), Ok(()));
        assert_eq!(command(&mut pipes, a, &join("d")), Err(ExceededLimit::Groups));
        assert_eq!(command(&mut pipes, a, &leave("abc")), Ok(()));
        assert_eq!(command(&mut pipes, a, &join("defgh")), Ok(()));
        assert_eq!(command(&mut pipes, b, &join("defghi")), Err(ExceededLimit::Groups));
    }

    #[test]
    fn the_memory_of_the_groups_of_all_remotes_is_limited() {
        let limit = 3 * MEMBER_BYTES + 2 * (GROUP_BYTES + 1);
        let (mut pipes, [a, b]) = pipes(limits(10, usize::MAX, limit));
        assert_eq!(command(&mut pipes, a, &join("x")), Ok(()));
        assert_eq!(command(&mut pipes, b, &join("x")), Ok(()));
        assert_eq!(command(&mut pipes, b, &join("y")), Ok(()));
        assert_eq!(command(&mut pipes, a, &join("y")), Err(ExceededLimit::Groups));
        assert_eq!(command(&mut pipes, b, &join("y")), Ok(()), "it has joined this group");
        pipes.detach(b, &mut Wakes::None);
        assert_eq!(command(&mut pipes, a, &join("y")), Ok(()));
        assert_eq!(command(&mut pipes, a, &join("z")), Err(ExceededLimit::Groups));
        pipes.detach(a, &mut Wakes::None);
        assert_eq!(pipes.strategy.bytes, 0);
    }

    #[test]
    fn the_memory_of_groups_is_released_when_they_are_left() {
        let (mut pipes, [a, b]) = pipes(GroupOptions::default());
        for key in [a, b] {
            for number in 0..1_000 {
                command(&mut pipes, key, &join(&number.to_string())).unwrap();
            }
        }
        pipes.detach(b, &mut Wakes::None);
        assert!(pipes.strategy.members.values().all(|members| matches!(members, Members::One(_))));
        for number in 10..1_000 {
            command(&mut pipes, a, &leave(&number.to_string())).unwrap();
        }
        assert!(pipes.strategy.members.capacity() < 100);
        assert_eq!(pipes.strategy.bytes, 10 * (MEMBER_BYTES + GROUP_BYTES + 1));
    }

    #[test]
    fn a_long_name_is_held_once() {
        let (mut pipes, keys) = pipes(GroupOptions::default());
        let long = "x".repeat(Group::LEN_MAX);
        for key in keys {
            command(&mut pipes, key, &join(&long)).unwrap();
        }
        let names = keys.map(|key| {
            let GroupTable { joined, .. } = &pipes.strategy;
            joined[key].groups.first().unwrap().as_bytes().as_ptr()
        });
        assert_eq!(names[0], names[1]);
    }

    #[test]
    fn a_new_connection_begins_without_groups() {
        let (mut pipes, [a, _]) = pipes(GroupOptions::default());
        let remote = crate::remote::tests::any_remote();
        pipes.connect(a, &remote, &mut Wakes::None);
        for group in ["x", "y"] {
            command(&mut pipes, a, &join(group)).unwrap();
        }
        pipes.disconnect(a, false, &mut VecDeque::new());
        assert_eq!(members(&mut pipes, "x"), HashSet::from([a]), "messages wait for the remote");
        pipes.connect(a, &remote, &mut Wakes::None);
        assert!(pipes.strategy.members.is_empty());
        command(&mut pipes, a, &join("y")).unwrap();
        assert_eq!(members(&mut pipes, "x"), HashSet::new());
        assert_eq!(members(&mut pipes, "y"), HashSet::from([a]));
    }

    #[test]
    fn a_pipe_of_datagrams_is_a_member_of_every_group_and_limits_messages() {
        let (mut pipes, [a, datagrams]) = pipes(GroupOptions::default());
        let message = |len| {
            let group = "x".parse().unwrap();
            crate::message::GroupMessage::new(&group, vec![0; len]).into_frames()
        };
        assert!(pipes.strategy.fits(&message(8_191)));
        command(&mut pipes, a, &join("x")).unwrap();
        pipes.join_all(datagrams);
        command(&mut pipes, a, &join("y")).unwrap();
        for group in ["x", "y"] {
            assert_eq!(members(&mut pipes, group), HashSet::from([a, datagrams]));
        }
        assert_eq!(members(&mut pipes, "z"), HashSet::from([datagrams]));
        assert!(pipes.strategy.fits(&message(8_190)));
        assert!(!pipes.strategy.fits(&message(8_191)));
        command(&mut pipes, a, &leave("x")).unwrap();
        assert_eq!(members(&mut pipes, "x"), HashSet::from([datagrams]));
        pipes.detach(datagrams, &mut Wakes::None);
        assert_eq!(members(&mut pipes, "y"), HashSet::from([a]));
        assert_eq!(members(&mut pipes, "z"), HashSet::new());
        assert!(pipes.strategy.fits(&message(8_191)));
    }

    /// A step of a random history.
    #[derive(Clone, Debug)]
    enum Step {
        Join(usize, u8),
        Leave(usize, u8),
        Go(usize),
    }

    proptest! {
        #[test]
        fn the_members_of_a_group_are_those_that_joined_and_did_not_leave(
            steps in vec(
                prop_oneof![
                    4 => (0..4_usize, 0..5_u8).prop_map(|(pipe, group)| Step::Join(pipe, group)),
                    3 => (0..4_usize, 0..5_u8).prop_map(|(pipe, group)| Step::Leave(pipe, group)),
                    1 => (0..4_usize).prop_map(Step::Go),
                ],
                0..60,
            ),
        ) {
            let (mut pipes, _) = pipes(GroupOptions::default());
            let mut keys = [(); 4].map(|()| attach(&mut pipes));
            let mut plain = HashSet::new();
            for step in steps {
                match step {
                    Step::Join(pipe, group) => {
                        command(&mut pipes, keys[pipe], &join(name(group))).unwrap();
                        plain.insert((keys[pipe], group));
                    }
                    Step::Leave(pipe, group) => {
                        command(&mut pipes, keys[pipe], &leave(name(group))).unwrap();
                        plain.remove(&(keys[pipe], group));
                    }
                    Step::Go(pipe) => {
                        pipes.detach(keys[pipe], &mut Wakes::None);
                        plain.retain(|(key, _)| *key != keys[pipe]);
                        keys[pipe] = attach(&mut pipes);
                    }
                }
                for group in 0..5 {
                    let expected = plain.iter().filter(|(_, joined)| *joined == group);
                    let expected: HashSet<_> = expected.map(|(key, _)| *key).collect();
                    prop_assert_eq!(members(&mut pipes, name(group)), expected);
                }
                let groups: HashSet<_> = plain.iter().map(|(_, group)| name(*group)).collect();
                let names = groups.iter().map(|name| GROUP_BYTES + name.len());
                let bytes = plain.len() * MEMBER_BYTES + names.sum::<usize>();
                prop_assert_eq!(pipes.strategy.bytes, bytes);
            }
        }
    }

    fn pipes(options: GroupOptions) -> (OutgoingPipes<GroupTable>, [PipeKey; 2]) {
        let mut pipes = OutgoingPipes::new(GroupTable::default(), HighWaterMark::new(1, 0));
        pipes.set_group_options(options);
        let keys = [(); 2].map(|()| attach(&mut pipes));
        (pipes, keys)
    }

    fn limits(groups: usize, bytes_per_remote: usize, bytes: usize) -> GroupOptions {
        GroupOptions {
            max_groups_per_remote: groups,
            max_group_bytes_per_remote: bytes_per_remote,
            max_group_bytes: bytes,
            ..GroupOptions::default()
        }
    }

    fn command(
        pipes: &mut OutgoingPipes<GroupTable>,
        key: PipeKey,
        command: &Command,
    ) -> Result<(), ExceededLimit> {
        pipes.command(key, command, None, &mut Wakes::None).map(drop)
    }

    fn attach(pipes: &mut OutgoingPipes<GroupTable>) -> PipeKey {
        pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key
    }

    fn members(pipes: &mut OutgoingPipes<GroupTable>, group: &str) -> HashSet<PipeKey> {
        match pipes.strategy.choose(&group.parse().unwrap()) {
            Choice::Many(ManyPipes { keys, slow: SlowSubscriber::DropNewest }) => {
                let members: HashSet<_> = keys.iter().copied().collect();
                assert_eq!(members.len(), keys.len(), "each member is listed once");
                members
            }
            other => panic!("a RADIO sends to many, not {other:?}"),
        }
    }

    fn name(group: u8) -> &'static str {
        ["", "a", "b", "ab", "bb"][usize::from(group)]
    }

    fn join(group: &str) -> Command {
        Command::Join(group.parse().unwrap())
    }

    fn leave(group: &str) -> Command {
        Command::Leave(group.parse().unwrap())
    }
}
