//! Fair queuing behind a filter: DISH and SUB.
//!
//! A DISH receives only messages of groups that it has joined, and a SUB only messages that begin
//! with a topic that it has subscribed to, whatever their remotes send: a message may have been in
//! transit when its group was left. Messages are filtered when they are taken, so that a receiver
//! never gets one of a group that was left before. Other socket types never use this module.

use std::collections::{BTreeSet, HashSet};
use std::ops::Bound;

use zmtp_proto::group::Group;
use zmtp_proto::message_shape::{last_part, split_first_part};
use zmtp_proto::topic::Topic;

use super::FairQueue;
use crate::sync::Wakes;

/// The messages that are passed on, if receivers filter.
#[derive(Debug, Default)]
pub(super) enum Wanted {
    #[default]
    None,
    /// Those of these groups.
    Groups(HashSet<Group>),
    /// Those that begin with a topic, or those that do not.
    Topics { topics: Topics, are_unwanted: bool },
}

/// The topics of the subscriptions.
#[derive(Debug, Default)]
pub(super) struct Topics(BTreeSet<Topic>);

impl FairQueue {
    /// Passes on the messages of a group from now on.
    pub(crate) fn want_group(&mut self, group: Group) {
        match &mut self.wanted {
            Wanted::Groups(groups) => drop(groups.insert(group)),
            wanted => *wanted = Wanted::Groups(HashSet::from([group])),
        }
    }

    /// Discards the messages of a group from now on.
    pub(crate) fn unwant_group(&mut self, group: &Group) {
        if let Wanted::Groups(groups) = &mut self.wanted {
            groups.remove(group);
        }
    }

    /// Returns whether messages of a group are passed on.
    pub(crate) fn wants_group(&self, group: &[u8]) -> bool {
        matches!(&self.wanted, Wanted::Groups(groups) if groups.contains(group))
    }

    /// Passes on the messages that begin with a topic from now on.
    pub(crate) fn want_topic(&mut self, topic: Topic) {
        if let Wanted::Topics { topics, .. } = &mut self.wanted {
            topics.0.insert(topic);
        } else {
            let topics = Topics(BTreeSet::from([topic]));
            self.wanted = Wanted::Topics { topics, are_unwanted: false };
        }
    }

    /// Discards the messages that begin with a topic from now on, except those that begin with
    /// another one.
    pub(crate) fn unwant_topic(&mut self, topic: &Topic) {
        if let Wanted::Topics { topics, .. } = &mut self.wanted {
            topics.0.remove(topic);
        }
    }

    /// Returns whether messages that begin with this part are passed on.
    #[cfg(all(test, shuttle))]
    pub(crate) fn wants_topic(&self, part: &[u8]) -> bool {
        matches!(&self.wanted, Wanted::Topics { topics, .. } if topics.match_any(part))
    }

    /// Passes on only messages that begin with none of the topics. Called before a topic is wanted.
    pub(crate) fn invert_topics(&mut self) {
        self.wanted = Wanted::Topics { topics: Topics::default(), are_unwanted: true };
    }

    /// Returns whether there is a message and the next one is passed on.
    #[inline]
    pub(crate) fn wants_next(&self) -> bool {
        let next = self.ready.front().and_then(|key| self.pipes.get(*key));
        next.is_some_and(|slot| self.wanted.has(slot.inbound.first_frames()))
    }

    /// Discards unwanted messages until the next one is wanted, or there is none. Returns false if
    /// there are more than are discarded at a time.
    #[inline]
    pub(crate) fn skip_unwanted(&mut self, wakes: &mut Wakes) -> bool {
        for _ in 0..SKIPPED_TOGETHER {
            if self.ready.is_empty() || self.wants_next() {
                return true;
            }
            // Such a message is never that of the application, whose destructor could do anything.
            drop(self.pop(wakes));
        }
        false
    }
}

impl Wanted {
    /// Returns whether the message that begins with these frames is passed on.
    #[inline]
    fn has(&self, frames: &[u8]) -> bool {
        let first = split_first_part(frames).map(|(first, _)| first);
        match self {
            Self::None => false,
            // Most sockets join one group, which is compared faster than it is hashed.
            Self::Groups(groups) => first.is_some_and(|group| match groups.len() {
                1 => groups.iter().any(|wanted| wanted.as_bytes() == group),
                _ => groups.contains(group),
            }),
            Self::Topics { topics, are_unwanted } => {
                let first = first.or_else(|| last_part(frames));
                first.is_some_and(|part| topics.match_any(part) != *are_unwanted)
            }
        }
    }
}

impl Topics {
    /// Returns whether a part begins with one of the topics.
    ///
    /// Topics are ordered like their bytes. Every topic between a prefix of the part and the part
    /// begins with that prefix. If the greatest topic up to the part is not a prefix of it, a topic
    /// that is one is also a prefix of what both have in common, which is searched next. Usual
    /// topics need one or two searches.
    #[inline]
    fn match_any(&self, mut part: &[u8]) -> bool {
        // Most sockets have one subscription.
        if self.0.len() == 1 {
            return self.0.iter().any(|topic| topic.matches(part));
        }
        loop {
            let up_to_part = (Bound::Unbounded, Bound::Included(part));
            let Some(last) = self.0.range::<[u8], _>(up_to_part).next_back() else { return false };
            let last = last.as_bytes();
            let common = last.iter().zip(part).take_while(|(a, b)| a == b).count();
            if common == last.len() {
                return true;
            }
            part = &part[..common];
        }
    }
}

