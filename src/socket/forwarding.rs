//! Moves messages from the incoming queues of one socket to the outgoing queues of another, for
//! proxies.
//!
//! A message is taken only if it can be queued, and both are one step under the locks of both
//! sockets. No message is ever between the two, so that none can be lost there.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::Core;
use crate::message::Message;
use crate::pipe::Ticket;
use crate::routing::Strategy;
use crate::stats::Volume;
use crate::sync::Wakes;

/// A socket type that receives. `verbs!` implements it.
pub(super) trait Source {
    type Outgoing: Strategy + 'static;

    fn core(&self) -> &Arc<Core<Self::Outgoing>>;
}

/// A socket type that sends, and picks the remote itself. `verbs!` implements it.
pub(super) trait Destination {
    type Outgoing: Strategy<Target = ()> + 'static;

    fn core(&self) -> &Arc<Core<Self::Outgoing>>;
}

/// One direction of a proxy.
pub(crate) trait Forward: Send {
    /// Moves up to `most` messages; adds copies of them to `copies`, if copies are requested. If it
    /// has to wait, for a message or for capacity, the task is woken when it can continue.
    fn poll_forward(
        &mut self,
        most: usize,
        copies: Option<&mut Vec<Option<Message>>>,
        cx: &mut Context<'_>,
        wakes: &mut Wakes,
    ) -> Forwarded;

    /// Ready when the destination is closed. [`poll_forward`](Self::poll_forward) detects this only
    /// if there is a message.
    fn poll_destination_closed(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Stops waiting.
    fn cancel(&mut self);
}

/// The result of one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forwarded {
    /// The messages that were moved.
    pub(crate) moved: Volume,
    /// Pending while it waits.
    pub(crate) state: Poll<Option<ForwardingEnd>>,
}

/// The reason why no more messages can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForwardingEnd {
    /// The destination is closed. Other messages stay in the source.
    DestinationClosed,
    /// The source is closed, and all its messages have been moved.
    SourceClosed,
}

/// Accepts copies of messages.
pub(crate) trait Outlet: Send + Sync {
    /// Queues messages while there is capacity, and removes the queued ones.
    fn try_send_all(&self, messages: &mut [Option<Message>], wakes: &mut Wakes);
}

/// Returns the direction from one socket to another.
#[expect(private_bounds, reason = "other modules name the types of sockets")]
pub(crate) fn forward<S: Source, D: Destination>(source: &S, destination: &D) -> Box<dyn Forward> {
    let (source, destination) = (Arc::clone(source.core()), Arc::clone(destination.core()));
    let mut presence = destination.control.shared().remotes.presence();
    let closed = Box::pin(async move {
        // It fails only with the table, which the destination keeps.
        let _ = presence.wait_for(|presence| presence.closed).await;
    });
    Box::new(Forwarding { source, destination, receiving: None, sending: None, closed })
}

/// Returns whether both are handles to the same socket.
#[expect(private_bounds, reason = "other modules name the types of sockets")]
pub(crate) fn are_same<S: Source, D: Destination>(source: &S, destination: &D) -> bool {
    Arc::ptr_eq(&source.core().incoming, &destination.core().incoming)
}

/// Returns a socket as the outlet of copies.
#[expect(private_bounds, reason = "other modules name the types of sockets")]
pub(crate) fn outlet<D: Destination>(destination: &D) -> Arc<dyn Outlet> {
    Arc::clone(destination.core()) as Arc<dyn Outlet>
}

/// One direction between two sockets.
struct Forwarding<S, D: Strategy<Target = ()>> {
    source: Arc<Core<S>>,
    destination: Arc<Core<D>>,
    /// A place in the line of receivers of the source, while the source has no message.
    receiving: Option<Ticket>,
    /// A place in the line of senders of the destination, while the source has a message.
    sending: Option<Ticket>,
    /// Ready when the destination is closed.
    closed: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<S: Send, D: Strategy<Target = ()>> Forward for Forwarding<S, D> {
    fn poll_forward(
        &mut self,
        most: usize,
        mut copies: Option<&mut Vec<Option<Message>>>,
        cx: &mut Context<'_>,
        wakes: &mut Wakes,
    ) -> Forwarded {
        let Self { source, destination, receiving, sending, .. } = self;
        let mut outgoing = destination.outgoing.lock();
        let mut incoming = source.incoming.lock();
        let mut moved = Volume::default();
        for _ in 0..most {
            let readable = incoming.poll_readable(receiving, cx.waker());
            if readable != Poll::Ready(Ok(())) {
                // Capacity goes to other senders meanwhile.
                if let Some(ticket) = sending.take() {
                    outgoing.cancel(&(), ticket, wakes);
                }
                let state = readable.map(|_| Some(ForwardingEnd::SourceClosed));
                return Forwarded { moved, state };
            }
            let slot = if sending.is_none() && outgoing.can_send(&()) {
                None
            } else {
                match outgoing.poll_reserve(&(), sending, cx.waker()) {
                    Poll::Ready(Ok(key)) => Some(key),
                    full_or_closed => {
                        // The message goes to another receiver, if one waits.
                        if let Some(ticket) = receiving.take() {
                            incoming.cancel(ticket, wakes);
                        }
                        let end = ForwardingEnd::DestinationClosed;
                        return Forwarded { moved, state: full_or_closed.map(|_| Some(end)) };
                    }
                }
            };
            if let Some(ticket) = receiving.take() {
                incoming.cancel(ticket, wakes);
            }
            let mut message = incoming.pop(wakes).ok().flatten();
            if let Some(message) = &message {
                moved.add(Volume { messages: 1, bytes: message.len() as u64 });
                if let Some(copies) = &mut copies {
                    copies.push(Some(message.clone()));
                }
            }
            let sent = match slot {
                Some(key) => outgoing.send_reserved(key, &mut message, wakes),
                None => outgoing.try_send(&(), &mut message, wakes),
            };
            debug_assert!(sent.is_ok() && message.is_none(), "there was capacity under this lock");
        }
        Forwarded { moved, state: Poll::Ready(None) }
    }

    fn poll_destination_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.closed.as_mut().poll(cx)
    }

    fn cancel(&mut self) {
        self.leave_lines();
    }
}

impl<S, D: Strategy<Target = ()>> Forwarding<S, D> {
    /// Passes on the wake-up or the slot that it may have been granted.
    fn leave_lines(&mut self) {
        if let Some(ticket) = self.receiving.take() {
            self.source.cancel_receive(ticket);
        }
        if let Some(ticket) = self.sending.take() {
            self.destination.cancel_send(&(), ticket);
        }
    }
}

impl<S, D: Strategy<Target = ()>> Drop for Forwarding<S, D> {
    fn drop(&mut self) {
        self.leave_lines();
    }
}

impl<R: Strategy<Target = ()>> Outlet for Core<R> {
    fn try_send_all(&self, messages: &mut [Option<Message>], wakes: &mut Wakes) {
        let mut outgoing = self.outgoing.lock();
        for message in messages {
            if outgoing.try_send(&(), message, wakes).is_err() {
                // The socket is mute or closed, and stays so under this lock.
                return;
            }
        }
    }
}
