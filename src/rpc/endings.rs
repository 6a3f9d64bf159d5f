//! Ends of connections that wait until all is handled that came before them.

use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::pipe::PipeKey;
use crate::routing::{End, Ends, Heard, Unwritten};

/// What was received through a pipe before its connection ended is handled first: a reply that has
/// arrived has not been lost.
#[derive(Debug)]
pub(super) struct Endings {
    ends: Arc<Ends>,
    /// Of each, so many messages of its pipe are to be handled first.
    pending: Vec<(End, u64)>,
    /// What connections have left that was not written.
    unwritten: Vec<Unwritten>,
}

impl Endings {
    pub(super) const fn new(ends: Arc<Ends>) -> Self {
        Self { ends, pending: Vec::new(), unwritten: Vec::new() }
    }

    /// Takes note of new ends, or waits for some; returns those that nothing comes before. `unread` tells
    /// how many messages are still to be received that do: nobody else receives.
    pub(super) fn poll(&mut self, watcher: &Waker, unread: impl Fn(&End) -> u64) -> Vec<End> {
        let mut due = Vec::new();
        while let Poll::Ready(Heard { ends, unwritten }) = self.ends.poll(watcher) {
            self.unwritten.extend(unwritten);
            for end in ends {
                // The later one says all that the earlier did.
                self.pending.retain(|(earlier, _)| earlier.pipe != end.pipe);
                match unread(&end) {
                    0 => due.push(end),
                    unread => self.pending.push((end, unread)),
                }
            }
        }
        due
    }

    /// Takes out what the connections have left that have ended. It is to be handled before their ends
    /// are, as one of them can say that all is lost that the pipe held.
    pub(super) fn take_unwritten(&mut self) -> Vec<Unwritten> {
        std::mem::take(&mut self.unwritten)
    }

    /// Takes note of a message that was handled; returns the end that it was the last before.
    #[inline]
    pub(super) fn handled(&mut self, pipe: PipeKey) -> Option<End> {
        if self.pending.is_empty() { None } else { self.handled_before(pipe) }
    }

    #[cold]
    fn handled_before(&mut self, pipe: PipeKey) -> Option<End> {
        let at = self.pending.iter().position(|(end, _)| end.pipe == pipe)?;
        let (_, unread) = &mut self.pending[at];
        *unread -= 1;
        if *unread == 0 { Some(self.pending.swap_remove(at).0) } else { None }
    }
}
