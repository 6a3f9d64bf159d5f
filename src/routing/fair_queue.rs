//! Fair queuing over the remotes that have sent messages (libzmq `fq`), for all types that receive:
//! DISH and SUB behind a filter.

mod filter;
mod notices;
mod paused;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::mem;
use std::task::{Poll, Waker};

use slotmap::SlotMap;

use self::filter::Wanted;
use self::notices::Notices;
use crate::message::Message;
use crate::pipe::{Delivery, HighWaterMark, Inbound, PipeKey, Room, Ticket, Unmoved, Waiters};
use crate::remote::Remote;
use crate::routing::ended_pipes::EndedPipes;
use crate::routing_id::RoutingId;
use crate::stats::EndedRemotes;
use crate::sync::Wakes;

/// Receives one message from each remote in turn (RFC 41, For processing incoming messages).
///
/// Invariants: `ready` contains every pipe that holds messages and is not paused exactly once, and
/// the `stale` pipes. For every message, either no receiver waits or one has been woken.
#[derive(Debug)]
pub(crate) struct FairQueue {
    pipes: SlotMap<PipeKey, PipeSlot>,
    /// The high-water mark of each pipe.
    hwm: HighWaterMark,
    /// The pipe of the next message is at the front.
    ready: VecDeque<PipeKey>,
    waiters: Waiters,
    /// The unread messages of ended pipes.
    ended_pipes: EndedPipes,
    closed: bool,
    wanted: Wanted,
    /// The number of paused pipes in `ready`. None of them is at the front.
    stale: usize,
    /// The unread notices, if the application receives the requests of subscribers.
    notices: Option<Box<Notices>>,
}

#[derive(Debug)]
struct PipeSlot {
    inbound: Inbound,
    /// The number of pauses that have not ended. No message is received from the pipe until all
    /// have ended.
    pauses: u32,
    /// Whether the pipe is paused and still in `ready`.
    stale: bool,
    holds: PipeUse,
    /// The number of bytes that the pipe of an ended remote keeps.
    kept: usize,
    /// The other half of the pipe.
    outbound: PipeKey,
}

/// The messages that a pipe holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PipeUse {
    /// Messages of a remote that has not ended.
    Live,
    /// Messages of an ended remote. The pipe is removed when it is empty.
    Ended,
    /// The notices of all remotes.
    Notices,
}

/// The queue is closed and empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

impl FairQueue {
    /// Creates an empty queue. `hwm` is the high-water mark of each pipe, and `ended_hwm` the limit
    /// of all ended pipes together, in bytes.
    pub(crate) fn new(hwm: HighWaterMark, ended_hwm: usize) -> Self {
        Self {
            pipes: SlotMap::with_key(),
            hwm,
            ready: VecDeque::new(),
            waiters: Waiters::default(),
            ended_pipes: EndedPipes::new(ended_hwm),
            closed: false,
            wanted: Wanted::None,
            stale: 0,
            notices: None,
        }
    }

    /// Creates a queue of a socket that never receives. Messages of a remote that sends some all
    /// the same are not queued, and are counted as unread when it leaves.
    pub(crate) fn closed() -> Self {
        Self { closed: true, ..Self::new(HighWaterMark::new(0, 0), 0) }
    }

    /// Adds a remote.
    pub(crate) fn attach(&mut self, id: Option<RoutingId>) -> PipeKey {
        self.insert(id, PipeUse::Live)
    }

    fn insert(&mut self, id: Option<RoutingId>, holds: PipeUse) -> PipeKey {
        self.pipes.insert(PipeSlot {
            inbound: Inbound::new(self.hwm, id),
            pauses: 0,
            stale: false,
            holds,
            kept: 0,
            outbound: PipeKey::default(),
        })
    }

    /// Records the other half of a pipe.
    pub(crate) fn join(&mut self, key: PipeKey, outbound: PipeKey) {
        if let Some(slot) = self.pipes.get_mut(key) {
            slot.outbound = outbound;
        }
    }

    /// Returns the total number of messages that were queued in a pipe.
    pub(crate) fn arrived(&self, key: PipeKey) -> u64 {
        self.pipes.get(key).map_or(0, |slot| slot.inbound.arrived())
    }

