//! The handle that every socket type wraps.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::reserving::{Reserving, Slot};
use super::sending::{Sending, Unsent, returned, send_immediately};
use super::sending_many::{SendingMany, try_send_all};
use super::sink_buffer::{SinkBuffer, Unqueued};
use super::target::{Addressed, Target, TargetOf};
use super::time_limit::TimeLimit;
use super::waiting::WaitError;
use super::{Core, Kind, receiving};
use crate::message::{AnyMessage, Message};
use crate::options::Options;
use crate::pipe::Ticket;
use crate::routing::{Refusal, Strategy};

/// Shares a socket, and holds the state of its `Stream` and `Sink` between calls.
pub(super) struct Handle<K: Kind> {
    pub(super) core: Arc<Core<K::Outgoing>>,
    pub(super) outbox: SinkBuffer<TargetOf<K>>,
    /// The ticket of the `Stream` in the line of receivers.
    pub(super) receiving: Option<Ticket>,
}

type UnsentOf<'a, K, M> = Unsent<'a, <K as Kind>::Outgoing, M>;

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

    /// Receives the next message, for a `Stream`.
    pub(super) fn poll_next<M: AnyMessage>(&mut self, cx: &mut Context<'_>) -> Poll<Option<M>> {
        receiving::poll_receive(&self.core, &mut self.receiving, cx).map(Result::ok)
    }
}

