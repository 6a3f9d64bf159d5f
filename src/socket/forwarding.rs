//! Moves messages from the incoming queues of one socket to the outgoing queues of another, for
//! proxies.
//!
//! A message is taken only if it can be queued, and both are one step under the locks of both
//! sockets. No message is ever between the two, so that none can be lost there.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use zmtp_proto::group::Group;
use zmtp_proto::identity::Identity;
use zmtp_proto::message_shape::{MessageShape, last_part, parts, split_first_part};

use super::Core;
use crate::message::{Message, Multipart};
use crate::pipe::Ticket;
use crate::remote::Remote;
use crate::routing::{FairQueue, FirstPart, Strategy};
use crate::stats::Volume;
use crate::sync::Wakes;

/// A socket type. `verbs!` implements it.
pub(super) trait SharedCore: Sized {
    type Outgoing: Strategy + 'static;

    fn core(&self) -> &Arc<Core<Self::Outgoing>>;

    /// Returns another handle.
    fn from_core(core: Arc<Core<Self::Outgoing>>) -> Self;
}

/// A socket type that receives.
pub(super) trait Source: SharedCore {}

/// A socket type that sends. Its messages contain their target, or need none.
pub(super) trait Destination: SharedCore<Outgoing: Strategy<Target: MessageTarget>> {}

/// A target that is part of the message.
pub(crate) trait MessageTarget: Default {
    /// Returns the target of a message.
    fn of(message: &[u8]) -> Self;

    /// Returns the target of the next message of a queue.
    fn of_next(incoming: &FairQueue) -> Self {
        incoming.first().map(Self::of).unwrap_or_default()
    }
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

    /// Drops the messages that could not be queued, and reports remotes that have begun to miss
    /// messages.
    /// Called after each step, without a lock: a destructor may run code of the application.
    fn finish_step(&mut self);
}

/// The result of one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forwarded {
    /// The messages that were moved.
    pub(crate) moved: Volume,
    /// The messages that were taken and not queued, because the destination can never send them.
    pub(crate) too_long: Volume,
    /// The messages that were taken and not queued, because their remote is unknown or full.
    pub(crate) unroutable: Volume,
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
pub(crate) trait CaptureSink: Send + Sync {
    /// Queues messages, and takes them out of their places, while there is capacity. Returns their
    /// volume.
    fn try_send_all(&self, messages: &mut [Option<Message>], wakes: &mut Wakes) -> Volume;

    /// Returns the volume of messages.
    fn volume(&self, messages: &[Option<Message>]) -> Volume;

    /// Accounts for the copies of messages that were forwarded to many remotes.
    fn account_for_copies(&self);
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
    Box::new(Forwarding {
        source,
        destination,
        receiving: None,
        sending: None,
        dropped: Vec::new(),
        unknown: Vec::new(),
        closed,
    })
}

/// Returns whether both are handles to the same socket.
#[expect(private_bounds, reason = "other modules name the types of sockets")]
pub(crate) fn are_same<S: Source, D: Destination>(source: &S, destination: &D) -> bool {
    Arc::ptr_eq(&source.core().incoming, &destination.core().incoming)
}

/// Returns a socket as the sink of copies.
#[expect(private_bounds, reason = "other modules name the types of sockets")]
pub(crate) fn capture_sink<D: Destination>(destination: &D) -> Arc<dyn CaptureSink> {
    Arc::clone(destination.core()) as Arc<dyn CaptureSink>
}

