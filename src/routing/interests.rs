//! What a socket wants to receive, and the changes to announce to its remotes: the groups of a DISH
//! and the subscriptions of a SUB or XSUB.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::ops::Bound;

use slotmap::SecondaryMap;
use zmtp_proto::command::Command;
use zmtp_proto::group::Group;
use zmtp_proto::topic::Topic;

use crate::pipe::PipeKey;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{Choice, FairQueue, Strategy};
use crate::sync::Wakes;

/// What messages are selected by: a group, or the topic of a subscription.
pub(crate) trait Interest: Clone + fmt::Debug + Ord + AsRef<[u8]> + Send {
    /// Whether an interest that was added twice has to be removed twice.
    const IS_COUNTED: bool;

    /// Returns the command that requests the messages.
    fn request(self) -> Command;

    /// Returns the command that ends the request.
    fn cancellation(self) -> Command;

    /// Makes receivers take the messages.
    fn want(&self, incoming: &mut FairQueue);

    /// Makes receivers discard the messages, except those that another interest selects.
    fn unwant(&self, incoming: &mut FairQueue);
}

/// RFC 48, The DISH Socket Type.
impl Interest for Group {
    const IS_COUNTED: bool = false;

    fn request(self) -> Command {
        Command::Join(self)
    }

    fn cancellation(self) -> Command {
        Command::Leave(self)
    }

    fn want(&self, incoming: &mut FairQueue) {
        incoming.want_group(self.clone());
    }

    fn unwant(&self, incoming: &mut FairQueue) {
        incoming.unwant_group(self);
    }
}

/// RFC 29, The SUB Socket Type. Subscriptions "SHALL be additive and SHALL NOT be idempotent" (RFC
/// 37, The Publish-Subscribe Pattern). libzmq keeps a set of topics for each remote, and removes a
/// topic at the first CANCEL. A topic is therefore announced and cancelled once, and counted here.
impl Interest for Topic {
    const IS_COUNTED: bool = true;

    fn request(self) -> Command {
        Command::Subscribe(self)
    }

    fn cancellation(self) -> Command {
        Command::Cancel(self)
    }

    fn want(&self, incoming: &mut FairQueue) {
        incoming.want_topic(self.clone());
    }

    fn unwant(&self, incoming: &mut FairQueue) {
        incoming.unwant_topic(self);
    }
}

/// Sends no messages. Announces the interests of the socket to each remote.
///
/// The interests are a state and not a queue. All are announced on a new connection, in their
/// order. For each remote, only the position in this order is kept, and the changes before it that
/// were not announced.
#[derive(Debug)]
pub(crate) struct Interests<T> {
    /// Each interest, and how often it was added.
    counts: BTreeMap<T, usize>,
    /// What was not announced to each remote that has a connection.
    unannounced: SecondaryMap<PipeKey, Unannounced<T>>,
}

/// What was not announced to a remote.
#[derive(Debug)]
struct Unannounced<T> {
    replay: Replay<T>,
    /// Changes of interests that the replay has passed.
    changes: BTreeMap<T, Change>,
}

/// The announcement of all interests on a new connection.
#[derive(Debug)]
enum Replay<T> {
    Begin,
    /// Those after this one are left.
    After(T),
    Complete,
}

/// A change that was not announced to a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Added,
    Removed,
}

impl<T> Default for Interests<T> {
    fn default() -> Self {
        Self { counts: BTreeMap::new(), unannounced: SecondaryMap::new() }
    }
}

impl<T: Interest> Interests<T> {
    /// Adds an interest. Returns false if the socket has it already: if interests of this type are
    /// counted, its count then increases.
    pub(super) fn add(&mut self, interest: &T) -> bool {
        if let Some(count) = self.counts.get_mut(interest) {
            *count = count.saturating_add(usize::from(T::IS_COUNTED));
            return false;
        }
        self.counts.insert(interest.clone(), 1);
        self.change(interest, Change::Added);
        true
    }

    /// Removes an interest, or reduces its count.
    pub(super) fn remove(&mut self, interest: &T) -> Removed {
        match self.counts.get_mut(interest) {
            None => return Removed::Nothing,
            Some(count) if *count > 1 => {
                *count -= 1;
                return Removed::Duplicate;
            }
            Some(_) => {}
        }
        self.counts.remove(interest);
        self.change(interest, Change::Removed);
        Removed::Last
    }

    /// Returns the interests in their order, each once.
    pub(super) fn list(&self) -> Vec<T> {
        self.counts.keys().cloned().collect()
    }

    fn change(&mut self, interest: &T, change: Change) {
        for unannounced in self.unannounced.values_mut() {
            if unannounced.replay.has_passed(interest) {
                // Opposite changes cancel each other.
                if unannounced.changes.remove(interest).is_none() {
                    unannounced.changes.insert(interest.clone(), change);
                }
            }
        }
    }
}

impl<T: Ord> Replay<T> {
    fn has_passed(&self, interest: &T) -> bool {
        match self {
            Self::Begin => false,
            Self::After(last) => interest <= last,
            Self::Complete => true,
        }
    }
}

