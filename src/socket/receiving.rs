//! Receives messages, and waits for them.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use super::Core;
use super::coop::{CoopBudget, poll_budget};
use super::waiting::{Receivers, Waiting};
use crate::error::{RecvError, TryRecvError};
use crate::message::AnyMessage;
use crate::pipe::Ticket;
use crate::remote::Remote;
use crate::routing::{Closed, FairQueue, KeptMessage, Strategy};
use crate::sync::{Lock, MutexGuard, Wakes};

/// A future that takes the next message as soon as there is one.
///
/// Dropping it before it is ready takes no message, and passes its wake-up on.
#[derive(Debug)]
pub(super) struct Receiving<'a, R, M> {
    waiting: Waiting<Receivers<'a, R>>,
    message: PhantomData<fn() -> M>,
}

impl<'a, R, M> Receiving<'a, R, M> {
    #[inline]
    pub(super) const fn new(core: &'a Core<R>, limit: Option<Duration>) -> Self {
        Self { waiting: Waiting::new(Receivers { core }, limit), message: PhantomData }
    }
}

impl<R: Strategy, M: AnyMessage> Future for Receiving<'_, R, M> {
    type Output = Result<M, RecvError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let receive = |line: &Receivers<'_, R>, ticket: &mut _, cx: &mut Context<'_>| {
            poll_receive(line.core, ticket, cx)
        };
        self.waiting.poll(cx, receive, || Err(RecvError::Timeout))
    }
}

/// A future that takes the next message and its remote as soon as there is one.
///
/// Dropping it before it is ready takes no message, and passes its wake-up on.
#[derive(Debug)]
pub(super) struct ReceivingFrom<'a, R, M> {
    waiting: Waiting<Receivers<'a, R>>,
    message: PhantomData<fn() -> M>,
}

impl<'a, R, M> ReceivingFrom<'a, R, M> {
    pub(super) const fn new(core: &'a Core<R>, limit: Option<Duration>) -> Self {
        Self { waiting: Waiting::new(Receivers { core }, limit), message: PhantomData }
    }
}

impl<R: Strategy, M: AnyMessage> Future for ReceivingFrom<'_, R, M> {
    type Output = Result<(M, Remote), RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let receive = |line: &Receivers<'_, R>, ticket: &mut _, cx: &mut Context<'_>| {
            let budget = ready!(poll_budget(cx));
            let incoming = line.core.incoming.lock();
            let popped = ready!(poll_wanted(
                line.core,
                incoming,
                budget,
                cx,
                |incoming, receiver, wakes| {
                    let remote = incoming.next_remote().cloned();
                    incoming.poll_pop(ticket, receiver, wakes).map(|popped| popped.ok().zip(remote))
                }
            ));
            let (message, remote) = popped.ok_or(RecvError::Closed)?;
            Poll::Ready(Ok((M::received(message, M::origin(&remote)), remote)))
        };
        self.waiting.poll(cx, receive, || Err(RecvError::Timeout))
    }
}

/// A future that takes all queued messages, up to a limit, as soon as there is one.
///
/// Dropping it before it is ready takes no message, and passes its wake-up on.
#[derive(Debug)]
pub(super) struct ReceivingMany<'a, 'b, R, M> {
    waiting: Waiting<Receivers<'a, R>>,
    buffer: &'b mut Vec<M>,
    /// At least one.
    most: usize,
}

impl<'a, 'b, R, M> ReceivingMany<'a, 'b, R, M> {
    /// Creates the future. `most` must be at least one.
    pub(super) const fn new(
        core: &'a Core<R>,
        buffer: &'b mut Vec<M>,
        most: usize,
        limit: Option<Duration>,
    ) -> Self {
        Self { waiting: Waiting::new(Receivers { core }, limit), buffer, most }
    }
}

