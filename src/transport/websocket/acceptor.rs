//! The server's side of the upgrade to a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tungstenite::handshake::server;
use tungstenite::http::header::{HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use tungstenite::http::{Request, Response};

use super::frames::WebSocketRole;
use super::request::UpgradeRequest;
use super::settings::Settings;
use super::upgrade::{subprotocol, subprotocol_of_browsers};
use crate::auth::Mechanism;
use crate::monitor::UpgradeError;
use crate::options::Options;
use crate::transport::RemoteStream;
use crate::transport::stream::Stream;

/// Accepts WebSocket connections on streams that the application has accepted.
///
/// The subprotocol is that of RFC 45 for the mechanism of the socket: `ZWS2.0/NULL`, `ZWS2.0/PLAIN`
/// or `ZWS2.0/CURVE`. Remotes are sockets of this crate, and of libzmq with its transport `ws`.
/// Browsers do not permit a slash in the name of a subprotocol. A name with a hyphen in its place,
/// such as `ZWS2.0-NULL`, is accepted as well: see the guide to [browsers](crate::guide::browsers).
///
/// # Examples
///
/// ```
/// use tokio::net::{TcpListener, TcpStream};
/// use tokio_zmtp::ws::{WebSocketAcceptor, WebSocketConnector};
/// use tokio_zmtp::{Client, Mechanism, RemoteStream, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let address = listener.local_addr()?;
///
/// let server = Server::new();
/// let accepting = async {
///     let (stream, _) = listener.accept().await?;
///     let acceptor = WebSocketAcceptor::new(&Mechanism::Null).path("/orders");
///     server.attach(acceptor.accept(stream).await?).await?;
///     Ok::<(), Box<dyn std::error::Error>>(())
/// };
///
/// let client = Client::new();
/// client
///     .connect_with("stream://orders", move |_| async move {
///         let stream = TcpStream::connect(address).await?;
///         let connector = WebSocketConnector::new(&Mechanism::Null, "127.0.0.1", "/orders");
///         connector.connect(stream).await.map_err(std::io::Error::from)
///     })
///     .await?;
/// accepting.await?;
///
/// client.send("hello").await?;
/// assert_eq!(server.recv().await?, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct WebSocketAcceptor {
    settings: Settings,
    path: Option<String>,
    origins: Option<Arc<[String]>>,
}

impl WebSocketAcceptor {
    /// Creates an acceptor for a socket with this mechanism, which accepts every path and every
    /// origin.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Mechanism;
    /// use tokio_zmtp::ws::WebSocketAcceptor;
    ///
    /// let acceptor = WebSocketAcceptor::new(&Mechanism::Null);
    /// ```
    #[must_use]
    pub fn new(mechanism: &Mechanism) -> Self {
        Self { settings: Settings::new(mechanism), path: None, origins: None }
    }

