//! Errors of lookups.

use std::net::SocketAddr;
use std::sync::Arc;

use thiserror::Error;
use tokio_zmtp::EndpointError;

/// The error of a failed lookup.
///
/// The answer that a name or record does not exist is not an error but an empty set of endpoints.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The text is not a DNS name: for example, a label is empty or exceeds 63 bytes.
    #[error("\"{name}\" is not a DNS name")]
    InvalidName {
        /// The text.
        name: String,
    },
    /// No name server is known.
    #[error("no name server is known")]
    NoServer,
    /// A record does not yield a valid endpoint.
    #[error("a record does not yield an endpoint")]
    Endpoint(#[from] EndpointError),
    /// Every name server failed. The fields describe the failure of the last one.
    #[error("the name server {server} did not answer the query for {name}")]
    Server {
        /// The name that was looked up.
        name: String,
        /// The address of the name server.
        server: SocketAddr,
        /// The reason, for example that the time limit of the query has passed.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}
