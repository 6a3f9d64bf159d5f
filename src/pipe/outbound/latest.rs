//! Queuing only the last message with each first part.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use zmtp_proto::message_shape::first_part;

use super::Outbound;
use crate::message::Message;
use crate::pipe::delivery::bytes;
use crate::sync::Wakes;

/// The positions in a queue of the last message with each first part.
///
/// First parts are found by a hash with a random key, so that none is copied, and then compared. If
/// two different ones have the same hash, only the later one is found.
#[derive(Debug, Default)]
pub(super) struct Latest {
    positions: HashMap<u64, u64>,
    /// The position of the first message of the queue.
    first: u64,
}

/// The hash of the first part of a message, computed once for all queues.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstPartHash(u64);

/// The number of messages that a new one has displaced from a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Displaced {
    /// Messages with another first part.
    pub(crate) missed: u64,
    /// Messages with the same first part.
    pub(crate) replaced: u64,
}

impl FirstPartHash {
    pub(crate) fn of(message: &[u8]) -> Self {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self(KEY.hash_one(first_part(message)))
    }
}

impl Latest {
    /// Returns the index of the message that has the first part of `message`.
    fn find(
        &self,
        FirstPartHash(hash): FirstPartHash,
        message: &[u8],
        queue: &VecDeque<Message>,
    ) -> Option<usize> {
        let position = self.positions.get(&hash)?;
        let index = usize::try_from(position - self.first).ok()?;
        let is_same = first_part(queue.get(index)?) == first_part(message);
        is_same.then_some(index)
    }

    /// Adds the message that will have this index.
    fn add(&mut self, FirstPartHash(hash): FirstPartHash, index: usize) {
        self.positions.insert(hash, self.first + index as u64);
    }

    /// Removes the first message of the queue.
    pub(super) fn remove_first(&mut self, message: &[u8]) {
        let FirstPartHash(hash) = FirstPartHash::of(message);
        if self.positions.get(&hash) == Some(&self.first) {
            self.positions.remove(&hash);
        }
        self.first += 1;
    }

    /// Removes all messages.
    pub(super) fn clear(&mut self) {
        self.positions.clear();
    }
}

impl Outbound {
    /// Queues a message in place of the one with the same first part, if there is one. Removes the
    /// oldest messages if there is no room otherwise. The queue must not be retired, and must not
    /// contain packed messages.
    pub(crate) fn push_latest(
        &mut self,
        message: Message,
        hash: FirstPartHash,
        wakes: &mut Wakes,
    ) -> Displaced {
        debug_assert!(!self.retired && self.pack.is_none());
        let mut displaced = Displaced::default();
        let mut latest = self.latest.take().unwrap_or_default();
        loop {
            let index = latest.find(hash, &message, &self.queue);
            if let Some(index) = index {
                let (others, rest) = (self.len() - 1, self.bytes - bytes(&self.queue[index]));
                if self.hwm.has_room(others, rest) {
                    self.bytes = rest + bytes(&message);
                    self.queue[index] = message;
                    displaced.replaced += 1;
                    break;
                }
            } else if self.queue.is_empty() || self.has_room() {
                latest.add(hash, self.queue.len());
                self.bytes += bytes(&message);
                self.queue.push_back(message);
                break;
            }
            if let Some(oldest) = self.queue.pop_front() {
                latest.remove_first(&oldest);
                self.bytes -= bytes(&oldest);
                let counter =
                    if index == Some(0) { &mut displaced.replaced } else { &mut displaced.missed };
                *counter += 1;
            }
        }
        self.latest = Some(latest);
        self.unpark(wakes);
        displaced
    }
}
