//! The calls of a requester.

mod answer;
mod stranded;
mod streams;

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use slotmap::Key;
use tokio::time::Instant;

pub(super) use self::answer::Answer;
use super::call_limit::CallLimit;
use super::reply_parts::ReplyParts;
use crate::message::Message;
use crate::rpc::CallError;
use crate::rpc::clock::Clock;
use crate::rpc::stats::RequesterStats;
use crate::socket::tracked::{ConnectionEnd, PipeKey, QueuePosition};
use crate::sync::Wakes;

/// All calls of one requester, each in a slot that its id refers to.
///
/// No method wakes a task: the lock wakes the wakers that its critical section collects.
#[derive(Debug)]
pub(super) struct Calls {
    slots: Vec<CallSlot>,
    free: Vec<usize>,
    pub(super) admission: CallLimit,
    pub(super) clock: Clock,
    /// The number of calls without an outcome.
    outstanding: u64,
    /// Streams whose credit could not be queued.
    owing: Vec<u64>,
    /// Requests that were returned before they were written, and wait for a server.
    stranded: VecDeque<(u64, Message)>,
    closed: bool,
    stats: RequesterStats,
}

#[derive(Debug)]
struct CallSlot {
    /// The number of earlier calls in this slot.
    generation: u64,
    /// Whether each of the latest earlier calls had a reply. The lowest bit stands for the last
    /// call.
    answered: u64,
    /// The position of the request. The pipe is null while the request is stranded.
    position: QueuePosition,
    /// The number of connections that the remote ended when the request was partly written.
    interruptions: u8,
    deadline: Option<Instant>,
    state: CallState,
}

#[derive(Debug)]
pub(super) enum CallState {
    Free,
    Waiting(Waker),
    /// It has an outcome that has not been fetched.
    Done {
        outcome: Result<Message, CallError>,
        by_reply: bool,
    },
    /// It is a stream, which may have an end that has not been fetched.
    Stream(Box<ReplyParts>),
}

