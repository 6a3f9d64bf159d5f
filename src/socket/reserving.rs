//! Reserves slots before their messages exist.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::Core;
use super::coop::poll_budget;
use super::sending::returned;
use super::waiting::{Senders, WaitError, Waiting};
use crate::message::Message;
use crate::pipe::PipeKey;
use crate::routing::{Refusal, Strategy};

/// A future that reserves a slot as soon as one is free.
///
/// Dropping it before it is ready passes a slot that it was granted to the next sender.
#[derive(Debug)]
pub(super) struct Reserving<'a, R: Strategy>(Waiting<Senders<'a, R>>);

/// A reserved slot in the queue of one remote. Dropping it releases the slot.
#[derive(Debug)]
pub(super) struct Slot<'a, R: Strategy> {
    core: &'a Core<R>,
    to: R::Target,
    /// Present until it is used.
    key: Option<PipeKey>,
}

impl<'a, R: Strategy> Reserving<'a, R> {
    pub(super) const fn new(core: &'a Core<R>, to: R::Target, limit: Option<Duration>) -> Self {
        Self(Waiting::new(Senders { core, to }, limit))
    }
}

impl<'a, R: Strategy> Future for Reserving<'a, R> {
    type Output = Result<Slot<'a, R>, WaitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let reserve = |line: &Senders<'a, R>, ticket: &mut _, cx: &mut Context<'_>| {
            let budget = ready!(poll_budget(cx));
            let Senders { core, to } = line;
            let reserved = core.outgoing.lock().poll_reserve(to, ticket, cx.waker());
            let key = ready!(reserved).map_err(WaitError::Refused)?;
            budget.used();
            Poll::Ready(Ok(Slot { core, to: to.clone(), key: Some(key) }))
        };
        self.0.poll(cx, reserve, || Err(WaitError::Timeout))
    }
}

impl<R: Strategy> Unpin for Reserving<'_, R> {}

impl<'a, R: Strategy> Slot<'a, R> {
    /// Reserves a slot if one is free.
    pub(super) fn try_reserve(core: &'a Core<R>, to: R::Target) -> Result<Self, Refusal> {
        let key = core.outgoing.lock().try_reserve(&to)?;
        Ok(Self { core, to, key: Some(key) })
    }

    /// Queues a message in the slot or, if its remote is gone, in any other suitable slot.
    pub(super) fn send(mut self, message: Message) -> Result<(), (Refusal, Message)> {
        let mut message = Some(message);
        let sent = match self.key.take() {
            Some(key) => self.core.send_reserved(key, &self.to, &mut message),
            None => self.core.try_send(&self.to, &mut message),
        };
        sent.map_err(|refusal| returned(refusal, message))
    }
}

impl<R: Strategy> Drop for Slot<'_, R> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.core.release(key);
        }
    }
}
