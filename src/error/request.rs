//! The error of a request.

use std::fmt;

use thiserror::Error;

use crate::message::Multipart;

/// The error of [`Req::request`](crate::Req::request) and
/// [`request_timeout`](crate::Req::request_timeout).
///
/// It holds the request if no remote has received it: the request was certainly not carried out,
/// and can be sent elsewhere. Otherwise it may have been carried out, once for each attempt.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed(Option<Multipart>),
    /// The connection ended after the request was written, and before a reply arrived. The request
    /// may have been carried out.
    #[error("the connection was lost before the reply arrived")]
    ConnectionLost,
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
    /// Returns whether the request may have been carried out. If not, the error holds it.
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
            Self::Closed(unsent) | Self::Refused(unsent) | Self::Timeout(unsent) => {
                unsent.is_none()
            }
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
            Self::Closed(unsent) | Self::Refused(unsent) | Self::Timeout(unsent) => unsent,
            Self::ConnectionLost => None,
        }
    }
}

// It does not print the message: a panic of `unwrap` shows why a request failed.
impl fmt::Debug for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, unsent) = match self {
            Self::Closed(unsent) => ("Closed", unsent),
            Self::ConnectionLost => return f.write_str("ConnectionLost"),
            Self::Refused(unsent) => ("Refused", unsent),
            Self::Timeout(unsent) => ("Timeout", unsent),
        };
        write!(f, "{name}({})", if unsent.is_some() { "Some(..)" } else { "None" })
    }
}
