//! The client's side of the upgrade to a WebSocket.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tungstenite::handshake::{client, derive_accept_key};
use tungstenite::http::header::{
    CONNECTION, HOST, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tungstenite::http::{Request, StatusCode};
use zmtp_proto::endpoint::WebSocketEndpoint;

use super::frames::WebSocketRole;
use super::settings::Settings;
use super::upgrade::{read_head, subprotocol};
use crate::auth::Mechanism;
use crate::monitor::UpgradeError;
use crate::options::{Options, RequestHeaders};
use crate::transport::RemoteStream;

/// Establishes WebSocket connections on streams that the application has dialed.
///
/// # Examples
///
/// See [`WebSocketAcceptor`](super::WebSocketAcceptor).
#[derive(Clone)]
pub struct WebSocketConnector {
    settings: Settings,
    host: String,
    path: String,
    headers: RequestHeaders,
}

impl WebSocketConnector {
    /// Creates a connector for a socket with this mechanism, which requests a path of a host.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Mechanism;
    /// use tokio_zmtp::ws::WebSocketConnector;
    ///
    /// let connector = WebSocketConnector::new(&Mechanism::Null, "example.org:8080", "/orders");
    /// ```
    #[must_use]
    pub fn new(mechanism: &Mechanism, host: &str, path: &str) -> Self {
        Self {
            settings: Settings::new(mechanism),
            host: host.to_owned(),
            path: path.to_owned(),
            headers: RequestHeaders::default(),
        }
    }

    /// Sets headers of the request, such as `Authorization` or `Cookie`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Mechanism;
    /// use tokio_zmtp::ws::{RequestHeaders, WebSocketConnector};
    ///
    /// let headers = RequestHeaders::new().with("Authorization", "Bearer mF_9.B5f-4.1JqM")?;
    /// let connector =
    ///     WebSocketConnector::new(&Mechanism::Null, "example.org", "/orders").headers(headers);
    /// # Ok::<(), tokio_zmtp::ws::InvalidHeader>(())
    /// ```
    #[must_use]
    pub fn headers(self, headers: RequestHeaders) -> Self {
        Self { headers, ..self }
    }

    /// Creates the connector of a `ws` or `wss` endpoint.
    pub(super) fn for_endpoint(endpoint: &WebSocketEndpoint, options: &Options) -> Self {
        let path = match endpoint.query() {
            Some(query) => format!("{}?{query}", endpoint.path()),
            None => endpoint.path().to_owned(),
        };
        Self {
            settings: Settings::of_socket(options),
            host: format!("{}:{}", endpoint.host(), endpoint.port()),
            path,
            headers: options.websocket.headers.clone(),
        }
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
    /// use tokio_zmtp::ws::WebSocketConnector;
    ///
    /// let (interval, timeout) = (Duration::from_secs(10), Duration::from_secs(5));
    /// let connector = WebSocketConnector::new(&Mechanism::Null, "example.org", "/orders")
    ///     .heartbeat(interval, timeout);
    /// ```
    #[must_use]
    pub fn heartbeat(mut self, interval: Duration, timeout: Duration) -> Self {
        self.settings.set_heartbeat(interval, timeout);
        self
    }

    /// Requests the upgrade on a stream. Pass the result to `attach`, or return it from a
    /// [`Dialer`](crate::Dialer). It keeps the name, the address and the admission of a
    /// [`RemoteStream`]. The stream can be one of
    /// `TlsClient::connect`, for `wss`.
    ///
    /// There is no time limit of its own. A dialer is limited by
    /// [`connect_timeout`](crate::Builder::connect_timeout).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    ///
    /// # Errors
    ///
    /// [`UpgradeError`] if the server refuses the upgrade, or does not perform it correctly.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    ///
    /// use tokio::net::TcpStream;
    /// use tokio_zmtp::ws::WebSocketConnector;
    /// use tokio_zmtp::{Client, ConnectError, Mechanism};
    ///
    /// async fn connect(client: &Client) -> Result<(), ConnectError> {
    ///     let connector = WebSocketConnector::new(&Mechanism::Null, "example.org", "/orders");
    ///     let dialer = move |_| {
    ///         let connector = connector.clone();
    ///         async move {
    ///             let stream = TcpStream::connect("example.org:80").await?;
    ///             connector.connect(stream).await.map_err(io::Error::from)
    ///         }
    ///     };
    ///     client.connect_with("stream://orders", dialer).await
    /// }
    /// ```
    pub async fn connect(
        &self,
        stream: impl Into<RemoteStream>,
    ) -> Result<RemoteStream, UpgradeError> {
        let dialed = stream.into();
        let mut stream = dialed.stream;
        let key = client::generate_key();
        let subprotocol = subprotocol(self.settings.mechanism);
        let mut request = Request::get(&self.path)
            .header(HOST, &self.host)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key)
            .header(SEC_WEBSOCKET_PROTOCOL, &subprotocol)
            .body(())
            .map_err(UpgradeError::invalid)?;
        request.headers_mut().extend(self.headers.map().clone());
        let (output, key) = client::generate_request(request).map_err(UpgradeError::invalid)?;
        stream.write_all(&output).await?;
        stream.flush().await?;

        let mut input = BytesMut::new();
        let response = read_head::<client::Response>(&mut stream, &mut input).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(UpgradeError::Refused { status: response.status().as_u16() });
        }
        let header = |name| response.headers().get(name).map(HeaderValue::as_bytes);
        let has = |name, expected: &[u8]| {
            header(name).is_some_and(|value| value.eq_ignore_ascii_case(expected))
        };
        // No extension is requested (RFC 6455, 4.1).
        let is_upgrade = has(UPGRADE, b"websocket")
            && has(CONNECTION, b"upgrade")
            && header(SEC_WEBSOCKET_EXTENSIONS).is_none();
        let is_accepted = header(SEC_WEBSOCKET_ACCEPT)
            .is_some_and(|value| value == derive_accept_key(key.as_bytes()).as_bytes());
        if !is_upgrade || !is_accepted {
            return Err(UpgradeError::invalid(NotAnAnswer));
        }
        let mut chosen = response.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
        let is_chosen = chosen.next().is_some_and(|one| one.as_bytes() == subprotocol.as_bytes());
        if !is_chosen || chosen.next().is_some() {
            return Err(UpgradeError::Subprotocol { expected: subprotocol });
        }
        let seed = getrandom::u64().map_err(io::Error::from)?;
        let stream = self.settings.translate(stream, WebSocketRole::Client { seed }, input);
        Ok(RemoteStream { stream, ..dialed })
    }
}

/// The response has not the headers that answer the request.
#[derive(Debug, Error)]
#[error("the response does not answer the request")]
struct NotAnAnswer;

/// Headers may be secret and are omitted.
impl fmt::Debug for WebSocketConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketConnector")
            .field("mechanism", &self.settings.mechanism)
            .field("host", &self.host)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
