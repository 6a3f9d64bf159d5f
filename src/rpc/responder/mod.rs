//! Replies over a server.

mod counters;
mod draining;
mod job;
mod jobs;
mod serving;
mod shared;
mod span;

use std::fmt;
use std::future;
use std::pin::pin;
use std::sync::Arc;

use tower_service::Service;

use self::serving::Serving;
use self::shared::Shared;
use crate::rpc::failure::BoxError;
use crate::rpc::stats::ResponderStats;
use crate::rpc::{Request, Response};
use crate::socket::Server;

/// Answers the requests that come to a [`Server`], by a [`Service`].
///
/// A `Responder` is a handle, with which the server can be watched while it is [served](Self::serve).
/// It receives all that the server receives.
///
/// # Concurrency
///
/// The service is called as soon as a request has come and it is ready. The future that it returns is
/// polled once there and then. If it is ready, the reply is sent at once; otherwise it gets a task of
/// its own, so that requests are handled at the same time, and answered in any order. What a service
/// computes before its future waits for the first time is done in the one task that receives; if that
/// is much, it should spawn it.
///
/// # Back-pressure
///
/// While the service is not ready, as with tower's `ConcurrencyLimit`, and while there are
/// [`max_running`](ResponderBuilder::max_running) jobs, requests wait; when there are
/// [`max_waiting`](ResponderBuilder::max_waiting) of them, further ones are answered with
/// [`OVERLOADED`](super::ErrorCode::OVERLOADED), which requesters may try again. Tower's `LoadShed` has
/// them answered so at once.
///
/// A reply to a client that does not read waits for room in that client's queue, and is a job until
/// then; errors are dropped then, and counted. These bounds are those of all clients together.
///
/// # Giving up
///
/// The future of a request is dropped when its requester cancels it, when its time is over, and when
/// the connection that it came through has ended.
///
/// # Errors
///
/// [`Failure`](super::Failure) tells what becomes of an error of the service. A handler that panics
/// fails its own request alone, with [`PANICKED`](super::ErrorCode::PANICKED).
#[derive(Clone)]
pub struct Responder {
    shared: Arc<Shared>,
}

/// Sets the options of a [`Responder`].
#[derive(Debug)]
#[must_use = "options do nothing until the responder is built"]
pub struct ResponderBuilder {
    server: Server,
    max_running: usize,
    max_waiting: usize,
}

impl Responder {
    /// Makes a responder with default options.
    #[must_use]
    pub fn new(server: Server) -> Self {
        Self::builder(server).build()
    }

    /// Starts to set the options of a responder.
    pub const fn builder(server: Server) -> ResponderBuilder {
        ResponderBuilder { server, max_running: MAX_RUNNING, max_waiting: MAX_WAITING }
    }

    /// Answers requests until the server is closed. The future is of its own, and can be spawned. A
    /// responder is served by one at a time.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, requests that are under way are given up, and answered with
    /// [`CANCELLED`](super::ErrorCode::CANCELLED).
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
    /// let double = service_fn(|request: Request| async move {
    ///     let text = request.body().to_str().unwrap_or_default();
    ///     let number: u32 =
    ///         text.parse().map_err(|_| Failure::application(400, "not a number"))?;
    ///     Ok::<_, Failure>((2 * number).to_string())
    /// });
    /// tokio::spawn(Responder::new(server).serve(double));
    ///
    /// let requester = Requester::new(Client::connect(endpoint).await?);
    /// assert_eq!(requester.call("21").await?, "42");
    /// let error = requester.call("many").await.unwrap_err();
    /// assert_eq!(error.to_string(), "application error 400: not a number");
    /// # Ok(())
    /// # }
    /// ```
    pub fn serve<S>(&self, service: S) -> impl Future<Output = ()> + Send + use<S>
    where
        S: Service<Request> + Send + 'static,
        S::Response: Into<Response> + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut serving = Serving::new(shared, service);
            future::poll_fn(|cx| serving.poll(cx)).await;
        }
    }

    /// Answers requests until `signal` is ready, and then drains, so that no call is lost. A process that
    /// serves passes SIGTERM and Ctrl-C as `signal`.
    ///
    /// From the signal on the server accepts no more connections, and its addresses are free for a
    /// successor. Every requester that is connected is notified, sends its further requests to other servers,
    /// and acknowledges the notice. Requests that arrive before the acknowledgement are served. When all have
    /// acknowledged and everything accepted is answered, the server is closed, which writes the last replies.
    ///
    /// A client that does not know the notice cannot acknowledge it. The end waits one second for it; after
    /// that, its requests are answered with [`SHUTTING_DOWN`](super::ErrorCode::SHUTTING_DOWN), which is safe
    /// to try elsewhere. A request that is accepted can take any time: to limit it, race the future with a
    /// timer.
    ///
    /// # Cancel safety
    ///
    /// As of [`serve`](Self::serve).
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
    /// let responder = Responder::new(Server::bind("tcp://127.0.0.1:*").await?);
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
    pub fn serve_with_shutdown<S, F>(
        &self,
        service: S,
        signal: F,
    ) -> impl Future<Output = ()> + Send + use<S, F>
    where
        S: Service<Request> + Send + 'static,
        S::Response: Into<Response> + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
        F: Future<Output = ()> + Send,
    {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut serving = Serving::new(Arc::clone(&shared), service);
            let mut signal = pin!(signal);
            let mut is_signalled = false;
            future::poll_fn(|cx| {
                if !is_signalled && signal.as_mut().poll(cx).is_ready() {
                    is_signalled = true;
                    serving.end();
                }
                serving.poll(cx)
            })
            .await;
            drop(serving);
            shared.server.close().await;
        }
    }

    /// Returns the server that is served.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.shared.server
    }

    /// Returns what has become of all requests so far.
    #[must_use]
    pub fn stats(&self) -> ResponderStats {
        self.shared.stats()
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").field("server", self.server()).finish_non_exhaustive()
    }
}

impl ResponderBuilder {
    /// Sets how many requests may be under way at once that are not answered at once; others wait.
    /// 16,384 by default: many more than are of use, and few enough to be kept. At least 1.
    pub fn max_running(self, requests: usize) -> Self {
        Self { max_running: requests.max(1), ..self }
    }

    /// Sets how many requests may wait. 16,384 by default. With zero, what cannot be begun at once is
    /// refused.
    pub fn max_waiting(self, requests: usize) -> Self {
        Self { max_waiting: requests, ..self }
    }

    /// Makes the responder.
    #[must_use]
    pub fn build(self) -> Responder {
        let Self { server, max_running, max_waiting } = self;
        Responder { shared: Arc::new(Shared::new(server, max_running, max_waiting)) }
    }
}

const MAX_RUNNING: usize = 16_384;

const MAX_WAITING: usize = 16_384;
