//! A sink that drops messages to remotes that have left or do not read.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;

use super::time_limit::TimeLimit;
use crate::error::RouteError;
use crate::message::AnyMessage;
use crate::socket::bounds::sealed::Addressing;

/// A [`Sink`] over a socket that drops messages that cannot be sent, counts them, and continues.
///
/// The sink of a [`Server`](crate::Server), [`Peer`](crate::Peer) or [`Router`](crate::Router)
/// itself fails when a message
/// names a remote that has left, which ends a `StreamExt::forward` for all other remotes. While the
/// queue of one remote is full, it blocks the messages to all others. The lossy sink instead
///
/// - drops a message whose remote has left, even while the message waits for that remote;
/// - drops a message whose remote has had no room for
///   [`send_timeout`](crate::Builder::send_timeout). By default a [`Router`](crate::Router) does
///   not wait, and the others wait indefinitely.
///
/// [`dropped`](Self::dropped) counts the messages that this sink drops. For all handles of the
/// socket, [`Dropped::undelivered`](crate::stats::Dropped::undelivered) and the
/// [`CloseReport`](crate::CloseReport) count them together with the messages that were queued for a
/// remote when it left.
///
/// It is also the [`Stream`] of the socket. [`Server::lossy`](crate::Server::lossy),
/// [`Peer::lossy`](crate::Peer::lossy) and [`Router::lossy`](crate::Router::lossy) create it.
///
/// # Errors
///
/// The sink fails with [`RouteError::Closed`] when the socket is closed, and with
/// [`RouteError::HostUnreachable`] if a message has no routing id, which is an error of the
/// program. No behavior of a remote makes it fail.
///
/// # Examples
///
/// An echo that outlives its clients:
///
/// ```
/// use futures::StreamExt;
/// use tokio_zmtp::{Client, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
/// tokio::spawn(server.clone().map(Ok).forward(server.lossy()));
///
/// for body in ["first", "second"] {
///     let client = Client::new();
///     client.connect(&endpoint).await?;
///     client.send(body).await?;
///     assert_eq!(client.recv().await?, body);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a sink does nothing until it is used"]
pub struct Lossy<S> {
    socket: S,
    /// The time limit of the waiting message.
    limit: TimeLimit,
    dropped: u64,
}

impl<S: Addressing> Lossy<S> {
    pub(super) fn new(socket: S) -> Self {
        let limit = socket.limit();
        Self { socket, limit, dropped: 0 }
    }

    /// Returns the socket.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let replies = server.lossy();
    /// println!("replies to {} clients", replies.get_ref().remotes().len());
    /// # Ok(())
    /// # }
    /// ```
    pub const fn get_ref(&self) -> &S {
        &self.socket
    }

    /// Returns the socket, and drops the wrapper. A message that waits for room stays in the sink
    /// of the socket.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let replies = server.lossy();
    /// let server = replies.into_inner();
    /// server.close().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> S {
        self.socket
    }

    /// Returns how many messages this sink has dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::SinkExt;
    ///
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut replies = server.clone().lossy();
    /// while let Ok(request) = server.recv().await {
    ///     replies.send(request).await?;
    /// }
    /// println!("{} replies were dropped", replies.dropped());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Waits for the sink of the socket, and drops messages that it cannot send.
    fn poll_sink(
        &mut self,
        poll: impl Fn(Pin<&mut S>, &mut Context<'_>) -> Poll<Result<(), RouteError<S::Addressed>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), RouteError<S::Addressed>>> {
        loop {
            match poll(Pin::new(&mut self.socket), cx) {
                Poll::Ready(Ok(())) => {
                    self.limit.reset();
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(error)) => self.pass_over(error)?,
                Poll::Pending => {
                    let message = ready!(self.socket.poll_overdue(&mut self.limit, cx));
                    self.drop_message(message);
                }
            }
        }
    }

    fn pass_over(
        &mut self,
        error: RouteError<S::Addressed>,
    ) -> Result<(), RouteError<S::Addressed>> {
        match error {
            RouteError::HostUnreachable(message) if S::names_remote(&message) => {
                self.drop_message(message);
                Ok(())
            }
            error => Err(error),
        }
    }

    fn drop_message(&mut self, message: S::Addressed) {
        self.limit.reset();
        self.dropped += 1;
        self.socket.control().count_dropped(message.into_queue());
    }
}

impl<S: Addressing> Sink<S::Addressed> for Lossy<S> {
    type Error = RouteError<S::Addressed>;

    fn poll_ready(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), RouteError<S::Addressed>>> {
        self.poll_sink(S::poll_ready, cx)
    }

    fn start_send(
        mut self: Pin<&mut Self>,
        message: S::Addressed,
    ) -> Result<(), RouteError<S::Addressed>> {
        let sent = Pin::new(&mut self.socket).start_send(message);
        sent.or_else(|error| self.pass_over(error))
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), RouteError<S::Addressed>>> {
        self.poll_sink(S::poll_flush, cx)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), RouteError<S::Addressed>>> {
        self.poll_sink(S::poll_close, cx)
    }
}

impl<S: Stream + Unpin> Stream for Lossy<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        Pin::new(&mut self.socket).poll_next(cx)
    }
}

impl<S: fmt::Debug> fmt::Debug for Lossy<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { socket, dropped, .. } = self;
        let mut debug = f.debug_struct("Lossy");
        debug.field("socket", socket).field("dropped", dropped).finish_non_exhaustive()
    }
}
