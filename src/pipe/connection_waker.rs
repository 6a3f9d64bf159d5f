//! The waker of a connection that waits for its queue.

use std::task::Waker;

use crate::sync::Wakes;

/// The waker of a pipe's connection while it is idle or waits for queue capacity.
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

    /// Wakes the connection, if it waits.
    #[inline]
    pub(super) fn unpark(&mut self, wakes: &mut Wakes) {
        if self.is_parked() {
            self.move_to(wakes);
        }
    }

    /// It is not inlined, to stay out of the path of a message that wakes no task.
    #[inline(never)]
    fn move_to(&mut self, wakes: &mut Wakes) {
        wakes.extend(self.0.take());
    }

    /// Removes the waker.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    #[inline]
    pub(super) const fn is_parked(&self) -> bool {
        self.0.is_some()
    }
}
