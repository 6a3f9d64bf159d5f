//! Replies over a [`Server`] or a [`Rep`].

mod backlog;
mod backlog_delivery;
mod budget;
mod counters;
mod draining;
mod job;
mod job_id;
mod jobs;
mod ledger;
mod limits;
mod loads;
mod refusing;
mod serving;
mod shared;
mod span;
#[cfg(feature = "metrics")]
mod stats_reader;
mod waiting;

use std::fmt;
use std::future;
use std::pin::pin;
use std::sync::Arc;

use tower_service::Service;

use self::limits::{Limits, RemoteLimit};
use self::serving::Serving;
use self::shared::ResponderState;
#[cfg(feature = "metrics")]
use self::stats_reader::ResponderStatsReader;
use crate::rpc::service_error::BoxError;
use crate::rpc::stats::ResponderStats;
use crate::rpc::{Request, RespondingSocket, Response};
use crate::socket::{Rep, Server};

/// Answers the requests that a [`Server`] receives, by a [`Service`].
///
/// A `Responder<Rep>` answers the requests of [classic sockets](crate::rpc#classic-sockets), which
/// a [`Rep`] receives. What this page states about the server and its clients applies to the rep
/// and its requesters as well.
///
/// A `Responder` is a handle, through which the server can be monitored while it is
/// [served](Self::serve). It receives all messages of the server.
///
/// # Concurrency
///
/// The service is called as soon as a request has arrived and the service is ready. The future that
/// it returns is polled once immediately. If the future is ready, the reply is sent immediately.
/// Otherwise the future gets a task of its own, so that requests are handled concurrently and
/// answered in any order. The receiving task runs each future until it first waits: a service
/// should spawn long computations.
///
/// # Back-pressure
///
/// Requests wait while the service is not ready, as with tower's `ConcurrencyLimit`, and while
/// their client has its share of [`max_running`](ResponderBuilder::max_running) requests. When a
/// client has its share of [`max_waiting`](ResponderBuilder::max_waiting) requests, further ones
/// are answered with [`OVERLOADED`](super::ErrorCode::OVERLOADED), which requesters may retry. With
/// tower's `LoadShed` this happens immediately.
///
/// Answers wait for capacity of their client's queue, which its
/// [`send_hwm`](crate::socket::Builder::send_hwm) and
/// [`send_hwm_bytes`](crate::socket::Builder::send_hwm_bytes) limit. While an answer waits, nothing
/// is received from that client, so that its connection stops reading. No answer is dropped, with
/// one exception: of the replies that wait for one client, at most
/// [`max_bytes_per_remote`](ResponderBuilder::max_bytes_per_remote) are kept.
///
/// # Fairness
///
/// Clients share the slots of running and of waiting requests. Each client may hold as many slots
/// as are still free, and a client that holds none gets the last one. A single client can take half
/// of all slots. If two compete, each can take a third, and a third stays free for the next one.
/// Therefore a client whose requests never end does not block the others, even without a limit of
/// its own. [`max_running_per_remote`](ResponderBuilder::max_running_per_remote) and
/// [`max_waiting_per_remote`](ResponderBuilder::max_waiting_per_remote) set such a limit.
///
/// The next waiting request to start belongs to the client with the fewest running requests;
/// clients with equally many take turns.
///
/// # Cancellation
///
/// The future of a request is dropped when its requester cancels it, when its deadline passes, and
/// when the connection that it arrived on ends.
///
/// # Errors
///
/// [`Failure`](super::Failure) documents the codes for errors of the service. A handler that panics
/// fails only its own request, with [`PANICKED`](super::ErrorCode::PANICKED).
pub struct Responder<S: RespondingSocket = Server> {
    shared: Arc<ResponderState<S>>,
}

/// Sets the options of a [`Responder`].
#[derive(Debug)]
#[must_use = "options do nothing until the responder is built"]
pub struct ResponderBuilder<S: RespondingSocket = Server> {
    socket: S,
    limits: Limits,
}

