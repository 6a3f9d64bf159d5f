//! The calls that are under way.

mod answer;
mod stranded;

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use slotmap::Key;
use tokio::time::Instant;

pub(super) use self::answer::Answer;
use super::call_limit::CallLimit;
use super::reply_parts::{NextPart, ReplyParts};
use crate::message::Message;
use crate::rpc::CallError;
use crate::rpc::clock::Clock;
use crate::rpc::stats::RequesterStats;
use crate::socket::tracked::{ConnectionEnd, PipeKey, QueuePosition};
use crate::sync::Wakes;

/// All calls of one requester, each in a slot, by which its id finds it.
///
/// Nothing is woken in here: the lock wakes what its critical section collects.
#[derive(Debug)]
pub(super) struct Calls {
    slots: Vec<CallSlot>,
    free: Vec<usize>,
    pub(super) admission: CallLimit,
    pub(super) clock: Clock,
    /// Calls that have no outcome yet.
    outstanding: u64,
    /// Streams whose credit found no room.
    owing: Vec<u64>,
    /// Requests that were returned before they were written, and wait for a server.
    stranded: VecDeque<(u64, Message)>,
    closed: bool,
    stats: RequesterStats,
}

#[derive(Debug)]
struct CallSlot {
    /// How many calls there have been in this slot before.
    generation: u64,
    /// Of the latest of those, the last one in the lowest bit, whether they had a reply.
    answered: u64,
    /// No pipe, while the request is stranded.
    place: QueuePosition,
    /// How many connections were ended by the remote when part of the request was written.
    cut_off: u8,
    deadline: Option<Instant>,
    state: CallState,
}

#[derive(Debug)]
pub(super) enum CallState {
    Free,
    Waiting(Waker),
    /// Has an outcome that was not fetched yet.
    Done {
        outcome: Result<Message, CallError>,
        by_reply: bool,
    },
    /// A stream, which may have an end that was not fetched yet.
    Stream(Box<ReplyParts>),
}

/// The pipe that the request of an abandoned call was queued in.
pub(super) type AskedPipe = Option<PipeKey>;