    /// Returns the number of unread messages among the first `arrived` messages of a pipe.
    pub(crate) fn unread(&self, key: PipeKey, arrived: u64) -> u64 {
        let Some(slot) = self.pipes.get(key) else { return 0 };
        let received = slot.inbound.arrived() - slot.inbound.len() as u64;
        arrived.saturating_sub(received)
    }

    /// Queues the messages that an ended connection left, regardless of the high-water mark.
    /// Returns the messages that will not be received. The caller drops them after it has released
    /// the lock, because bodies can have owners outside of this crate.
    pub(crate) fn push_rest(
        &mut self,
        key: PipeKey,
        rest: impl IntoIterator<Item = Delivery>,
        wakes: &mut Wakes,
    ) -> Vec<Delivery> {
        let mut queued = 0;
        let slot = self.pipes.get_mut(key);
        let Some(slot) = slot.filter(|_| !self.closed) else {
            return rest.into_iter().collect();
        };
        let was_empty = slot.inbound.is_empty();
        for arrival in rest {
            queued += slot.inbound.push_last(arrival);
        }
        self.announce(key, was_empty, queued, wakes);
        Vec::new()
    }

    /// Ends a remote, which is removed when all its messages are received. Queues the `rest`, which
    /// waited for queue capacity, because no connection is left to wait for it. Returns the
    /// messages that will not be received; the caller drops them after it has released the lock.
    pub(crate) fn end(
        &mut self,
        key: PipeKey,
        rest: impl IntoIterator<Item = Delivery>,
        wakes: &mut Wakes,
    ) -> Vec<Delivery> {
        self.resume_fully(key, wakes);
        let Some(slot) = self.pipes.get_mut(key) else { return rest.into_iter().collect() };
        let was_empty = slot.inbound.is_empty();
        let (mut queued, mut unread) = (0, Vec::new());
        for arrival in rest {
            if self.closed {
                unread.push(arrival);
            } else {
                queued += slot.inbound.push_last(arrival);
            }
        }
        if slot.inbound.is_empty() {
            self.pipes.remove(key);
        } else {
            (slot.holds, slot.kept) = (PipeUse::Ended, slot.inbound.kept());
            self.ended_pipes.add(slot.inbound.len(), slot.kept, wakes);
        }
        self.end_notices(key, wakes);
        self.announce(key, was_empty, queued, wakes);
        unread
    }

