//! The members of one group.

use std::slice;

use crate::pipe::PipeKey;

/// The pipes whose remotes have joined a group, each once. A single one needs no memory of its own.
#[derive(Debug)]
pub(super) enum Members {
    Many(Vec<PipeKey>),
    One(PipeKey),
}

impl Members {
    #[inline]
    pub(super) fn as_slice(&self) -> &[PipeKey] {
        match self {
            Self::Many(keys) => keys,
            Self::One(key) => slice::from_ref(key),
        }
    }

    pub(super) fn push(&mut self, key: PipeKey) {
        match self {
            Self::Many(keys) if keys.is_empty() => *self = Self::One(key),
            Self::Many(keys) => keys.push(key),
            Self::One(first) => *self = Self::Many(vec![*first, key]),
        }
    }

    pub(super) fn remove(&mut self, key: PipeKey) {
        match self {
            Self::Many(keys) => {
                // From the end, so that a remote that joins and leaves repeatedly is found
                // immediately.
                let Some(at) = keys.iter().rposition(|member| *member == key) else { return };
                keys.swap_remove(at);
                if let [key] = keys[..] {
                    *self = Self::One(key);
                } else if keys.len() < keys.capacity() / 4 {
                    keys.shrink_to(keys.len() * 2);
                }
            }
            Self::One(only) if *only == key => *self = Self::Many(Vec::new()),
            Self::One(_) => {}
        }
    }
}

impl From<&[PipeKey]> for Members {
    fn from(keys: &[PipeKey]) -> Self {
        match keys {
            [key] => Self::One(*key),
            keys => Self::Many(keys.to_vec()),
        }
    }
}
