//! The error of a request.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::message::Multipart;
use crate::monitor::DialFailure;

/// The error of [`Req::request`](crate::Req::request) and
/// [`request_timeout`](crate::Req::request_timeout).
///
/// It holds the request if no remote has received it: the request was certainly not carried out,
/// and can be sent elsewhere. Otherwise it may have been carried out, once for each attempt.
#[derive(Clone, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed(Option<Multipart>),
    /// The connection ended after the request was written, and before a reply arrived. The request
    /// may have been carried out.
    #[error("the connection was lost before the reply arrived")]
    ConnectionLost,
    /// No remote is connected and no endpoint is left, because the last one was abandoned: the remote
    /// refuses this socket, for example because it does not admit its key, or the options permit no
    /// further attempt. A retry fails until the socket is [connected](crate::Req::connect) again.
    ///
    /// Two of these errors are equal only if they report the same failure.
    #[error("no endpoint is left")]
    NoEndpoint {
        /// The reason why the last endpoint was abandoned.
        #[source]
        failure: Arc<DialFailure>,
        /// The request, unless an earlier attempt was sent.
        unsent: Option<Multipart>,
    },
    /// The remote ended two connections in a row while the request was being written, as remotes do
    /// with a message that is too long for them. (For other messages see
    /// [`Dropped::refused`](crate::stats::Dropped::refused).)
    #[error("the remote ends the connection while the request is written")]
    Refused(Option<Multipart>),
    /// The time limit was reached. If the error holds the request, no remote could take it in time.
    #[error("no reply arrived in time")]
    Timeout(Option<Multipart>),
}

impl RequestError {
    /// Returns whether the request may have been carried out. If not, the error holds the request.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(req: tokio_zmtp::Req) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Err(error) = req.request("debit 100").await {
    ///     println!("failed, may be carried out: {}", error.may_be_carried_out());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn may_be_carried_out(&self) -> bool {
        match self {
            Self::Closed(unsent)
            | Self::NoEndpoint { unsent, .. }
            | Self::Refused(unsent)
            | Self::Timeout(unsent) => unsent.is_none(),
            Self::ConnectionLost => true,
        }
    }

    /// Returns the request if no remote has received it.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(req: tokio_zmtp::Req) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Err(error) = req.request("task").await {
    ///     if let Some(request) = error.into_unsent() {
    ///         println!("not sent: {request:?}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn into_unsent(self) -> Option<Multipart> {
        match self {
            Self::Closed(unsent)
            | Self::NoEndpoint { unsent, .. }
            | Self::Refused(unsent)
            | Self::Timeout(unsent) => unsent,
            Self::ConnectionLost => None,
        }
    }
}

impl PartialEq for RequestError {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Closed(one), Self::Closed(other))
            | (Self::Refused(one), Self::Refused(other))
            | (Self::Timeout(one), Self::Timeout(other)) => one == other,
            (Self::ConnectionLost, Self::ConnectionLost) => true,
            (
                Self::NoEndpoint { failure, unsent },
                Self::NoEndpoint { failure: other_failure, unsent: other },
            ) => Arc::ptr_eq(failure, other_failure) && unsent == other,
            _ => false,
        }
    }
}

impl Eq for RequestError {}

// It does not print the message: a panic of `unwrap` shows why a request failed.
impl fmt::Debug for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holds = |unsent: &Option<_>| if unsent.is_some() { "Some(..)" } else { "None" };
        match self {
            Self::Closed(unsent) => write!(f, "Closed({})", holds(unsent)),
            Self::ConnectionLost => f.write_str("ConnectionLost"),
            Self::NoEndpoint { failure, unsent } => {
                write!(f, "NoEndpoint {{ failure: {failure:?}, unsent: {} }}", holds(unsent))
            }
            Self::Refused(unsent) => write!(f, "Refused({})", holds(unsent)),
            Self::Timeout(unsent) => write!(f, "Timeout({})", holds(unsent)),
        }
    }
}
