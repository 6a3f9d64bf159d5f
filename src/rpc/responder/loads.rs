//! The load of each remote on a responder.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::backlog::{Backlog, BacklogEntry};
use super::budget::Budget;
use super::limits::Limits;
use crate::socket::tracked::PipeKey;

/// The remotes with requests in progress, and their order.
///
/// Invariants: `running` and `waiting` are the sums over all remotes; `order` contains exactly the
/// remotes that have waiting requests and no backlog, each at its current position.
#[derive(Debug)]
pub(super) struct Loads {
    limits: Limits,
    remotes: HashMap<PipeKey, Load>,
    order: BTreeSet<LoadOrder>,
    running: usize,
    waiting: usize,
    /// The number of waiting requests that have been started.
    started: u64,
    /// The number of backlogs so far.
    backlogs: u64,
}

/// The sort key of a remote: first the fewest running requests, then the oldest turn.
type LoadOrder = (usize, u64, PipeKey);

#[derive(Debug, Default)]
struct Load {
    running: usize,
    waiting: usize,
    /// The bytes of the bodies of its waiting requests.
    bytes: usize,
    /// The number of its last turn.
    turn: u64,
    /// The messages that wait for queue capacity, in order. It exists from the first of them until
    /// all are queued.
    backlog: Option<Backlog>,
    /// The bytes that may be kept for it. Created when first requested.
    budget: Option<Arc<Budget>>,
}

impl Load {
    const fn is_listed(&self) -> bool {
        self.waiting > 0 && self.backlog.is_none()
    }

    const fn is_idle(&self) -> bool {
        self.running == 0 && self.waiting == 0 && self.backlog.is_none()
    }
}