/// The pipe of the server to send a cancellation to, if any.
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

    /// Adds a call whose request is queued at `position`; a stream, if it has an inbox. Returns its
    /// id.
    #[inline]
    pub(super) fn enter(
        &mut self,
        position: QueuePosition,
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
                (slot.position, slot.interruptions) = (position, 0);
                (slot.deadline, slot.state) = (deadline, state);
                index
            }
            None => {
                let (generation, answered, interruptions) = (0, 0, 0);
                self.slots.push(CallSlot {
                    generation,
                    answered,
                    position,
                    interruptions,
                    deadline,
                    state,
                });
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
        match find(&mut self.slots, id).map(|(index, slot)| (index, &mut slot.state)) {
            Some((_, CallState::Waiting(waiting))) => {
                waiting.clone_from(waker);
                Poll::Pending
            }
            Some((index, CallState::Done { outcome, .. })) => {
                let outcome = std::mem::replace(outcome, Err(CallError::Closed));
                self.release(index);
                self.admission.leave(wakes);
                Poll::Ready(outcome)
            }
            // No call has this id, or it belongs to a stream, which is polled elsewhere.
            Some((_, CallState::Stream(_) | CallState::Free)) | None => {
                Poll::Ready(Err(CallError::Closed))
            }
        }
    }

    /// Removes a dropped call. Returns the pipe of its server if it had no outcome, and its state,
    /// to be dropped without the lock.
    pub(super) fn abandon(&mut self, id: u64, wakes: &mut Wakes) -> (AskedPipe, Option<CallState>) {
        let Some((index, slot)) = find(&mut self.slots, id) else { return (None, None) };
        let pipe = slot.position.pipe;
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

    /// Handles an answer to a call. Returns the pipe of the server if the answer violates the
    /// protocol, so that a cancellation must be sent.
    #[inline]
    pub(super) fn handle(
        &mut self,
        from: PipeKey,
        id: u64,
        answer: Answer,
        wakes: &mut Wakes,
    ) -> AskedPipe {
        let found = find(&mut self.slots, id).filter(|(_, slot)| slot.position.pipe == from);
        let Some((index, slot)) = found else {
            self.count_stray(from, id, &answer);
            return None;
        };
        match (&mut slot.state, answer) {
            (CallState::Free | CallState::Done { .. }, answer) => {
                self.count_stray(from, id, &answer);
            }
            (CallState::Stream(inbox), answer) if inbox.has_ended() => {
                self.count_stray(from, id, &answer);
            }
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
        }
        None
    }

    /// Fails the calls of all ended connections in one pass over the slots.
    pub(super) fn fail_ended(&mut self, ends: &[ConnectionEnd], wakes: &mut Wakes) {
        let mut ends = ends.to_vec();
        ends.sort_unstable_by_key(|end| end.pipe);
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            if !slot.is_outstanding() {
                continue;
            }
            let found = ends.binary_search_by_key(&slot.position.pipe, |end| end.pipe);
            let Ok(end) = found.map(|at| ends[at]) else { continue };
            if slot.position.number < end.written {
                self.stats.connection_lost += 1;
                self.settle(index, Err(CallError::ConnectionLost), false, wakes);
            } else if end.gone {
                self.stats.undelivered += 1;
                self.settle(index, Err(CallError::Undelivered), false, wakes);
            }
        }
    }

    /// Fails the calls whose deadline has passed, if the clock has fired.
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
                // A stranded request was written to no server.
                let is_sent = !slot.position.pipe.is_null();
                let error = if is_sent { CallError::DeadlineExceeded } else { CallError::NotSent };
                self.settle(index, Err(error), false, wakes);
            } else {
                next = Some(next.map_or(deadline, |next: Instant| next.min(deadline)));
            }
        }
        self.clock.set(now, next, self.slots.len());
    }

    /// Fails all calls, including later ones.
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

    /// Counts a call that ended before it was sent.
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

    /// Sets the outcome of a call, and collects the waker of the waiting task.
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

    /// Releases a slot for another call.
    #[inline]
    fn release(&mut self, index: usize) -> CallState {
        let slot = &mut self.slots[index];
        let state = std::mem::replace(&mut slot.state, CallState::Free);
        slot.answered = slot.answered << 1 | u64::from(state.is_answered());
        slot.generation = (slot.generation + 1) & GENERATION_MAX;
        self.free.push(index);
        state
    }

    /// Counts an answer that no call waits for, unless it is unreadable.
    #[cold]
    fn count_stray(&mut self, from: PipeKey, id: u64, answer: &Answer) {
        if let Answer::Unreadable = answer {
            return;
        }
        let index = usize::try_from(id & INDEX_MAX).unwrap_or(usize::MAX);
        let generation = id >> INDEX_BITS;
        let was_answered = self.slots.get(index).and_then(|slot| {
            if slot.generation == generation {
                let is_its_own =
                    slot.position.pipe == from && !matches!(slot.state, CallState::Free);
                return is_its_own.then(|| slot.state.is_answered());
            }
            // The outcomes of older calls are not recorded: their replies count as late.
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

/// Returns the slot of a call with its index, unless the call has been removed.
#[inline]
fn find(slots: &mut [CallSlot], id: u64) -> Option<(usize, &mut CallSlot)> {
    let index = usize::try_from(id & INDEX_MAX).ok()?;
    let slot = slots.get_mut(index)?;
    let is_match = slot.generation == id >> INDEX_BITS && !matches!(slot.state, CallState::Free);
    is_match.then_some((index, slot))
}

/// The lower bits of an id hold the index of its slot, the upper bits the generation. The
/// generation repeats after weeks in a slot that is used a million times a second.
const INDEX_BITS: u32 = 24;
const INDEX_MAX: u64 = (1 << INDEX_BITS) - 1;
const GENERATION_MAX: u64 = u64::MAX >> INDEX_BITS;

/// The number of calls that can have different slots.
pub(super) const CALLS_MAX: usize = 1 << INDEX_BITS;

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;

    #[test]
    fn the_outcomes_of_the_last_64_calls_of_a_slot_are_known() {
        let pipe = SlotMap::<PipeKey, ()>::with_key().insert(());
        let mut calls = Calls::new(10);
        let ids: Vec<_> =
            (0..66u64).map(|number| call(&mut calls, pipe, number % 2 == 0)).collect();
        assert!(ids.iter().all(|id| id & INDEX_MAX == 0), "all were in one slot");
        for id in &ids {
            calls.handle(pipe, *id, Answer::End, &mut Wakes::None);
        }
        // The outcomes of the first two are no longer known: their replies count as late.
        let stats = calls.stats();
        assert_eq!((stats.duplicate, stats.late, stats.unknown), (32, 34, 0));
        assert!(stats.is_consistent());
    }

    #[test]
    fn an_end_fails_written_calls_and_unwritten_ones_only_if_the_pipe_is_gone() {
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
        calls.fail_ended(&[end], &mut woken);
        assert_eq!(woken.len(), 1);
        assert_eq!(outcome(&mut calls, first), Some(Err(CallError::ConnectionLost)));
        assert_eq!(outcome(&mut calls, second), None);
        end.gone = true;
        calls.fail_ended(&[end], &mut woken);
        assert_eq!(outcome(&mut calls, second), Some(Err(CallError::Undelivered)));
        assert_eq!(outcome(&mut calls, elsewhere), None);
    }

    /// Adds a call, and ends it with a reply or drops it.
    fn call(calls: &mut Calls, pipe: PipeKey, is_answered: bool) -> u64 {
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
