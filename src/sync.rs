//! The lock through which tasks and handles share state.
//!
//! It wraps the mutex of `std`. In the models of `socket` it wraps the mutex of a model checker,
//! which decides at each lock and each wait which task runs next.

use std::fmt;
use std::mem;
use std::sync::PoisonError;
use std::task::Waker;

#[cfg(all(test, shuttle))]
use shuttle::sync::Mutex;
#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::MutexGuard;
#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::atomic::AtomicU8;
#[cfg(not(all(test, shuttle)))]
use std::sync::Mutex;
#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::MutexGuard;
#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::atomic::AtomicU8;

/// A mutex without poisoning, whose critical sections collect the tasks to wake.
///
/// A waker can run any code, for example the transfer of messages over `inproc`. It is therefore
/// called after the lock is released. A panic under the lock can only come from foreign code, when
/// a waker is cloned or dropped or a recorder takes statistics, and leaves no change half done.
#[derive(Default)]
pub(crate) struct Lock<T: ?Sized>(Mutex<T>);

/// The tasks that a critical section wakes. One waker needs no allocation.
///
/// With an explicit tag, setting and testing the usual case, no task, take one instruction each.
#[derive(Debug, Default)]
#[repr(u8)]
pub(crate) enum Wakes {
    #[default]
    None,
    One(Waker),
    Many(Vec<Waker>),
}

/// Wakes the collected tasks when it is dropped, so that the result of the section need not be
/// moved.
struct Collected(Wakes);

impl Drop for Collected {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.0, Wakes::None) {
            mem::take(&mut self.0).wake();
        }
    }
}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }
}

impl<T: ?Sized> Lock<T> {
    /// Runs a critical section, releases the lock, and then wakes the tasks that the section has
    /// collected.
    #[inline]
    pub(crate) fn with<R>(&self, section: impl FnOnce(&mut T, &mut Wakes) -> R) -> R {
        let mut collected = Collected(Wakes::None);
        // The guard is a temporary value, which is dropped before `collected`.
        section(&mut self.lock(), &mut collected.0)
    }

    /// Runs a critical section like [`with`](Self::with), with the `wakes` of the caller, which
    /// must be empty and keep their allocation.
    pub(crate) fn with_wakes<R>(
        &self,
        wakes: &mut Wakes,
        section: impl FnOnce(&mut T, &mut Wakes) -> R,
    ) -> R {
        let result = section(&mut self.lock(), wakes);
        wakes.wake_all();
        result
    }

    /// Continues a critical section that wakes no task with one that does, like
    /// [`with`](Self::with).
    pub(crate) fn continue_with<R>(
        guard: MutexGuard<'_, T>,
        section: impl FnOnce(&mut T, &mut Wakes) -> R,
    ) -> R {
        let mut collected = Collected(Wakes::None);
        // Dropped before `collected`.
        let mut guard = guard;
        section(&mut guard, &mut collected.0)
    }

    /// Acquires the lock, for a section that wakes no task, or that is part of a section under
    /// another lock.
    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Wakes {
    /// Adds a task.
    #[inline]
    pub(crate) fn add(&mut self, waker: Waker) {
        match self {
            Self::None => *self = Self::One(waker),
            Self::One(_) | Self::Many(_) => self.add_more(waker),
        }
    }

    #[cold]
    fn add_more(&mut self, waker: Waker) {
        match mem::take(self) {
            Self::None => *self = Self::One(waker),
            Self::One(first) => *self = Self::Many(vec![first, waker]),
            Self::Many(mut wakers) => {
                wakers.push(waker);
                *self = Self::Many(wakers);
            }
        }
    }

    /// Wakes all tasks. It is not inlined, so that a section that wakes no task costs one
    /// comparison.
    #[cold]
    fn wake(self) {
        match self {
            Self::None => {}
            Self::One(waker) => waker.wake(),
            Self::Many(wakers) => wakers.into_iter().for_each(Waker::wake),
        }
    }

    /// Wakes all tasks, and keeps the allocation.
    pub(crate) fn wake_all(&mut self) {
        match self {
            Self::None => {}
            Self::One(_) => mem::take(self).wake(),
            Self::Many(wakers) => wakers.drain(..).for_each(Waker::wake),
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Many(wakers) => wakers.len(),
        }
    }
}

impl Extend<Waker> for Wakes {
    #[inline]
    fn extend<I: IntoIterator<Item = Waker>>(&mut self, wakers: I) {
        for waker in wakers {
            self.add(waker);
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    /// Counts how often it is woken while the lock is free.
    struct Counter {
        lock: Arc<Lock<()>>,
        woken: AtomicUsize,
    }

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            let is_free = self.lock.0.try_lock().is_ok();
            self.woken.fetch_add(usize::from(is_free), Ordering::Relaxed);
        }
    }

    #[test]
    fn tasks_are_woken_after_the_lock_is_released() {
        let lock = Arc::new(Lock::new(()));
        let counter = Counter { lock: Arc::clone(&lock), woken: AtomicUsize::new(0) };
        let counter = Arc::new(counter);
        let waker = Waker::from(Arc::clone(&counter));
        let mut kept = Wakes::None;
        for wakers in 0..4 {
            lock.with(|(), wakes| wakes.extend(vec![waker.clone(); wakers]));
            lock.with_wakes(&mut kept, |(), wakes| wakes.extend(vec![waker.clone(); wakers]));
            assert_eq!(kept.len(), 0);
            assert_eq!(counter.woken.swap(0, Ordering::Relaxed), 2 * wakers);
        }
    }

    #[test]
    fn a_panic_does_not_poison_the_lock() {
        let lock = Arc::new(Lock::new(1));
        let other = Arc::clone(&lock);
        let panicked = std::thread::spawn(move || other.with(|_, _| panic!("on purpose")));
        assert!(panicked.join().is_err());
        assert_eq!(*lock.lock(), 1);
    }
}
