//! Calls over a [`Client`] or a [`Dealer`].

mod builder;
mod call;
mod call_limit;
mod call_permit;
mod calls;
mod core;
mod dispatcher;
mod pending_request;
mod replies;
mod reply_parts;
mod span;
#[cfg(feature = "metrics")]
mod stats_reader;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

pub use self::builder::RequesterBuilder;
pub use self::call::Call;
use self::call_permit::CallPermit;
use self::core::RequesterCore;
use self::pending_request::PendingRequest;
pub use self::replies::Replies;
#[cfg(feature = "metrics")]
use self::stats_reader::RequesterStatsReader;
use crate::message::Message;
use crate::rpc::stats::RequesterStats;
use crate::rpc::{CallError, Request, RequestingSocket};
use crate::socket::tracked::Ticket;
use crate::socket::{Client, CloseReport, Dealer};

/// Makes calls over a [`Client`], from any number of tasks: each call gets its own reply, in
/// whatever order replies arrive.
///
/// A `Requester<Dealer>` makes calls over a [`Dealer`], to
/// [classic sockets](crate::rpc#classic-sockets). What this page states about the client applies to
/// the dealer as well.
///
/// A `Requester` is a handle: cloning it is cheap and returns another handle to the same client.
/// Its requests go to the client's connected servers, round-robin.
///
/// # Other messages
///
/// A requester receives all messages of its client. A program must not receive through other
/// handles of that client, because they would take its replies. Messages that are not replies are
/// discarded and counted by [`malformed`](super::stats::RequesterStats::malformed); they affect no
/// call and no connection. The program can send messages of its own through another handle, for
/// example to a ROUTER under the [`Dealer`]. They go to the next connected server in turn, like
/// requests, but a reply to them is discarded. If their connection ends first, they are not sent
/// elsewhere or returned by `recv_returned`, but
/// [undelivered](crate::stats::Dropped::undelivered).
///
/// # Waiting
///
/// A call waits while [`max_outstanding`](RequesterBuilder::max_outstanding) others are
/// outstanding, while no server that accepts requests is connected, and while the queues of all
/// such servers are full. Calls wait in line, first come, first served. Their time limits include
/// the wait.
///
/// A [`Client`] without a requester queues messages for a server that is not connected, as RFC 41
/// requires, unless [`immediate`](crate::socket::Builder::immediate) is set. The client of a
/// requester never does: while the requester exists, messages sent through any handle of that
/// client go only to connected servers. `immediate` is therefore useful only without a requester.
///
/// # Servers that drain
///
/// A responder that is shutting down [notifies](super::Responder::serve_with_shutdown) its
/// requesters, which send it no more requests. Calls in flight finish. When the server returns at
/// the same address, it receives requests again.
///
/// # Lost connections
///
/// When a connection ends, the calls whose requests had been written to it fail immediately with
/// [`CallError::ConnectionLost`]: no reply will arrive, although the server may have processed
/// them. Requests that were still queued go to another connected server immediately, or to the
/// first that connects, with their remaining time.
///
/// Queued requests fail with [`CallError::Undelivered`], which is safe to retry, if their server is
/// abandoned while no other is connected: by `disconnect`, or because it refuses this client. Later
/// calls report the refusal. A request fails with [`CallError::Refused`] if a remote ends a second
/// connection while that request is being written.
///
/// A call that is made while no server is connected waits for one to connect. It fails with
/// [`CallError::NoEndpoint`] when the last endpoint is abandoned: the server refuses this client, or
/// the options permit no further attempt. The error holds the reason, and the call is not
/// retryable. While the client has no endpoint, because the application has connected none or has
/// disconnected it, the call waits. `poll_ready` waits and fails in the same cases.
///
/// # Tower
///
/// A requester is a [`Service`] of [`Request`]s, so that the layers of `tower` provide limits,
/// retries and timeouts. `poll_ready` waits until a server that accepts requests is connected, and
/// for a slot below `max_outstanding`. It reserves that slot for the next call through the trait. A
/// layer that balances the load between requesters, such as `tower::balance`, therefore skips those
/// without a server, and drops those whose last endpoint was abandoned. If `poll_ready` is polled
/// after the last server has disconnected, it releases the slot and waits again.
/// [`Requester::call`] does not require readiness; it waits itself.
///
/// # Closing
///
/// [`close`](Self::close) closes the client; calls without a reply then fail with
/// [`CallError::Closed`]. When the last handle and the last call are dropped, their handle to the
/// client is dropped as well.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, service_fn};
/// use tokio_zmtp::{Client, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
/// let echo = service_fn(|request: Request| async move { Ok::<_, Failure>(request.into_body()) });
/// tokio::spawn(Responder::new(server).serve(echo));
///
/// let requester = Requester::new(Client::builder().connect(endpoint).await?);
/// let (one, two) = tokio::join!(requester.call("one"), requester.call("two"));
/// assert_eq!(one?, "one");
/// assert_eq!(two?, "two");
/// # Ok(())
/// # }
/// ```
pub struct Requester<S: RequestingSocket = Client> {
    core: Arc<RequesterCore<S>>,
    /// The permit that `poll_ready` acquired.
    permit: CallPermit,
    /// The position among the tasks that wait for a server to connect.
    opening: Option<Ticket>,
}