    /// Queues messages of a remote, and parks the connection while some of them have to wait. After
    /// the end of the socket none has to: they stay with the connection.
    pub(crate) fn poll_push(
        &mut self,
        key: PipeKey,
        arrival: &mut Delivery,
        portion: usize,
        connection: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<()> {
        let slot = match self.pipes.get_mut(key) {
            Some(slot) if !self.closed => slot,
            _ => return Poll::Ready(()),
        };
        let was_empty = slot.inbound.is_empty();
        let queued = slot.inbound.push(arrival, portion);
        let whole = arrival.cargo.messages() == 0;
        if !whole {
            slot.inbound.park(connection);
        }
        self.announce(key, was_empty, queued, wakes);
        if whole { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Returns the queue capacity for messages of a remote, and parks the connection if some of
    /// them are queued. Reuses a spare buffer for `memory`. After the end of the socket the
    /// capacity is unlimited.
    pub(crate) fn room(
        &mut self,
        key: PipeKey,
        connection: &Waker,
        memory: &mut VecDeque<Message>,
    ) -> Room {
        match self.pipes.get_mut(key) {
            Some(slot) if !self.closed => slot.inbound.room(connection, memory),
            _ => Room::UNLIMITED,
        }
    }

    /// Queues messages that fit the capacity returned by [`room`](Self::room), and parks the
    /// connection. Returns them if they will not be received; the caller drops them after it has
    /// released the lock.
    pub(crate) fn push_within(
        &mut self,
        key: PipeKey,
        arrival: Delivery,
        connection: &Waker,
        wakes: &mut Wakes,
    ) -> Option<Delivery> {
        let slot = match self.pipes.get_mut(key) {
            Some(slot) if !self.closed => slot,
            _ => return Some(arrival),
        };
        let was_empty = slot.inbound.is_empty();
        let queued = slot.inbound.push_within(arrival, connection);
        self.announce(key, was_empty, queued, wakes);
        None
    }

    /// Returns the high-water mark of each pipe.
    pub(crate) const fn hwm(&self) -> HighWaterMark {
        self.hwm
    }

    /// Sets the high-water mark of all pipes.
    pub(crate) fn set_hwm(&mut self, hwm: HighWaterMark, wakes: &mut Wakes) {
        self.hwm = hwm;
        for slot in self.pipes.values_mut() {
            slot.inbound.set_hwm(hwm, wakes);
        }
        self.wake_noticed(wakes);
    }

    /// Returns the other half of the pipe of the next message, and its remote.
    pub(crate) fn next_origin(&self) -> Option<(PipeKey, &Remote)> {
        let slot = self.pipes.get(*self.ready.front()?)?;
        Some((slot.outbound, slot.inbound.remote()?))
    }

    /// Returns the next message.
    pub(crate) fn first(&self) -> Option<&[u8]> {
        self.pipes.get(*self.ready.front()?)?.inbound.first()
    }

    /// Returns the remote of the next message.
    pub(crate) fn next_remote(&self) -> Option<&Remote> {
        self.pipes.get(*self.ready.front()?)?.inbound.remote()
    }

    /// Takes the next message, like [`pop`](Self::pop), if it only has to be copied, which is the
    /// usual case.
    ///
    /// It is always inlined, with what it calls: without link-time optimization the compiler does not
    /// do so by itself, and a message passes through memory once more.
    #[inline(always)]
    pub(crate) fn take_unmoved(&mut self) -> Option<Unmoved<'_>> {
        let slot = self.pipes.get_mut(*self.ready.front()?)?;
        let is_live = slot.holds == PipeUse::Live && self.stale == 0;
        let message = if is_live { slot.inbound.take_unmoved()? } else { return None };
        if self.ready.len() > 1 {
            self.ready.rotate_left(1);
        }
        Some(message)
    }

    /// Takes up to `most` messages like [`take_unmoved`](Self::take_unmoved), and passes them on, if
    /// no other pipe has messages. Returns their number.
    #[inline]
    pub(crate) fn take_many_unmoved(
        &mut self,
        most: usize,
        take: impl FnMut(Unmoved<'_>),
    ) -> usize {
        if self.ready.len() != 1 || self.stale > 0 {
            return 0;
        }
        let slot = self.ready.front().and_then(|key| self.pipes.get_mut(*key));
        let live = slot.filter(|slot| slot.holds == PipeUse::Live);
        live.map_or(0, |slot| slot.inbound.take_many_unmoved(most, take))
    }

    /// Takes the next message. Wakes a connection that can continue to read.
    #[inline]
    pub(crate) fn pop(&mut self, wakes: &mut Wakes) -> Result<Option<Message>, Closed> {
        let Some(&key) = self.ready.front() else {
            return if self.closed { Err(Closed) } else { Ok(None) };
        };
        let slot = &mut self.pipes[key];
        let message = slot.inbound.pop(wakes);
        let is_empty = slot.inbound.is_empty();
        if slot.holds != PipeUse::Live {
            self.account_for_popped(key, wakes);
        }
        if is_empty {
            self.ready.pop_front();
        } else if self.ready.len() > 1 {
            self.ready.rotate_left(1);
        }
        if self.stale > 0 {
            self.skip_stale();
        }
        Ok(message)
    }

    /// Takes the next message like [`pop`](Self::pop), or queues the receiver for one.
    #[inline]
    pub(crate) fn poll_pop(
        &mut self,
        ticket: &mut Option<Ticket>,
        receiver: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Result<Message, Closed>> {
        let popped = match self.pop(wakes) {
            Ok(Some(message)) => Ok(message),
            Ok(None) => {
                self.waiters.register(ticket, receiver);
                return Poll::Pending;
            }
            Err(closed) => Err(closed),
        };
        if let Some(ticket) = ticket.take() {
            self.waiters.remove(ticket);
        }
        Poll::Ready(popped)
    }

    /// Ready when there is a message, or when there will be none. Until then, it queues the
    /// receiver. A receiver that was queued calls [`cancel`](Self::cancel) before it takes the
    /// message, or if it does not.
    pub(crate) fn poll_readable(
        &mut self,
        ticket: &mut Option<Ticket>,
        receiver: &Waker,
    ) -> Poll<Result<(), Closed>> {
        if !self.ready.is_empty() {
            Poll::Ready(Ok(()))
        } else if self.closed {
            Poll::Ready(Err(Closed))
        } else {
            self.waiters.register(ticket, receiver);
            Poll::Pending
        }
    }

    /// Removes a receiver that no longer waits. If it had been woken and messages are queued, wakes
    /// the next one.
    pub(crate) fn cancel(&mut self, ticket: Ticket, wakes: &mut Wakes) {
        if !self.waiters.remove(ticket) && !self.ready.is_empty() {
            wakes.extend(self.waiters.pop().map(|(_, waker)| waker));
        }
    }

    /// Accounts for a message that was received from an ended remote, or for a notice.
    #[cold]
    fn account_for_popped(&mut self, key: PipeKey, wakes: &mut Wakes) {
        let slot = &mut self.pipes[key];
        match slot.holds {
            PipeUse::Live => {}
            PipeUse::Ended => {
                let left = slot.inbound.kept();
                // There is no connection left to resume.
                self.ended_pipes.take(mem::replace(&mut slot.kept, left), left, wakes);
                if left == 0 {
                    self.pipes.remove(key);
                }
            }
            PipeUse::Notices => self.account_for_notice(wakes),
        }
    }

    /// Returns the number of queued messages, of one remote or of all.
    pub(crate) fn queued(&self, key: Option<PipeKey>) -> usize {
        match key {
            Some(key) => {
                let messages = self.pipes.get(key).map_or(0, |slot| slot.inbound.len());
                messages + self.unread_notices(key)
            }
            None => self.pipes.values().map(|slot| slot.inbound.len()).sum(),
        }
    }

    /// Returns the unread messages of ended remotes.
    pub(crate) const fn ended(&self) -> EndedRemotes {
        self.ended_pipes.held()
    }

    /// Returns the limit of the memory of ended remotes in bytes; zero for no limit.
    pub(crate) const fn ended_hwm(&self) -> usize {
        self.ended_pipes.limit()
    }

    /// Sets the limit of the memory of ended remotes in bytes.
    pub(crate) fn set_ended_hwm(&mut self, bytes: usize, wakes: &mut Wakes) {
        if !self.closed {
            self.ended_pipes.set_limit(bytes, wakes);
        }
    }

    /// Ready when ended remotes begin to exceed the limit, or when they no longer do; see
    /// `EndedLimitChange`.
    pub(crate) fn poll_change(
        &mut self,
        was_full: bool,
        ticket: &mut Option<Ticket>,
        waiter: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<bool> {
        self.ended_pipes.poll_change(was_full, ticket, waiter, wakes)
    }

    /// Removes a task that waits for such a change.
    pub(crate) fn cancel_change(&mut self, ticket: Ticket, wakes: &mut Wakes) {
        self.ended_pipes.cancel(ticket, wakes);
    }

    /// Lists a pipe that is no longer empty, and wakes one receiver for each of the
    /// messages that were queued in it.
    fn announce(&mut self, key: PipeKey, was_empty: bool, queued: usize, wakes: &mut Wakes) {
        if self.pipes.get(key).is_some_and(|slot| slot.pauses > 0) {
            return;
        }
        if was_empty && queued > 0 {
            self.ready.push_back(key);
        }
        for _ in 0..queued {
            let Some((_, waker)) = self.waiters.pop() else { return };
            wakes.add(waker);
        }
    }

    /// Returns whether it accepts no more messages.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Accepts no more messages; queued ones can still be received.
    pub(crate) fn close(&mut self, wakes: &mut Wakes) {
        self.closed = true;
        self.resume_all();
        wakes.extend(self.waiters.drain());
        self.ended_pipes.close(wakes);
        for slot in self.pipes.values_mut() {
            slot.inbound.unpark(wakes);
        }
        self.wake_noticed(wakes);
    }
}
