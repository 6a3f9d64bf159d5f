//! The dialer of `ws` and `wss` endpoints.

use std::io;

use zmtp_proto::endpoint::{Endpoint, WebSocketEndpoint};

use super::connector::WebSocketConnector;
use crate::options::{Options, TcpOptions};
#[cfg(feature = "tls")]
use crate::transport::TlsDialer;
use crate::transport::{self, Dialer, RemoteStream};

/// Dials the addresses of a `ws` or `wss` endpoint.
#[derive(Debug)]
pub(crate) struct WebSocketDialer {
    connector: WebSocketConnector,
    /// For `wss` only.
    #[cfg(feature = "tls")]
    tls: Option<TlsDialer>,
    options: TcpOptions,
}

impl WebSocketDialer {
    /// Creates a dialer for the host and path of `endpoint`, or for addresses to which its host
    /// resolves.
    pub(crate) fn new(endpoint: &WebSocketEndpoint, options: &Options) -> Self {
        Self {
            connector: WebSocketConnector::for_endpoint(endpoint, options),
            #[cfg(feature = "tls")]
            tls: match &options.tls.client {
                Some(client) if endpoint.is_encrypted() => {
                    Some(TlsDialer::new(client.clone(), endpoint.host(), options.tcp.clone()))
                }
                _ => None,
            },
            options: options.tcp.clone(),
        }
    }
}

impl Dialer for WebSocketDialer {
    async fn dial(&self, endpoint: Endpoint) -> io::Result<RemoteStream> {
        let Endpoint::WebSocket(endpoint) = endpoint else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let stream = match endpoint.is_encrypted() {
            #[cfg(feature = "tls")]
            true => match &self.tls {
                Some(tls) => tls.connect(endpoint.tcp()).await?,
                None => return Err(io::ErrorKind::Unsupported.into()),
            },
            #[cfg(not(feature = "tls"))]
            true => return Err(io::ErrorKind::Unsupported.into()),
            false => {
                let tcp = Endpoint::from(endpoint.tcp().clone());
                let (stream, origin) = transport::connect(&tcp, &self.options).await?;
                RemoteStream::established(stream, origin)
            }
        };
        Ok(self.connector.connect(stream).await?)
    }
}
