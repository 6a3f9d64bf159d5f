//! Probes, which read what a remote announces without connecting a socket to it.
//!
//! A program that examines a remote, such as `zmtp monitor`, [probes](Builder::probe) its endpoint.

use std::io;
use std::net::SocketAddr;
use std::str;

use bytes::{Bytes, BytesMut};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zmtp_proto::endpoint::{Endpoint, EndpointError, check_connectable};
use zmtp_proto::greeting::{Greeting, MechanismName};
use zmtp_proto::handshake::HandshakeError;
use zmtp_proto::mechanism::curve::Seed;
use zmtp_proto::metadata::Metadata;
use zmtp_proto::probe::{Probe, ProbeResult};
use zmtp_proto::socket_type::SocketType;

use crate::connection::Deadline;
use crate::driver::DialTarget;
use crate::monitor::{DialFailure, HandshakeFailure};
use crate::socket::{Builder, Socket};
use crate::transport::Stream;

/// What a remote announced to a [probe](Builder::probe).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Probed {
    /// The network address of the remote; `None` over `ipc`.
    pub address: Option<SocketAddr>,
    /// The highest version of ZMTP that the remote supports: major and minor.
    pub version: (u8, u8),
    /// The security mechanism of the remote, such as `CURVE`.
    pub mechanism: String,
    /// Whether the remote announces the server role of the mechanism. Remotes with libzmq never
    /// announce it.
    pub as_server: bool,
    /// What the remote announced after its greeting.
    pub outcome: ProbeOutcome,
}

/// What a remote announced after its greeting.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ProbeOutcome {
    /// Under NULL: the metadata of the remote (RFC 37, Connection Metadata).
    #[non_exhaustive]
    Announced {
        /// The socket type; `None` if the remote announced none, or an unknown one.
        socket_type: Option<SocketType>,
        /// All properties in their order, including `Socket-Type` and `Identity`.
        properties: Vec<(String, Bytes)>,
    },
    /// The mechanism of the remote is not that of the builder, and requires credentials.
    CredentialsRequired,
    /// The handshake failed after the greeting. For example, the remote refuses the credentials or
    /// the address, or does not hold the key.
    Failed(HandshakeFailure),
    /// Under NULL: the remote sends no metadata within
    /// [`handshake_interval`](Builder::handshake_interval), usually because it waits for that of
    /// the other end. A socket of this crate waits if several sockets share its port, or if it can
    /// refuse a remote because of its identity or because of another remote. Examples are a
    /// [`Router`](crate::Router) and a [`Pair`](crate::Pair).
    Waiting,
    /// Under PLAIN: the remote accepts the name and the password. Under CURVE: the remote proved
    /// that it holds the key of the server. Whether it admits the key of this end is not known.
    Welcomed,
}

/// The reason why a probe has no result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The endpoint is not valid, or can only be bound.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// No connection was established, or the remote did not send a valid greeting in time.
    #[error("cannot probe {endpoint}")]
    #[non_exhaustive]
    Failed {
        /// The endpoint.
        endpoint: Endpoint,
        /// The reason.
        source: DialFailure,
    },
}

