//! Ends of connections, for a watcher that has to know which messages were lost.

use std::collections::HashMap;
use std::mem;
use std::task::{Poll, Waker};

use crate::pipe::PipeKey;
use crate::routing::ReturnedMessage;
use crate::sync::Lock;

/// The ends that were not reported yet, at most one for each pipe, so that they are bounded
/// by the number of pipes since the last report.
#[derive(Debug, Default)]
pub(crate) struct ConnectionEnds(Lock<Option<WatchedEnds>>);

#[derive(Debug, Default)]
struct WatchedEnds {
    /// The number of watches so far. Only the latest is active.
    watches: u64,
    pending: HashMap<PipeKey, ConnectionEnd>,
    unwritten: Vec<ReturnedMessage>,
    watcher: Option<Waker>,
}

/// All ends and messages that the watcher receives with one call.
#[derive(Debug)]
pub(crate) struct ReportedEnds {
    pub(crate) ends: Vec<ConnectionEnd>,
    /// The messages that ended connections have left.
    pub(crate) unwritten: Vec<ReturnedMessage>,
}

/// The end of a pipe's last connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionEnd {
    pub(crate) pipe: PipeKey,
    /// The half for messages of the remote.
    pub(crate) inbound: PipeKey,
    /// The number of messages of the pipe that arrived before the end.
    pub(crate) arrived: u64,
    /// The number of messages of the pipe that were written completely, on this or an earlier
    /// connection. Later ones wait for the next connection, or are lost if the pipe is `gone`.
    pub(crate) written: u64,
    /// Whether no other connection will follow.
    pub(crate) gone: bool,
}

impl ConnectionEnds {
    /// Starts to keep ends for a new watcher. Returns the number of this watch, and wakes the
    /// previous watcher.
    pub(crate) fn watch(&self) -> u64 {
        self.0.with(|watched, wakes| {
            let WatchedEnds { watches, watcher, .. } = watched.get_or_insert_default();
            *watches += 1;
            wakes.extend(watcher.take());
            *watches
        })
    }

    /// Drops all kept ends, and waits for more. Returns `false` if another watch has begun since
    /// this one.
    pub(crate) fn discard(&self, watch: u64, watcher: &Waker) -> bool {
        let mut watched = self.0.lock();
        let latest = watched.as_mut().filter(|watched| watched.watches == watch);
        let Some(WatchedEnds { pending, unwritten, watcher: waiting, .. }) = latest else {
            return false;
        };
        *pending = HashMap::new();
        *waiting = Some(watcher.clone());
        let unwritten = mem::take(unwritten);
        drop(watched);
        drop(unwritten);
        true
    }

    /// Stops keeping ends. Returns the messages that the watcher has not received.
    pub(crate) fn unwatch(&self) -> Vec<ReturnedMessage> {
        self.0.lock().take().map(|watched| watched.unwritten).unwrap_or_default()
    }

    /// Returns whether there is a watcher. The watcher may stop before the next call.
    pub(crate) fn are_watched(&self) -> bool {
        self.0.lock().is_some()
    }

    /// Takes all kept ends, or waits for one. Only one task can wait.
    pub(crate) fn poll(&self, watcher: &Waker) -> Poll<ReportedEnds> {
        let mut watched = self.0.lock();
        let watched = watched.get_or_insert_default();
        if watched.pending.is_empty() {
            watched.watcher = Some(watcher.clone());
            return Poll::Pending;
        }
        // Draining it would take time proportional to its capacity.
        let ends = mem::take(&mut watched.pending).into_values().collect();
        Poll::Ready(ReportedEnds { ends, unwritten: mem::take(&mut watched.unwritten) })
    }

    /// Reports an end, with the messages that the connection left. Returns these messages if there
    /// is no watcher.
    #[must_use]
    pub(crate) fn report(
        &self,
        end: ConnectionEnd,
        left: Vec<ReturnedMessage>,
    ) -> Vec<ReturnedMessage> {
        self.0.with(|watched, wakes| {
            let Some(WatchedEnds { pending, unwritten, watcher, .. }) = watched else {
                return left;
            };
            pending.insert(end.pipe, end);
            unwritten.extend(left);
            wakes.extend(watcher.take());
            Vec::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;
    use crate::message::Message;
    use crate::routing::QueuePosition;

    #[test]
    fn the_last_end_of_each_pipe_is_kept() {
        let mut pipes = SlotMap::with_key();
        let [a, b] = [(); 2].map(|()| pipes.insert(()));
        let ends = ConnectionEnds::default();
        let returned = ends.report(end(a, 1), vec![left(a, 1)]);
        assert_eq!(returned.len(), 1, "there is no watcher");
        assert!(ends.poll(Waker::noop()).is_pending(), "there is no watcher");
        assert!(ends.report(end(a, 2), vec![left(a, 2)]).is_empty());
        assert!(ends.report(end(b, 0), vec![]).is_empty());
        assert!(ends.report(end(a, 5), vec![left(a, 5)]).is_empty());
        let Poll::Ready(mut reported) = ends.poll(Waker::noop()) else {
            panic!("no end was reported")
        };
        reported.ends.sort_by_key(|end| end.written);
        assert_eq!(reported.ends, [end(b, 0), end(a, 5)]);
        let left: Vec<_> = reported.unwritten.iter().map(|left| left.position.number).collect();
        assert_eq!(left, [2, 5], "the messages of both ends");
        assert!(ends.poll(Waker::noop()).is_pending());
    }

    fn left(pipe: PipeKey, number: u64) -> ReturnedMessage {
        ReturnedMessage {
            message: Message::new(),
            position: QueuePosition { pipe, number },
            interrupted_by: None,
        }
    }

    fn end(pipe: PipeKey, written: u64) -> ConnectionEnd {
        ConnectionEnd { pipe, inbound: pipe, arrived: 0, written, gone: false }
    }
}
