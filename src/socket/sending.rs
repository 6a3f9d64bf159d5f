//! Waiting for room.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::Core;
use crate::message::Message;
use crate::pipe::Ticket;
use crate::routing::{Refusal, Refused, Strategy, lock, wake_all};

/// Queues one message, as soon as there is room for it.
///
/// Dropping it before it is ready leaves nothing behind: the message is not queued, and the place in
/// the line goes to the next sender.
#[derive(Debug)]
pub(super) struct Sending<'a, R: Strategy> {
    core: &'a Core<R>,
    to: R::Target,
    /// There until it is queued or handed back.
    message: Option<Message>,
    /// There while it waits.
    ticket: Option<Ticket>,
}

impl<'a, R: Strategy> Sending<'a, R> {
    #[inline]
    pub(super) fn new(core: &'a Core<R>, to: R::Target, message: Message) -> Self {
        Self { core, to, message: Some(message), ticket: None }
    }
}

impl<R: Strategy> Future for Sending<'_, R> {
    type Output = Result<(), Refused>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let message = this.message.take().expect("not polled after it was ready");
        if this.ticket.is_none() {
            match this.core.try_send(this.to, message) {
                Err(Refused { message, refusal: Refusal::Full }) => this.message = Some(message),
                done => return Poll::Ready(done),
            }
        } else {
            this.message = Some(message);
        }
        poll_waiting(this.core, this.to, &mut this.message, &mut this.ticket, cx)
    }
}

impl<R: Strategy> Drop for Sending<'_, R> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            cancel(self.core, self.to, ticket);
        }
    }
}

impl<R: Strategy> Unpin for Sending<'_, R> {}

/// Queues `message` if it is its turn, and takes it out of its place then; otherwise waits in line.
pub(super) fn poll_waiting<R: Strategy>(
    core: &Core<R>,
    to: R::Target,
    message: &mut Option<Message>,
    ticket: &mut Option<Ticket>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Refused>> {
    let mut outgoing = lock(&core.outgoing);
    let reserved = match outgoing.poll_reserve(to, ticket, cx.waker()) {
        Poll::Ready(reserved) => reserved,
        Poll::Pending => return Poll::Pending,
    };
    let message = message.take().expect("there until it is queued or handed back");
    let sent = match reserved {
        Ok(key) => outgoing
            .send_reserved(key, message)
            .map_err(|message| Refused { message, refusal: Refusal::HostUnreachable }),
        Err(refusal) => Err(Refused { message, refusal }),
    };
    drop(outgoing);
    Poll::Ready(sent.map(|connection| {
        if let Some(connection) = connection {
            connection.wake();
        }
    }))
}

/// Gives up a place in the line, and the slot that may have been granted to it.
pub(super) fn cancel<R: Strategy>(core: &Core<R>, to: R::Target, ticket: Ticket) {
    let mut woken = Vec::new();
    lock(&core.outgoing).cancel(to, ticket, &mut woken);
    wake_all(&mut woken);
}
