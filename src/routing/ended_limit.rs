//! Waits until ended remotes exceed their limit, or no longer do.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::pipe::{InLine, Ticket, WaitingLine};
use crate::routing::Routing;

/// A future that waits until ended remotes exceed their limit, or until half of the limit is free
/// again. Its output is whether the limit is exceeded.
///
/// Dropping it before it is ready passes a wake-up to the other waiting tasks.
#[derive(Debug)]
pub(crate) struct EndedLimitChange<'a> {
    position: InLine<Changes<'a>>,
    /// The state known to the task.
    was_full: bool,
}

/// The line of tasks that wait for a change.
#[derive(Debug)]
struct Changes<'a>(&'a Routing);

impl WaitingLine for Changes<'_> {
    fn cancel(&self, ticket: Ticket) {
        self.0.incoming.with(|incoming, wakes| incoming.cancel_change(ticket, wakes));
    }
}

impl Routing {
    /// Waits until the state differs from `was_full`.
    pub(crate) const fn change(&self, was_full: bool) -> EndedLimitChange<'_> {
        EndedLimitChange { position: InLine::new(Changes(self)), was_full }
    }

    /// Waits until remotes may be added.
    pub(crate) async fn has_room(&self) {
        self.change(true).await;
    }
}

impl Future for EndedLimitChange<'_> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let Self { position, was_full } = &mut *self;
        let (Changes(routing), ticket) = position.parts();
        routing
            .incoming
            .with(|incoming, wakes| incoming.poll_change(*was_full, ticket, cx.waker(), wakes))
    }
}
