//! The topics that remotes have subscribed to.

mod children;
mod holders;
mod slab;
#[cfg(test)]
mod tests;
mod tree;

use std::ops::ControlFlow;

use slotmap::SecondaryMap;

use self::holders::Holder;
use self::tree::TopicTree;
use crate::options::TopicOptions;
use crate::pipe::PipeKey;
use crate::routing::ExceededLimit;

/// The topics that remotes have subscribed to: for each remote a set, in which a repeated
/// subscription changes nothing.
///
/// A message is for all remotes that have subscribed to a prefix of its first part. The topics of
/// all remotes are in one tree. Its nodes list their subscribers, and each subscriber lists the
/// nodes of its topics. A node knows its position in the list of each subscriber. The time in which
/// a subscription is added or removed depends on the length of its topic and, slightly, on the
/// number of subscribers of that topic, but not on the number of topics.
///
/// A remote that leaves is marked, and no longer matches. Its subscriptions are released
/// afterwards, in portions: one remote can have a million.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    tree: TopicTree,
    /// By their numbers in the tree.
    subscribers: Vec<Subscriber>,
    numbers: SecondaryMap<PipeKey, u32>,
    /// The numbers that no subscriber has.
    unused: Vec<u32>,
    /// The subscribers that have left, as long as they have subscriptions.
    left: Vec<u32>,
    /// The number of topics with a subscriber, which may have left.
    topics: usize,
    /// The memory that remotes claim by subscribing.
    bytes: usize,
    limits: TopicOptions,
    /// The number of look-ups.
    look_ups: u64,
    /// The pipes of the remotes that the last look-up found.
    found: Vec<PipeKey>,
}

#[derive(Debug)]
struct Subscriber {
    key: PipeKey,
    has_left: bool,
    /// The number of the look-up that found it last.
    last_found: u64,
    /// The nodes of its topics.
    topics: Vec<u32>,
    /// The memory that it would claim if it were the only subscriber of each topic.
    bytes: usize,
}

impl Subscriptions {
    pub(super) const fn set_limits(&mut self, limits: TopicOptions) {
        self.limits = limits;
    }

    /// Subscribes a remote to a topic. Returns whether it was not subscribed before.
    pub(super) fn subscribe(&mut self, key: PipeKey, topic: &[u8]) -> Result<bool, ExceededLimit> {
        // Topics of remotes that have left are released faster than other remotes can add topics,
        // and before another remote exceeds the limit of all.
        while self.release(RELEASED_PER_SUBSCRIPTION) && !self.has_room(topic) {}
        self.insert(key, topic)
    }

    /// Returns whether the limit of all remotes leaves room for a new topic.
    pub(super) const fn has_room(&self, topic: &[u8]) -> bool {
        let claimed = SUBSCRIPTION_BYTES + topic_bytes(topic.len());
        self.bytes + claimed <= self.limits.max_topic_bytes
    }

    /// Does the same, and releases nothing.
    pub(super) fn insert(&mut self, key: PipeKey, topic: &[u8]) -> Result<bool, ExceededLimit> {
        let number = self.numbers.get(key).copied();
        let existing = self.tree.find(topic);
        let is_held = existing.is_some_and(|node| !self.tree.holders(node).is_empty());
        if let (Some(number), Some(node)) = (number, existing) {
            if self.tree.holders(node).contains(number) {
                return Ok(false);
            }
        }
        let subscriber = number.map(|number| &self.subscribers[number as usize]);
        let (topics, bytes) = subscriber.map_or((0, 0), |it| (it.topics.len(), it.bytes));
        let claimed = bytes + SUBSCRIPTION_BYTES + topic_bytes(topic.len());
        let new_topic = if is_held { 0 } else { topic_bytes(topic.len()) };
        let all_bytes = self.bytes + SUBSCRIPTION_BYTES + new_topic;
        if topics >= self.limits.max_topics_per_remote
            || claimed > self.limits.max_topic_bytes_per_remote
            || all_bytes > self.limits.max_topic_bytes
            || self.tree.len() > NODES_MAX
            || u32::try_from(topic.len()).is_err()
        {
            return Err(ExceededLimit::Topics);
        }
        let number = number.unwrap_or_else(|| self.add_subscriber(key));
        let subscriber = &mut self.subscribers[number as usize];
        let node = self.tree.insert(topic);
        let holder = Holder { subscriber: number, position: subscriber.topics.len() as u32 };
        self.tree.holders_mut(node).insert(holder);
        subscriber.topics.push(node);
        self.topics += usize::from(!is_held);
        (subscriber.bytes, self.bytes) = (claimed, all_bytes);
        Ok(true)
    }

    /// Cancels the subscription of a remote to a topic. Returns whether there was one.
    pub(super) fn cancel(&mut self, key: PipeKey, topic: &[u8]) -> bool {
        let number = self.numbers.get(key).copied();
        let Some((number, node)) = number.zip(self.tree.find(topic)) else { return false };
        let Some(position) = self.tree.holders_mut(node).remove(number) else { return false };
        let subscriber = &mut self.subscribers[number as usize];
        subscriber.bytes -= SUBSCRIPTION_BYTES + topic_bytes(topic.len());
        let topics = &mut subscriber.topics;
        topics.swap_remove(position as usize);
        if let Some(moved) = topics.get(position as usize) {
            self.tree.holders_mut(*moved).set_position(number, position);
        }
        if topics.len() < topics.capacity() / 4 {
            topics.shrink_to(topics.len() * 2);
        }
        self.remove_holder(node);
        true
    }

