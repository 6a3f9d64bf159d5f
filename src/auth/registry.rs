//! A list of credentials, and the revocations of the remotes that it has admitted.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Revocation;

/// A list whose entries admit remotes.
pub(super) struct Registry<K, V>(RwLock<Entries<K, V>>);

struct Entries<K, V> {
    present: HashMap<K, Entry<V>>,
    /// The revocations of removed entries whose remotes may still be connected.
    removed: HashMap<K, Revocation>,
    /// The number of removed entries from which on those that are no longer needed are dropped.
    prune_at: usize,
}

/// An entry, with the revocation of all its admissions.
pub(super) struct Entry<V> {
    pub(super) value: V,
    pub(super) revocation: Revocation,
}

impl<K: Clone + Eq + Hash, V> Registry<K, V> {
    pub(super) fn insert(&self, key: K, value: V) {
        self.write().insert(key, value);
    }

    /// Returns whether the entry was present.
    pub(super) fn remove(&self, key: &K) -> bool {
        let mut entries = self.write();
        let Some(Entry { revocation, .. }) = entries.present.remove(key) else { return false };
        entries.keep(key.clone(), revocation);
        true
    }

    pub(super) fn replace(&self, new: HashMap<K, V>) {
        let mut entries = self.write();
        for (key, Entry { revocation, .. }) in mem::take(&mut entries.present) {
            entries.keep(key, revocation);
        }
        for (key, value) in new {
            entries.insert(key, value);
        }
    }

    /// Removes an entry, and ends the connections that it has admitted. Returns the number of
    /// established ones.
    pub(super) fn revoke(&self, key: &K) -> usize {
        let revocation = {
            let mut entries = self.write();
            let present = entries.present.remove(key).map(|entry| entry.revocation);
            present.or_else(|| entries.removed.remove(key))
        };
        revocation.map_or(0, |revocation| revocation.revoke())
    }

    /// Ends the connections that removed entries have admitted. Returns the number of established
    /// ones.
    pub(super) fn revoke_removed(&self) -> usize {
        let removed = mem::take(&mut self.write().removed);
        removed.into_values().map(|revocation| revocation.revoke()).sum()
    }

    /// Returns the keys of the entries that match.
    pub(super) fn keys(&self, matches: impl Fn(&V) -> bool) -> Vec<K> {
        let entries = self.read();
        let matching = entries.present.iter().filter(|(_, entry)| matches(&entry.value));
        matching.map(|(key, _)| key.clone()).collect()
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.read().present.contains_key(key)
    }

    pub(super) fn len(&self) -> usize {
        self.read().present.len()
    }

    /// Passes the present entries to a function.
    pub(super) fn with<R>(&self, look_up: impl FnOnce(&HashMap<K, Entry<V>>) -> R) -> R {
        look_up(&self.read().present)
    }

    // Only hashing a key could panic under these locks, and that does not change the list.

    fn read(&self) -> RwLockReadGuard<'_, Entries<K, V>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries<K, V>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, V> Entries<K, V> {
    fn insert(&mut self, key: K, value: V) {
        if let Some(entry) = self.present.get_mut(&key) {
            entry.value = value;
            return;
        }
        let revocation = self.removed.remove(&key).unwrap_or_default();
        self.present.insert(key, Entry { value, revocation });
    }

    /// Keeps the revocation of a removed entry while a remote that it has admitted may be
    /// connected. Drops those of earlier ones that are no longer needed, so rarely that each removal
    /// takes constant time on average.
    fn keep(&mut self, key: K, revocation: Revocation) {
        if !revocation.is_shared() {
            return;
        }
        if self.removed.len() >= self.prune_at {
            self.removed.retain(|_, revocation| revocation.is_shared());
            self.prune_at = (2 * self.removed.len()).max(PRUNE_FROM);
        }
        self.removed.insert(key, revocation);
    }
}

impl<K, V> Default for Registry<K, V> {
    fn default() -> Self {
        let (present, removed) = (HashMap::new(), HashMap::new());
        Self(RwLock::new(Entries { present, removed, prune_at: PRUNE_FROM }))
    }
}

/// Fewer removed entries than this are not worth a pass over them.
const PRUNE_FROM: usize = 32;