impl<R: Strategy, M: AnyMessage> Future for ReceivingMany<'_, '_, R, M> {
    /// The number of messages that were taken.
    type Output = Result<usize, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { waiting, buffer, most } = &mut *self;
        let receive = |line: &Receivers<'_, R>, ticket: &mut _, cx: &mut Context<'_>| {
            let budget = ready!(poll_budget(cx));
            let received = line.core.incoming.with(|incoming, wakes| {
                if R::FILTERS && !incoming.skip_unwanted(wakes) {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                let origin = origin_of_next::<M>(incoming);
                let first = ready!(incoming.poll_pop(ticket, cx.waker(), wakes));
                let first = first.map_err(|Closed| RecvError::Closed)?;
                buffer.push(M::received(first, origin));
                Poll::Ready(Ok(1 + take_queued::<R, M>(incoming, buffer, *most - 1, wakes)))
            });
            if let Poll::Ready(Ok(messages)) = received {
                budget.used_for(messages, cx);
            }
            received
        };
        waiting.poll(cx, receive, || Err(RecvError::Timeout))
    }
}

/// Takes up to `most` queued messages, and returns their number.
#[inline]
fn take_queued<R: Strategy, M: AnyMessage>(
    incoming: &mut FairQueue,
    buffer: &mut Vec<M>,
    most: usize,
    wakes: &mut Wakes,
) -> usize {
    let mut left = most;
    while left > 0 {
        if !R::FILTERS && !M::HAS_ORIGIN {
            left -=
                incoming.take_many_unmoved(left, |it| buffer.push(M::received(it.into(), None)));
            if left == 0 {
                break;
            }
        }
        if R::FILTERS && !incoming.skip_unwanted(wakes) {
            break;
        }
        let origin = origin_of_next::<M>(incoming);
        if let Some(message) = incoming.take_unmoved() {
            buffer.push(M::received(message.into(), origin));
        } else if let Ok(Some(message)) = incoming.pop(wakes) {
            buffer.push(M::received(message, origin));
        } else {
            break;
        }
        left -= 1;
    }
    most - left
}

/// Takes the next message, or waits in line for one.
#[inline]
pub(super) fn poll_receive<R: Strategy, M: AnyMessage>(
    core: &Core<R>,
    ticket: &mut Option<Ticket>,
    cx: &mut Context<'_>,
) -> Poll<Result<M, RecvError>> {
    let budget = ready!(poll_budget(cx));
    let mut incoming = core.incoming.lock();
    if ticket.is_none() && (!R::FILTERS || incoming.wants_next()) {
        let origin = origin_of_next::<M>(&incoming);
        if let Some(message) = incoming.take_unmoved() {
            budget.used();
            return Poll::Ready(Ok(M::received(message.into(), origin)));
        }
    }
    poll_pop(core, incoming, budget, ticket, cx)
}

/// Takes the next message in any case, or waits in line for one. It is not inlined, to stay out of
/// the path of a message that only has to be copied.
#[inline(never)]
fn poll_pop<'a, R: Strategy, M: AnyMessage>(
    core: &'a Core<R>,
    incoming: MutexGuard<'a, FairQueue>,
    budget: CoopBudget,
    ticket: &mut Option<Ticket>,
    cx: &mut Context<'_>,
) -> Poll<Result<M, RecvError>> {
    let poll = |incoming: &mut FairQueue, receiver: &Waker, wakes: &mut Wakes| {
        let origin = origin_of_next::<M>(incoming);
        let popped = incoming.poll_pop(ticket, receiver, wakes);
        popped.map_ok(|message| M::received(message, origin))
    };
    poll_wanted(core, incoming, budget, cx, poll).map_err(|Closed| RecvError::Closed)
}

/// Returns what the next message contains of its remote, if messages contain anything of it.
#[inline]
fn origin_of_next<M: AnyMessage>(incoming: &FairQueue) -> Option<M::Origin> {
    if !M::HAS_ORIGIN {
        return None;
    }
    incoming.next_remote().and_then(M::origin)
}

/// Returns a message that was not delivered in the form in which it was sent.
pub(super) fn undelivered<M: AnyMessage>(kept: KeptMessage) -> M {
    let message = M::from_queue(kept.message);
    match kept.identity {
        Some(identity) => message.identified(identity),
        None => message,
    }
}