impl<S: RespondingSocket> Responder<S> {
    /// Creates a responder with default options.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Server;
    /// use tokio_zmtp::rpc::Responder;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().bind("tcp://127.0.0.1:*").await?;
    /// let responder = Responder::new(server);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(socket: S) -> Self {
        Self::builder(socket).build()
    }

    /// Returns a builder, to set the options of a responder.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::rpc::Responder;
    ///
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let responder = Responder::builder(server).max_running(100).build();
    /// # Ok(())
    /// # }
    /// ```
    pub const fn builder(socket: S) -> ResponderBuilder<S> {
        ResponderBuilder { socket, limits: LIMITS }
    }

    /// Answers requests until the server is closed. The future borrows nothing, and can be spawned.
    /// A responder is served by one future at a time.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, requests in progress are cancelled, and answered with
    /// [`CANCELLED`](super::ErrorCode::CANCELLED). Requests that are received later are answered
    /// with [`SHUTTING_DOWN`](super::ErrorCode::SHUTTING_DOWN), until the server is served again or
    /// closed. Both happen in the background, in the runtime of the server, and do not keep the
    /// server alive.
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
    /// let double = service_fn(|request: Request| async move {
    ///     let text = request.body().to_str().unwrap_or_default();
    ///     let number: u32 =
    ///         text.parse().map_err(|_| Failure::application(400, "not a number"))?;
    ///     Ok::<_, Failure>((2 * number).to_string())
    /// });
    /// tokio::spawn(Responder::new(server).serve(double));
    ///
    /// let requester = Requester::new(Client::builder().connect(endpoint).await?);
    /// assert_eq!(requester.call("21").await?, "42");
    /// let error = requester.call("many").await.unwrap_err();
    /// assert_eq!(error.to_string(), "application error 400: not a number");
    /// # Ok(())
    /// # }
    /// ```
    pub fn serve<T>(&self, service: T) -> impl Future<Output = ()> + Send + use<S, T>
    where
        T: Service<Request> + Send + 'static,
        T::Response: Into<Response> + 'static,
        T::Error: Into<BoxError> + 'static,
        T::Future: Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut serving = Serving::new(shared, service);
            future::poll_fn(|cx| serving.poll(cx)).await;
        }
    }

    /// Answers requests until `signal` is ready, and then drains, so that no call is lost. A server
    /// process usually waits for SIGTERM and Ctrl-C in `signal`.
    ///
    /// After the signal the server accepts no more connections, and its addresses are free for a
    /// successor. Every connected requester is notified, sends further requests to other servers,
    /// and acknowledges the notice. Requests that arrive before the acknowledgement are served.
    /// When all requesters have acknowledged and all accepted requests are answered, the server is
    /// closed, which writes the last replies.
    ///
    /// A client that does not support draining cannot acknowledge the notice. The responder waits
    /// one second for it, from when the notice has left the queue of the client. After that,
    /// further requests of this client are answered with
    /// [`SHUTTING_DOWN`](super::ErrorCode::SHUTTING_DOWN), and can safely be sent to another
    /// server. Accepted requests, and clients that do not read their replies, can delay the end
    /// indefinitely: to limit this, race the future with a timer, and set heartbeats.
    ///
    /// # Cancel safety
    ///
    /// As for [`serve`](Self::serve).
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio::sync::oneshot;
    /// use tokio_zmtp::Server;
    /// use tokio_zmtp::rpc::{Failure, Request, Responder, service_fn};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let responder = Responder::new(Server::builder().bind("tcp://127.0.0.1:*").await?);
    /// let echo = service_fn(|request: Request| async move { Ok::<_, Failure>(request.into_body()) });
    /// let (stop, stopped) = oneshot::channel::<()>();
    /// let serving = tokio::spawn(responder.serve_with_shutdown(echo, async move {
    ///     let _ = stopped.await;
    /// }));
    /// stop.send(()).unwrap();
    /// serving.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn serve_with_shutdown<T, F>(
        &self,
        service: T,
        signal: F,
    ) -> impl Future<Output = ()> + Send + use<S, T, F>
    where
        T: Service<Request> + Send + 'static,
        T::Response: Into<Response> + 'static,
        T::Error: Into<BoxError> + 'static,
        T::Future: Send + 'static,
        F: Future<Output = ()> + Send,
    {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut serving = Serving::new(Arc::clone(&shared), service);
            let mut signal = pin!(signal);
            let mut is_signaled = false;
            future::poll_fn(|cx| {
                if !is_signaled && signal.as_mut().poll(cx).is_ready() {
                    is_signaled = true;
                    serving.end();
                }
                serving.poll(cx)
            })
            .await;
            drop(serving);
            shared.socket.close().await;
        }
    }

    /// Returns the statistics of all requests.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(responder: tokio_zmtp::rpc::Responder) {
    /// let stats = responder.stats();
    /// println!("{} requests answered, {} running", stats.answered, stats.running);
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> ResponderStats {
        self.shared.ledger.stats()
    }

    /// Returns a reader of the statistics that does not keep the server alive.
    #[cfg(feature = "metrics")]
    pub(crate) fn meter(&self) -> ResponderStatsReader<S::Path> {
        ResponderStatsReader::new(&self.shared.ledger)
    }
}

