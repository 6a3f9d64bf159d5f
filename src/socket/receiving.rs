//! Receives messages, and waits for them.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::coop;

use super::Core;
use super::coop::poll_budget;
use super::waiting::{Receivers, Waiting};
use crate::error::{RecvError, TryRecvError};
use crate::message::Message;
use crate::pipe::Ticket;
use crate::remote::Remote;
use crate::routing::Closed;

/// A future that takes the next message as soon as there is one.
///
/// Dropping it before it is ready takes no message, and passes its wake-up on.
#[derive(Debug)]
pub(super) struct Receiving<'a, R>(Waiting<Receivers<'a, R>>);

impl<'a, R> Receiving<'a, R> {
    #[inline]
    pub(super) const fn new(core: &'a Core<R>, limit: Option<Duration>) -> Self {
        Self(Waiting::new(Receivers { core }, limit))
    }
}

impl<R> Future for Receiving<'_, R> {
    type Output = Result<Message, RecvError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let receive = |line: &Receivers<'_, R>, ticket: &mut _, cx: &mut Context<'_>| {
            poll_receive(line.core, ticket, cx)
        };
        self.0.poll(cx, receive, || Err(RecvError::Timeout))
    }
}

/// A future that takes the next message and its remote as soon as there is one.
///
/// Dropping it before it is ready takes no message, and passes its wake-up on.
#[derive(Debug)]
pub(super) struct ReceivingFrom<'a, R>(Waiting<Receivers<'a, R>>);

impl<'a, R> ReceivingFrom<'a, R> {
    pub(super) const fn new(core: &'a Core<R>, limit: Option<Duration>) -> Self {
        Self(Waiting::new(Receivers { core }, limit))
    }
}

impl<R> Future for ReceivingFrom<'_, R> {
    type Output = Result<(Message, Remote), RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let receive = |line: &Receivers<'_, R>, ticket: &mut _, cx: &mut Context<'_>| {
            let budget = ready!(poll_budget(cx));
            let (remote, popped) = line.core.incoming.with(|incoming, wakes| {
                let remote = incoming.next_remote().cloned();
                (remote, incoming.poll_pop(ticket, cx.waker(), wakes))
            });
            let popped = ready!(popped);
            budget.used();
            Poll::Ready(popped.ok().zip(remote).ok_or(RecvError::Closed))
        };
        self.0.poll(cx, receive, || Err(RecvError::Timeout))
    }
}

/// A future that takes all queued messages, up to a limit, as soon as there is one.
///
/// Dropping it before it is ready takes no message, and passes its wake-up on.
#[derive(Debug)]
pub(super) struct ReceivingMany<'a, 'b, R> {
    waiting: Waiting<Receivers<'a, R>>,
    buffer: &'b mut Vec<Message>,
    /// At least one.
    most: usize,
}

impl<'a, 'b, R> ReceivingMany<'a, 'b, R> {
    /// Creates the future. `most` must be at least one.
    pub(super) const fn new(
        core: &'a Core<R>,
        buffer: &'b mut Vec<Message>,
        most: usize,
        limit: Option<Duration>,
    ) -> Self {
        Self { waiting: Waiting::new(Receivers { core }, limit), buffer, most }
    }
}

impl<R> Future for ReceivingMany<'_, '_, R> {
    /// The number of messages that were taken.
    type Output = Result<usize, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { waiting, buffer, most } = &mut *self;
        let receive = |line: &Receivers<'_, R>, ticket: &mut _, cx: &mut Context<'_>| {
            let coop = ready!(coop::poll_proceed(cx));
            let received = line.core.incoming.with(|incoming, wakes| {
                let first = ready!(incoming.poll_pop(ticket, cx.waker(), wakes));
                let mut next = Some(first.map_err(|Closed| RecvError::Closed)?);
                let mut received = 0;
                while let Some(message) = next {
                    buffer.push(message);
                    received += 1;
                    let is_full = received == *most;
                    next = if is_full { None } else { incoming.pop(wakes).ok().flatten() };
                }
                Poll::Ready(Ok(received))
            });
            if let Poll::Ready(Ok(_)) = received {
                coop.made_progress();
            }
            received
        };
        waiting.poll(cx, receive, || Err(RecvError::Timeout))
    }
}

/// Takes the next message, or waits in line for one.
#[inline]
pub(super) fn poll_receive<R>(
    core: &Core<R>,
    ticket: &mut Option<Ticket>,
    cx: &mut Context<'_>,
) -> Poll<Result<Message, RecvError>> {
    let budget = ready!(poll_budget(cx));
    let popped = core.incoming.with(|incoming, wakes| incoming.poll_pop(ticket, cx.waker(), wakes));
    if popped.is_ready() {
        budget.used();
    }
    popped.map_err(|Closed| RecvError::Closed)
}

/// Takes the next message if there is one.
pub(super) fn try_receive<R>(core: &Core<R>) -> Result<Message, TryRecvError> {
    match core.incoming.with(|incoming, wakes| incoming.pop(wakes)) {
        Ok(Some(message)) => Ok(message),
        Ok(None) => Err(TryRecvError::Empty),
        Err(Closed) => Err(TryRecvError::Closed),
    }
}

/// Takes the next message and its remote if there is one.
pub(super) fn try_receive_from<R>(core: &Core<R>) -> Result<(Message, Remote), TryRecvError> {
    let (remote, popped) = core.incoming.with(|incoming, wakes| {
        let remote = incoming.next_remote().cloned();
        (remote, incoming.pop(wakes))
    });
    match popped {
        Ok(message) => message.zip(remote).ok_or(TryRecvError::Empty),
        Err(Closed) => Err(TryRecvError::Closed),
    }
}
