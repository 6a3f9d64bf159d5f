//! A connected endpoint.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time;
use tokio_util::codec::Framed;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::RemoteConfig;
use super::backoff::Backoff;
use crate::connection::{Connection, Disconnect, EstablishError, TrafficCodec, establish};
use crate::endpoint::Endpoint;
use crate::proto::handshake::HandshakeError;
use crate::routing::Attachment;
use crate::transport::{self, Stream};

/// Dials an endpoint again and again, and keeps its queue in between.
#[derive(Debug)]
pub(super) struct Connector {
    endpoint: Endpoint,
    attachment: Attachment,
    /// Cancelled by the driver.
    ended: CancellationToken,
    config: Arc<RemoteConfig>,
    backoff: Backoff,
}

/// What to do after an attempt, or a connection, has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    /// The condition may pass soon.
    BackOff,
    /// The remote refuses this socket for good (RFC 37, Error Handling: "not re-connecting using
    /// the same security credentials").
    Never,
    /// The two ends do not fit together: it takes another program at that address, so there is no
    /// hurry.
    Rarely,
}

impl Connector {
    pub(super) fn new(
        endpoint: Endpoint,
        attachment: Attachment,
        ended: CancellationToken,
        config: Arc<RemoteConfig>,
    ) -> Self {
        let options = &config.options;
        let backoff = Backoff::new(options.reconnect_interval, options.reconnect_interval_max);
        Self { endpoint, attachment, ended, config, backoff }
    }

    /// Keeps up the connection until the endpoint is given up and nothing is left to be written, or
    /// until the remote refuses it for good.
    pub(super) async fn run(mut self) {
        let span = tracing::debug_span!("connection", endpoint = %self.endpoint);
        self.keep_up().instrument(span).await;
    }

    async fn keep_up(&mut self) {
        while !self.ended.is_cancelled() || !self.attachment.is_empty() {
            let Some(dialled) = self.dial().await else { return };
            let retry = match dialled {
                Ok(framed) => {
                    tracing::debug!("connected");
                    self.backoff.reset();
                    let heartbeat = self.config.options.heartbeat;
                    let connection = Connection::new(framed, &mut self.attachment, heartbeat);
                    let reason = connection.run().await;
                    tracing::debug!(reason = &reason as &dyn std::error::Error, "disconnected");
                    match reason {
                        Disconnect::Closed => return,
                        Disconnect::ClosedByRemote | Disconnect::Dead(_) | Disconnect::Io(_) => {
                            Retry::BackOff
                        }
                        Disconnect::Protocol(_) => Retry::Rarely,
                        Disconnect::Refused { .. } => Retry::Never,
                    }
                }
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "cannot connect");
                    error.retry()
                }
            };
            let delay = match retry {
                Retry::BackOff => self.backoff.after_failure(fastrand::f64()),
                Retry::Rarely => self.backoff.longest(fastrand::f64()),
                Retry::Never => {
                    tracing::warn!("the remote refuses this socket; not connecting again");
                    return;
                }
            };
            tokio::select! {
                () = time::sleep(delay) => {}
                () = self.ended.cancelled(), if !self.ended.is_cancelled() => {}
            }
        }
    }

    /// Makes one attempt. Returns nothing if the endpoint was given up meanwhile and there is
    /// nothing to write.
    async fn dial(&self) -> Option<Result<Framed<Stream, TrafficCodec>, DialError>> {
        let mut dialling = pin!(dial(&self.endpoint, &self.config));
        tokio::select! {
            dialled = &mut dialling => return Some(dialled),
            () = self.ended.cancelled(), if !self.ended.is_cancelled() => {}
        }
        if self.attachment.is_empty() {
            return None;
        }
        Some(dialling.await)
    }
}

async fn dial(
    endpoint: &Endpoint,
    config: &RemoteConfig,
) -> Result<Framed<Stream, TrafficCodec>, DialError> {
    let options = &config.options;
    let connecting = transport::connect(endpoint);
    let (stream, _) = match options.connect_timeout {
        Some(limit) => {
            time::timeout(limit, connecting).await.map_err(|_| DialError::TimedOut(limit))?
        }
        None => connecting.await,
    }?;
    let handshake = config.handshake.clone();
    let (framed, _) =
        establish(stream, handshake, options.handshake_interval, options.max_message_size).await?;
    Ok(framed)
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error("cannot connect")]
    Connect(#[from] io::Error),
    #[error(transparent)]
    Establish(#[from] EstablishError),
    #[error("nobody answered within {0:?}")]
    TimedOut(Duration),
}

impl DialError {
    fn retry(&self) -> Retry {
        match self {
            Self::Establish(EstablishError::Handshake(error)) => {
                if HandshakeError::is_refusal(error) { Retry::Never } else { Retry::Rarely }
            }
            Self::Connect(_) | Self::Establish(_) | Self::TimedOut(_) => Retry::BackOff,
        }
    }
}
