//! Dialers of the application.

use std::fmt;
use std::future;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use zmtp_proto::endpoint::Endpoint;

use super::remote_stream::RemoteStream;

/// Dials the streams of an endpoint, for `connect_with`.
///
/// Asynchronous closures implement it: see the example. The socket dials again whenever a
/// connection has ended, with the same back-off as for other endpoints.
///
/// # Examples
///
/// ```
/// use tokio::net::TcpStream;
/// use tokio_zmtp::{Client, Endpoint, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
/// let Endpoint::Tcp(tcp) = &endpoint else { unreachable!() };
/// let port = tcp.port();
///
/// let client = Client::new();
/// client
///     .connect_with("stream://through-a-tunnel", move |_| async move {
///         let stream = TcpStream::connect(("127.0.0.1", port)).await?;
///         stream.set_nodelay(true)?;
///         Ok(stream)
///     })
///     .await?;
/// client.send("hello").await?;
/// assert_eq!(server.recv().await?, "hello");
/// # Ok(())
/// # }
/// ```
pub trait Dialer: Send + Sync + 'static {
    /// Dials one stream. It is dropped when [`connect_timeout`](crate::Builder::connect_timeout)
    /// expires, or when the endpoint is disconnected.
    ///
    /// # Errors
    ///
    /// The reason why there is no stream. It is
    /// [`DialFailure::Transport`](crate::monitor::DialFailure::Transport) in events.
    fn dial(&self, endpoint: Endpoint) -> impl Future<Output = io::Result<RemoteStream>> + Send;
}

impl<F, D, S> Dialer for F
where
    F: Fn(Endpoint) -> D + Send + Sync + 'static,
    D: Future<Output = io::Result<S>> + Send,
    S: Into<RemoteStream>,
{
    async fn dial(&self, endpoint: Endpoint) -> io::Result<RemoteStream> {
        self(endpoint).await.map(S::into)
    }
}

/// A type-erased dialer, in one word, because every connector has room for one.
#[derive(Clone)]
pub(crate) struct SharedDialer(Arc<Box<dyn AnyDialer>>);

type Dialing<'a> = Pin<Box<dyn Future<Output = io::Result<RemoteStream>> + Send + 'a>>;

/// The object-safe form of [`Dialer`].
trait AnyDialer: Send + Sync {
    fn dial(&self, endpoint: Endpoint) -> Dialing<'_>;
}

impl<D: Dialer> AnyDialer for D {
    fn dial(&self, endpoint: Endpoint) -> Dialing<'_> {
        Box::pin(Dialer::dial(self, endpoint))
    }
}

impl SharedDialer {
    pub(crate) fn new(dialer: impl Dialer) -> Self {
        Self(Arc::new(Box::new(dialer)))
    }

    /// Dials one stream. A panic of the dialer fails only this attempt.
    pub(crate) async fn dial(&self, endpoint: Endpoint) -> io::Result<RemoteStream> {
        let mut dialing = catch(|| self.0.dial(endpoint))?;
        future::poll_fn(|cx| match catch(|| dialing.as_mut().poll(cx)) {
            Ok(polled) => polled,
            Err(panicked) => Poll::Ready(Err(panicked)),
        })
        .await
    }
}

fn catch<T>(call: impl FnOnce() -> T) -> io::Result<T> {
    let caught = panic::catch_unwind(AssertUnwindSafe(call));
    caught.map_err(|_| io::Error::other("the dialer has panicked"))
}

impl fmt::Debug for SharedDialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer(..)")
    }
}