impl Calls {
    pub(super) fn new(max: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            admission: CallLimit::new(max),
            clock: Clock::default(),
            outstanding: 0,
            owing: Vec::new(),
            stranded: VecDeque::new(),
            closed: false,
            stats: RequesterStats::default(),
        }
    }

    /// Adds a call whose request is queued at this place; a stream, if it has an inbox. Returns its id.
    #[inline]
    pub(super) fn enter(
        &mut self,
        place: QueuePosition,
        deadline: Option<Instant>,
        waker: &Waker,
        inbox: Option<Box<ReplyParts>>,
    ) -> u64 {
        let state = match inbox {
            None => CallState::Waiting(waker.clone()),
            Some(inbox) => CallState::Stream(inbox),
        };
        let index = match self.free.pop() {
            Some(index) => {
                let slot = &mut self.slots[index];
                (slot.place, slot.cut_off) = (place, 0);
                (slot.deadline, slot.state) = (deadline, state);
                index
            }
            None => {
                let (generation, answered, cut_off) = (0, 0, 0);
                self.slots.push(CallSlot { generation, answered, place, cut_off, deadline, state });
                self.slots.len() - 1
            }
        };
        self.outstanding += 1;
        self.stats.sent += 1;
        self.slots[index].generation << INDEX_BITS | index as u64
    }

    /// Takes the outcome of a call, or waits for it.
    #[inline]
    pub(super) fn poll(
        &mut self,
        id: u64,
        waker: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Result<Message, CallError>> {
        let Some((index, slot)) = find(&mut self.slots, id) else {
            return Poll::Ready(Err(CallError::Closed));
        };
        match &mut slot.state {
            CallState::Waiting(waiting) => {
                waiting.clone_from(waker);
                Poll::Pending
            }
            CallState::Done { .. } => {
                let CallState::Done { outcome, .. } = self.release(index) else {
                    unreachable!("it is done")
                };
                self.admission.leave(wakes);
                Poll::Ready(outcome)
            }
            CallState::Stream(_) | CallState::Free => {
                unreachable!("it is a call, which is under way")
            }
        }
    }

    /// Takes the next part of a stream, or waits for it; tells where it comes from. After its end the
    /// call is over.
    pub(super) fn poll_next(
        &mut self,
        id: u64,
        waker: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<(NextPart, PipeKey)> {
        let Some((index, slot)) = find(&mut self.slots, id) else {
            return Poll::Ready((NextPart::End(Ok(())), PipeKey::default()));
        };
        let pipe = slot.place.pipe;
        let CallState::Stream(inbox) = &mut slot.state else { unreachable!("it is a stream") };
        match inbox.poll_next(waker) {
            Poll::Ready(next @ NextPart::Part(..)) => Poll::Ready((next, pipe)),
            Poll::Ready(end) => {
                self.release(index);
                self.admission.leave(wakes);
                Poll::Ready((end, pipe))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Abandons a call; returns the server that it was sent to, if there was no outcome yet. Everything
    /// that it had received is returned, to be dropped without the lock.
    pub(super) fn abandon(&mut self, id: u64, wakes: &mut Wakes) -> (AskedPipe, Option<CallState>) {
        let Some((index, slot)) = find(&mut self.slots, id) else { return (None, None) };
        let pipe = slot.place.pipe;
        let is_outstanding = slot.is_outstanding();
        if is_outstanding {
            self.outstanding -= 1;
            self.stats.cancelled += 1;
        }
        let state = self.release(index);
        let asked = (is_outstanding && !pipe.is_null()).then_some(pipe);
        self.admission.leave(wakes);
        (asked, Some(state))
    }

    /// Takes note of what a server says of a call. Tells whom a call is to be cancelled with that has
    /// failed by that.
    #[inline]
    pub(super) fn handle(
        &mut self,
        from: PipeKey,
        id: u64,
        word: Answer,
        wakes: &mut Wakes,
    ) -> AskedPipe {
        let is_meant = |slot: &CallSlot| slot.place.pipe == from && slot.is_outstanding();
        let found = find(&mut self.slots, id).filter(|(_, slot)| is_meant(slot));
        let Some((index, slot)) = found else {
            if !matches!(word, Answer::Unreadable) {
                self.count_stray(from, id);
            }
            return None;
        };
        match (&mut slot.state, word) {
            (CallState::Waiting(_), Answer::Reply(body)) => {
                self.stats.answered += 1;
                self.settle(index, Ok(body), true, wakes);
            }
            (CallState::Waiting(_), Answer::Error(failure)) => {
                self.stats.failed += 1;
                self.settle(index, Err(CallError::Failed(failure)), true, wakes);
            }
            (CallState::Stream(_), Answer::Unreadable)
            | (CallState::Waiting(_), Answer::Part(_) | Answer::End | Answer::Unreadable) => {
                self.stats.bad_replies += 1;
                self.settle(index, Err(CallError::BadReply), false, wakes);
                return Some(from);
            }
            (CallState::Stream(inbox), Answer::Part(body)) => {
                if !inbox.push(body, wakes) {
                    self.stats.bad_replies += 1;
                    self.settle(index, Err(CallError::BadReply), false, wakes);
                    return Some(from);
                }
            }
            (CallState::Stream(inbox), Answer::Reply(body)) => {
                inbox.push_last(body);
                self.stats.answered += 1;
                self.settle(index, Ok(Message::new()), true, wakes);
            }
            (CallState::Stream(_), Answer::End) => {
                self.stats.answered += 1;
                self.settle(index, Ok(Message::new()), true, wakes);
            }
            (CallState::Stream(_), Answer::Error(failure)) => {
                self.stats.failed += 1;
                self.settle(index, Err(CallError::Failed(failure)), true, wakes);
            }
            (CallState::Free | CallState::Done { .. }, _) => unreachable!("it is outstanding"),
        }
        None
    }

    /// Fails the calls of all ended connections in one pass over the slots.
    pub(super) fn lose(&mut self, ends: &[ConnectionEnd], wakes: &mut Wakes) {
        let mut ends = ends.to_vec();
        ends.sort_unstable_by_key(|end| end.pipe);
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            if !slot.is_outstanding() {
                continue;
            }
            let found = ends.binary_search_by_key(&slot.place.pipe, |end| end.pipe);
            let Ok(end) = found.map(|at| ends[at]) else { continue };
            if slot.place.number < end.written {
                self.stats.connection_lost += 1;
                self.settle(index, Err(CallError::ConnectionLost), false, wakes);
            } else if end.gone {
                self.stats.undelivered += 1;
                self.settle(index, Err(CallError::Undelivered), false, wakes);
            }
        }
    }

    /// Fails the calls whose time is over, if it is time to look.
    pub(super) fn expire(&mut self, now: Instant, wakes: &mut Wakes) {
        if !self.clock.is_due(now) {
            return;
        }
        let mut next = None;
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            let Some(deadline) = slot.deadline.filter(|_| slot.is_outstanding()) else { continue };
            if deadline <= now {
                self.stats.deadline_exceeded += 1;
                self.settle(index, Err(CallError::DeadlineExceeded), false, wakes);
            } else {
                next = Some(next.map_or(deadline, |next: Instant| next.min(deadline)));
            }
        }
        self.clock.set(now, next, self.slots.len());
    }

    /// Fails all calls, and all to come.
    pub(super) fn close(&mut self, wakes: &mut Wakes) {
        self.closed = true;
        for index in 0..self.slots.len() {
            if self.slots[index].is_outstanding() {
                self.stats.closed += 1;
                self.settle(index, Err(CallError::Closed), false, wakes);
            }
        }
        self.admission.close(wakes);
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Notes that credit could not be sent, as there was no room.
    pub(super) fn owe(&mut self, id: u64, parts: u32) {
        if let Some((_, CallSlot { state: CallState::Stream(inbox), .. })) =
            find(&mut self.slots, id)
        {
            inbox.owe(parts);
            self.owing.push(id);
        }
    }

    /// Takes out the credit that is owed to a stream's server. Nothing if none is owed to anybody.
    pub(super) fn take_owed(&mut self) -> Option<(u64, PipeKey, u32)> {
        while let Some(id) = self.owing.pop() {
            let Some((_, slot)) = find(&mut self.slots, id) else { continue };
            if let CallState::Stream(inbox) = &mut slot.state {
                let parts = inbox.take_owed();
                if parts > 0 {
                    return Some((id, slot.place.pipe, parts));
                }
            }
        }
        None
    }

    pub(super) fn is_owing(&self) -> bool {
        !self.owing.is_empty()
    }

    /// Counts a call that has ended before it was sent.
    pub(super) fn count_never_sent(&mut self) {
        self.stats.never_sent += 1;
    }

    pub(super) fn count_malformed(&mut self) {
        self.stats.malformed += 1;
    }

    pub(super) fn count_cancel_unsent(&mut self) {
        self.stats.cancels_unsent += 1;
    }

    pub(super) fn stats(&self) -> RequesterStats {
        RequesterStats { outstanding: self.outstanding, ..self.stats }
    }

    /// Gives a call its outcome, and hands out who waits for it.
    #[inline]
    fn settle(
        &mut self,
        index: usize,
        outcome: Result<Message, CallError>,
        by_reply: bool,
        wakes: &mut Wakes,
    ) {
        self.outstanding -= 1;
        let slot = &mut self.slots[index];
        if let CallState::Stream(inbox) = &mut slot.state {
            inbox.end(outcome.map(drop), by_reply, wakes);
        } else if let CallState::Waiting(waker) =
            std::mem::replace(&mut slot.state, CallState::Done { outcome, by_reply })
        {
            wakes.add(waker);
        }
    }

    /// Frees a slot for another call.
    #[inline]
    fn release(&mut self, index: usize) -> CallState {
        let slot = &mut self.slots[index];
        let state = std::mem::replace(&mut slot.state, CallState::Free);
        slot.answered = slot.answered << 1 | u64::from(state.is_answered());
        slot.generation = (slot.generation + 1) & GENERATION_MAX;
        self.free.push(index);
        state
    }

    /// Counts a reply that no call waits for.
    #[cold]
    fn count_stray(&mut self, from: PipeKey, id: u64) {
        let index = usize::try_from(id & INDEX_MAX).unwrap_or(usize::MAX);
        let generation = id >> INDEX_BITS;
        let was_answered = self.slots.get(index).and_then(|slot| {
            if slot.generation == generation {
                let is_its_own = slot.place.pipe == from && !matches!(slot.state, CallState::Free);
                return is_its_own.then(|| slot.state.is_answered());
            }
            // Of calls long ago it is not known any more, so that they count as late.
            let age = slot.generation.checked_sub(generation + 1)?;
            Some(age < 64 && slot.answered >> age & 1 == 1)
        });
        match was_answered {
            Some(true) => self.stats.duplicate += 1,
            Some(false) => self.stats.late += 1,
            None => self.stats.unknown += 1,
        }
    }
}

impl CallSlot {
    #[inline]
    fn is_outstanding(&self) -> bool {
        match &self.state {
            CallState::Free | CallState::Done { .. } => false,
            CallState::Waiting(_) => true,
            CallState::Stream(inbox) => !inbox.has_ended(),
        }
    }
}

impl CallState {
    fn is_answered(&self) -> bool {
        match self {
            Self::Done { by_reply, .. } => *by_reply,
            Self::Stream(inbox) => inbox.is_answered(),
            Self::Free | Self::Waiting(_) => false,
        }
    }
}

/// The slot of a call that is under way.
#[inline]
fn find(slots: &mut [CallSlot], id: u64) -> Option<(usize, &mut CallSlot)> {
    let index = usize::try_from(id & INDEX_MAX).ok()?;
    let slot = slots.get_mut(index)?;
    let is_it = slot.generation == id >> INDEX_BITS && !matches!(slot.state, CallState::Free);
    is_it.then_some((index, slot))
}

/// An id is the number of its slot in the lower bits, and above them the generation, which comes round
/// after weeks in a slot that is used a million times a second.
const INDEX_BITS: u32 = 24;
const INDEX_MAX: u64 = (1 << INDEX_BITS) - 1;
const GENERATION_MAX: u64 = u64::MAX >> INDEX_BITS;

/// More calls than this have no ids.
pub(super) const CALLS_MAX: usize = 1 << INDEX_BITS;

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;

    #[test]
    fn what_a_call_that_ended_had_is_remembered_for_some_time() {
        let pipe = SlotMap::<PipeKey, ()>::with_key().insert(());
        let mut calls = Calls::new(10);
        let ids: Vec<_> =
            (0..66u64).map(|number| make(&mut calls, pipe, number % 2 == 0)).collect();
        assert!(ids.iter().all(|id| id & INDEX_MAX == 0), "all were in one slot");
        for id in &ids {
            calls.handle(pipe, *id, Answer::End, &mut Wakes::None);
        }
        // Of the first two nothing is known any more: they count as late, whatever they were.
        let stats = calls.stats();
        assert_eq!((stats.duplicate, stats.late, stats.unknown), (32, 34, 0));
        assert!(stats.is_consistent());
    }

    #[test]
    fn of_a_pipe_that_ends_the_written_fail_and_the_others_only_if_it_has_gone() {
        let mut pipes = SlotMap::with_key();
        let [pipe, other] = [(); 2].map(|()| pipes.insert(()));
        let mut calls = Calls::new(10);
        let mut enter = |pipe, number| {
            assert!(calls.admission.poll_enter(&mut None, Waker::noop()).is_ready());
            calls.enter(QueuePosition { pipe, number }, None, Waker::noop(), None)
        };
        let [first, second, elsewhere] = [enter(pipe, 0), enter(pipe, 1), enter(other, 0)];
        let mut end = ConnectionEnd { pipe, inbound: pipe, arrived: 0, written: 1, gone: false };
        let mut woken = Wakes::None;
        calls.lose(&[end], &mut woken);
        assert_eq!(woken.len(), 1);
        assert_eq!(outcome(&mut calls, first), Some(Err(CallError::ConnectionLost)));
        assert_eq!(outcome(&mut calls, second), None);
        end.gone = true;
        calls.lose(&[end], &mut woken);
        assert_eq!(outcome(&mut calls, second), Some(Err(CallError::Undelivered)));
        assert_eq!(outcome(&mut calls, elsewhere), None);
    }

    /// A call that is made, and ends with a reply or is given up.
    fn make(calls: &mut Calls, pipe: PipeKey, is_answered: bool) -> u64 {
        assert!(calls.admission.poll_enter(&mut None, Waker::noop()).is_ready());
        let id = calls.enter(QueuePosition { pipe, number: 0 }, None, Waker::noop(), None);
        if is_answered {
            calls.handle(pipe, id, Answer::Reply(Message::new()), &mut Wakes::None);
            assert_eq!(outcome(calls, id), Some(Ok(Message::new())));
        } else {
            assert_eq!(calls.abandon(id, &mut Wakes::None).0, Some(pipe));
        }
        id
    }

    fn outcome(calls: &mut Calls, id: u64) -> Option<Result<Message, CallError>> {
        let polled = calls.poll(id, Waker::noop(), &mut Wakes::None);
        if let Poll::Ready(outcome) = polled { Some(outcome) } else { None }
    }
}
