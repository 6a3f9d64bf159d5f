//! Waits in line, for a limited time.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::coop;

use super::Core;
use super::time_limit::TimeLimit;
use crate::pipe::{InLine, Ticket, WaitingLine};
use crate::routing::{Refusal, Strategy};
use crate::runtime::Runtime;

/// The line of senders that wait for capacity.
#[derive(Debug)]
pub(super) struct Senders<'a, R: Strategy> {
    pub(super) core: &'a Core<R>,
    pub(super) to: R::Target,
}

/// The line of receivers that wait for a message.
#[derive(Debug)]
pub(super) struct Receivers<'a, R> {
    pub(super) core: &'a Core<R>,
}

/// The reason why a wait for capacity has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitError {
    Refused(Refusal),
    Timeout,
}

/// A line of a socket.
pub(super) trait SocketWaitingLine: WaitingLine {
    /// Returns the runtime whose timers limit the wait.
    fn runtime(&self) -> &Runtime;
}

/// An operation that waits in line until it is ready or its time limit expires.
#[derive(Debug)]
pub(super) struct Waiting<L: WaitingLine> {
    position: InLine<L>,
    limit: TimeLimit,
}

impl<L: SocketWaitingLine> Waiting<L> {
    #[inline]
    pub(super) const fn new(line: L, limit: Option<Duration>) -> Self {
        Self { position: InLine::new(line), limit: TimeLimit::new(limit) }
    }

    /// Polls an operation, which joins the line if it has to wait.
    #[inline]
    pub(super) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&L, &mut Option<Ticket>, &mut Context<'_>) -> Poll<T>,
        timeout: impl FnOnce() -> T,
    ) -> Poll<T> {
        let (line, ticket) = self.position.parts();
        match poll(line, ticket, cx) {
            // Without a ticket, the task only yields to other tasks: because its budget is used up,
            // which does not count as waiting, or because there are many messages to be discarded,
            // which does.
            Poll::Pending if ticket.is_some() || coop::has_budget_remaining() => {
                self.limit.poll(line.runtime(), cx).map(|()| timeout())
            }
            polled => polled,
        }
    }
}

impl<R: Strategy> WaitingLine for Senders<'_, R> {
    fn cancel(&self, ticket: Ticket) {
        self.core.cancel_send(&self.to, ticket);
    }
}

impl<R> WaitingLine for Receivers<'_, R> {
    fn cancel(&self, ticket: Ticket) {
        self.core.cancel_receive(ticket);
    }
}

impl<R: Strategy> SocketWaitingLine for Senders<'_, R> {
    fn runtime(&self) -> &Runtime {
        self.core.runtime()
    }
}

impl<R> SocketWaitingLine for Receivers<'_, R> {
    fn runtime(&self) -> &Runtime {
        self.core.runtime()
    }
}