/// One direction between two sockets.
struct Forwarding<S: Strategy, D: Strategy<Target: MessageTarget>> {
    source: Arc<Core<S>>,
    destination: Arc<Core<D>>,
    /// A place in the line of receivers of the source, while the source has no message.
    receiving: Option<Ticket>,
    /// A place in the line of senders of the destination, while the source has a message.
    sending: Option<Ticket>,
    /// Messages to be dropped after a step.
    dropped: Vec<Message>,
    /// The remotes that a ROUTER does not have, to be reported after a step.
    unknown: Vec<D::Target>,
    /// Ready when the destination is closed.
    closed: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<S: Strategy, D: Strategy<Target: MessageTarget>> Forward for Forwarding<S, D> {
    fn poll_forward(
        &mut self,
        most: usize,
        mut copies: Option<&mut Vec<Option<Message>>>,
        cx: &mut Context<'_>,
        wakes: &mut Wakes,
    ) -> Forwarded {
        let Self { source, destination, receiving, sending, dropped, unknown, .. } = self;
        let mut outgoing = destination.outgoing.lock();
        let mut incoming = source.incoming.lock();
        let shape = destination.message_shape();
        let [mut moved, mut too_long, mut unroutable] = [Volume::default(); 3];
        for _ in 0..most {
            if S::FILTERS && !incoming.skip_unwanted(wakes) {
                break;
            }
            let readable = incoming.poll_readable(receiving, cx.waker());
            if readable != Poll::Ready(Ok(())) {
                // Capacity goes to other senders meanwhile.
                if let Some(ticket) = sending.take() {
                    outgoing.cancel(&D::Target::default(), ticket, wakes);
                }
                let state = readable.map(|_| Some(ForwardingEnd::SourceClosed));
                return Forwarded { moved, too_long, unroutable, state };
            }
            if S::NOTIFIES && incoming.next_is_repeated() {
                dropped.extend(take_next(&mut incoming, receiving, wakes));
                continue;
            }
            let is_too_long = |message| outgoing.is_too_long(message);
            let never_fits = D::FANS_OUT && incoming.first().is_some_and(is_too_long);
            if let Some(next) = incoming.first().filter(|_| D::FANS_OUT) {
                outgoing.address(next);
            }
            let to = D::Target::of_next(&incoming);
            let identity = identity_of_next::<S>(&incoming);
            // A ROUTER never waits for a remote.
            let is_unroutable = D::IDENTIFIES && !outgoing.has_room_for(&to);
            let mut take = |wakes: &mut Wakes| take_next(&mut incoming, receiving, wakes);
            if never_fits || is_unroutable {
                let message = take(wakes);
                let volume = message.as_ref().map(|it| volume(shape, it)).unwrap_or_default();
                if is_unroutable {
                    unroutable.add(volume);
                    if !outgoing.miss(&to) {
                        unknown.push(to);
                    }
                } else {
                    too_long.add(volume);
                }
                dropped.extend(message);
                continue;
            }
            let take = |wakes: &mut Wakes| {
                let message = match &identity {
                    Some(identity) => Multipart::prepend(identity.as_bytes(), &take(wakes)?),
                    None => take(wakes)?,
                };
                moved.add(volume(shape, &message));
                if let Some(copies) = &mut copies {
                    copies.push(Some(message.clone()));
                }
                if D::IDENTIFIES { Multipart::without_first(&message) } else { Some(message) }
            };
            let sent = outgoing.poll_send_taken(&to, sending, take, cx.waker(), wakes);
            if sent != Poll::Ready(Ok(())) {
                // The message goes to another receiver, if one waits.
                if let Some(ticket) = receiving.take() {
                    incoming.cancel(ticket, wakes);
                }
                let state = sent.map(|_| Some(ForwardingEnd::DestinationClosed));
                return Forwarded { moved, too_long, unroutable, state };
            }
        }
        Forwarded { moved, too_long, unroutable, state: Poll::Ready(None) }
    }

    fn poll_destination_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.closed.as_mut().poll(cx)
    }

    fn cancel(&mut self) {
        self.leave_lines();
    }

    fn finish_step(&mut self) {
        if D::FANS_OUT || !self.dropped.is_empty() {
            self.destination.account_for_copies();
        }
        self.dropped.clear();
        let losses = self.destination.control.shared().losses();
        self.unknown.drain(..).for_each(|to| losses.unroutable(&to));
    }
}

