//! The children of a node, by their first byte.

use std::mem;

/// The children of a node, by the first byte of their edges.
///
/// Most nodes have none or one, which take no memory of their own.
#[derive(Debug, Default)]
pub(super) enum Children {
    #[default]
    None,
    One(Child),
    /// In the order of their bytes.
    Few(Vec<Child>),
    Many(Box<ManyChildren>),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Child {
    byte: u8,
    node: u32,
}

#[derive(Debug)]
pub(super) struct ManyChildren {
    /// `ABSENT` where there is none.
    nodes: [u32; 0x100],
    len: usize,
}

impl Children {
    #[inline]
    pub(super) fn get(&self, byte: u8) -> Option<u32> {
        match self {
            Self::None => None,
            Self::One(child) => (child.byte == byte).then_some(child.node),
            Self::Few(children) => children
                .binary_search_by_key(&byte, |child| child.byte)
                .ok()
                .map(|at| children[at].node),
            Self::Many(children) => {
                Some(children.nodes[usize::from(byte)]).filter(|node| *node != ABSENT)
            }
        }
    }

    /// Returns the child, if there is only one.
    pub(super) fn only(&self) -> Option<u32> {
        match self {
            Self::One(child) => Some(child.node),
            _ => None,
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Adds a child, or replaces the one with the same byte.
    pub(super) fn insert(&mut self, byte: u8, node: u32) {
        let child = Child { byte, node };
        match self {
            Self::None => *self = Self::One(child),
            Self::One(only) if only.byte == byte => *only = child,
            Self::One(only) => {
                let mut children = vec![*only, child];
                children.sort_unstable_by_key(|child| child.byte);
                *self = Self::Few(children);
            }
            Self::Few(children) => match children.binary_search_by_key(&byte, |child| child.byte) {
                Ok(at) => children[at] = child,
                Err(_) if children.len() == FEW_MAX => {
                    let mut many = ManyChildren { nodes: [ABSENT; 0x100], len: 0 };
                    for Child { byte, node } in children.iter().copied().chain([child]) {
                        many.insert(byte, node);
                    }
                    *self = Self::Many(Box::new(many));
                }
                Err(at) => children.insert(at, child),
            },
            Self::Many(children) => children.insert(byte, node),
        }
    }

    pub(super) fn remove(&mut self, byte: u8) {
        match self {
            Self::One(child) if child.byte == byte => *self = Self::None,
            Self::None | Self::One(_) => {}
            Self::Few(children) => {
                children.retain(|child| child.byte != byte);
                if let [child] = children[..] {
                    *self = Self::One(child);
                } else if children.len() <= children.capacity() / 4 {
                    children.shrink_to_fit();
                }
            }
            Self::Many(children) => {
                children.remove(byte);
                if children.len <= FEW_MAX / 2 {
                    *self = Self::Few(children.iter().collect());
                }
            }
        }
    }
}

impl ManyChildren {
    fn insert(&mut self, byte: u8, node: u32) {
        let replaced = mem::replace(&mut self.nodes[usize::from(byte)], node);
        self.len += usize::from(replaced == ABSENT);
    }

    fn remove(&mut self, byte: u8) {
        let removed = mem::replace(&mut self.nodes[usize::from(byte)], ABSENT);
        self.len -= usize::from(removed != ABSENT);
    }

    fn iter(&self) -> impl Iterator<Item = Child> {
        let children = (0..=u8::MAX).zip(&self.nodes).filter(|(_, node)| **node != ABSENT);
        children.map(|(byte, node)| Child { byte, node: *node })
    }
}

/// Stands for no node. No id is as large.
const ABSENT: u32 = u32::MAX;

/// The largest number of children that are found by a binary search. More have an entry for each
/// byte, which takes 1 KiB in total: as much as a list that has grown beyond this number.
const FEW_MAX: usize = 64;
