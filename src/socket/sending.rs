//! Sends messages, and waits for queue capacity.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::Core;
use super::coop::{poll_budget, try_budget};
use super::target::Target;
use super::waiting::{Senders, WaitError, Waiting};
use crate::message::{AnyMessage, Message};
use crate::pipe::Ticket;
use crate::routing::{Refusal, Strategy};

/// A future that queues one message as soon as there is capacity for it.
///
/// Dropping it before it is ready has no effect: the message is not queued, and the position in the
/// line, with a slot that it was granted, goes to the next sender.
#[derive(Debug)]
pub(super) struct Sending<'a, R: Strategy> {
    waiting: Waiting<Senders<'a, R>>,
    /// Present until it is queued or returned.
    message: Option<Message>,
}

impl<'a, R: Strategy> Sending<'a, R> {
    #[inline]
    pub(super) const fn new(
        core: &'a Core<R>,
        to: R::Target,
        message: Message,
        limit: Option<Duration>,
    ) -> Self {
        Self { waiting: Waiting::new(Senders { core, to }, limit), message: Some(message) }
    }
}

impl<R: Strategy> Future for Sending<'_, R> {
    type Output = Result<(), (WaitError, Message)>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { waiting, message } = &mut *self;
        let send = |line: &Senders<'_, R>, ticket: &mut _, cx: &mut Context<'_>| {
            poll_send(line.core, &line.to, message, ticket, cx).map_err(WaitError::Refused)
        };
        let sent = ready!(waiting.poll(cx, send, || Err(WaitError::Timeout)));
        Poll::Ready(sent.map_err(|failure| returned(failure, message.take())))
    }
}

impl<R: Strategy> Unpin for Sending<'_, R> {}

/// The rest of a send that has to wait: a future whose error belongs to the target and to the type
/// of the message.
#[derive(Debug)]
#[must_use]
pub(super) struct Unsent<'a, R: Strategy, M> {
    sending: Sending<'a, R>,
    message: PhantomData<fn() -> M>,
}

impl<'a, R: Strategy, M> Unsent<'a, R, M> {
    #[inline]
    pub(super) const fn new(sending: Sending<'a, R>) -> Self {
        Self { sending, message: PhantomData }
    }
}

impl<R: Strategy<Target = T>, T: Target, M: AnyMessage> Future for Unsent<'_, R, M> {
    type Output = Result<(), T::Error<M>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.sending).poll(cx).map_err(not_sent::<T, M>)
    }
}

/// A future that sends when it is first polled, as an `async fn` does. An `async fn` would also move
/// the memory of an error, which contains a message, when a send succeeds.
#[must_use]
pub(super) struct SendOnPoll<'a, F, R: Strategy, M> {
    send: Option<F>,
    unsent: Option<Unsent<'a, R, M>>,
}

impl<F, R: Strategy, M> SendOnPoll<'_, F, R, M> {
    #[inline]
    pub(super) const fn new(send: F) -> Self {
        Self { send: Some(send), unsent: None }
    }
}

impl<'a, F, R: Strategy<Target = T>, T: Target, M: AnyMessage> SendOnPoll<'a, F, R, M>
where
    F: FnOnce() -> Result<Option<Unsent<'a, R, M>>, T::Error<M>>,
{
    #[cold]
    #[inline(never)]
    fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), T::Error<M>>> {
        let unsent = self.unsent.as_mut().expect("a future is not polled after it was ready");
        let sent = ready!(Pin::new(unsent).poll(cx));
        self.unsent = None;
        Poll::Ready(sent)
    }
}

impl<'a, F, R: Strategy<Target = T>, T: Target, M: AnyMessage> Future for SendOnPoll<'a, F, R, M>
where
    F: FnOnce() -> Result<Option<Unsent<'a, R, M>>, T::Error<M>>,
{
    type Output = Result<(), T::Error<M>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(send) = self.send.take() {
            match send()? {
                None => return Poll::Ready(Ok(())),
                unsent => self.unsent = unsent,
            }
        }
        self.poll_unsent(cx)
    }
}

impl<F, R: Strategy, M> Unpin for SendOnPoll<'_, F, R, M> {}

/// Queues a message, and takes it out of the option, if there is capacity and the task need not
/// yield.
#[inline]
pub(super) fn send_immediately<R: Strategy>(
    core: &Core<R>,
    to: &R::Target,
    message: &mut Option<Message>,
) -> bool {
    let Some(budget) = try_budget() else { return false };
    let is_sent = core.try_send(to, message).is_ok();
    if is_sent {
        budget.used();
    }
    is_sent
}

/// Queues `message`, and takes it out of the option, if there is capacity and no earlier sender
/// waits; otherwise waits in line.
#[inline]
pub(super) fn poll_send<R: Strategy>(
    core: &Core<R>,
    to: &R::Target,
    message: &mut Option<Message>,
    ticket: &mut Option<Ticket>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Refusal>> {
    if ticket.is_none() {
        let budget = ready!(poll_budget(cx));
        match core.try_send(to, message) {
            Err(Refusal::Full) => {}
            done => {
                budget.used();
                return Poll::Ready(done);
            }
        }
    }
    poll_in_line(core, to, message, ticket, cx)
}

#[cold]
pub(super) fn poll_in_line<R: Strategy>(
    core: &Core<R>,
    to: &R::Target,
    message: &mut Option<Message>,
    ticket: &mut Option<Ticket>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Refusal>> {
    core.outgoing.with(|outgoing, wakes| {
        if R::FANS_OUT {
            return outgoing.poll_send_to_all(to, ticket, message, cx.waker(), wakes);
        }
        let reserved = outgoing.poll_reserve(to, ticket, cx.waker());
        reserved.map(|reserved| outgoing.send_reserved(reserved?, message, wakes))
    })
}

/// Returns a message that was not queued, with the reason.
#[cold]
pub(super) fn returned<E>(reason: E, message: Option<Message>) -> (E, Message) {
    (reason, message.expect("a message is taken only when it is queued"))
}

/// Returns the error of an operation that can wait.
#[cold]
pub(super) fn not_sent<T: Target, M: AnyMessage>(
    (failure, message): (WaitError, Message),
) -> T::Error<M> {
    T::error(failure, M::from_queue(message))
}
