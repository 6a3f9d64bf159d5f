//! A sink that sends messages in batches.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_sink::Sink;

use super::forwarding::SharedCore;
use super::sending_many::{poll_send_all, try_send_all};
use super::target::{Addressed, Target};
use super::waiting::WaitError;
use crate::error::SendError;
use crate::message::AnyMessage;
use crate::pipe::Ticket;
use crate::routing::{Refusal, Strategy};
use crate::socket::bounds::sealed::Batching;

/// A [`Sink`] that collects messages and sends them through a socket in batches.
///
/// The socket's own sink queues each message separately. This one holds up to `capacity` messages,
/// in addition to those that the high-water mark permits, and sends them as `send_many` does when
/// it is flushed, or when it is full and the next message is fed. A message then costs less,
/// because the socket is locked once and each connection is woken once for many messages.
/// Collecting messages does not yield to other tasks, so `capacity` should not exceed a few
/// thousand.
///
/// `StreamExt::forward` and `SinkExt::send_all` flush the sink whenever the stream has no message
/// ready, and at its end, so that no message waits for later ones. `SinkExt::feed` does not flush:
/// messages stay in the sink until it is flushed, full or dropped. Messages of other handles can be
/// sent before them. If a flush is dropped, the sink stays in line: a slot that it is granted stays
/// reserved until the sink is used again or dropped.
///
/// No message is lost silently. When the sink is dropped, it sends the messages for which there is
/// room, without waiting, and counts the others as undelivered in the
/// [`CloseReport`](crate::CloseReport). [`into_inner`](Self::into_inner) returns the messages
/// instead. Closing the sink flushes it and leaves the socket open.
///
/// Like the socket's own sink, it waits regardless of
/// [`send_timeout`](crate::Builder::send_timeout). [`Push::batched`](crate::Push::batched) and the
/// methods of the same name of other sockets create it.
///
/// # Errors
///
/// The sink fails with [`SendError::Closed`] when the socket is closed, and with
/// [`SendError::TooLong`] for a message that is too long for a datagram. The error contains the
/// message that cannot be sent. If this is an earlier message than the one that was fed, the latter
/// stays in the sink with all other later messages.
///
/// # Examples
///
/// ```
/// use futures::StreamExt;
/// use tokio_zmtp::{Pull, Push};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pull = Pull::new();
/// let push = Push::new();
/// push.connect(pull.bind("tcp://127.0.0.1:*").await?).await?;
///
/// let numbers = futures::stream::iter(0..1_000_u32).map(|number| Ok(number.to_string()));
/// tokio::spawn(numbers.forward(push.batched(64)));
/// for number in 0..1_000_u32 {
///     assert_eq!(pull.recv().await?.last(), number.to_string().as_bytes());
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a sink does nothing until it is used"]
pub struct Batched<S: Batching> {
    socket: S,
    capacity: usize,
    messages: VecDeque<S::Message>,
    /// The ticket in the line of senders, and the target of the first message.
    waiting: Option<(TargetOf<S>, Ticket)>,
    /// The reason why the first message cannot be sent. The next message returns it.
    refusal: Option<Refusal>,
}

type TargetOf<S> = <<S as SharedCore>::Outgoing as Strategy>::Target;

impl<S: Batching> Batched<S> {
    pub(super) const fn new(socket: S, capacity: usize) -> Self {
        Self { socket, capacity, messages: VecDeque::new(), waiting: None, refusal: None }
    }

    /// Returns the socket.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(push: tokio_zmtp::Push) -> Result<(), Box<dyn std::error::Error>> {
    /// let sink = push.batched(64);
    /// println!("{} remotes", sink.get_ref().remotes().len());
    /// # Ok(())
    /// # }
    /// ```
    pub const fn get_ref(&self) -> &S {
        &self.socket
    }

    /// Returns the socket and the messages that have not been sent, oldest first.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(push: tokio_zmtp::Push) -> Result<(), Box<dyn std::error::Error>> {
    /// let sink = push.batched(64);
    /// let (push, mut unsent) = sink.into_inner();
    /// push.send_many(&mut unsent).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(mut self) -> (S, VecDeque<S::Message>) {
        let unsent = mem::take(&mut self.messages);
        (S::from_core(Arc::clone(self.socket.core())), unsent)
    }

    /// Sends all messages, and waits while there is no room. A message that cannot be sent is then
    /// the first.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        let Self { socket, messages, waiting, refusal, .. } = self;
        *refusal = None;
        poll_send_all(socket.core(), messages, waiting, &mut None, cx)
    }

    /// Does the same for a flush.
    fn poll_send_or_return(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<S::Message>>> {
        self.poll_send(cx).map_err(|refusal| self.take_refused(refusal))
    }

    /// Returns the first message, which cannot be sent.
    #[cold]
    fn take_refused(&mut self, refusal: Refusal) -> SendError<S::Message> {
        let first = self.messages.pop_front().expect("the refused message is the first");
        refused(refusal, first)
    }

    fn has_room(&self) -> bool {
        self.messages.len() < self.capacity.max(1)
    }

    fn leave_line(&mut self) {
        if let Some((to, ticket)) = self.waiting.take() {
            self.socket.core().cancel_send(&to, ticket);
        }
    }
}

impl<S: Batching, M: Into<S::Message>> Sink<M> for Batched<S> {
    type Error = SendError<S::Message>;

    #[inline]
    fn poll_ready(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<S::Message>>> {
        if self.has_room() && self.waiting.is_none() {
            return Poll::Ready(Ok(()));
        }
        match self.poll_send(cx) {
            Poll::Ready(Ok(())) => {}
            // An error would be returned instead of the next message, which `SinkExt::feed` would
            // drop.
            Poll::Ready(Err(refusal)) => self.refusal = Some(refusal),
            // The sink may not be polled again until it is full. It must not keep a slot until then.
            Poll::Pending if self.has_room() && self.waiting.is_some() => self.leave_line(),
            Poll::Pending => return Poll::Pending,
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn start_send(mut self: Pin<&mut Self>, message: M) -> Result<(), SendError<S::Message>> {
        let message = message.into();
        if message.target().is_none() {
            return Err(refused(Refusal::HostUnreachable, message));
        }
        self.messages.push_back(message);
        match self.refusal.take() {
            None => Ok(()),
            Some(refusal) => Err(self.take_refused(refusal)),
        }
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<S::Message>>> {
        self.poll_send_or_return(cx)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<S::Message>>> {
        self.poll_send_or_return(cx)
    }
}

impl<S: Batching> Unpin for Batched<S> {}

impl<S: Batching> Drop for Batched<S> {
    fn drop(&mut self) {
        self.leave_line();
        let core = self.socket.core();
        while try_send_all(core, &mut self.messages, &mut None).is_err() {
            let Some(unsent) = self.messages.pop_front() else { break };
            core.control.count_undelivered(unsent.into_queue());
        }
    }
}

impl<S: Batching + fmt::Debug> fmt::Debug for Batched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { socket, messages, .. } = self;
        let mut debug = f.debug_struct("Batched");
        debug.field("socket", socket).field("messages", &messages.len()).finish_non_exhaustive()
    }
}

/// Returns the error of a message that cannot be sent.
#[cold]
fn refused<M>(refusal: Refusal, message: M) -> SendError<M> {
    <() as Target>::error(WaitError::Refused(refusal), message)
}