impl<S: RequestingSocket> Requester<S> {
    /// Creates a requester with default options.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with time enabled.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Client;
    /// use tokio_zmtp::rpc::Requester;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder().connect("tcp://192.0.2.1:5555").await?;
    /// let requester = Requester::new(client);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(socket: S) -> Self {
        Self::builder(socket).build()
    }

    /// Returns a builder, which sets the options of a new requester.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_zmtp::rpc::Requester;
    ///
    /// # async fn example(client: tokio_zmtp::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let requester = Requester::builder(client).timeout(Duration::from_secs(5)).build();
    /// # Ok(())
    /// # }
    /// ```
    pub const fn builder(socket: S) -> RequesterBuilder<S> {
        RequesterBuilder::new(socket)
    }

    /// Sends a request to the next server in turn, and waits for the reply. The future borrows
    /// nothing: it can outlive this handle, and can be spawned.
    ///
    /// # Cancel safety
    ///
    /// See [`Call`].
    ///
    /// # Errors
    ///
    /// [`CallError`] if no reply was received.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_zmtp::rpc::Request;
    ///
    /// # async fn example(requester: tokio_zmtp::rpc::Requester)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let reply = requester.call("what time is it").await?;
    /// let request = Request::new("what day is it").with_timeout(Duration::from_secs(1));
    /// let reply = requester.call(request).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn call(&self, request: impl Into<Request>) -> Call<S> {
        let unsent = PendingRequest::new(request.into(), None, CallPermit::default());
        Call::new(Arc::clone(&self.core), unsent)
    }

    /// Sends a request to the next server in turn, and receives a reply that may be a stream.
    ///
    /// # Cancel safety
    ///
    /// See [`Replies`].
    ///
    /// # Errors
    ///
    /// [`CallError`] as the last item, if the reply was not complete.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::{StreamExt, TryStreamExt, stream};
    /// use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, Response, service_fn};
    /// use tokio_zmtp::{Client, Message, Server};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::new();
    /// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
    /// let count = service_fn(|_: Request| async {
    ///     let numbers = stream::iter(0..3).map(|number| Ok::<_, Failure>(number.to_string()));
    ///     Ok::<_, Failure>(Response::stream(numbers))
    /// });
    /// tokio::spawn(Responder::new(server).serve(count));
    ///
    /// let requester = Requester::new(Client::builder().connect(endpoint).await?);
    /// let parts: Vec<Message> = requester.stream("count").try_collect().await?;
    /// assert_eq!(parts, ["0", "1", "2"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(&self, request: impl Into<Request>) -> Replies<S> {
        let window = Some(self.core.stream_window);
        let unsent = PendingRequest::new(request.into(), window, CallPermit::default());
        Replies::new(Arc::clone(&self.core), unsent)
    }

    /// Returns the statistics of all calls.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(requester: tokio_zmtp::rpc::Requester) {
    /// let stats = requester.stats();
    /// println!("{} calls answered, {} outstanding", stats.answered, stats.outstanding);
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> RequesterStats {
        self.core.calls.lock().stats()
    }

    /// Returns a reader of the statistics that does not keep the client alive.
    #[cfg(feature = "metrics")]
    pub(crate) fn meter(&self) -> RequesterStatsReader {
        RequesterStatsReader::new(&self.core)
    }

    /// Closes the client: see [`Client::close`]. Calls that have no reply fail.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop closing.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(requester: tokio_zmtp::rpc::Requester)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let report = requester.close().await;
    /// println!("{} requests were not written", report.undelivered);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close(&self) -> CloseReport {
        self.core.socket.close().await
    }
}

impl Requester {
    /// Returns the underlying client, for example to connect or to monitor it.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(requester: tokio_zmtp::rpc::Requester)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// requester.client().connect("tcp://192.0.2.2:5555").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.core.socket
    }
}

impl Requester<Dealer> {
    /// Returns the underlying dealer, for example to connect or to monitor it.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Dealer;
    /// use tokio_zmtp::rpc::Requester;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let requester = Requester::new(Dealer::new());
    /// requester.dealer().connect("tcp://192.0.2.2:5555").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn dealer(&self) -> &Dealer {
        &self.core.socket
    }
}

impl<S: RequestingSocket> Clone for Requester<S> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), permit: CallPermit::default(), opening: None }
    }
}

impl<S: RequestingSocket> Drop for Requester<S> {
    fn drop(&mut self) {
        self.permit.release(&self.core);
        self.core.socket.cancel_open(&mut self.opening);
    }
}

impl<S: RequestingSocket> fmt::Debug for Requester<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requester").field("socket", &self.core.socket).finish_non_exhaustive()
    }
}

impl<S: RequestingSocket> Service<Request> for Requester<S> {
    type Response = Message;
    type Error = CallError;
    type Future = Call<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        if self.opening.is_some() || !self.core.is_open() {
            match self.core.socket.poll_open(&mut self.opening, cx.waker()) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(CallError::Closed)),
                Poll::Pending => {
                    // This task cannot use its slot yet, but another task may.
                    self.permit.release(&self.core);
                    if self.core.calls.lock().is_closed() {
                        return Poll::Ready(Err(CallError::Closed));
                    }
                    return self.core.hopeless().map_or(Poll::Pending, |error| {
                        self.core.socket.cancel_open(&mut self.opening);
                        Poll::Ready(Err(error))
                    });
                }
            }
        }
        let mut calls = self.core.calls.lock();
        if calls.is_closed() {
            return Poll::Ready(Err(CallError::Closed));
        }
        self.permit.poll_enter(&mut calls.admission, cx.waker()).map(Ok)
    }

    fn call(&mut self, request: Request) -> Call<S> {
        let permit = std::mem::take(&mut self.permit);
        Call::new(Arc::clone(&self.core), PendingRequest::new(request, None, permit))
    }
}
