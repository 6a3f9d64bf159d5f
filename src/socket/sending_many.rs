//! Sends several messages under one lock.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::coop;

use super::Core;
use super::coop::poll_budget;
use super::sending::poll_in_line;
use super::target::{Addressed, Target};
use super::time_limit::TimeLimit;
use super::waiting::WaitError;
use crate::message::Message;
use crate::pipe::{PipeKey, Ticket};
use crate::routing::{Copies, OutgoingPipes, Refusal, Strategy};
use crate::sync::Wakes;

/// A message that waits with others, and its target.
pub(super) trait BatchMessage<T>: Sized {
    /// Returns the target. A message without it has no reachable remote.
    fn to(&self) -> Option<T>;

    /// Returns the form that queues hold.
    fn into_queue(self) -> Message;

    /// Creates the message again after it was not queued.
    fn returned(message: Message, to: T) -> Self;
}

impl<T, M: Addressed<T>> BatchMessage<T> for M {
    #[inline]
    fn to(&self) -> Option<T> {
        self.target()
    }

    #[inline]
    fn into_queue(self) -> Message {
        M::into_queue(self)
    }

    fn returned(message: Message, to: T) -> Self {
        M::from_queue(message).addressed(to)
    }
}

/// A future that queues all messages of a batch as soon as there is capacity for them.
///
/// A message is taken out of the batch when it is queued. Dropping the future leaves the other
/// messages in place, and passes a slot that it was granted to the next sender.
#[derive(Debug)]
#[must_use]
pub(super) struct SendingMany<'a, 'b, R: Strategy, M> {
    core: &'a Core<R>,
    messages: &'b mut VecDeque<M>,
    /// The ticket in the line of senders, and the target of the first message.
    waiting: Option<(R::Target, Ticket)>,
    /// The limit of the wait for the first message.
    limit: TimeLimit,
}

impl<'a, 'b, R: Strategy, M> SendingMany<'a, 'b, R, M> {
    pub(super) const fn new(core: &'a Core<R>, messages: &'b mut VecDeque<M>) -> Self {
        Self { core, messages, waiting: None, limit: TimeLimit::new(core.send_timeout) }
    }

    /// Leaves the line of senders.
    fn cancel(&mut self) {
        if let Some((to, ticket)) = self.waiting.take() {
            self.core.cancel_send(&to, ticket);
        }
    }
}

impl<R: Strategy<Target = T>, T: Target, M: Addressed<T>> Future for SendingMany<'_, '_, R, M> {
    type Output = Result<(), T::Error<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { core, messages, waiting, limit } = &mut *self;
        let before = messages.len();
        let sent = poll_send_all(core, messages, waiting, &mut None, cx);
        if messages.len() < before {
            limit.reset();
        }
        let failure = match sent {
            Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
            Poll::Ready(Err(refusal)) => WaitError::Refused(refusal),
            // Without a ticket, the task only yields to other tasks.
            Poll::Pending if waiting.is_none() && !coop::has_budget_remaining() => {
                return Poll::Pending;
            }
            Poll::Pending => {
                ready!(limit.poll(core.runtime(), cx));
                WaitError::Timeout
            }
        };
        self.cancel();
        Poll::Ready(Err(T::error(failure, ())))
    }
}

impl<R: Strategy, M> Drop for SendingMany<'_, '_, R, M> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<R: Strategy, M> Unpin for SendingMany<'_, '_, R, M> {}

