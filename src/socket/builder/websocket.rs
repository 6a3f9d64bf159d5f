//! Options for WebSockets.

use super::Builder;
use crate::options::RequestHeaders;

/// # WebSockets
///
/// ```no_run
/// use tokio_zmtp::ws::RequestHeaders;
/// use tokio_zmtp::{Client, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder()
///     .websocket_origins(["https://example.org"])
///     .bind("ws://*:8080/orders")
///     .await?;
///
/// let headers = RequestHeaders::new().with("Authorization", "Bearer mF_9.B5f-4.1JqM")?;
/// let client = Client::builder()
///     .websocket_headers(headers)
///     .connect("ws://example.org:8080/orders")
///     .await?;
/// # Ok(())
/// # }
/// ```
impl<S> Builder<S> {
    /// Sets headers of the requests for WebSockets that this socket dials, such as `Authorization` or
    /// `Cookie`. Default: none. (libzmq has no such option.)
    ///
    /// They apply to `ws` and `wss` endpoints. `Debug` does not show their values.
    pub fn websocket_headers(mut self, headers: RequestHeaders) -> Self {
        self.options.websocket.headers = headers;
        self
    }

    /// Accepts the WebSockets of web pages only from these origins, such as `https://example.org`.
    /// Requests without an origin, which do not come from a browser, are accepted. Default: every
    /// origin, as libzmq.
    ///
    /// Without this, any web page that a user visits can connect to a server that the user's browser
    /// can reach. It applies to `ws` and `wss` endpoints.
    pub fn websocket_origins<O: Into<String>>(
        mut self,
        origins: impl IntoIterator<Item = O>,
    ) -> Self {
        self.options.websocket.origins = Some(origins.into_iter().map(O::into).collect());
        self
    }
}
