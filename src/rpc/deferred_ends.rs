//! Defers the ends of connections until all messages received before them are handled.

use crate::socket::tracked::{
    ConnectionEnd, ConnectionEnds, PipeKey, ReportedEnds, ReturnedMessage,
};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::task::{Poll, Waker};

/// The ends of connections that are not due yet. Messages that a pipe received before its
/// connection ended are handled first: a reply that has arrived is not lost.
#[derive(Debug)]
pub(super) struct DeferredEnds {
    ends: Arc<ConnectionEnds>,
    /// The ends by pipe, each with the number of messages of the pipe to handle first.
    pending: HashMap<PipeKey, (ConnectionEnd, u64)>,
    /// Messages that ended connections did not write.
    unwritten: Vec<ReturnedMessage>,
}

impl DeferredEnds {
    pub(super) fn new(ends: Arc<ConnectionEnds>) -> Self {
        Self { ends, pending: HashMap::new(), unwritten: Vec::new() }
    }

    /// Takes all new ends, or registers the waker for the next; returns those that are due
    /// immediately. `unread` returns the number of messages that precede an end and have not been
    /// received yet. No other task may receive.
    pub(super) fn poll(
        &mut self,
        watcher: &Waker,
        unread: impl Fn(&ConnectionEnd) -> u64,
    ) -> Vec<ConnectionEnd> {
        let mut due = Vec::new();
        while let Poll::Ready(ReportedEnds { ends, unwritten }) = self.ends.poll(watcher) {
            self.unwritten.extend(unwritten);
            for end in ends {
                // A later end covers the earlier one of the same pipe.
                self.pending.remove(&end.pipe);
                match unread(&end) {
                    0 => due.push(end),
                    unread => {
                        self.pending.insert(end.pipe, (end, unread));
                    }
                }
            }
        }
        due
    }

    /// Takes the messages that ended connections did not write. They must be handled before the
    /// ends, because an end can report that all messages of its pipe are lost.
    pub(super) fn take_unwritten(&mut self) -> Vec<ReturnedMessage> {
        std::mem::take(&mut self.unwritten)
    }

    /// Counts a handled message of a pipe; returns the end that is due after it, if any.
    #[inline]
    pub(super) fn handled(&mut self, pipe: PipeKey) -> Option<ConnectionEnd> {
        if self.pending.is_empty() { None } else { self.handled_before(pipe) }
    }

    #[cold]
    fn handled_before(&mut self, pipe: PipeKey) -> Option<ConnectionEnd> {
        let Entry::Occupied(mut pending) = self.pending.entry(pipe) else { return None };
        let (_, unread) = pending.get_mut();
        *unread -= 1;
        if *unread == 0 { Some(pending.remove().0) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use slotmap::SlotMap;

    use super::*;

    #[test]
    fn an_end_is_due_after_the_last_message_of_its_own_pipe() {
        let mut pipes = SlotMap::with_key();
        let [a, b, c] = [(); 3].map(|()| pipes.insert(()));
        let ends = Arc::new(ConnectionEnds::default());
        ends.watch();
        let mut endings = DeferredEnds::new(Arc::clone(&ends));
        for (pipe, arrived) in [(a, 2), (b, 1), (c, 0)] {
            let end = ConnectionEnd { pipe, inbound: pipe, arrived, written: 0, gone: true };
            assert!(ends.report(end, Vec::new()).is_empty());
        }
        let due = endings.poll(Waker::noop(), |end| end.arrived);
        assert_eq!(due.iter().map(|end| end.pipe).collect::<Vec<_>>(), [c]);
        assert_eq!(endings.handled(a), None);
        assert_eq!(endings.handled(b).map(|end| end.pipe), Some(b));
        assert_eq!(endings.handled(b), None);
        assert_eq!(endings.handled(a).map(|end| end.pipe), Some(a));
        assert!(endings.pending.is_empty());
    }
}
