//! Streams that the application establishes.

use std::fmt;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use zmtp_proto::endpoint::{EndpointError, StreamEndpoint};

use super::stream::{BoxedStream, Stream};
use crate::auth::Admission;
use crate::remote::Origin;

/// A byte stream to a remote that the application has established, and what it knows about the
/// remote.
///
/// Every bidirectional byte stream converts into it: a [`TcpStream`](tokio::net::TcpStream),
/// a TLS connection, a vsock, an SSH tunnel, or one half of [`tokio::io::duplex`]. `attach` takes
/// it, and a [`Dialer`](super::Dialer) returns it.
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
    /// Creates a remote stream from a stream, without a description of the remote.
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

    /// Names the stream. Its endpoint in events, logs and
    /// [`Remote::endpoint`](crate::Remote::endpoint) is `stream://` and the name. By default it is
    /// `stream://attached`. Several streams can have the same name. The endpoint of a stream that a
    /// [`Dialer`](super::Dialer) returns is that of `connect_with`.
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
    /// precedence. They are added to those of an earlier call, and to the certificate of TLS. They
    /// do not replace the security mechanism: with PLAIN or CURVE, the remote must also have valid
    /// credentials.
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

    /// Creates a stream that the socket itself has established.
    #[cfg(feature = "ws")]
    pub(crate) fn established(stream: Stream, origin: Origin) -> Self {
        Self {
            stream,
            endpoint: StreamEndpoint::attached(),
            address: origin.address,
            admission: Admission::anonymous(),
        }
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