/// Messages that are discarded under one lock. It costs the receiver as much of its task's budget
/// as one message.
const SKIPPED_TOGETHER: usize = 32;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::collection::vec;
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;
    use crate::message::{AnyMessage, GroupMessage, Message, Multipart};
    use crate::pipe::{DeliveredMessages, Delivery, HighWaterMark, MessageList};
    use crate::remote::tests::any_remote;
    use crate::routing::FairQueue;

    #[test]
    fn only_messages_of_wanted_groups_are_taken() {
        let mut queue = queue(&["a", "b", "c", "a", "c"]);
        queue.want_group("a".parse().unwrap());
        queue.want_group("b".parse().unwrap());
        assert_eq!(next(&mut queue), Some("a".into()));
        queue.unwant_group(&"b".parse().unwrap());
        assert_eq!(next(&mut queue), Some("a".into()));
        assert_eq!(next(&mut queue), None);
        assert_eq!(queue.queued(None), 0);
    }

    #[test]
    fn a_bounded_number_of_messages_is_discarded_together() {
        let mut queue = queue(&["x"; SKIPPED_TOGETHER + 1]);
        assert!(!queue.skip_unwanted(&mut Wakes::None));
        assert_eq!(queue.queued(None), 1);
        assert!(queue.skip_unwanted(&mut Wakes::None));
        assert_eq!(queue.queued(None), 0);
    }

    #[test]
    fn only_messages_that_begin_with_a_topic_are_taken() {
        let mut queue = queue(&["weather.london", "news", "weath", "weather"]);
        queue.want_topic("weather".parse().unwrap());
        assert_eq!(next(&mut queue), Some("weather.london".into()));
        queue.want_topic("weat".parse().unwrap());
        assert_eq!(next(&mut queue), Some("weath".into()));
        queue.unwant_topic(&"weat".parse().unwrap());
        queue.unwant_topic(&"weather".parse().unwrap());
        assert_eq!(next(&mut queue), None);
        assert_eq!(queue.queued(None), 0);
    }

    #[test]
    fn a_message_of_one_part_is_matched_by_its_only_part() {
        let messages = ["a1", "b", "", "a2"].map(|body| Multipart::from(body).into_queue());
        let mut queue = queue_of(messages);
        queue.want_topic("a".parse().unwrap());
        for expected in ["a1", "a2"] {
            assert!(queue.skip_unwanted(&mut Wakes::None));
            let frames = queue.pop(&mut Wakes::None).unwrap().unwrap();
            assert_eq!(last_part(&frames), Some(expected.as_bytes()));
        }
        assert!(queue.skip_unwanted(&mut Wakes::None));
        assert_eq!(queue.queued(None), 0);
    }

    #[test]
    fn inverted_topics_are_those_of_discarded_messages() {
        let mut queue = queue(&["a", "b1", "b2", "c", "b3"]);
        queue.invert_topics();
        assert_eq!(next(&mut queue), Some("a".into()), "without topics, all are wanted");
        queue.want_topic("b".parse().unwrap());
        assert_eq!(next(&mut queue), Some("c".into()));
        queue.unwant_topic(&"b".parse().unwrap());
        assert_eq!(next(&mut queue), Some("b3".into()));
    }

    proptest! {
        #[test]
        fn a_part_matches_if_it_begins_with_any_topic(
            topics in vec(vec(0..3_u8, 0..5), 0..12), part in vec(0..3_u8, 0..7),
        ) {
            let plain = topics.iter().any(|topic| part.starts_with(topic));
            let set = topics.iter().map(|topic| Topic::try_from(&topic[..]).unwrap());
            prop_assert_eq!(Topics(set.collect()).match_any(&part), plain);
        }
    }

    fn queue(groups: &[&str]) -> FairQueue {
        queue_of(groups.iter().map(|group| message(group)))
    }

    fn queue_of(messages: impl IntoIterator<Item = Message>) -> FairQueue {
        let mut queue = FairQueue::new(HighWaterMark::new(0, 0), 0);
        let key = queue.attach(None);
        let messages = messages.into_iter().collect::<VecDeque<_>>();
        let cargo = DeliveredMessages::Whole(MessageList::new(messages));
        let rest = [Delivery { cargo, remote: any_remote() }];
        assert!(queue.push_rest(key, rest, &mut Wakes::None).is_empty());
        queue
    }

    fn message(group: &str) -> Message {
        GroupMessage::new(&group.parse().unwrap(), "body").into_frames()
    }

    fn next(queue: &mut FairQueue) -> Option<String> {
        assert!(queue.skip_unwanted(&mut Wakes::None));
        let frames = queue.pop(&mut Wakes::None).unwrap()?;
        Some(split_first_part(&frames).map(|(group, _)| group.escape_ascii().to_string()).unwrap())
    }
}