impl<S: Socket> Builder<S> {
    /// Connects to an endpoint once, reads what the remote announces, and closes the connection. It
    /// creates and announces no socket: the remote reports a connection whose handshake failed.
    ///
    /// The mechanism of this builder is used if the remote has the same one. It determines the
    /// possible results: see [`ProbeOutcome`]. If there are several keys of the server, only the
    /// first is tested. The options for connections apply, such as
    /// [`connect_timeout`](Self::connect_timeout), `tls_client` and `socks_proxy`.
    ///
    /// [`handshake_interval`](Self::handshake_interval) limits the time until the greeting, and
    /// again the time from there to the result. Set it to a few seconds (default: 30 s): the probe
    /// of a remote that is [`Waiting`](ProbeOutcome::Waiting) takes all of it, and does not end
    /// without a limit.
    ///
    /// `inproc` and `udp` endpoints cannot be probed, because they have no stream.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    ///
    /// # Errors
    ///
    /// [`ProbeError`] if the endpoint is not valid or can only be bound, if no connection can be
    /// established, or if the remote does not send a valid greeting in time. Later failures are a
    /// result: [`ProbeOutcome::Failed`].
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime with IO and time enabled.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::probe::ProbeOutcome;
    /// use tokio_zmtp::{Client, Server, SocketType};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::new();
    /// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
    ///
    /// let probed = Client::builder().probe(endpoint).await?;
    /// assert_eq!((probed.version, probed.mechanism.as_str()), ((3, 1), "NULL"));
    /// let ProbeOutcome::Announced { socket_type, .. } = probed.outcome else { panic!() };
    /// assert_eq!(socket_type, Some(SocketType::Server));
    /// assert!(server.remotes().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn probe<E>(&self, endpoint: E) -> Result<Probed, ProbeError>
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from)?;
        check_connectable(&endpoint)?;
        let options = self.options();
        let target = DialTarget::from(endpoint.clone()).with_own_dialer(&endpoint, options);
        let probing = async {
            let dialed = target.dial(options).await?;
            let seed = Seed::try_filled(|bytes| getrandom::fill(bytes)).map_err(io::Error::from);
            let probe = Probe::new(
                options.mechanism.for_handshake(0),
                seed.map_err(HandshakeFailure::from)?,
            );
            let mut exchange =
                ProbeExchange { stream: dialed.stream, probe, read: BytesMut::new() };
            let deadline = || Deadline::after(options.handshake_interval);
            deadline().keep(exchange.until_greeted()).await?;
            let outcome = match deadline().keep(exchange.until_result()).await {
                Err(HandshakeFailure::TimedOut { .. }) if exchange.is_null() => {
                    ProbeOutcome::Waiting
                }
                result => result.into(),
            };
            let greeting = exchange.probe.greeting().copied();
            let greeting = greeting.ok_or(HandshakeFailure::ClosedByRemote)?;
            // The remote may have closed the connection already.
            let _ = deadline().keep(exchange.close()).await;
            Ok(Probed {
                address: dialed.origin.address,
                version: (greeting.version.major, greeting.version.minor),
                mechanism: greeting.mechanism.to_string(),
                as_server: greeting.as_server,
                outcome,
            })
        };
        probing.await.map_err(|source| ProbeError::Failed { endpoint, source })
    }
}

/// A probe and its stream.
struct ProbeExchange {
    stream: Stream,
    probe: Probe,
    read: BytesMut,
}

impl ProbeExchange {
    /// Returns when the greeting of the remote is complete.
    async fn until_greeted(&mut self) -> Result<(), HandshakeFailure> {
        self.write().await?;
        while Greeting::decode(&self.read).map_err(HandshakeError::from)?.is_none() {
            self.read().await?;
        }
        Ok(())
    }

    async fn until_result(&mut self) -> Result<ProbeResult, HandshakeFailure> {
        loop {
            if let Some(result) = self.probe.handle_input(&mut self.read)? {
                return Ok(result);
            }
            self.write().await?;
            self.read().await?;
        }
    }

    async fn write(&mut self) -> io::Result<()> {
        while let Some(output) = self.probe.poll_output() {
            self.stream.write_all(&output).await?;
        }
        self.stream.flush().await
    }

    async fn read(&mut self) -> Result<(), HandshakeFailure> {
        let failure = match self.stream.read_buf(&mut self.read).await {
            Ok(0) => HandshakeFailure::ClosedByRemote,
            Ok(_) => return Ok(()),
            Err(error) => error.into(),
        };
        Err(failure.with_doubt_about_key(self.probe.awaits_proof_of_key()))
    }

    fn is_null(&self) -> bool {
        self.probe.greeting().is_some_and(|greeting| greeting.mechanism == MechanismName::NULL)
    }

    async fn close(&mut self) -> Result<(), HandshakeFailure> {
        Ok(self.stream.shutdown().await?)
    }
}

impl From<Result<ProbeResult, HandshakeFailure>> for ProbeOutcome {
    fn from(result: Result<ProbeResult, HandshakeFailure>) -> Self {
        match result {
            Ok(ProbeResult::Announced(metadata)) => {
                let socket_type = metadata.value(Metadata::SOCKET_TYPE);
                let socket_type = socket_type.and_then(|name| str::from_utf8(name).ok());
                let properties = metadata.iter().map(|property| {
                    (property.name.to_owned(), Bytes::copy_from_slice(property.value))
                });
                Self::Announced {
                    socket_type: socket_type.and_then(|name| name.parse().ok()),
                    properties: properties.collect(),
                }
            }
            Ok(ProbeResult::Welcomed) => Self::Welcomed,
            Ok(_) => Self::CredentialsRequired,
            Err(failure) => Self::Failed(failure),
        }
    }
}