/// The mechanics of sending verbs, for every target.
impl<K: Kind<Outgoing: Strategy<Target = T>>, T: Target> Handle<K> {
    /// Sends a message to a target. Returns `None` if it was sent immediately: a future for this
    /// case would move the message several times.
    #[inline(always)]
    pub(super) fn send<M: AnyMessage>(
        &self,
        to: impl Borrow<T>,
        message: M,
    ) -> Option<UnsentOf<'_, K, M>> {
        let (core, to) = (&*self.core, to.borrow());
        let mut message = Some(message.into_queue());
        if send_immediately(core, to, &mut message) {
            return None;
        }
        Some(self.unsent(to, &mut message))
    }

    /// Returns the rest of a send. Nothing of it is on the path of a message that was sent.
    #[cold]
    #[inline(never)]
    fn unsent<M: AnyMessage>(&self, to: &T, message: &mut Option<Message>) -> UnsentOf<'_, K, M> {
        let (_, message) = returned((), message.take());
        Unsent::new(Sending::new(&self.core, to.clone(), message, self.core.send_timeout))
    }

    /// Sends a message to a target that has room.
    #[inline]
    pub(super) fn try_send<M: AnyMessage>(
        &self,
        to: impl Borrow<T>,
        message: M,
    ) -> Result<(), T::TryError<M>> {
        let mut message = Some(message.into_queue());
        self.core.try_send(to.borrow(), &mut message).map_err(|refusal| {
            let (refusal, message) = returned(refusal, message);
            T::try_error(refusal, M::from_queue(message))
        })
    }

    /// Sends a message to a target; waits for room, at most for `timeout`.
    pub(super) fn send_timeout<M: AnyMessage>(
        &self,
        to: impl Borrow<T>,
        message: M,
        timeout: Duration,
    ) -> UnsentOf<'_, K, M> {
        let (to, message) = (to.borrow().clone(), message.into_queue());
        Unsent::new(Sending::new(&self.core, to, message, Some(timeout)))
    }

    /// Sends a message to the target of `request`, as [`send`](Self::send) does.
    #[inline(always)]
    pub(super) fn reply<M: AnyMessage>(
        &self,
        request: &impl Addressed<T>,
        message: M,
    ) -> Result<Option<UnsentOf<'_, K, M>>, T::Error<M>> {
        match request.target() {
            Some(to) => Ok(self.send(to, message)),
            None => Err(unaddressed::<T, M>(message)),
        }
    }

    /// Sends a message to the target of `request`, as [`try_send`](Self::try_send) does.
    #[inline]
    pub(super) fn try_reply<M: AnyMessage>(
        &self,
        request: &impl Addressed<T>,
        message: M,
    ) -> Result<(), T::TryError<M>> {
        match request.target() {
            Some(to) => self.try_send(to, message),
            None => Err(T::try_error(Refusal::HostUnreachable, message)),
        }
    }

    /// Sends a message to the target of `request`, as [`send_timeout`](Self::send_timeout) does.
    pub(super) fn reply_timeout<M: AnyMessage>(
        &self,
        request: &impl Addressed<T>,
        message: M,
        timeout: Duration,
    ) -> Result<UnsentOf<'_, K, M>, T::Error<M>> {
        match request.target() {
            Some(to) => Ok(self.send_timeout(to, message, timeout)),
            None => Err(unaddressed::<T, M>(message)),
        }
    }

    /// Sends messages to their targets, and takes each out of `messages` when it is queued; waits
    /// for room.
    pub(super) fn send_many<'a, 'b, M>(
        &'a self,
        messages: &'b mut VecDeque<M>,
    ) -> SendingMany<'a, 'b, K::Outgoing, M> {
        SendingMany::new(&self.core, messages)
    }

    /// Sends messages to their targets until one has no room, and takes each out of `messages` when
    /// it is queued.
    pub(super) fn try_send_many<M: Addressed<T>>(
        &self,
        messages: &mut VecDeque<M>,
    ) -> Result<(), T::TryError<()>> {
        let sent = try_send_all(&self.core, messages, &mut None);
        sent.map_err(|refusal| T::try_error(refusal, ()))
    }

    /// Reserves a slot for one message to a target; waits until one is free.
    pub(super) async fn reserve(&self, to: T) -> Result<Slot<'_, K::Outgoing>, T::Error<()>> {
        let reserving = Reserving::new(&self.core, to, self.core.send_timeout);
        reserving.await.map_err(|failure| T::error(failure, ()))
    }

    /// Reserves a slot for one message to a target that has room.
    pub(super) fn try_reserve(&self, to: T) -> Result<Slot<'_, K::Outgoing>, T::TryError<()>> {
        Slot::try_reserve(&self.core, to).map_err(|refusal| T::try_error(refusal, ()))
    }

    /// Waits until the `Sink` has capacity for a message.
    #[inline]
    pub(super) fn poll_ready<M: Addressed<T>>(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), T::Error<M>>> {
        let Self { core, outbox, .. } = self;
        let ready = match T::same_for_all() {
            Some(to) => outbox.poll_reserve(core, to, cx),
            None => outbox.poll_ready(core, cx),
        };
        // Errors are returned with the next message.
        ready.map(Ok)
    }

    /// Queues the message of a `Sink`, or keeps it until its target has room.
    #[inline]
    pub(super) fn start_send<M: Addressed<T>>(&mut self, message: M) -> Result<(), T::Error<M>> {
        let Some(to) = message.target() else {
            return Err(unaddressed::<T, M>(message));
        };
        let Self { core, outbox, .. } = self;
        outbox.start_send(core, to, message.into_queue()).map_err(refused::<T, M>)
    }

    /// Waits until the `Sink` keeps no message.
    #[inline]
    pub(super) fn poll_flush<M: Addressed<T>>(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), T::Error<M>>> {
        let Self { core, outbox, .. } = self;
        outbox.poll_flush(core, cx).map_err(refused::<T, M>)
    }

    /// Returns the limit of [`poll_overdue`](Self::poll_overdue).
    pub(super) fn sink_limit(&self) -> TimeLimit {
        TimeLimit::new(self.core.send_timeout)
    }

    /// Waits until the limit of the kept message expires, and returns the message.
    pub(super) fn poll_overdue<M: Addressed<T>>(
        &mut self,
        limit: &mut TimeLimit,
        cx: &mut Context<'_>,
    ) -> Poll<M> {
        let Self { core, outbox, .. } = self;
        let overdue = outbox.poll_overdue(core, limit, cx);
        overdue.map(|(to, message)| M::from_queue(message).addressed(to))
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

/// Returns the error of a `Sink`, which has no timeout.
#[cold]
fn refused<T: Target, M: Addressed<T>>((refusal, to, message): Unqueued<T>) -> T::Error<M> {
    T::error(WaitError::Refused(refusal), M::from_queue(message).addressed(to))
}

/// Returns the error of a message without a target.
#[cold]
fn unaddressed<T: Target, M>(message: M) -> T::Error<M> {
    T::error(WaitError::Refused(Refusal::HostUnreachable), message)
}