/// Polls `poll` when the next message is wanted, or when there is none. While it is not, the
/// message is discarded. The task yields if there are many such messages.
#[inline]
fn poll_wanted<'a, R: Strategy, T>(
    core: &'a Core<R>,
    mut incoming: MutexGuard<'a, FairQueue>,
    mut budget: CoopBudget,
    cx: &mut Context<'_>,
    mut poll: impl FnMut(&mut FairQueue, &Waker, &mut Wakes) -> Poll<T>,
) -> Poll<T> {
    for _ in 0..SKIPS_MAX {
        // A message that is moved in and out of an `Option` costs as much as the lock.
        let mut is_wanted = true;
        let polled = Lock::continue_with(incoming, |incoming, wakes| {
            is_wanted = !R::FILTERS || incoming.skip_unwanted(wakes);
            if is_wanted { poll(incoming, cx.waker(), wakes) } else { Poll::Pending }
        });
        if polled.is_pending() && is_wanted {
            return Poll::Pending;
        }
        budget.used();
        if polled.is_ready() {
            return polled;
        }
        budget = ready!(poll_budget(cx));
        incoming = core.incoming.lock();
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Takes the next message if there is one.
pub(super) fn try_receive<R: Strategy, M: AnyMessage>(core: &Core<R>) -> Result<M, TryRecvError> {
    let mut incoming = core.incoming.lock();
    if !R::FILTERS || incoming.wants_next() {
        let origin = origin_of_next::<M>(&incoming);
        if let Some(message) = incoming.take_unmoved() {
            return Ok(M::received(message.into(), origin));
        }
    }
    try_pop(core, incoming)
}

/// Takes the next message in any case if there is one.
#[inline(never)]
fn try_pop<'a, R: Strategy, M: AnyMessage>(
    core: &'a Core<R>,
    incoming: MutexGuard<'a, FairQueue>,
) -> Result<M, TryRecvError> {
    let (origin, popped) = try_wanted(core, incoming, (None, Ok(None)), |incoming, wakes| {
        (origin_of_next::<M>(incoming), incoming.pop(wakes))
    });
    match popped {
        Ok(Some(message)) => Ok(M::received(message, origin)),
        Ok(None) => Err(TryRecvError::Empty),
        Err(Closed) => Err(TryRecvError::Closed),
    }
}

/// Takes the next message and its remote if there is one.
pub(super) fn try_receive_from<R: Strategy, M: AnyMessage>(
    core: &Core<R>,
) -> Result<(M, Remote), TryRecvError> {
    let incoming = core.incoming.lock();
    let (remote, popped) = try_wanted(core, incoming, (None, Ok(None)), |incoming, wakes| {
        let remote = incoming.next_remote().cloned();
        (remote, incoming.pop(wakes))
    });
    match popped {
        Ok(message) => {
            let received = message.zip(remote).ok_or(TryRecvError::Empty);
            received.map(|(message, remote)| (M::received(message, M::origin(&remote)), remote))
        }
        Err(Closed) => Err(TryRecvError::Closed),
    }
}

/// Takes a message, after discarding those that are not wanted; returns `none` if there are too
/// many of these.
fn try_wanted<'a, R: Strategy, T>(
    core: &'a Core<R>,
    mut incoming: MutexGuard<'a, FairQueue>,
    none: T,
    mut take: impl FnMut(&mut FairQueue, &mut Wakes) -> T,
) -> T {
    // Moving a message in and out of the `Option` below costs as much as the lock.
    if !R::FILTERS {
        return Lock::continue_with(incoming, take);
    }
    for _ in 0..SKIPS_MAX {
        let taken = Lock::continue_with(incoming, |incoming, wakes| {
            incoming.skip_unwanted(wakes).then(|| take(incoming, wakes))
        });
        // While messages are discarded, the lock is released in between.
        if let Some(taken) = taken {
            return taken;
        }
        incoming = core.incoming.lock();
    }
    none
}

/// How often a receiver discards messages before it yields, even if its task has no budget, or
/// finds none.
const SKIPS_MAX: usize = 16;
