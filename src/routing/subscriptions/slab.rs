//! Values in chunks of memory, by their ids.

use std::mem;
use std::ops::{Index, IndexMut};

/// Values in chunks of memory, by their ids.
///
/// Beyond the first chunk, it grows without moving values, so that the time of an insertion does
/// not depend on their number. The memory of a chunk is freed when all its values are removed.
#[derive(Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Chunk<T>>,
    /// The chunks with a free slot.
    open: Vec<u32>,
    len: usize,
}

#[derive(Debug)]
struct Chunk<T> {
    slots: Vec<Slot<T>>,
    first_free: Option<u32>,
    used: usize,
}

#[derive(Debug)]
enum Slot<T> {
    Used(T),
    /// With the next free slot of the chunk.
    Free(Option<u32>),
}

impl<T> Slab<T> {
    /// Adds a value, and returns its id.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        let number = self.open.last().copied().unwrap_or_else(|| {
            let number = u32::try_from(self.chunks.len()).expect("the ids are not used up");
            // The only chunk of a small slab grows with it.
            let capacity = if number == 0 { 0 } else { CHUNK };
            self.chunks.push(Chunk::with_capacity(capacity));
            self.open.push(number);
            number
        });
        let chunk = &mut self.chunks[number as usize];
        let at = chunk.insert(value);
        if chunk.used == CHUNK {
            self.open.pop();
        }
        self.len += 1;
        number * CHUNK as u32 + at
    }

    /// Removes a value.
    pub(super) fn remove(&mut self, id: u32) -> T {
        let (number, at) = position(id);
        let chunk = &mut self.chunks[number];
        if chunk.used == CHUNK {
            self.open.push(id / CHUNK as u32);
        }
        self.len -= 1;
        chunk.remove(at)
    }

    /// Returns the number of values.
    pub(super) const fn len(&self) -> usize {
        self.len
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), open: Vec::new(), len: 0 }
    }
}

impl<T> Chunk<T> {
    fn with_capacity(capacity: usize) -> Self {
        Self { slots: Vec::with_capacity(capacity), first_free: None, used: 0 }
    }

    fn insert(&mut self, value: T) -> u32 {
        self.used += 1;
        if let Some(at) = self.first_free {
            let slot = mem::replace(&mut self.slots[at as usize], Slot::Used(value));
            self.first_free = slot.next_free();
            return at;
        }
        self.slots.push(Slot::Used(value));
        self.slots.len() as u32 - 1
    }

    fn remove(&mut self, at: usize) -> T {
        let slot = mem::replace(&mut self.slots[at], Slot::Free(self.first_free));
        self.first_free = Some(at as u32);
        self.used -= 1;
        if self.used == 0 {
            (self.slots, self.first_free) = (Vec::new(), None);
        }
        slot.into_value()
    }
}

impl<T> Slot<T> {
    fn next_free(&self) -> Option<u32> {
        match self {
            Self::Free(next) => *next,
            Self::Used(_) => None,
        }
    }

    fn into_value(self) -> T {
        match self {
            Self::Used(value) => value,
            Self::Free(_) => unused(),
        }
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    #[inline]
    fn index(&self, id: u32) -> &T {
        let (number, at) = position(id);
        match &self.chunks[number].slots[at] {
            Slot::Used(value) => value,
            Slot::Free(_) => unused(),
        }
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, id: u32) -> &mut T {
        let (number, at) = position(id);
        match &mut self.chunks[number].slots[at] {
            Slot::Used(value) => value,
            Slot::Free(_) => unused(),
        }
    }
}

#[inline]
const fn position(id: u32) -> (usize, usize) {
    (id as usize / CHUNK, id as usize % CHUNK)
}

#[cold]
fn unused() -> ! {
    unreachable!("an id is used only while its value exists")
}

/// The number of values in a chunk.
const CHUNK: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_removed_values_are_used_again() {
        let mut slab = Slab::default();
        let ids: Vec<_> = (0..2_000).map(|value| slab.insert(value)).collect();
        for (value, id) in ids.iter().enumerate().filter(|(value, _)| value % 3 == 0) {
            assert_eq!(slab.remove(*id), value);
        }
        let chunks = slab.chunks.len();
        for value in (0..2_000).filter(|value| value % 3 == 0) {
            slab.insert(value + 2_000);
        }
        assert_eq!((slab.len(), slab.chunks.len()), (2_000, chunks));
        for (value, id) in ids.iter().enumerate() {
            let is_replaced = slab[*id] >= 2_000;
            assert!(is_replaced == (value % 3 == 0) && (is_replaced || slab[*id] == value));
        }
    }

    #[test]
    fn the_memory_of_an_empty_chunk_is_freed() {
        let mut slab = Slab::default();
        let ids: Vec<_> = (0..2_000).map(|value| slab.insert(value)).collect();
        for id in ids {
            slab.remove(id);
        }
        assert_eq!(slab.len(), 0);
        assert!(slab.chunks.iter().all(|chunk| chunk.slots.capacity() == 0));
        let id = slab.insert(7);
        assert_eq!(slab[id], 7);
    }
}
