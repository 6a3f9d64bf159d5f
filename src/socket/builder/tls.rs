//! Options for TLS.

use super::Builder;
use crate::options::{TlsClient, TlsServer};

/// # TLS
///
/// ```no_run
/// use tokio_zmtp::{Client, Server, TlsClient, TlsServer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = TlsServer::new(std::fs::read("server.pem")?, std::fs::read("server.key")?)?;
/// let server = Server::builder().tls_server(tls).bind("tls://*:5555").await?;
///
/// let tls = TlsClient::with_roots(std::fs::read("ca.pem")?)?;
/// let client = Client::builder().tls_client(tls).connect("tls://example.org:5555").await?;
/// # Ok(())
/// # }
/// ```
impl<S> Builder<S> {
    /// Sets the TLS configuration of connections that this socket dials. Default: none. (libzmq:
    /// `ZMQ_WSS_TRUST_PEM` and `ZMQ_WSS_HOSTNAME`; it has no TLS over TCP.)
    ///
    /// Connecting to `tls` and `wss` endpoints requires it. TLS is established within
    /// [`connect_timeout`](Self::connect_timeout).
    pub fn tls_client(mut self, tls: impl Into<Option<TlsClient>>) -> Self {
        self.options.tls.client = tls.into();
        self
    }

    /// Sets the TLS configuration of connections that this socket accepts. Default: none. (libzmq:
    /// `ZMQ_WSS_CERT_PEM` and `ZMQ_WSS_KEY_PEM`; it has no TLS over TCP.)
    ///
    /// Binding `tls` and `wss` endpoints requires it. TLS is established within
    /// [`handshake_interval`](Self::handshake_interval), and the connection counts as
    /// [half-open](Self::max_half_open) meanwhile. A header of the [PROXY
    /// protocol](Self::proxy_protocol) precedes TLS.
    pub fn tls_server(mut self, tls: impl Into<Option<TlsServer>>) -> Self {
        self.options.tls.server = tls.into();
        self
    }
}
