//! The state of a handle's `Sink`.

use std::task::{Context, Poll, ready};

use super::Core;
use super::coop::poll_budget;
use super::sending::{poll_send, returned};
use super::time_limit::TimeLimit;
use crate::message::Message;
use crate::pipe::{PipeKey, Ticket};
use crate::routing::{Refusal, Strategy};

/// The state of a `Sink` between calls: a reserved slot, or one message for which there was no
/// capacity.
#[derive(Debug)]
pub(super) struct SinkBuffer<T> {
    reserved: Option<PipeKey>,
    /// Whether there was capacity for another message when the last one was queued. Other senders
    /// may have used it since.
    had_room: bool,
    kept: Option<(T, Message)>,
    /// The reason why the kept message cannot be sent. The next message replaces it.
    refusal: Option<Refusal>,
    /// The ticket in the line of senders, and its target.
    waiting: Option<(T, Ticket)>,
}

/// A message that was not queued, with its target and the reason.
pub(super) type Unqueued<T> = (Refusal, T, Message);

impl<T: Clone> SinkBuffer<T> {
    pub(super) const fn new() -> Self {
        Self { reserved: None, had_room: false, kept: None, refusal: None, waiting: None }
    }

    /// Waits until a slot is reserved for the next message. After a message that left capacity, no
    /// slot is reserved before the next flush: this would take the lock once more for each message.
    #[inline]
    pub(super) fn poll_reserve<R: Strategy<Target = T>>(
        &mut self,
        core: &Core<R>,
        to: T,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if self.had_room {
            ready!(poll_budget(cx)).used();
            return Poll::Ready(());
        }
        self.poll_slot(core, to, cx)
    }

    #[inline(never)]
    fn poll_slot<R: Strategy<Target = T>>(
        &mut self,
        core: &Core<R>,
        to: T,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        ready!(self.poll_kept(core, cx));
        if self.reserved.is_none() && self.refusal.is_none() {
            let budget = ready!(poll_budget(cx));
            let mut ticket = self.waiting.as_ref().map(|(_, ticket)| *ticket);
            let reserved = core.outgoing.lock().poll_reserve(&to, &mut ticket, cx.waker());
            self.waiting = ticket.map(|ticket| (to, ticket));
            // Without a slot, the next message is refused, and returned.
            self.reserved = ready!(reserved).ok();
            budget.used();
        }
        Poll::Ready(())
    }

    /// Waits until this buffer is free for the next message, whose target is not known yet.
    pub(super) fn poll_ready<R: Strategy<Target = T>>(
        &mut self,
        core: &Core<R>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        ready!(self.poll_kept(core, cx));
        ready!(poll_budget(cx)).used();
        Poll::Ready(())
    }

    /// Waits until no message is kept here, or until the kept one is refused. The refusal is not
    /// returned before the next message, which `SinkExt::feed` would drop.
    fn poll_kept<R: Strategy<Target = T>>(
        &mut self,
        core: &Core<R>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if let Err((refusal, to, message)) = ready!(self.poll_flush(core, cx)) {
            (self.refusal, self.kept) = (Some(refusal), Some((to, message)));
        }
        Poll::Ready(())
    }

    /// Queues a message for its target, or keeps it here if that queue is full.
    #[inline]
    pub(super) fn start_send<R: Strategy<Target = T>>(
        &mut self,
        core: &Core<R>,
        to: T,
        message: Message,
    ) -> Result<(), Unqueued<T>> {
        let mut message = Some(message);
        let slot = self.reserved.take();
        let sent = if slot.is_some() || self.had_room {
            let (sent, has_room) = core.send_ready(slot, &to, &mut message);
            self.had_room = has_room;
            sent
        } else if let Some(refusal) = self.refusal.take() {
            return self.replace_refused(refusal, to, message);
        } else {
            core.try_send(&to, &mut message)
        };
        match sent {
            Ok(()) => Ok(()),
            Err(Refusal::Full) => {
                let (_, message) = returned(Refusal::Full, message);
                self.keep(core, to, message);
                Ok(())
            }
            Err(refusal) => {
                let (refusal, message) = returned(refusal, message);
                Err((refusal, to, message))
            }
        }
    }

    /// Keeps a message in place of one that was refused, and returns that one.
    #[cold]
    fn replace_refused(
        &mut self,
        refusal: Refusal,
        to: T,
        message: Option<Message>,
    ) -> Result<(), Unqueued<T>> {
        let Some(message) = message else { return Ok(()) };
        match self.kept.replace((to, message)) {
            Some((to, refused)) => Err((refusal, to, refused)),
            None => Ok(()),
        }
    }

    /// Keeps a message until there is capacity. A replaced message is counted as undelivered: the
    /// caller has not waited until the sink is ready. Its ticket is cancelled, because it may
    /// belong to another remote.
    #[cold]
    fn keep<R: Strategy<Target = T>>(&mut self, core: &Core<R>, to: T, message: Message) {
        if let Some((_, earlier)) = self.kept.replace((to, message)) {
            core.control.count_undelivered(earlier);
            if let Some((to, ticket)) = self.waiting.take() {
                core.cancel_send(&to, ticket);
            }
        }
    }

    /// Waits until no message is kept here.
    pub(super) fn poll_flush<R: Strategy<Target = T>>(
        &mut self,
        core: &Core<R>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Unqueued<T>>> {
        (self.had_room, self.refusal) = (false, None);
        let Some((to, message)) = self.kept.take() else { return Poll::Ready(Ok(())) };
        let mut message = Some(message);
        let mut ticket = self.waiting.as_ref().map(|(_, ticket)| *ticket);
        let sent = poll_send(core, &to, &mut message, &mut ticket, cx);
        self.waiting = ticket.map(|ticket| (to.clone(), ticket));
        let Poll::Ready(sent) = sent else {
            self.kept = message.map(|message| (to, message));
            return Poll::Pending;
        };
        Poll::Ready(sent.map_err(|refusal| {
            let (refusal, message) = returned(refusal, message);
            (refusal, to, message)
        }))
    }

    /// Waits until the time limit of the kept message expires, and returns the message and its
    /// target.
    pub(super) fn poll_overdue<R: Strategy<Target = T>>(
        &mut self,
        core: &Core<R>,
        limit: &mut TimeLimit,
        cx: &mut Context<'_>,
    ) -> Poll<(T, Message)> {
        // Without a ticket, the task only yields to other tasks.
        if self.waiting.is_none() || self.kept.is_none() {
            return Poll::Pending;
        }
        ready!(limit.poll(core.runtime(), cx));
        let Some(kept) = self.kept.take() else { return Poll::Pending };
        if let Some((to, ticket)) = self.waiting.take() {
            core.cancel_send(&to, ticket);
        }
        Poll::Ready(kept)
    }

    /// Cancels the wait, releases a reserved slot, and counts a kept message as undelivered.
    pub(super) fn abandon<R: Strategy<Target = T>>(&mut self, core: &Core<R>) {
        if let Some((to, ticket)) = self.waiting.take() {
            core.cancel_send(&to, ticket);
        }
        if let Some(key) = self.reserved.take() {
            core.release(key);
        }
        if let Some((_, message)) = self.kept.take() {
            core.control.count_undelivered(message);
        }
    }
}
