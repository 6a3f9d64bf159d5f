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
    /// Removed entries whose remotes may still be connected, and former values of present ones.
    removed: HashMap<K, Vec<Entry<V>>>,
    /// The number of removed keys from which on entries that are no longer needed are dropped.
    prune_at: usize,
}

/// An entry, with the revocation of all admissions by its key and its value.
pub(super) struct Entry<V> {
    pub(super) value: V,
    pub(super) revocation: Revocation,
}

impl<K: Clone + Eq + Hash, V: Eq> Registry<K, V> {
    pub(super) fn insert(&self, key: K, value: V) {
        self.write().insert(key, value);
    }

    /// Returns whether the entry was present.
    pub(super) fn remove(&self, key: &K) -> bool {
        let mut entries = self.write();
        let Some(entry) = entries.present.remove(key) else { return false };
        entries.keep(key.clone(), entry);
        true
    }

    pub(super) fn replace(&self, new: HashMap<K, V>) {
        let mut entries = self.write();
        for (key, entry) in mem::take(&mut entries.present) {
            entries.keep(key, entry);
        }
        for (key, value) in new {
            entries.insert(key, value);
        }
    }

    /// Removes an entry, and ends the connections that were admitted by its key. Returns the number
    /// of established ones.
    pub(super) fn revoke(&self, key: &K) -> usize {
        let (present, removed) = {
            let mut entries = self.write();
            (entries.present.remove(key), entries.removed.remove(key))
        };
        revoke(present.into_iter().chain(removed.into_iter().flatten()))
    }

    /// Removes the entries whose values match, and ends the connections that were admitted by such
    /// values. Returns the number of established ones.
    pub(super) fn revoke_all(&self, matches: impl Fn(&V) -> bool) -> usize {
        let mut matching = Vec::new();
        {
            let mut entries = self.write();
            let Entries { present, removed, .. } = &mut *entries;
            let keys = present.iter().filter(|(_, entry)| matches(&entry.value));
            let keys: Vec<_> = keys.map(|(key, _)| key.clone()).collect();
            matching.extend(keys.iter().filter_map(|key| present.remove(key)));
            removed.retain(|_, entries| {
                let (matched, others) =
                    mem::take(entries).into_iter().partition(|entry| matches(&entry.value));
                *entries = others;
                matching.extend::<Vec<_>>(matched);
                !entries.is_empty()
            });
        }
        revoke(matching)
    }

    /// Ends the connections that removed entries have admitted. Returns the number of established
    /// ones.
    pub(super) fn revoke_removed(&self) -> usize {
        let removed = mem::take(&mut self.write().removed);
        revoke(removed.into_values().flatten())
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

impl<K: Clone + Eq + Hash, V: Eq> Entries<K, V> {
    fn insert(&mut self, key: K, value: V) {
        if self.present.get(&key).is_some_and(|entry| entry.value == value) {
            return;
        }
        let former = self.removed.get_mut(&key).and_then(|removed| {
            let at = removed.iter().position(|entry| entry.value == value)?;
            Some(removed.swap_remove(at))
        });
        let entry = former.unwrap_or_else(|| Entry { value, revocation: Revocation::new() });
        if let Some(changed) = self.present.insert(key.clone(), entry) {
            self.keep(key, changed);
        }
    }

    /// Keeps a removed entry while a remote that it has admitted may be connected. Drops earlier ones
    /// that are no longer needed, so rarely that each removal takes constant time on average.
    fn keep(&mut self, key: K, entry: Entry<V>) {
        if !entry.revocation.is_shared() {
            return;
        }
        if self.removed.len() >= self.prune_at {
            self.removed.retain(|_, removed| {
                removed.retain(|entry| entry.revocation.is_shared());
                !removed.is_empty()
            });
            self.prune_at = (2 * self.removed.len()).max(PRUNE_FROM);
        }
        let removed = self.removed.entry(key).or_default();
        removed.retain(|entry| entry.revocation.is_shared());
        removed.push(entry);
    }
}

impl<K, V> Default for Registry<K, V> {
    fn default() -> Self {
        let (present, removed) = (HashMap::new(), HashMap::new());
        Self(RwLock::new(Entries { present, removed, prune_at: PRUNE_FROM }))
    }
}

/// Ends the connections that these entries have admitted. Returns the number of established ones.
fn revoke<V>(entries: impl IntoIterator<Item = Entry<V>>) -> usize {
    entries.into_iter().map(|entry| entry.revocation.revoke()).sum()
}

/// Fewer removed entries than this are not worth a pass over them.
const PRUNE_FROM: usize = 32;
