//! Calls over a client.

mod admission;
mod builder;
mod call;
mod calls;
mod core;
mod dispatcher;
mod inbox;
mod replies;
mod span;
mod turn;
mod unsent;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

pub use self::builder::RequesterBuilder;
pub use self::call::Call;
use self::core::Core;
pub use self::replies::Replies;
use self::turn::Turn;
use self::unsent::Unsent;
use crate::message::Message;
use crate::pipe::Ticket;
use crate::rpc::stats::RequesterStats;
use crate::rpc::{CallError, Request};
use crate::socket::{Client, CloseReport};

/// Makes calls over a [`Client`]: each gets its own reply, whatever task it is made in and in whatever
/// order replies come.
///
/// A `Requester` is a handle: cloning it is cheap and gives another handle to the same client. Its
/// requests go to those of the client's servers that are connected, in turn. It receives all that the client receives; who else
/// receives from a handle of that client takes away replies, which is a mistake.
///
/// # Waiting
///
/// A call waits while there are [`max_outstanding`](RequesterBuilder::max_outstanding) others, while no
/// server is connected that takes requests, and while the queues of all of them are full: in line, first
/// come, first served. Its time runs meanwhile.
///
/// A [`Client`] of its own accord queues messages for a server that is not connected, as RFC 41 demands, unless
/// [`immediate`](crate::socket::Builder::immediate) is set. The client of a requester does not, whether or not
/// that is set: from when the requester is made until it is dropped, whatever is sent through any handle of
/// that client goes to servers that are connected. `immediate` is therefore for clients that are used without
/// a requester.
///
/// # Servers that drain
///
/// A responder that is about to end [notifies](super::Responder::serve_with_shutdown) its requesters, which
/// send it no more requests. Calls in flight finish. When the server returns at the same address, it is
/// chosen again.
///
/// # Lost connections
///
/// When a connection ends, the calls whose requests had been written to it fail immediately with
/// [`CallError::ConnectionLost`]: there will be no reply, and they may have been carried out. Requests
/// that were still queued go to another connected server immediately, or to the first that connects, with
/// what is left of their time. They fail with [`CallError::Unsent`], which is safe to try again, if the
/// server is given up, by `disconnect` or because it refuses this client, while no other is connected; and
/// with [`CallError::Refused`] if a second server ends its connection while the same request is written.
///
/// # Tower
///
/// It is a [`Service`] of [`Request`]s, so that the layers of `tower` serve for limits, retries and
/// time. `poll_ready` waits until a server is connected that takes requests, and for a place below
/// `max_outstanding`, which it keeps for the next call that is made through the trait: a layer that balances
/// between requesters, such as `tower::balance`, passes over those without a server. It returns to waiting,
/// and releases the place, if it is polled after the last server has disconnected. [`Requester::call`] needs
/// no readiness, and waits itself.
///
/// # Ending
///
/// [`close`](Self::close) closes the client; calls that have no reply then fail with
/// [`CallError::Closed`], or as above if their connection ends before that is noticed. When the last
/// handle and the last call are dropped, their handle of the client is, too.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, service_fn};
/// use tokio_zmtp::{Client, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::bind("tcp://127.0.0.1:*").await?;
/// let endpoint = server.last_endpoint().unwrap();
/// let echo = service_fn(|request: Request| async move { Ok::<_, Failure>(request.into_body()) });
/// tokio::spawn(Responder::new(server).serve(echo));
///
/// let requester = Requester::new(Client::connect(endpoint).await?);
/// let (one, two) = tokio::join!(requester.call("one"), requester.call("two"));
/// assert_eq!(one?, "one");
/// assert_eq!(two?, "two");
/// # Ok(())
/// # }
/// ```
pub struct Requester {
    core: Arc<Core>,
    /// What `poll_ready` has got.
    turn: Turn,
    /// The place among those who wait for a server to be connected.
    opening: Option<Ticket>,
}

impl Requester {
    /// Makes a requester with default options.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with time enabled.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::builder(client).build()
    }

    /// Starts to set the options of a requester.
    pub const fn builder(client: Client) -> RequesterBuilder {
        RequesterBuilder::new(client)
    }

    /// Sends a request to the next server in turn, and waits for the reply. The future is of its own:
    /// it can outlive this handle, and be spawned.
    ///
    /// # Cancel safety
    ///
    /// See [`Call`].
    ///
    /// # Errors
    ///
    /// [`CallError`] if there was no reply.
    #[inline]
    pub fn call(&self, request: impl Into<Request>) -> Call {
        let unsent = Unsent::new(request.into(), None, Turn::default());
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
    /// let server = Server::bind("tcp://127.0.0.1:*").await?;
    /// let endpoint = server.last_endpoint().unwrap();
    /// let count = service_fn(|_: Request| async {
    ///     let numbers = stream::iter(0..3).map(|number| Ok::<_, Failure>(number.to_string()));
    ///     Ok::<_, Failure>(Response::stream(numbers))
    /// });
    /// tokio::spawn(Responder::new(server).serve(count));
    ///
    /// let requester = Requester::new(Client::connect(endpoint).await?);
    /// let parts: Vec<Message> = requester.stream("count").try_collect().await?;
    /// assert_eq!(parts, ["0", "1", "2"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(&self, request: impl Into<Request>) -> Replies {
        let window = Some(self.core.stream_window);
        let unsent = Unsent::new(request.into(), window, Turn::default());
        Replies::new(Arc::clone(&self.core), unsent)
    }

    /// Returns the client that calls are made over: to connect it elsewhere, or to watch it.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.core.client
    }

    /// Returns what has become of all calls so far.
    #[must_use]
    pub fn stats(&self) -> RequesterStats {
        self.core.calls().stats()
    }

    /// Closes the client: see [`Client::close`]. Calls that have no reply fail.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop what it has begun.
    pub async fn close(&self) -> CloseReport {
        self.core.client.close().await
    }
}

impl Clone for Requester {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core), turn: Turn::default(), opening: None }
    }
}

impl Drop for Requester {
    fn drop(&mut self) {
        self.turn.give_up(&self.core);
        self.core.client.cancel_open(&mut self.opening);
    }
}

impl fmt::Debug for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requester").field("client", self.client()).finish_non_exhaustive()
    }
}

impl Service<Request> for Requester {
    type Response = Message;
    type Error = CallError;
    type Future = Call;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        if self.opening.is_some() || !self.core.is_open() {
            match self.core.client.poll_open(&mut self.opening, cx.waker()) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(CallError::Closed)),
                Poll::Pending => {
                    // A place is of no use as yet, and may be to another.
                    self.turn.give_up(&self.core);
                    let is_closed = self.core.calls().is_closed();
                    return if is_closed {
                        Poll::Ready(Err(CallError::Closed))
                    } else {
                        Poll::Pending
                    };
                }
            }
        }
        let mut calls = self.core.calls();
        if calls.is_closed() {
            return Poll::Ready(Err(CallError::Closed));
        }
        self.turn.poll_enter(&mut calls.admission, cx.waker()).map(Ok)
    }

    fn call(&mut self, request: Request) -> Call {
        let turn = std::mem::take(&mut self.turn);
        Call::new(Arc::clone(&self.core), Unsent::new(request, None, turn))
    }
}