/// Queues all messages in order, and takes them out of `messages`, as soon as there is capacity for
/// them. The first one that has to wait does so in line, with a ticket in `waiting`. `slot` may be
/// reserved for the first message.
pub(super) fn poll_send_all<R: Strategy, M: BatchMessage<R::Target>>(
    core: &Core<R>,
    messages: &mut VecDeque<M>,
    waiting: &mut Option<(R::Target, Ticket)>,
    slot: &mut Option<PipeKey>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Refusal>> {
    while !messages.is_empty() {
        if waiting.is_none() {
            let budget = ready!(poll_budget(cx));
            let before = messages.len();
            let sent = core.try_send_portion(messages, slot);
            budget.used_for(before - messages.len(), cx);
            match sent {
                Ok(()) => continue,
                Err(Refusal::Full) => {}
                Err(refusal) => return Poll::Ready(Err(refusal)),
            }
        }
        ready!(poll_first_in_line(core, messages, waiting, cx))?;
    }
    Poll::Ready(Ok(()))
}

/// Queues messages in order, and takes them out of `messages`, until one has to wait or cannot be
/// sent.
pub(super) fn try_send_all<R: Strategy, M: BatchMessage<R::Target>>(
    core: &Core<R>,
    messages: &mut VecDeque<M>,
    slot: &mut Option<PipeKey>,
) -> Result<(), Refusal> {
    while !messages.is_empty() {
        core.try_send_portion(messages, slot)?;
    }
    Ok(())
}

/// Waits in line for capacity for the first message, and queues it.
#[cold]
fn poll_first_in_line<R: Strategy, M: BatchMessage<R::Target>>(
    core: &Core<R>,
    messages: &mut VecDeque<M>,
    waiting: &mut Option<(R::Target, Ticket)>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Refusal>> {
    let Some(first) = messages.pop_front() else { return Poll::Ready(Ok(())) };
    let Some(to) = first.to() else {
        messages.push_front(first);
        return Poll::Ready(Err(Refusal::HostUnreachable));
    };
    let mut message = Some(first.into_queue());
    let mut ticket = waiting.take().map(|(_, ticket)| ticket);
    let sent = poll_in_line(core, &to, &mut message, &mut ticket, cx);
    if let Some(message) = message {
        messages.push_front(M::returned(message, to.clone()));
    }
    *waiting = ticket.map(|ticket| (to, ticket));
    sent
}

impl<R: Strategy> Core<R> {
    /// Queues a bounded number of messages under one lock, and takes them out of `messages`, while
    /// there is capacity. `slot` may be reserved for the first one.
    fn try_send_portion<M: BatchMessage<R::Target>>(
        &self,
        messages: &mut VecDeque<M>,
        slot: &mut Option<PipeKey>,
    ) -> Result<(), Refusal> {
        let (sent, copies) = self.outgoing.with(|outgoing, wakes| {
            let sent = send_portion(outgoing, messages, slot, wakes);
            (sent, if R::FANS_OUT { outgoing.take_copies() } else { Copies::default() })
        });
        if R::FANS_OUT {
            self.account_for(copies);
        }
        match sent {
            Err(refusal) if R::IDENTIFIES => self.drop_first(refusal, messages),
            sent => sent,
        }
    }

    /// Drops and counts the first message, which cannot be queued, if the options permit it.
    #[cold]
    fn drop_first<M: BatchMessage<R::Target>>(
        &self,
        refusal: Refusal,
        messages: &mut VecDeque<M>,
    ) -> Result<(), Refusal> {
        let Some(to) = messages.front().and_then(BatchMessage::to) else { return Err(refusal) };
        let mut message = messages.pop_front().map(BatchMessage::into_queue);
        let dropped = self.drop_unroutable(refusal, &to, &mut message);
        if let Some(message) = message {
            messages.push_front(M::returned(message, to));
        }
        dropped
    }
}

/// Queues at most [`PORTION`] messages, and as many copies.
#[inline]
fn send_portion<R: Strategy, M: BatchMessage<R::Target>>(
    outgoing: &mut OutgoingPipes<R>,
    messages: &mut VecDeque<M>,
    slot: &mut Option<PipeKey>,
    wakes: &mut Wakes,
) -> Result<(), Refusal> {
    if let Some(key) = slot.take() {
        // If the slot is void, the message is sent like the others.
        let _ = send_first(messages, |message| outgoing.send_reserved(key, message, wakes));
    }
    let mut left = PORTION;
    while left > 0 && outgoing.copies() < COPIES {
        let Some(first) = messages.front() else { break };
        let to = first.to().ok_or(Refusal::HostUnreachable)?;
        if let Some(key) = outgoing.one_choice(&to) {
            let next = || {
                left = left.checked_sub(1)?;
                messages.pop_front().map(BatchMessage::into_queue)
            };
            outgoing.push_all(key, next, wakes);
        } else {
            send_first(messages, |message| outgoing.try_send(&to, message, wakes))?;
            left -= 1;
        }
    }
    Ok(())
}

/// Sends the first message, and takes it out of `messages` only if it is queued.
#[inline]
fn send_first<T, M: BatchMessage<T>>(
    messages: &mut VecDeque<M>,
    send: impl FnOnce(&mut Option<Message>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let Some(first) = messages.pop_front() else { return Ok(()) };
    let to = first.to();
    let mut message = Some(first.into_queue());
    let sent = send(&mut message);
    if let (Some(message), Some(to)) = (message, to) {
        messages.push_front(M::returned(message, to));
    }
    sent
}

/// The number of messages that are queued under one lock. Other tasks then wait for a few
/// microseconds.
const PORTION: usize = 256;

/// The number of copies for many remotes after which the lock is released.
const COPIES: usize = 4_096;