impl Loads {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            remotes: HashMap::new(),
            order: BTreeSet::new(),
            running: 0,
            waiting: 0,
            started: 0,
            backlogs: 0,
        }
    }

    /// Returns whether no remote has a request in progress or a backlog.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.remotes.is_empty()
    }

    /// Returns whether a request that has just arrived may be started before all waiting ones.
    pub(super) fn may_start(&self, pipe: PipeKey) -> bool {
        let running = match self.remotes.get(&pipe) {
            Some(load) if load.waiting > 0 || load.backlog.is_some() => return false,
            Some(load) => load.running,
            None => 0,
        };
        self.may_run(running) && self.next().is_none()
    }

    /// Returns the remote whose waiting request is started next, if one may be started.
    pub(super) fn next(&self) -> Option<PipeKey> {
        let (running, _, pipe) = self.order.first()?;
        self.may_run(*running).then_some(*pipe)
    }

    /// Returns whether a waiting request may be started as soon as another request ends.
    pub(super) fn is_anything_next(&self) -> bool {
        !self.order.is_empty()
    }

    fn may_run(&self, running: usize) -> bool {
        self.limits.running.admits(running, self.running)
    }

    pub(super) fn start(&mut self, pipe: PipeKey) {
        self.running += 1;
        self.change(pipe, |load| load.running += 1);
    }

    pub(super) fn end(&mut self, pipe: PipeKey) {
        self.running -= 1;
        self.change(pipe, |load| load.running -= 1);
    }

    /// Acquires a slot for a waiting request of `bytes` bytes; returns false if the remote may not
    /// have one. A remote with a backlog may always hold `received` requests: those that were
    /// received together with the request whose reply waits for queue capacity.
    pub(super) fn enter(&mut self, pipe: PipeKey, bytes: usize, received: usize) -> bool {
        let Limits { waiting, bytes: most, .. } = self.limits;
        let taken = self.waiting;
        let is_in = self.change(pipe, |load| {
            let fits = load.waiting == 0 || load.bytes.saturating_add(bytes) <= most;
            let is_held_back = load.backlog.is_some() && load.waiting < received;
            let is_in = is_held_back || fits && waiting.admits(load.waiting, taken);
            if is_in {
                load.waiting += 1;
                load.bytes += bytes;
            }
            is_in
        });
        self.waiting += usize::from(is_in);
        is_in
    }

    /// Releases the slot of a waiting request that has ended.
    pub(super) fn leave(&mut self, pipe: PipeKey, bytes: usize) {
        self.waiting -= 1;
        self.change(pipe, |load| {
            load.waiting -= 1;
            load.bytes -= bytes;
        });
    }

    /// Releases the slot of a waiting request that is started, and records the turn of its remote.
    pub(super) fn take_turn(&mut self, pipe: PipeKey, bytes: usize) {
        self.started += 1;
        let turn = self.started;
        self.waiting -= 1;
        self.change(pipe, |load| {
            load.waiting -= 1;
            load.bytes -= bytes;
            load.turn = turn;
        });
    }

    /// Returns whether messages wait for queue capacity of a remote.
    pub(super) fn has_backlog(&self, pipe: PipeKey) -> bool {
        self.remotes.get(&pipe).is_some_and(|load| load.backlog.is_some())
    }

    /// Adds a message to the backlog of a remote; returns the number of the backlog if it is the
    /// first.
    pub(super) fn push(&mut self, pipe: PipeKey, entry: BacklogEntry) -> Option<u64> {
        let number = self.backlogs + 1;
        let is_first = self.change(pipe, |load| {
            let is_first = load.backlog.is_none();
            let new = || Backlog { number, entries: VecDeque::new() };
            load.backlog.get_or_insert_with(new).entries.push_back(entry);
            is_first
        });
        self.backlogs += u64::from(is_first);
        is_first.then_some(number)
    }

    /// Returns whether a backlog still exists.
    pub(super) fn is_current(&self, pipe: PipeKey, number: u64) -> bool {
        let backlog = self.remotes.get(&pipe).and_then(|load| load.backlog.as_ref());
        backlog.is_some_and(|backlog| backlog.number == number)
    }

    /// Takes the message that has waited the longest. If none is left, removes the backlog.
    pub(super) fn pop(&mut self, pipe: PipeKey) -> Option<BacklogEntry> {
        let backlog = self.remotes.get_mut(&pipe)?.backlog.as_mut()?;
        if let Some(entry) = backlog.entries.pop_front() {
            return Some(entry);
        }
        self.change(pipe, |load| load.backlog = None);
        None
    }

    /// Takes all messages of the backlog, which stays. They will not be sent.
    pub(super) fn take_backlog(&mut self, pipe: PipeKey) -> VecDeque<BacklogEntry> {
        let load = self.remotes.get_mut(&pipe);
        let backlog = load.and_then(|load| load.backlog.as_mut());
        backlog.map(|backlog| std::mem::take(&mut backlog.entries)).unwrap_or_default()
    }

    /// Takes all messages and removes the backlog; later messages form a new one.
    pub(super) fn drop_backlog(&mut self, pipe: PipeKey) -> VecDeque<BacklogEntry> {
        let backlog = self.change(pipe, |load| load.backlog.take());
        backlog.map(|backlog| backlog.entries).unwrap_or_default()
    }

    /// Returns the budget of bytes that may be kept for a remote.
    pub(super) fn budget(&mut self, pipe: PipeKey) -> Arc<Budget> {
        let bytes = self.limits.bytes;
        let make = || Arc::new(Budget::new(bytes));
        match self.remotes.get_mut(&pipe) {
            Some(load) => Arc::clone(load.budget.get_or_insert_with(make)),
            None => make(),
        }
    }

    pub(super) const fn running(&self) -> usize {
        self.running
    }

    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Changes the load of a remote, and updates its position.
    fn change<T>(&mut self, pipe: PipeKey, change: impl FnOnce(&mut Load) -> T) -> T {
        let Self { remotes, order, started, .. } = self;
        // A new or returning remote is ordered behind those that already wait for a turn.
        let load =
            remotes.entry(pipe).or_insert_with(|| Load { turn: *started, ..Load::default() });
        if load.is_listed() {
            order.remove(&(load.running, load.turn, pipe));
        }
        let changed = change(load);
        if load.is_listed() {
            order.insert((load.running, load.turn, pipe));
        } else if load.is_idle() {
            remotes.remove(&pipe);
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;
    use crate::rpc::responder::job_id::JobId;
    use crate::rpc::responder::limits::RemoteLimit;

    #[test]
    fn remotes_take_turns_and_the_one_with_the_fewest_running_goes_first() {
        let (mut loads, [a, b, c]) = loads(100);
        for (pipe, requests) in [(a, 4), (b, 2), (c, 1)] {
            for _ in 0..requests {
                assert!(loads.enter(pipe, 1, 0));
            }
        }
        assert_eq!(turns(&mut loads, false), [a, b, c, a, b, a, a]);
        for (pipe, requests) in [(a, 3), (b, 3)] {
            for _ in 0..requests {
                assert!(loads.enter(pipe, 1, 0));
            }
        }
        loads.start(a);
        assert_eq!(turns(&mut loads, true), [b, a, b, a, b, a]);
        assert!(!loads.is_empty());
    }

    #[test]
    fn remotes_with_endless_requests_take_turns() {
        let (mut loads, [a, b, _]) = loads(1);
        for pipe in [a, b] {
            assert!(loads.enter(pipe, 1, 0));
        }
        let mut served = Vec::new();
        for _ in 0..6 {
            let pipe = loads.next().expect("the slot is free");
            loads.take_turn(pipe, 1);
            loads.start(pipe);
            // It sends the next request as soon as one is started.
            assert!(loads.enter(pipe, 1, 0));
            loads.end(pipe);
            served.push(pipe);
        }
        assert_eq!(served, [a, b, a, b, a, b]);
    }

    #[test]
    fn a_remote_with_a_backlog_has_no_turn() {
        let (mut loads, [a, b, _]) = loads(100);
        assert!(loads.enter(a, 1, 0) && loads.enter(b, 1, 0));
        let id = |call| JobId { pipe: a, tag: 0, call };
        assert_eq!(loads.push(a, BacklogEntry::notice(id(1))), Some(1));
        assert_eq!(loads.push(a, BacklogEntry::notice(id(2))), None);
        assert_eq!(loads.next(), Some(b));
        loads.take_turn(b, 1);
        assert_eq!(loads.next(), None);
        assert!(loads.may_start(b) && !loads.may_start(a));
        assert!(loads.pop(a).is_some() && loads.pop(a).is_some());
        assert!(loads.has_backlog(a), "the last has not been sent yet");
        assert!(loads.pop(a).is_none());
        assert_eq!(loads.next(), Some(a));
        assert_eq!(loads.push(a, BacklogEntry::notice(id(3))), Some(2), "it is another one");
        assert!(loads.is_current(a, 2) && !loads.is_current(a, 1));
    }

    #[test]
    fn the_waiting_requests_of_one_remote_are_bounded_in_bytes() {
        let (mut loads, [a, b, _]) = loads(100);
        assert!(loads.enter(a, 2_000, 0), "one request is always accepted");
        assert!(!loads.enter(a, 1, 0));
        assert!(loads.enter(b, 400, 0) && loads.enter(b, 600, 0) && !loads.enter(b, 1, 0));
        loads.leave(b, 400);
        assert!(loads.enter(b, 400, 0));
        for (pipe, bytes) in [(a, 2_000), (b, 600), (b, 400)] {
            loads.leave(pipe, bytes);
        }
        assert!(loads.is_empty() && loads.waiting() == 0);
    }

    #[test]
    fn a_remote_at_its_share_waits_and_others_do_not() {
        let (mut loads, [a, b, _]) = loads(2);
        loads.start(a);
        assert!(!loads.may_start(a) && loads.may_start(b));
        assert!(loads.enter(a, 1, 0));
        assert_eq!(loads.next(), None);
        assert!(loads.may_start(b), "the waiting remote may not start one");
        loads.end(a);
        assert_eq!(loads.next(), Some(a));
        assert!(!loads.may_start(b), "it is a's turn");
    }

    fn loads(running: usize) -> (Loads, [PipeKey; 3]) {
        let mut pipes = SlotMap::with_key();
        let limit = |all| RemoteLimit { all, each: usize::MAX };
        let limits = Limits { running: limit(running), waiting: limit(100), bytes: 1_000 };
        (Loads::new(limits), [(); 3].map(|()| pipes.insert(())))
    }

    fn turns(loads: &mut Loads, they_run: bool) -> Vec<PipeKey> {
        std::iter::from_fn(|| {
            let pipe = loads.next()?;
            loads.take_turn(pipe, 1);
            if they_run {
                loads.start(pipe);
            }
            Some(pipe)
        })
        .collect()
    }
}
