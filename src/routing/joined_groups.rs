//! The groups that a DISH has joined, and the changes to announce to its remotes.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use slotmap::SecondaryMap;
use zmtp_proto::command::Command;
use zmtp_proto::group::Group;

use crate::pipe::PipeKey;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{Choice, OutgoingPipes, Strategy};
use crate::sync::Wakes;

/// Sends no messages. Announces to each remote the groups that the socket has joined (RFC 48, The
/// DISH Socket Type).
///
/// The groups are a state and not a queue. For each remote, only the difference between the joined
/// and the announced groups is kept. All groups are announced on a new connection.
#[derive(Debug, Default)]
pub(crate) struct JoinedGroups {
    joined: BTreeSet<Group>,
    /// The difference for each remote that has a connection.
    unannounced: SecondaryMap<PipeKey, BTreeMap<Group, Change>>,
}

/// A change that was not announced to a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Join,
    Leave,
}

impl JoinedGroups {
    fn change(&mut self, group: &Group, change: Change) {
        for unannounced in self.unannounced.values_mut() {
            // Opposite changes cancel each other.
            if unannounced.remove(group).is_none() {
                unannounced.insert(group.clone(), change);
            }
        }
    }
}

impl OutgoingPipes<JoinedGroups> {
    /// Joins a group. Returns false if it is joined already.
    pub(crate) fn join_group(&mut self, group: &Group, wakes: &mut Wakes) -> bool {
        let is_new = self.strategy.joined.insert(group.clone());
        if is_new {
            self.strategy.change(group, Change::Join);
            self.wake_connections(wakes);
        }
        is_new
    }

    /// Leaves a group. Returns false if it is not joined.
    pub(crate) fn leave_group(&mut self, group: &Group, wakes: &mut Wakes) -> bool {
        let was_joined = self.strategy.joined.remove(group);
        if was_joined {
            self.strategy.change(group, Change::Leave);
            self.wake_connections(wakes);
        }
        was_joined
    }

    /// Returns the joined groups in the order of their names.
    pub(crate) fn joined_groups(&self) -> Vec<Group> {
        self.strategy.joined.iter().cloned().collect()
    }

    fn wake_connections(&mut self, wakes: &mut Wakes) {
        for pipe in self.pipes.values_mut() {
            pipe.outbound.wake_connection(wakes);
        }
    }
}

impl Strategy for JoinedGroups {
    type Target = Infallible;

    const FILTERS: bool = true;

    fn choose(&mut self, to: &Infallible) -> Choice<'_> {
        match *to {}
    }

    fn may_offer(&self, _: PipeKey, _: &OutgoingPipe) -> bool {
        false
    }

    fn retire(&mut self, key: PipeKey, _: &OutgoingPipe) {
        self.unannounced.remove(key);
    }

    fn connect(&mut self, key: PipeKey, pipe: &OutgoingPipe, _was_open: bool, _: &mut Wakes) {
        if !pipe.outbound.is_retired() {
            let joined = self.joined.iter();
            self.unannounced
                .insert(key, joined.map(|group| (group.clone(), Change::Join)).collect());
        }
    }

    fn take_commands(&mut self, key: PipeKey) -> Option<Vec<Command>> {
        let unannounced = self.unannounced.get_mut(key)?;
        let (mut commands, mut bytes) = (Vec::new(), 0);
        while bytes < COMMANDS_BYTES {
            let Some((group, change)) = unannounced.pop_first() else { break };
            bytes += COMMAND_BYTES + group.as_bytes().len();
            commands.push(match change {
                Change::Join => Command::Join(group),
                Change::Leave => Command::Leave(group),
            });
        }
        (!commands.is_empty()).then_some(commands)
    }
}

/// The size of the commands that are taken at a time: half of what a connection lets wait while it
/// reads.
const COMMANDS_BYTES: usize = 0x8000;

