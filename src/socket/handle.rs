//! What every handle is made of.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::sink_buffer::SinkBuffer;
use super::{Core, receiving};
use crate::message::Message;
use crate::pipe::Ticket;
use crate::routing::Strategy;

/// A share in a socket, and what its `Stream` and `Sink` remember between calls.
pub(super) struct Handle<R: Strategy> {
    pub(super) core: Arc<Core<R>>,
    pub(super) outbox: SinkBuffer<R::Target>,
    /// The place in line of the `Stream`.
    receiving: Option<Ticket>,
}

impl<R: Strategy> Handle<R> {
    pub(super) const fn new(core: Arc<Core<R>>) -> Self {
        Self { core, outbox: SinkBuffer::new(), receiving: None }
    }

    /// Shows what tells one socket from another, and nothing of the messages in it.
    pub(super) fn fmt(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct(name);
        debug.field("last_endpoint", &self.core.control.last_endpoint()).finish_non_exhaustive()
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let received = receiving::poll_receive(&self.core, &mut self.receiving, cx);
        received.map(Result::ok)
    }
}

impl<R: Strategy> Clone for Handle<R> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.core))
    }
}

impl<R: Strategy> Drop for Handle<R> {
    fn drop(&mut self) {
        self.outbox.abandon(&self.core);
        if let Some(ticket) = self.receiving {
            self.core.cancel_receive(ticket);
        }
    }
}
