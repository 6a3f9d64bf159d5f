//! Streams that the application establishes.

use std::fmt;
use std::future;
use std::io;
use std::net::SocketAddr;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncWrite};
use zmtp_proto::endpoint::{Endpoint, EndpointError, StreamEndpoint};

use super::stream::{BoxedStream, Stream};
use crate::auth::Admission;
use crate::remote::Origin;

/// A byte stream to a remote that the application has established, and what it knows of the remote.
///
/// Every stream of bytes in both directions converts into it: a [`TcpStream`](tokio::net::TcpStream),
/// a TLS connection, a vsock, an SSH tunnel, or one half of [`tokio::io::duplex`]. `attach` takes
/// it, and a [`Dialer`] returns it.
///
/// The socket drops the stream when the connection ends. It writes through the stream's own buffer
/// if it has one, and flushes it whenever there is nothing more to write. Messages that the stream
/// has accepted count as written.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::auth::Admission;
/// use tokio_zmtp::{Client, RemoteStream, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (near, far) = tokio::io::duplex(65_536);
/// let (server, client) = (Server::new(), Client::new());
/// let stream = RemoteStream::new(near).named("alice's phone")?.admitted(Admission::user("alice"));
/// server.attach(stream).await?;
/// client.attach(far).await?;
///
/// client.send("hello").await?;
/// let (message, remote) = server.recv_from().await?;
/// assert_eq!(message, "hello");
/// assert_eq!(remote.user_id(), Some("alice"));
/// assert_eq!(remote.endpoint().to_string(), "stream://alice's phone");
/// # Ok(())
/// # }
/// ```
pub struct RemoteStream {
    pub(crate) stream: Stream,
    pub(crate) endpoint: StreamEndpoint,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) admission: Admission,
}

impl RemoteStream {
    /// Creates it from a stream, of whose remote nothing is known.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::RemoteStream;
    ///
    /// let (near, _far) = tokio::io::duplex(65_536);
    /// let stream = RemoteStream::new(near);
    /// ```
    #[must_use]
    pub fn new(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        Self {
            stream: Stream::Boxed(BoxedStream::new(stream)),
            endpoint: StreamEndpoint::attached(),
            address: None,
            admission: Admission::anonymous(),
        }
    }

    /// Names the stream: its endpoint in events, logs and [`Remote::endpoint`](crate::Remote::endpoint)
    /// is `stream://` and the name. By default it is `stream://attached`. Several streams can have
    /// the same name. The endpoint of a stream that a [`Dialer`] returns is that of `connect_with`.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] if the name is empty or longer than 256 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::RemoteStream;
    ///
    /// let (near, _far) = tokio::io::duplex(65_536);
    /// let stream = RemoteStream::new(near).named("browser-7")?;
    /// # Ok::<(), tokio_zmtp::EndpointError>(())
    /// ```
    pub fn named(self, name: &str) -> Result<Self, EndpointError> {
        Ok(Self { endpoint: StreamEndpoint::new(name)?, ..self })
    }

    /// Sets the network address of the remote: [`Remote::address`](crate::Remote::address), and the
    /// [address](crate::auth::Caller::address) that an authenticator sees and that
    /// [`max_half_open_per_address`](crate::Builder::max_half_open_per_address) counts.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio::net::TcpListener;
    /// use tokio_zmtp::{RemoteStream, Server};
    ///
    /// async fn accept(listener: TcpListener, server: Server) -> std::io::Result<()> {
    ///     loop {
    ///         let (stream, address) = listener.accept().await?;
    ///         stream.set_nodelay(true)?;
    ///         let stream = RemoteStream::new(stream).with_address(address);
    ///         server.attach(stream).await.map_err(std::io::Error::other)?;
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn with_address(self, address: SocketAddr) -> Self {
        Self { address: Some(address), ..self }
    }

    /// Sets the user id and the properties of a remote that has been authenticated already, for
    /// example by the session of a web application.
    ///
    /// They are those of the [`Remote`](crate::Remote). An authenticator sees them as
    /// [`Caller::admission`](crate::auth::Caller::admission), and those that it grants take
    /// precedence. They are added to those of an earlier call, and to the certificate of TLS. They do
    /// not replace the security mechanism: with PLAIN or CURVE the remote must
    /// also have valid credentials.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::RemoteStream;
    /// use tokio_zmtp::auth::Admission;
    ///
    /// let (near, _far) = tokio::io::duplex(65_536);
    /// let stream = RemoteStream::new(near).admitted(Admission::user("alice"));
    /// ```
    #[must_use]
    pub fn admitted(self, admission: Admission) -> Self {
        Self { admission: admission.after(self.admission), ..self }
    }

    /// Replaces the stream by one around it.
    #[cfg(feature = "ws")]
    pub(crate) fn map<S>(self, around: impl FnOnce(Stream) -> S) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        Self { stream: Stream::Boxed(BoxedStream::new(around(self.stream))), ..self }
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin { address: self.address, ..Origin::default() }
    }
}

impl<S: AsyncRead + AsyncWrite + Send + 'static> From<S> for RemoteStream {
    fn from(stream: S) -> Self {
        Self::new(stream)
    }
}

impl fmt::Debug for RemoteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteStream")
            .field("endpoint", &self.endpoint)
            .field("address", &self.address)
            .field("admission", &self.admission)
            .finish_non_exhaustive()
    }
}

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
