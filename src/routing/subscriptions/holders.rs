//! The subscribers of one topic.

use std::slice;

/// The subscribers of one topic, in the order of their numbers, each once. A single one needs no
/// memory of its own.
#[derive(Debug, Default)]
pub(super) enum Holders {
    #[default]
    None,
    One(Holder),
    Many(Box<ManyHolders>),
}

/// A subscriber of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) subscriber: u32,
    /// The position of the topic in the list of the subscriber's topics.
    pub(super) position: u32,
}

#[derive(Debug)]
pub(super) struct ManyHolders(Vec<Holder>);

impl Holders {
    #[inline]
    pub(super) fn as_slice(&self) -> &[Holder] {
        match self {
            Self::None => &[],
            Self::One(holder) => slice::from_ref(holder),
            Self::Many(holders) => &holders.0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(super) fn contains(&self, subscriber: u32) -> bool {
        self.find(subscriber).is_ok()
    }

    /// Adds a subscriber, which must not be among them.
    pub(super) fn insert(&mut self, holder: Holder) {
        let at = self.find(holder.subscriber).unwrap_or_else(|at| at);
        match self {
            Self::None => *self = Self::One(holder),
            Self::One(only) => {
                let mut holders = Vec::with_capacity(2);
                holders.push(*only);
                holders.insert(at, holder);
                *self = Self::Many(Box::new(ManyHolders(holders)));
            }
            Self::Many(holders) => holders.0.insert(at, holder),
        }
    }

    /// Removes a subscriber. Returns the position of the topic in the list of its topics.
    pub(super) fn remove(&mut self, subscriber: u32) -> Option<u32> {
        let at = self.find(subscriber).ok()?;
        let Self::Many(holders) = self else {
            let position = self.as_slice()[at].position;
            *self = Self::None;
            return Some(position);
        };
        let holders = &mut holders.0;
        let Holder { position, .. } = holders.remove(at);
        if let [holder] = holders[..] {
            *self = Self::One(holder);
        } else if holders.len() < holders.capacity() / 4 {
            holders.shrink_to(holders.len() * 2);
        }
        Some(position)
    }

    /// Records that the topic has another position in the list of a subscriber.
    pub(super) fn set_position(&mut self, subscriber: u32, position: u32) {
        let Ok(at) = self.find(subscriber) else { return };
        match self {
            Self::None => {}
            Self::One(holder) => holder.position = position,
            Self::Many(holders) => holders.0[at].position = position,
        }
    }

    fn find(&self, subscriber: u32) -> Result<usize, usize> {
        self.as_slice().binary_search_by_key(&subscriber, |holder| holder.subscriber)
    }
}