impl<T: Interest> Unannounced<T> {
    /// Takes a bounded number of commands.
    fn take(&mut self, counts: &BTreeMap<T, usize>) -> Vec<Command> {
        let (mut commands, mut bytes) = (Vec::new(), 0);
        let after = match &self.replay {
            Replay::Begin => Some(Bound::Unbounded),
            Replay::After(last) => Some(Bound::Excluded(last)),
            Replay::Complete => None,
        };
        if let Some(after) = after {
            let mut last = None;
            for (interest, _) in counts.range((after, Bound::Unbounded)) {
                if bytes >= COMMANDS_BYTES {
                    break;
                }
                bytes += command_bytes(interest);
                commands.push(interest.clone().request());
                last = Some(interest);
            }
            match last.filter(|_| bytes >= COMMANDS_BYTES) {
                Some(last) => self.replay = Replay::After(last.clone()),
                None => self.replay = Replay::Complete,
            }
        }
        while bytes < COMMANDS_BYTES {
            let Some((interest, change)) = self.changes.pop_first() else { break };
            bytes += command_bytes(&interest);
            commands.push(match change {
                Change::Added => interest.request(),
                Change::Removed => interest.cancellation(),
            });
        }
        commands
    }
}

/// What removing an interest has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removed {
    /// The socket did not have the interest.
    Nothing,
    /// The socket still has the interest.
    Duplicate,
    /// The socket no longer has the interest.
    Last,
}

impl<T: Interest> Strategy for Interests<T> {
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
            let all = Unannounced { replay: Replay::Begin, changes: BTreeMap::new() };
            self.unannounced.insert(key, all);
        }
    }

    fn take_commands(&mut self, key: PipeKey) -> Option<Vec<Command>> {
        let commands = self.unannounced.get_mut(key)?.take(&self.counts);
        (!commands.is_empty()).then_some(commands)
    }
}

/// Returns the maximum size of a command.
fn command_bytes(interest: &impl Interest) -> usize {
    COMMAND_BYTES + interest.as_ref().len()
}

/// The size of the commands that are taken at a time: half of those that can wait before a
/// connection stops reading.
const COMMANDS_BYTES: usize = 0x8000;