    /// Accepts only requests for this path, without its query.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Mechanism;
    /// use tokio_zmtp::ws::WebSocketAcceptor;
    ///
    /// let acceptor = WebSocketAcceptor::new(&Mechanism::Null).path("/orders");
    /// ```
    #[must_use]
    pub fn path(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// Accepts pages only from these origins, such as `https://example.org`. Requests without an
    /// origin, which do not come from a browser, are accepted.
    ///
    /// Without this, any web page that a user visits can connect to a server that the user's browser
    /// can reach.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Mechanism;
    /// use tokio_zmtp::ws::WebSocketAcceptor;
    ///
    /// let acceptor =
    ///     WebSocketAcceptor::new(&Mechanism::Null).origins(["https://example.org"]);
    /// ```
    #[must_use]
    pub fn origins<O: Into<String>>(self, origins: impl IntoIterator<Item = O>) -> Self {
        Self { origins: Some(origins.into_iter().map(O::into).collect()), ..self }
    }

    /// Limits the bytes of a message in fragments, which is stored until it is complete. A remote that
    /// exceeds it receives the close code 1009. Default: 64 MiB.
    ///
    /// Browsers send messages above 64 KiB in this form. Set this to the
    /// [`max_message_size`](crate::Builder::max_message_size) of the socket, which limits all other
    /// messages before they have arrived, with the same close code.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Mechanism;
    /// use tokio_zmtp::ws::WebSocketAcceptor;
    ///
    /// let acceptor = WebSocketAcceptor::new(&Mechanism::Null).max_message_size(100_000);
    /// ```
    #[must_use]
    pub fn max_message_size(mut self, bytes: u64) -> Self {
        self.settings.max_message_size = Some(bytes);
        self
    }

    /// Sends a ping of the WebSocket at this interval, and ends a connection on which nothing has
    /// arrived for the `timeout` after a ping. By default, and with an interval of zero, no pings
    /// are sent. A timeout of zero means no limit.
    ///
    /// They replace the heartbeats of the socket, which are not sent over WebSockets (RFC 45). Any
    /// frame of the remote is a sign of life. Pings of the remote are answered while the socket
    /// reads its messages.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_zmtp::Mechanism;
    /// use tokio_zmtp::ws::WebSocketAcceptor;
    ///
    /// let (interval, timeout) = (Duration::from_secs(10), Duration::from_secs(5));
    /// let acceptor = WebSocketAcceptor::new(&Mechanism::Null).heartbeat(interval, timeout);
    /// ```
    #[must_use]
    pub fn heartbeat(mut self, interval: Duration, timeout: Duration) -> Self {
        self.settings.set_heartbeat(interval, timeout);
        self
    }

    /// Reads the request on a stream, and answers it. Pass the result to `attach`. It keeps the
    /// name, the address and the admission of a [`RemoteStream`]. The stream can be one of
    /// `TlsServer::accept`, for `wss`.
    ///
    /// There is no time limit. Use [`tokio::time::timeout`], because a remote may send nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    ///
    /// # Errors
    ///
    /// [`UpgradeError`], after its status has been sent to the remote.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio::net::TcpStream;
    /// use tokio::time;
    /// use tokio_zmtp::Server;
    /// use tokio_zmtp::ws::WebSocketAcceptor;
    ///
    /// async fn accepted(
    ///     stream: TcpStream,
    ///     acceptor: &WebSocketAcceptor,
    ///     server: &Server,
    /// ) -> Result<(), Box<dyn std::error::Error>> {
    ///     let stream = time::timeout(Duration::from_secs(5), acceptor.accept(stream)).await??;
    ///     server.attach(stream).await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn accept(
        &self,
        stream: impl Into<RemoteStream>,
    ) -> Result<RemoteStream, UpgradeError> {
        let accepted = stream.into();
        let request = UpgradeRequest::read(accepted.stream).await?;
        Ok(RemoteStream { stream: self.upgrade(request).await?, ..accepted })
    }

    /// Answers a request, and returns the stream of ZMTP.
    pub(crate) async fn upgrade(&self, request: UpgradeRequest) -> Result<Stream, UpgradeError> {
        let (stream, input) = request.answer(|request| self.answer(request)).await?;
        Ok(self.translate(stream, input))
    }

    /// Creates the acceptor of the `ws` and `wss` endpoints of a socket, which accepts every path.
    pub(crate) fn for_listener(options: &Options) -> Self {
        let origins = options.websocket.origins.as_deref().map(Arc::from);
        Self { settings: Settings::of_socket(options), path: None, origins }
    }

    /// Returns the stream of ZMTP over an upgraded stream; `input` follows the request.
    pub(super) fn translate(&self, stream: Stream, input: BytesMut) -> Stream {
        self.settings.translate(stream, WebSocketRole::Server, input)
    }

    /// Returns the response to a request.
    pub(super) fn answer<B>(&self, request: &Request<B>) -> Result<Response<()>, UpgradeError> {
        let path = request.uri().path();
        if self.path.as_ref().is_some_and(|expected| expected != path) {
            return Err(UpgradeError::Path { path: path.to_owned() });
        }
        if let (Some(allowed), Some(origin)) = (&self.origins, request.headers().get(ORIGIN)) {
            if !allowed.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()) {
                let origin = origin.as_bytes().escape_ascii().to_string();
                return Err(UpgradeError::Origin { origin });
            }
        }
        let mut response =
            server::create_response_with_body(request, || ()).map_err(UpgradeError::invalid)?;
        let subprotocol = subprotocol(self.settings.mechanism);
        let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
        let mut offered = offered
            .filter_map(|value| value.to_str().ok())
            .flat_map(|v| v.split(',').map(str::trim));
        let of_browsers = subprotocol_of_browsers(self.settings.mechanism);
        let Some(accepted) = offered.find(|one| *one == subprotocol || *one == of_browsers) else {
            return Err(UpgradeError::Subprotocol { expected: subprotocol });
        };
        let value = HeaderValue::try_from(accepted).map_err(UpgradeError::invalid)?;
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
        Ok(response)
    }
}
