//! Fair queuing behind a filter: DISH.
//!
//! A DISH receives only messages of groups that it has joined, whatever its remotes send: a message
//! may have been in transit when its group was left. Messages are filtered when they are taken, so
//! that a receiver never gets one of a group that was left before. Other socket types never use
//! this module.

use zmtp_proto::group::Group;
use zmtp_proto::message_shape::split_first_part;

use super::FairQueue;
use crate::sync::Wakes;

impl FairQueue {
    /// Passes on the messages of a group from now on.
    pub(crate) fn want(&mut self, group: Group) {
        self.wanted.insert(group);
    }

    /// Discards the messages of a group from now on.
    pub(crate) fn unwant(&mut self, group: &Group) {
        self.wanted.remove(group);
    }

    /// Returns whether messages of a group are passed on.
    pub(crate) fn wants(&self, group: &[u8]) -> bool {
        self.wanted.contains(group)
    }

    /// Discards unwanted messages until the next one is wanted, or there is none. Returns false if
    /// there are more than are discarded at a time.
    #[inline]
    pub(crate) fn skip_unwanted(&mut self, wakes: &mut Wakes) -> bool {
        for _ in 0..SKIPPED_TOGETHER {
            let Some(key) = self.ready.front() else { return true };
            let next = self.pipes.get(*key).map(|slot| slot.inbound.first_frames());
            let group = next.and_then(split_first_part).map(|(group, _)| group);
            if group.is_some_and(|group| self.is_wanted(group)) {
                return true;
            }
            // A message of a group is never that of the application, whose destructor could do
            // anything.
            drop(self.pop(wakes));
        }
        false
    }

    /// Most sockets join one group, which is compared faster than it is hashed.
    #[inline]
    fn is_wanted(&self, group: &[u8]) -> bool {
        match self.wanted.len() {
            1 => self.wanted.iter().any(|wanted| wanted.as_bytes() == group),
            _ => self.wanted.contains(group),
        }
    }
}

/// Messages that are discarded under one lock. It costs the receiver as much of its task's budget
/// as one message.
const SKIPPED_TOGETHER: usize = 32;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::message::{GroupMessage, Message};
    use crate::pipe::{DeliveredMessages, Delivery, HighWaterMark, MessageList};
    use crate::remote::tests::any_remote;
    use crate::routing::FairQueue;

    #[test]
    fn only_messages_of_wanted_groups_are_taken() {
        let mut queue = queue(&["a", "b", "c", "a", "c"]);
        queue.want("a".parse().unwrap());
        queue.want("b".parse().unwrap());
        assert_eq!(next(&mut queue), Some("a".into()));
        queue.unwant(&"b".parse().unwrap());
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

    fn queue(groups: &[&str]) -> FairQueue {
        let mut queue = FairQueue::new(HighWaterMark::new(0, 0), 0);
        let key = queue.attach(None);
        let messages = groups.iter().map(|group| message(group)).collect::<VecDeque<_>>();
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