    /// Returns the number of topics with a subscriber. A subscription of a remote that has left
    /// counts until it is released.
    pub(super) const fn topics(&self) -> usize {
        self.topics
    }

    /// Removes a remote. Its subscriptions no longer match, and are [released](Self::release)
    /// later.
    pub(super) fn leave(&mut self, key: PipeKey) {
        let number = self.depart(key);
        self.left.extend(number);
    }

    /// Removes a remote, like [`leave`](Self::leave), if it has subscriptions. The caller releases
    /// them [one by one](Self::release_one), by the number that this returns.
    pub(super) fn depart(&mut self, key: PipeKey) -> Option<u32> {
        let number = self.numbers.remove(key)?;
        self.subscribers[number as usize].has_left = true;
        Some(number)
    }

    /// Releases up to `most` subscriptions of remotes that have left; fewer if many bytes have to
    /// be moved. Returns whether there are more.
    pub(super) fn release(&mut self, most: usize) -> bool {
        let mut steps = 0;
        while let Some(number) = self.left.last().copied() {
            if steps >= most && self.has_left_any(number) {
                return true;
            }
            match self.release_one(number) {
                Some(taken) => steps += taken,
                None => {
                    self.left.pop();
                }
            }
        }
        false
    }

    /// Returns the subscription that [`release_one`](Self::release_one) releases next: its topic,
    /// and whether it has no other subscriber.
    pub(super) fn next_left(&self, number: u32) -> Option<(Vec<u8>, bool)> {
        let node = *self.subscribers[number as usize].topics.last()?;
        Some((self.tree.topic(node), self.tree.holders(node).as_slice().len() == 1))
    }

    /// Releases one subscription of a remote that has left, and returns the time that this has
    /// taken, in subscriptions. Returns `None` when there are no more: the number is unused then.
    pub(super) fn release_one(&mut self, number: u32) -> Option<usize> {
        let subscriber = &mut self.subscribers[number as usize];
        let Some(node) = subscriber.topics.pop() else {
            subscriber.topics = Vec::new();
            self.unused.push(number);
            return None;
        };
        self.tree.holders_mut(node).remove(number);
        Some(1 + self.remove_holder(node) / BYTES_PER_STEP)
    }

    fn has_left_any(&self, number: u32) -> bool {
        !self.subscribers[number as usize].topics.is_empty()
    }

    /// Looks up the remotes that have subscribed to a prefix of a first part.
    #[inline]
    pub(super) fn look_up(&mut self, first_part: &[u8]) {
        let Self { tree, subscribers, numbers, look_ups, found, .. } = self;
        *look_ups += 1;
        found.clear();
        let all = numbers.len();
        tree.visit(first_part, |holders| {
            for holder in holders {
                let subscriber = &mut subscribers[holder.subscriber as usize];
                if subscriber.last_found != *look_ups && !subscriber.has_left {
                    subscriber.last_found = *look_ups;
                    found.push(subscriber.key);
                }
            }
            // A remote can subscribe to every prefix of a topic.
            if found.len() < all { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
    }

    /// Returns the pipes of the remotes that were found by the last look-up, each once.
    #[inline]
    pub(super) fn found(&self) -> &[PipeKey] {
        &self.found
    }

    /// Returns whether the last look-up found a remote.
    pub(super) fn has_found(&self, key: PipeKey) -> bool {
        let number = self.numbers.get(key);
        number.is_some_and(|number| self.subscribers[*number as usize].last_found == self.look_ups)
    }

    fn add_subscriber(&mut self, key: PipeKey) -> u32 {
        let subscriber =
            Subscriber { key, has_left: false, last_found: 0, topics: Vec::new(), bytes: 0 };
        let number = if let Some(number) = self.unused.pop() {
            self.subscribers[number as usize] = subscriber;
            number
        } else {
            self.subscribers.push(subscriber);
            self.subscribers.len() as u32 - 1
        };
        self.numbers.insert(key, number);
        number
    }

    /// Accounts for a removed subscriber of a topic. Returns the number of bytes that were moved.
    fn remove_holder(&mut self, node: u32) -> usize {
        self.bytes -= SUBSCRIPTION_BYTES;
        if !self.tree.holders(node).is_empty() {
            return 0;
        }
        self.topics -= 1;
        self.bytes -= topic_bytes(self.tree.topic_len(node));
        self.tree.prune(node)
    }
}

/// The memory that a topic of a length takes, without its subscribers.
const fn topic_bytes(len: usize) -> usize {
    TOPIC_BYTES + len
}

/// The memory that a topic takes without its bytes and its subscribers: two nodes of the tree, and
/// what the allocator adds.
const TOPIC_BYTES: usize = 256;

/// The memory that a subscriber of a topic takes: an entry in the node of the topic and one in the
/// list of the subscriber, both of which have just grown.
const SUBSCRIPTION_BYTES: usize = 32;

/// The number of subscriptions of remotes that have left that are released with each new one.
const RELEASED_PER_SUBSCRIPTION: usize = 2;

/// The number of moved bytes that count as one released subscription.
const BYTES_PER_STEP: usize = 1_024;

/// The number of nodes beyond which no topic is added: three quarters of the ids.
const NODES_MAX: usize = 0xC000_0000;