impl Responder {
    /// Returns the underlying server.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(responder: tokio_zmtp::rpc::Responder)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// responder.server().bind("tcp://192.0.2.1:5555").await?;
    /// println!("{} clients", responder.server().remotes().len());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.shared.socket
    }
}

impl Responder<Rep> {
    /// Returns the underlying socket, for example to bind or to monitor it.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Rep;
    /// use tokio_zmtp::rpc::Responder;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let responder = Responder::new(Rep::new());
    /// println!("bound to {}", responder.rep().bind("tcp://127.0.0.1:*").await?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn rep(&self) -> &Rep {
        &self.shared.socket
    }
}

impl<S: RespondingSocket> Clone for Responder<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<S: RespondingSocket> fmt::Debug for Responder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").field("socket", &self.shared.socket).finish_non_exhaustive()
    }
}

/// # Examples
///
/// ```
/// use tokio_zmtp::rpc::Responder;
///
/// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
/// let responder = Responder::builder(server)
///     .max_running(100)
///     .max_running_per_remote(10)
///     .max_waiting(1_000)
///     .max_waiting_per_remote(100)
///     .max_bytes_per_remote(1 << 20)
///     .build();
/// # Ok(())
/// # }
/// ```
impl<S: RespondingSocket> ResponderBuilder<S> {
    /// Sets the maximum number of requests of all clients together that run concurrently, except
    /// those that are answered immediately; further requests wait. At least 1. Default: 16,384,
    /// which is more than most services need, and few enough to keep in memory. A single client
    /// gets [half of them](Responder#fairness).
    pub fn max_running(self, requests: usize) -> Self {
        let running = RemoteLimit { all: requests.max(1), ..self.limits.running };
        Self { limits: Limits { running, ..self.limits }, ..self }
    }

    /// Sets the maximum number of requests of one client that run concurrently, in addition to the
    /// limit of its share of [`max_running`](Self::max_running). With zero, only its share limits
    /// it. Default: 0.
    pub fn max_running_per_remote(self, requests: usize) -> Self {
        let running = RemoteLimit { each: or_none(requests), ..self.limits.running };
        Self { limits: Limits { running, ..self.limits }, ..self }
    }

    /// Sets the maximum number of waiting requests of all clients together. With zero, a request
    /// that cannot be started immediately is refused. Default: 16,384. A single client gets [half
    /// of them](Responder#fairness).
    ///
    /// When a reply waits for queue capacity, requests that were received together with its request
    /// always wait, at most 256 of each client.
    pub fn max_waiting(self, requests: usize) -> Self {
        let waiting = RemoteLimit { all: requests, ..self.limits.waiting };
        Self { limits: Limits { waiting, ..self.limits }, ..self }
    }

    /// Sets the maximum number of waiting requests of one client, in addition to the limit of its
    /// share of [`max_waiting`](Self::max_waiting). With zero, only its share limits it. Default:
    /// 0.
    pub fn max_waiting_per_remote(self, requests: usize) -> Self {
        let waiting = RemoteLimit { each: or_none(requests), ..self.limits.waiting };
        Self { limits: Limits { waiting, ..self.limits }, ..self }
    }

    /// Sets the maximum number of bytes of the waiting requests of one client. A further request is
    /// refused with [`OVERLOADED`](super::ErrorCode::OVERLOADED). The same limit applies separately
    /// to its replies and parts of streams that wait for queue capacity or for credit. A reply
    /// beyond it is dropped, and [`FAILED`](super::ErrorCode::FAILED) is sent instead. One request
    /// and one reply of any length are always kept. Zero means no limit. Default: 64 MiB, which
    /// clients that read their replies usually do not reach.
    pub fn max_bytes_per_remote(self, bytes: usize) -> Self {
        Self { limits: Limits { bytes: or_none(bytes), ..self.limits }, ..self }
    }

    /// Creates the responder.
    #[must_use]
    pub fn build(self) -> Responder<S> {
        Responder { shared: Arc::new(ResponderState::new(self.socket, self.limits)) }
    }
}

const fn or_none(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}

const LIMITS: Limits = Limits {
    running: RemoteLimit { all: 16_384, each: usize::MAX },
    waiting: RemoteLimit { all: 16_384, each: usize::MAX },
    bytes: 64 << 20,
};
