//! The handle that every socket type wraps.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::sink_buffer::SinkBuffer;
use super::{Core, Kind, receiving};
use crate::message::Message;
use crate::options::Options;
use crate::pipe::Ticket;
use crate::routing::Strategy;

/// Shares a socket, and holds the state of its `Stream` and `Sink` between calls.
pub(super) struct Handle<K: Kind> {
    pub(super) core: Arc<Core<K::Outgoing>>,
    pub(super) outbox: SinkBuffer<<K::Outgoing as Strategy>::Target>,
    /// The ticket of the `Stream` in the line of receivers.
    receiving: Option<Ticket>,
}

impl<K: Kind> Handle<K> {
    /// Starts a socket.
    ///
    /// # Panics
    ///
    /// See [`Core::start`].
    #[track_caller]
    pub(super) fn start(options: Options) -> Self {
        let core = Core::start::<K>(options);
        K::configure(&core, &core.control.shared().options);
        Self::new(core)
    }

    pub(super) const fn new(core: Arc<Core<K::Outgoing>>) -> Self {
        Self { core, outbox: SinkBuffer::new(), receiving: None }
    }

    /// Formats the endpoint, which identifies the socket. Messages are not shown.
    pub(super) fn fmt(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct(name);
        debug.field("last_endpoint", &self.core.control.last_endpoint()).finish_non_exhaustive()
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let received = receiving::poll_receive(&self.core, &mut self.receiving, cx);
        received.map(Result::ok)
    }
}

impl<K: Kind> Clone for Handle<K> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.core))
    }
}

/// Two handles are equal if they belong to the same socket.
impl<K: Kind> PartialEq for Handle<K> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }
}

impl<K: Kind> Drop for Handle<K> {
    fn drop(&mut self) {
        self.outbox.abandon(&self.core);
        if let Some(ticket) = self.receiving {
            self.core.cancel_receive(ticket);
        }
    }
}
