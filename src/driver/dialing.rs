//! Attempts to establish a stream to an endpoint.

use std::io;
use std::sync::Arc;

use zmtp_proto::endpoint::Endpoint;
use zmtp_proto::identity::Identity;

use super::within;
use crate::auth::Admission;
use crate::monitor::DialFailure;
#[cfg(feature = "tls")]
use crate::monitor::TlsFailure;
#[cfg(feature = "ws")]
use crate::monitor::UpgradeError;
#[cfg(feature = "tls")]
use crate::options::TlsOptions;
use crate::options::{Options, TcpOptions};
use crate::remote::Origin;
#[cfg(feature = "tls")]
use crate::transport::TlsDialer;
#[cfg(feature = "ws")]
use crate::transport::websocket::WebSocketDialer;
use crate::transport::{self, RemoteStream, SharedDialer, Stream};

/// What a connector dials.
#[derive(Clone, Debug)]
pub(crate) struct DialTarget {
    pub(crate) endpoint: Endpoint,
    /// The identity of the remote; `None` if the remote or the socket determines it. Boxed, because
    /// it is rare.
    pub(crate) identity: Option<Box<Identity>>,
    /// The dialer of the application; `None` for that of the transport.
    pub(crate) dialer: Option<SharedDialer>,
}

/// A stream before its handshake.
#[derive(Debug)]
pub(crate) struct DialedStream {
    pub(crate) stream: Stream,
    pub(crate) origin: Origin,
    /// The admission by the application that has dialed the stream. Boxed, because it is rare.
    pub(super) admission: Option<Box<Admission>>,
}

impl DialTarget {
    /// Returns the identity of the remote; empty if the remote or the socket determines it.
    pub(crate) fn identity(&self) -> Identity {
        self.identity.as_deref().cloned().unwrap_or_default()
    }

    /// Dials endpoints of TLS and WebSockets with the dialer for them, unless the application dials
    /// them. `asked` is the endpoint whose host the remote must have; its name may have been
    /// resolved.
    pub(crate) fn with_own_dialer(mut self, asked: &Endpoint, options: &Options) -> Self {
        if self.dialer.is_some() {
            return self;
        }
        self.dialer = match (asked, options) {
            #[cfg(feature = "tls")]
            (
                Endpoint::Tls(asked),
                Options { tls: TlsOptions { client: Some(client), .. }, .. },
            ) => {
                let dialer = TlsDialer::new(client.clone(), asked.host(), options.tcp.clone());
                Some(SharedDialer::new(dialer))
            }
            #[cfg(feature = "ws")]
            (Endpoint::WebSocket(asked), _) => {
                Some(SharedDialer::new(WebSocketDialer::new(asked, options)))
            }
            _ => None,
        };
        self
    }

    /// Makes one attempt, within the time limit.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the attempt.
    pub(crate) async fn dial(&self, options: &Options) -> Result<DialedStream, DialFailure> {
        let limit = options.connect_timeout;
        match within(limit, self.dial_stream(&options.tcp)).await {
            Some(dialed) => dialed.map_err(|error| {
                #[cfg(feature = "socks")]
                if transport::ProxyRefusal::is_in(&error) {
                    return DialFailure::ProxyRefused;
                }
                #[cfg(feature = "tls")]
                if let Some(failure) = TlsFailure::find_in(&error) {
                    return DialFailure::Tls(failure);
                }
                #[cfg(feature = "ws")]
                if let Some(failure) = UpgradeError::find_in(&error) {
                    return DialFailure::Upgrade(failure);
                }
                DialFailure::Transport(Arc::new(error))
            }),
            None => Err(DialFailure::TimedOut { limit: limit.unwrap_or_default() }),
        }
    }

    async fn dial_stream(&self, options: &TcpOptions) -> io::Result<DialedStream> {
        if let Some(dialer) = &self.dialer {
            let dialed = dialer.dial(self.endpoint.clone()).await?;
            let origin = dialed.origin();
            let RemoteStream { stream, admission, .. } = dialed;
            return Ok(DialedStream { stream, origin, admission: Some(Box::new(admission)) });
        }
        let (stream, origin) = transport::connect(&self.endpoint, options).await?;
        Ok(DialedStream { stream, origin, admission: None })
    }
}

impl From<Endpoint> for DialTarget {
    fn from(endpoint: Endpoint) -> Self {
        Self { endpoint, identity: None, dialer: None }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::net::{SocketAddr, TcpStream};
    use std::time::Duration;

    use tokio::net::TcpSocket;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_attempt_without_an_answer_ends_after_the_connect_timeout() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let _waiting = fill(address);
        let limit = Duration::from_secs(7);
        let options = Options { connect_timeout: Some(limit), ..Options::default() };

        let start = Instant::now();
        let target = DialTarget::from(Endpoint::from(address));
        let failure = target.dial(&options).await.unwrap_err();

        assert!(matches!(failure, DialFailure::TimedOut { limit: reported } if reported == limit));
        assert!(start.elapsed() >= limit && start.elapsed() < limit * 2);
    }

    /// Connects until the backlog of the listener is full. Linux then does not answer connection
    /// attempts.
    fn fill(address: SocketAddr) -> Vec<TcpStream> {
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            waiting.push(stream);
        }
        waiting
    }
}
