//! Waiting for the limit of what ended remotes leave to be exceeded, or to be met again.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::pipe::Ticket;
use crate::routing::Routing;

/// Waits until ended remotes have left more than their limit, or until half of the limit is free again.
/// Yields whether the limit is exceeded.
///
/// Dropping it before it is ready passes a wake-up on.
#[derive(Debug)]
pub(crate) struct EndedLimitChange<'a> {
    routing: &'a Routing,
    /// The state that is known so far.
    was_full: bool,
    /// There while it waits.
    ticket: Option<Ticket>,
}

impl Routing {
    /// Waits for another state than `was_full`.
    pub(crate) const fn change(&self, was_full: bool) -> EndedLimitChange<'_> {
        EndedLimitChange { routing: self, was_full, ticket: None }
    }

    /// Waits until remotes may be added.
    pub(crate) async fn has_room(&self) {
        self.change(true).await;
    }
}

impl Future for EndedLimitChange<'_> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let Self { routing, was_full, ticket } = &mut *self;
        routing
            .incoming
            .with(|incoming, wakes| incoming.poll_change(*was_full, ticket, cx.waker(), wakes))
    }
}

impl Drop for EndedLimitChange<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.routing.incoming.with(|incoming, wakes| incoming.cancel_change(ticket, wakes));
        }
    }
}