/// The maximum size of a command without its group or topic: header and name, encrypted.
const COMMAND_BYTES: usize = 0x38;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap, VecDeque};
    use std::task::{Poll, Waker};

    use proptest::collection::vec;
    use proptest::prelude::{
        Just, Strategy as _, TestCaseError, prop_assert, prop_assert_eq, prop_oneof, proptest,
    };

    use super::*;
    use crate::pipe::HighWaterMark;
    use crate::pipe::{Take, Want};
    use crate::routing::{EndpointId, Outgoing, OutgoingPipes};

    #[test]
    fn a_new_connection_is_told_all_groups_and_later_only_changes() {
        let mut pipes = pipes::<Group>();
        let key = attach(&mut pipes);
        add(&mut pipes, "a");
        add(&mut pipes, "b");
        assert_eq!(take_commands(&mut pipes, key), None, "there is no connection");
        connect(&mut pipes, key);
        assert_eq!(told(&mut pipes, key), ["+a", "+b"]);
        remove(&mut pipes, "a");
        add(&mut pipes, "c");
        remove(&mut pipes, "c");
        assert_eq!(told(&mut pipes, key), ["-a"]);
        connect(&mut pipes, key);
        assert_eq!(told(&mut pipes, key), ["+b"]);
    }

    #[test]
    fn a_topic_is_cancelled_when_it_was_unsubscribed_as_often_as_subscribed() {
        let mut pipes = pipes::<Topic>();
        let key = attach(&mut pipes);
        connect(&mut pipes, key);
        assert!(add(&mut pipes, "a"));
        assert!(!add(&mut pipes, "a"));
        assert_eq!(told(&mut pipes, key), ["+a"]);
        assert_eq!(remove(&mut pipes, "a"), Removed::Duplicate);
        assert_eq!(take_commands(&mut pipes, key), None);
        assert_eq!(remove(&mut pipes, "a"), Removed::Last);
        assert_eq!(told(&mut pipes, key), ["-a"]);
        assert_eq!(remove(&mut pipes, "a"), Removed::Nothing);
        assert_eq!(take_commands(&mut pipes, key), None);
    }

    #[test]
    fn a_group_that_was_joined_twice_is_left_once() {
        let mut pipes = pipes::<Group>();
        add(&mut pipes, "a");
        assert!(!add(&mut pipes, "a"));
        assert_eq!(remove(&mut pipes, "a"), Removed::Last);
    }

    #[test]
    fn many_interests_are_told_in_portions() {
        let mut pipes = pipes::<Topic>();
        let key = attach(&mut pipes);
        for number in 0..2_000 {
            add(&mut pipes, &number.to_string());
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
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Add(u8),
        Remove(u8),
        Tell,
        Reconnect,
    }

    proptest! {
        #[test]
        fn a_remote_that_was_told_everything_knows_the_joined_groups(
            steps in vec(step(), 0..60), long: bool,
        ) {
            check::<Group>(steps, if long { 200 } else { 0 })?;
        }

        #[test]
        fn a_remote_that_was_told_everything_knows_the_subscriptions(
            steps in vec(step(), 0..60), long: bool,
        ) {
            // Two long topics are a portion.
            check::<Topic>(steps, if long { 20_000 } else { 0 })?;
        }
    }

    fn step() -> impl proptest::strategy::Strategy<Value = Step> {
        prop_oneof![
            4 => (0..6_u8).prop_map(Step::Add),
            4 => (0..6_u8).prop_map(Step::Remove),
            3 => Just(Step::Tell),
            1 => Just(Step::Reconnect),
        ]
    }

    /// Compares what a remote knows with a plain count. Each name has `padding` bytes more.
    fn check<T: Named>(steps: Vec<Step>, padding: usize) -> Result<(), TestCaseError> {
        let mut pipes = pipes::<T>();
        let key = attach(&mut pipes);
        connect(&mut pipes, key);
        let name = |number: u8| format!("{number}{}", "x".repeat(padding));
        let (mut plain, mut remote) = (HashMap::<_, usize>::new(), BTreeSet::new());
        for step in steps.into_iter().chain([Step::Tell; 7]) {
            match step {
                Step::Add(number) => {
                    let count = plain.entry(name(number)).or_default();
                    prop_assert_eq!(add(&mut pipes, &name(number)), *count == 0);
                    *count = if T::IS_COUNTED { *count + 1 } else { 1 };
                }
                Step::Remove(number) => {
                    let count = plain.entry(name(number)).or_default();
                    let expected = match *count {
                        0 => Removed::Nothing,
                        1 => Removed::Last,
                        _ => Removed::Duplicate,
                    };
                    *count = count.saturating_sub(1);
                    prop_assert_eq!(remove(&mut pipes, &name(number)), expected);
                }
                Step::Tell => {
                    let told = told(&mut pipes, key);
                    prop_assert!(padding < 20_000 || told.len() <= 2, "a portion is bounded");
                    for change in told {
                        let (sign, name) = change.split_at(1);
                        let has_effect = match sign {
                            "+" => remote.insert(name.to_owned()),
                            _ => remote.remove(name),
                        };
                        prop_assert!(has_effect, "no change is announced twice");
                    }
                }
                Step::Reconnect => {
                    connect(&mut pipes, key);
                    remote.clear();
                }
            }
        }
        let known = plain.into_iter().filter(|(_, count)| *count > 0).map(|(name, _)| name);
        prop_assert_eq!(remote, known.collect());
        prop_assert!(pipes.strategy.unannounced[key].changes.is_empty());
        Ok(())
    }

    trait Named: Interest {
        fn named(name: &str) -> Self;
    }

    impl Named for Group {
        fn named(name: &str) -> Self {
            name.parse().unwrap()
        }
    }

    impl Named for Topic {
        fn named(name: &str) -> Self {
            name.parse().unwrap()
        }
    }

    fn pipes<T: Interest>() -> OutgoingPipes<Interests<T>> {
        OutgoingPipes::new(Interests::default(), HighWaterMark::new(1, 0))
    }

    fn take_commands<T: Interest>(
        pipes: &mut OutgoingPipes<Interests<T>>,
        key: PipeKey,
    ) -> Option<Vec<Command>> {
        let mut taken = VecDeque::new();
        let waker = Waker::noop();
        match pipes.poll_take(key, Want::Write, &mut taken, waker, &mut Wakes::None) {
            Poll::Ready(Take::Commands(commands)) => Some(commands),
            _ => None,
        }
    }

    fn attach<T: Interest>(pipes: &mut OutgoingPipes<Interests<T>>) -> PipeKey {
        pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key
    }

    fn connect<T: Interest>(pipes: &mut OutgoingPipes<Interests<T>>, key: PipeKey) {
        pipes.connect(key, &crate::remote::tests::any_remote(), &mut Wakes::None);
    }

    fn add<T: Named>(pipes: &mut OutgoingPipes<Interests<T>>, name: &str) -> bool {
        pipes.add_interest(&T::named(name), &mut Wakes::None)
    }

    fn remove<T: Named>(pipes: &mut OutgoingPipes<Interests<T>>, name: &str) -> Removed {
        pipes.remove_interest(&T::named(name), &mut Wakes::None)
    }

    fn told<T: Interest>(pipes: &mut OutgoingPipes<Interests<T>>, key: PipeKey) -> Vec<String> {
        let commands = take_commands(pipes, key).unwrap_or_default();
        let told = commands.into_iter().map(|command| match command {
            Command::Join(group) => format!("+{group}"),
            Command::Leave(group) => format!("-{group}"),
            Command::Subscribe(topic) => format!("+{topic}"),
            Command::Cancel(topic) => format!("-{topic}"),
            other => panic!("{other:?}"),
        });
        told.collect()
    }
}
