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
use super::jobs::JobId;
use super::ledger::{Ledger, NextMessage};
use crate::message::Message;
use crate::routing_id::RoutingId;
use crate::socket::Server;
use crate::socket::tracked::{InLine, PipeKey, ServerSenders};

/// Queues the waiting messages of one remote, and ends when none is left.
#[derive(Debug)]
pub(super) struct BacklogDelivery {
    /// The position in the line of senders to the remote.
    position: InLine<ServerSenders>,
    ledger: Arc<Ledger>,
    pipe: PipeKey,
    to: RoutingId,
    message: Option<Message>,
    /// The id of the call of the message.
    call: u64,
    next_step: Option<NextStep>,
    kept: Option<OwnedSemaphorePermit>,
    is_over: bool,
}

impl BacklogDelivery {
    pub(super) fn new(server: &Server, ledger: Arc<Ledger>, pipe: PipeKey, to: RoutingId) -> Self {
        let position = InLine::new(ServerSenders { server: server.downgrade(), to });
        let (message, next_step, kept) = (None, None, None);
        Self { position, ledger, pipe, to, message, call: 0, next_step, kept, is_over: false }
    }

    /// Takes the next message; returns false if there is none.
    fn take_next(&mut self, server: &Server) -> bool {
        let Self { ledger, pipe, to, .. } = self;
        let entry = match ledger.next_to(*pipe, *to) {
            NextMessage::Entry(entry) => entry,
            NextMessage::Nothing => return false,
            NextMessage::Resume => {
                server.resume(*to);
                return false;
            }
        };
        let BacklogEntry { call, message, next_step, kept } = entry;
        (self.message, self.call, self.next_step, self.kept) =
            (Some(message), call, Some(next_step), kept);
        true
    }

    /// Completes a message that has been queued.
    fn sent(&mut self) {
        self.kept = None;
        match self.next_step.take() {
            Some(NextStep::Answer(count)) => {
                self.ledger.finish(JobId { pipe: self.pipe, call: self.call }, count);
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
        let next_step = self.next_step.take().map(|step| (self.call, step));
        self.ledger.abandon(self.pipe, next_step);
    }
}

impl Future for BacklogDelivery {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            let Some(server) = this.position.parts().0.server.upgrade() else {
                this.abandon();
                return Poll::Ready(());
            };
            if this.message.is_none() && !this.take_next(&server) {
                this.is_over = true;
                return Poll::Ready(());
            }
            let Self { position, to, message, .. } = this;
            match ready!(server.poll_route(*to, message, position.parts().1, cx)) {
                Ok(()) => this.sent(),
                Err(_) => {
                    this.abandon();
                    return Poll::Ready(());
                }
            }
        }
    }
}

impl Drop for BacklogDelivery {
    /// A runtime that shuts down drops the task early.
    fn drop(&mut self) {
        if !self.is_over {
            self.abandon();
        }
    }
}
