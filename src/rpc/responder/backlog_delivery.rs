//! The delivery of a backlog.
//!
//! The first message of a backlog pauses its remote: no more messages are received from it until
//! all are queued, so that it cannot cause more answers than it reads. One task for each such
//! remote queues them in order. It outlives the serving future, but not the socket.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::OwnedSemaphorePermit;

use super::backlog::{BacklogEntry, NextStep};
use super::job_id::JobId;
use super::ledger::{LedgerOf, NextMessage};
use crate::message::Message;
use crate::rpc::RespondingSocket;
use crate::socket::tracked::{InLine, WeakSenders};

/// Queues the waiting messages of one remote, and ends when none is left.
#[derive(Debug)]
pub(super) struct BacklogDelivery<S: RespondingSocket> {
    /// The position in the line of senders to the remote.
    position: InLine<WeakSenders<S>>,
    ledger: Arc<LedgerOf<S>>,
    to: S::Key,
    /// The number of the backlog.
    number: u64,
    message: Option<Message>,
    /// The request that the message belongs to. All have the same pipe.
    id: JobId,
    next_step: Option<NextStep>,
    kept: Option<OwnedSemaphorePermit>,
    is_over: bool,
}

impl<S: RespondingSocket> BacklogDelivery<S> {
    /// Creates the delivery of the backlog with this number.
    pub(super) fn new(
        socket: &S,
        ledger: Arc<LedgerOf<S>>,
        id: JobId,
        to: S::Key,
        number: u64,
    ) -> Self {
        let position = InLine::new(socket.senders(to));
        let (message, next_step, kept) = (None, None, None);
        Self { position, ledger, to, number, message, id, next_step, kept, is_over: false }
    }

    /// Takes the next message; returns false if there is none.
    fn take_next(&mut self, socket: &S) -> bool {
        let Self { ledger, id, to, number, .. } = self;
        let entry = match ledger.next_to(id.pipe, *to, *number) {
            NextMessage::Entry(entry) => entry,
            NextMessage::Nothing => return false,
            NextMessage::Resume => {
                socket.resume(to);
                return false;
            }
        };
        let BacklogEntry { id, message, next_step, kept } = entry;
        (self.message, self.id, self.next_step, self.kept) =
            (Some(message), id, Some(next_step), kept);
        true
    }

    /// Completes a message that has been queued.
    fn sent(&mut self) {
        self.kept = None;
        match self.next_step.take() {
            Some(NextStep::Answer(count)) => {
                self.ledger.finish(self.id, count);
            }
            Some(NextStep::Part(sender)) => {
                // A stream that was dropped meanwhile does not continue.
                let _ = sender.send(());
            }
            Some(NextStep::Notice) | None => {}
        }
    }

    /// Ends without sending the remaining messages, because the remote is disconnected.
    fn abandon(&mut self) {
        self.is_over = true;
        let begun = self.next_step.take().map(|step| (self.id, step));
        self.ledger.abandon(self.id.pipe, self.number, begun);
    }
}

impl<S: RespondingSocket> Future for BacklogDelivery<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            let Some(socket) = this.position.parts().0.upgrade() else {
                this.abandon();
                return Poll::Ready(());
            };
            if this.message.is_none() && !this.take_next(&socket) {
                this.is_over = true;
                return Poll::Ready(());
            }
            let Self { position, to, message, .. } = this;
            match ready!(socket.poll_route(to, message, position.parts().1, cx)) {
                Ok(()) => this.sent(),
                Err(_) => {
                    this.abandon();
                    return Poll::Ready(());
                }
            }
        }
    }
}

impl<S: RespondingSocket> Drop for BacklogDelivery<S> {
    /// A runtime that shuts down drops the task early.
    fn drop(&mut self) {
        if !self.is_over {
            self.abandon();
        }
    }
}
