//! Waiting for a subscriber.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::NoRemoteError;
use crate::monitor::DialFailure;
use crate::pipe::{InLine, Ticket, WaitingLine};
use crate::routing::{ByFirstPart, Closed};
use crate::socket::Core;

/// A future that is ready when a message with a first part has a subscriber.
#[derive(Debug)]
pub(in crate::socket) struct Subscribed<'a, S: ByFirstPart> {
    position: InLine<AwaitedSubscription<'a, S>>,
}

/// The tasks that wait for a subscriber.
#[derive(Debug)]
struct AwaitedSubscription<'a, S: ByFirstPart> {
    core: &'a Core<S>,
    first_part: &'a [u8],
}

impl<'a, S: ByFirstPart> Subscribed<'a, S> {
    /// Creates the future, for messages with this first part.
    pub(in crate::socket) const fn new(core: &'a Core<S>, first_part: &'a [u8]) -> Self {
        Self { position: InLine::new(AwaitedSubscription { core, first_part }) }
    }
}

impl<S: ByFirstPart> Future for Subscribed<'_, S> {
    type Output = Result<(), NoRemoteError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (AwaitedSubscription { core, first_part }, ticket) = self.position.parts();
        let subscribed = core.outgoing.lock().poll_subscribed(first_part, ticket, cx.waker());
        if subscribed.is_pending() {
            // From now on, the task is woken when this changes.
            if let Some(failure) = core.control.shared().remotes.hopeless() {
                return Poll::Ready(Err(NoRemoteError::Failed(DialFailure::clone(&failure))));
            }
        }
        subscribed.map_err(|Closed| NoRemoteError::Closed)
    }
}

impl<S: ByFirstPart> WaitingLine for AwaitedSubscription<'_, S> {
    fn cancel(&self, ticket: Ticket) {
        self.core.outgoing.lock().stop_awaiting(ticket);
    }
}
