//! Upgrades that an HTTP server of the application performs.

use bytes::BytesMut;
use http::{Request, Response, StatusCode};

use super::acceptor::WebSocketAcceptor;
use crate::monitor::UpgradeError;
use crate::transport::RemoteStream;

impl WebSocketAcceptor {
    /// Returns the response to a request that an HTTP server has received, such as that of a route of
    /// axum. After the server has sent it, [`upgraded`](Self::upgraded) takes the stream. With axum
    /// and hyper, `hyper::upgrade::on(&mut request)` returns the stream, and
    /// `hyper_util::rt::TokioIo` adapts it to Tokio's traits.
    ///
    /// # Errors
    ///
    /// [`UpgradeError`], for which [`UpgradeError::response`] is the response.
    ///
    /// # Examples
    ///
    /// See `examples/services/src/bin/websocket.rs` for a route of axum.
    ///
    /// ```
    /// use http::Request;
    /// use tokio_zmtp::Mechanism;
    /// use tokio_zmtp::ws::WebSocketAcceptor;
    ///
    /// let acceptor = WebSocketAcceptor::new(&Mechanism::Null);
    /// let request = Request::get("/zmq").body(())?;
    /// let error = acceptor.respond(&request).unwrap_err();
    /// assert_eq!(error.response().status(), 400);
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn respond<B>(&self, request: &Request<B>) -> Result<Response<()>, UpgradeError> {
        self.answer(request)
    }

    /// Takes a stream that an HTTP server has upgraded after the response of
    /// [`respond`](Self::respond). Pass the result to `attach`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio::io::{AsyncRead, AsyncWrite};
    /// use tokio_zmtp::auth::Admission;
    /// use tokio_zmtp::ws::WebSocketAcceptor;
    /// use tokio_zmtp::{AttachError, Server};
    ///
    /// async fn attach(
    ///     stream: impl AsyncRead + AsyncWrite + Send + 'static,
    ///     acceptor: &WebSocketAcceptor,
    ///     server: &Server,
    /// ) -> Result<(), AttachError> {
    ///     let stream = acceptor.upgraded(stream).admitted(Admission::user("alice"));
    ///     server.attach(stream).await?;
    ///     Ok(())
    /// }
    /// ```
    #[must_use]
    pub fn upgraded(&self, stream: impl Into<RemoteStream>) -> RemoteStream {
        let upgraded = stream.into();
        let stream = self.translate(upgraded.stream, BytesMut::new());
        RemoteStream { stream, ..upgraded }
    }
}

impl UpgradeError {
    /// Returns the response to a request that is refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Request;
    /// use tokio_zmtp::Mechanism;
    /// use tokio_zmtp::ws::WebSocketAcceptor;
    ///
    /// let acceptor = WebSocketAcceptor::new(&Mechanism::Null).path("/zmq");
    /// let error = acceptor.respond(&Request::get("/other").body(())?).unwrap_err();
    /// assert_eq!(error.response().status(), 404);
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn response(&self) -> Response<()> {
        self.refusal().unwrap_or_else(|| {
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        })
    }
}