impl<S: Strategy, D: Strategy<Target: MessageTarget>> Forwarding<S, D> {
    /// Passes on the wake-up or the slot that it may have been granted.
    fn leave_lines(&mut self) {
        if let Some(ticket) = self.receiving.take() {
            self.source.cancel_receive(ticket);
        }
        if let Some(ticket) = self.sending.take() {
            self.destination.cancel_send(&D::Target::default(), ticket);
        }
    }
}

impl<S: Strategy, D: Strategy<Target: MessageTarget>> Drop for Forwarding<S, D> {
    fn drop(&mut self) {
        self.leave_lines();
    }
}

impl<R: Strategy<Target: MessageTarget>> CaptureSink for Core<R> {
    fn try_send_all(&self, messages: &mut [Option<Message>], wakes: &mut Wakes) -> Volume {
        let mut sent = Volume::default();
        let shape = self.message_shape();
        let mut outgoing = self.outgoing.lock();
        for message in messages {
            let Some((to, volume)) =
                message.as_ref().map(|it| (R::Target::of(it), volume(shape, it)))
            else {
                continue;
            };
            if outgoing.try_send(&to, message, wakes).is_ok() {
                sent.add(volume);
            }
        }
        sent
    }

    fn volume(&self, messages: &[Option<Message>]) -> Volume {
        let mut sum = Volume::default();
        for message in messages.iter().flatten() {
            sum.add(volume(self.message_shape(), message));
        }
        sum
    }

    fn account_for_copies(&self) {
        Self::account_for_copies(self);
    }
}

/// A ROUTER receives the identity of the remote as the first part, and sends to the remote that the
/// first part names. Its queues hold the parts without it.
impl MessageTarget for Identity {
    fn of(message: &[u8]) -> Self {
        let identity = split_first_part(message).map(|(identity, _)| identity);
        identity.and_then(|identity| Self::try_from(identity).ok()).unwrap_or_default()
    }
}

impl MessageTarget for () {
    fn of(_: &[u8]) {}

    fn of_next(_: &FairQueue) {}
}

/// The pipes are looked up by the message itself.
impl MessageTarget for FirstPart {
    fn of(_: &[u8]) -> Self {
        Self
    }

    fn of_next(_: &FairQueue) -> Self {
        Self
    }
}

/// A message of a group consists of two frames.
impl MessageTarget for Group {
    fn of(message: &[u8]) -> Self {
        let group = split_first_part(message).map(|(group, _)| group);
        group.and_then(|group| Self::try_from(group).ok()).unwrap_or_default()
    }
}

/// Takes the next message, and leaves the line of receivers.
fn take_next(
    incoming: &mut FairQueue,
    receiving: &mut Option<Ticket>,
    wakes: &mut Wakes,
) -> Option<Message> {
    if let Some(ticket) = receiving.take() {
        incoming.cancel(ticket, wakes);
    }
    incoming.pop(wakes).ok().flatten()
}

/// Returns the identity of the remote of the next message, if remotes have one.
fn identity_of_next<S: Strategy>(incoming: &FairQueue) -> Option<Identity> {
    if !S::IDENTIFIES {
        return None;
    }
    incoming.next_remote().and_then(Remote::identity).cloned()
}

/// Returns the volume of a message: the size of its body or of its parts. A group does not count.
fn volume(shape: MessageShape, message: &Message) -> Volume {
    let bytes = match shape {
        MessageShape::Single => message.len(),
        MessageShape::GroupAndBody => {
            let body = split_first_part(message).and_then(|(_, rest)| last_part(rest));
            body.map_or(0, <[u8]>::len)
        }
        MessageShape::Multipart => parts(message).map(<[u8]>::len).sum(),
    };
    Volume { messages: 1, bytes: bytes as u64 }
}
