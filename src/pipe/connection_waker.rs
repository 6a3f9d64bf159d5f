//! A connection that waits for its queue.

use std::task::Waker;

/// The waker of a pipe's connection, while that has nothing to do or no room.
#[derive(Debug, Default)]
pub(super) struct ConnectionWaker(Option<Waker>);

impl ConnectionWaker {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    pub(super) fn park(&mut self, connection: &Waker) {
        match &mut self.0 {
            Some(parked) => parked.clone_from(connection),
            None => self.0 = Some(connection.clone()),
        }
    }

    /// Moves the waker to `woken`, which keeps what it has if nobody is parked.
    #[inline]
    pub(super) fn unpark(&mut self, woken: &mut Option<Waker>) {
        if self.0.is_some() {
            *woken = self.0.take();
        }
    }

    #[inline]
    pub(super) const fn is_parked(&self) -> bool {
        self.0.is_some()
    }
}
