//! Errors of lookups.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio_zmtp::EndpointError;

/// Why a lookup failed.
///
/// The answer that a name or record does not exist is not an error: it is an empty set of endpoints.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The text is not a name: a label is empty or exceeds 63 bytes, or all exceed 255 bytes.
    #[error("\"{name}\" is not a DNS name")]
    InvalidName {
        /// The text.
        name: String,
    },
    /// No name server is known.
    #[error("no name server is known")]
    NoServer,
    /// A record does not yield an endpoint.
    #[error("a record does not yield an endpoint")]
    Endpoint(#[from] EndpointError),
    /// Every name server failed. This is the failure of the last one.
    #[error("the name server {server} did not answer the query for {name}")]
    Server {
        /// The name that was looked up.
        name: String,
        /// The address of the name server.
        server: SocketAddr,
        /// The reason.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The last name server did not answer in time.
    #[error("the name server {server} did not answer the query for {name} within {limit:?}")]
    TimedOut {
        /// The name that was looked up.
        name: String,
        /// The address of the name server.
        server: SocketAddr,
        /// The time limit of one query.
        limit: Duration,
    },
}
