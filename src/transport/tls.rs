//! Streams that are encrypted by TLS.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::CommonState;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use zmtp_proto::endpoint::{Endpoint, Host, TcpEndpoint};

use super::dialer::Dialer;
use super::remote_stream::RemoteStream;
use super::shutdown::shut_down;
use super::stream::Stream;
use crate::auth::Admission;
use crate::monitor::TlsFailure;
use crate::options::{TcpOptions, TlsClient, TlsServer};

/// Dials the addresses of a `tls` endpoint.
#[derive(Debug)]
pub(crate) struct TlsDialer {
    client: TlsClient,
    /// The host for which the certificate must be valid.
    host: String,
    options: TcpOptions,
}

impl TlsDialer {
    /// Creates a dialer for a host, or for addresses to which it resolves.
    pub(crate) fn new(client: TlsClient, host: &Host, options: TcpOptions) -> Self {
        let host = match host {
            Host::Ipv6 { address, .. } => address.to_string(),
            host => host.to_string(),
        };
        Self { client, host, options }
    }

    /// Establishes TLS at a port.
    pub(crate) async fn connect(&self, tcp: &TcpEndpoint) -> io::Result<RemoteStream> {
        let tcp = tcp.clone().into();
        let (stream, origin) = super::connect(&tcp, &self.options).await?;
        let stream = match stream {
            // Avoids the choice between transports for each read and write.
            Stream::Tcp(stream) => self.client.connect(stream, &self.host).await?,
            stream => self.client.connect(stream, &self.host).await?,
        };
        Ok(RemoteStream { address: origin.address, ..stream })
    }
}

impl Dialer for TlsDialer {
    async fn dial(&self, endpoint: Endpoint) -> io::Result<RemoteStream> {
        let Endpoint::Tls(tls) = endpoint else { return Err(io::ErrorKind::InvalidInput.into()) };
        self.connect(tls.tcp()).await
    }
}

impl TlsClient {
    /// Establishes TLS over a stream, as the client. Pass the result to `attach`, or return it
    /// from a [`Dialer`]. It carries the [certificate](crate::Remote::certificate) of the server.
    ///
    /// The certificate must be valid for `host`, a host name or an IP address, unless a
    /// [`server_name`](TlsClient::server_name) is set.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    ///
    /// # Errors
    ///
    /// That of the stream, or one whose [inner error](std::io::Error::get_ref) is a
    /// [`TlsFailure`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio::net::TcpStream;
    /// use tokio_zmtp::{Client, TlsClient};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tls = TlsClient::with_roots(std::fs::read("ca.pem")?)?;
    /// let client = Client::new();
    /// client
    ///     .connect_with("stream://through-a-tunnel", move |_| {
    ///         let tls = tls.clone();
    ///         async move {
    ///             let stream = TcpStream::connect("127.0.0.1:5555").await?;
    ///             tls.connect(stream, "orders.example.org").await
    ///         }
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        host: &str,
    ) -> io::Result<RemoteStream> {
        let settings = self.settings();
        let name = settings
            .name_of(host)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let connecting = TlsConnector::from(Arc::clone(&settings.config)).connect(name, stream);
        match connecting.into_fallible().await {
            Ok(stream) => {
                let admission = admission(stream.get_ref().1)?;
                Ok(RemoteStream::new(stream).admitted(admission))
            }
            Err((error, stream)) => Err(failed(error, stream).await),
        }
    }
}

impl TlsServer {
    /// Establishes TLS over a stream, as the server. Pass the result to `attach`. It carries the
    /// [certificate](crate::Remote::certificate) of the client, if the client has one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the stream.
    ///
    /// # Errors
    ///
    /// That of the stream, or one whose [inner error](std::io::Error::get_ref) is a
    /// [`TlsFailure`]. Set a time limit: a client may send nothing.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use tokio::net::TcpListener;
    /// use tokio_zmtp::{Server, TlsServer};
    ///
    /// async fn accept(listener: TcpListener, tls: TlsServer, server: Server) {
    ///     while let Ok((stream, address)) = listener.accept().await {
    ///         let (tls, server) = (tls.clone(), server.clone());
    ///         tokio::spawn(async move {
    ///             let accepting = tls.accept(stream);
    ///             let accepted = tokio::time::timeout(Duration::from_secs(10), accepting).await;
    ///             if let Ok(Ok(stream)) = accepted {
    ///                 let _ = server.attach(stream.with_address(address)).await;
    ///             }
    ///         });
    ///     }
    /// }
    /// ```
    pub async fn accept(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> io::Result<RemoteStream> {
        let accepting = TlsAcceptor::from(Arc::clone(&self.settings().config)).accept(stream);
        match accepting.into_fallible().await {
            Ok(stream) => {
                let admission = admission(stream.get_ref().1)?;
                Ok(RemoteStream::new(stream).admitted(admission))
            }
            Err((error, stream)) => Err(failed(error, stream).await),
        }
    }

    /// Does the same with an accepted stream of a socket.
    pub(crate) async fn encrypt(&self, stream: Stream) -> io::Result<RemoteStream> {
        match stream {
            // Avoids the choice between transports for each read and write.
            Stream::Tcp(stream) => self.accept(stream).await,
            stream => self.accept(stream).await,
        }
    }
}

/// Returns the identity of the remote: its own certificate, if it has one.
fn admission(tls: &CommonState) -> io::Result<Admission> {
    let Some(certificate) = tls.peer_certificates().and_then(<[_]>::first) else {
        return Ok(Admission::anonymous());
    };
    Admission::anonymous()
        .with_certificate(certificate)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Converts the error of a handshake. If this side has sent an alert, waits until the remote has
/// received it.
async fn failed(error: io::Error, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Error {
    let Some(failure) = TlsFailure::find_in(&error) else { return error };
    shut_down(&mut stream).await;
    failure.into()
}