/// The size of a command without its group, at most: header and name, encrypted.
const COMMAND_BYTES: usize = 0x30;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::{Poll, Waker};

    use proptest::collection::vec;
    use proptest::prelude::{
        Just, Strategy as _, prop_assert, prop_assert_eq, prop_oneof, proptest,
    };

    use super::*;
    use crate::pipe::HighWaterMark;
    use crate::pipe::{Take, Want};
    use crate::routing::{EndpointId, Outgoing};

    #[test]
    fn a_new_connection_is_told_all_groups_and_later_only_changes() {
        let mut pipes = OutgoingPipes::new(JoinedGroups::default(), HighWaterMark::new(1, 0));
        let key = attach(&mut pipes);
        join(&mut pipes, "a");
        join(&mut pipes, "b");
        assert_eq!(take_commands(&mut pipes, key), None, "there is no connection");
        connect(&mut pipes, key);
        assert_eq!(told(&mut pipes, key), ["+a", "+b"]);
        leave(&mut pipes, "a");
        join(&mut pipes, "c");
        leave(&mut pipes, "c");
        assert_eq!(told(&mut pipes, key), ["-a"]);
        connect(&mut pipes, key);
        assert_eq!(told(&mut pipes, key), ["+b"]);
    }

    #[test]
    fn many_groups_are_told_in_portions() {
        let mut pipes = OutgoingPipes::new(JoinedGroups::default(), HighWaterMark::new(1, 0));
        let key = attach(&mut pipes);
        for number in 0..2_000 {
            join(&mut pipes, &number.to_string());
        }
        connect(&mut pipes, key);
        let (mut portions, mut commands) = (0, 0);
        while let Some(portion) = take_commands(&mut pipes, key) {
            portions += 1;
            commands += portion.len();
        }
        assert_eq!((portions, commands), (4, 2_000));
    }

    /// A step of a random history.
    #[derive(Clone, Debug)]
    enum Step {
        Join(u8),
        Leave(u8),
        Tell,
        Reconnect,
    }

    proptest! {
        #[test]
        fn a_remote_that_was_told_everything_knows_the_joined_groups(
            steps in vec(
                prop_oneof![
                    4 => (0..6_u8).prop_map(Step::Join),
                    4 => (0..6_u8).prop_map(Step::Leave),
                    2 => Just(Step::Tell),
                    1 => Just(Step::Reconnect),
                ],
                0..60,
            ),
        ) {
            let mut pipes = OutgoingPipes::new(JoinedGroups::default(), HighWaterMark::new(1, 0));
            let key = attach(&mut pipes);
            connect(&mut pipes, key);
            let (mut plain, mut remote) = (BTreeSet::new(), BTreeSet::new());
            for step in steps.into_iter().chain([Step::Tell]) {
                match step {
                    Step::Join(group) => {
                        prop_assert_eq!(join(&mut pipes, &group.to_string()), plain.insert(group.to_string()));
                    }
                    Step::Leave(group) => {
                        prop_assert_eq!(leave(&mut pipes, &group.to_string()), plain.remove(&group.to_string()));
                    }
                    Step::Tell => {
                        for change in told(&mut pipes, key) {
                            let (sign, group) = change.split_at(1);
                            let is_new = match sign {
                                "+" => remote.insert(group.to_owned()),
                                _ => remote.remove(group),
                            };
                            prop_assert!(is_new, "no change is announced twice");
                        }
                        prop_assert_eq!(&remote, &plain);
                    }
                    Step::Reconnect => {
                        connect(&mut pipes, key);
                        remote.clear();
                    }
                }
                let unannounced = pipes.strategy.unannounced[key].len();
                prop_assert_eq!(unannounced, plain.symmetric_difference(&remote).count());
            }
        }
    }

    fn take_commands(
        pipes: &mut OutgoingPipes<JoinedGroups>,
        key: PipeKey,
    ) -> Option<Vec<Command>> {
        let mut taken = VecDeque::new();
        let waker = Waker::noop();
        match pipes.poll_take(key, Want::Write, &mut taken, waker, &mut Wakes::None) {
            Poll::Ready(Take::Commands(commands)) => Some(commands),
            _ => None,
        }
    }

    fn attach(pipes: &mut OutgoingPipes<JoinedGroups>) -> PipeKey {
        pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key
    }

    fn connect(pipes: &mut OutgoingPipes<JoinedGroups>, key: PipeKey) {
        pipes.connect(key, &crate::remote::tests::any_remote(), &mut Wakes::None);
    }

    fn join(pipes: &mut OutgoingPipes<JoinedGroups>, group: &str) -> bool {
        pipes.join_group(&group.parse().unwrap(), &mut Wakes::None)
    }

    fn leave(pipes: &mut OutgoingPipes<JoinedGroups>, group: &str) -> bool {
        pipes.leave_group(&group.parse().unwrap(), &mut Wakes::None)
    }

    fn told(pipes: &mut OutgoingPipes<JoinedGroups>, key: PipeKey) -> Vec<String> {
        let commands = take_commands(pipes, key).unwrap_or_default();
        let told = commands.into_iter().map(|command| match command {
            Command::Join(group) => format!("+{group}"),
            Command::Leave(group) => format!("-{group}"),
            other => panic!("{other:?}"),
        });
        told.collect()
    }
}
