//! The errors of replies, and of answers to requests of subscribers.

use std::fmt;

use thiserror::Error;

use crate::message::Multipart;

/// The error of [`XPub::accept`](crate::XPub::accept) and
/// [`accept_as`](crate::XPub::accept_as).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed,
    /// The connection that sent the subscription request has ended.
    #[error("the connection of the request has ended")]
    HostUnreachable,
    /// The option [`manual`](crate::Builder::manual) is not set: the socket accepts all requests
    /// itself.
    #[error("without `manual`, the socket accepts all requests itself")]
    NotManual,
    /// The socket has reached its maximum number of topics, about a billion.
    #[error("the socket has too many topics")]
    TooManyTopics,
}

/// The error of [`Replier::reply`](crate::Replier::reply) and
/// [`reply_timeout`](crate::Replier::reply_timeout). Holds the message.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplyError<T = Multipart> {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed(T),
    /// The connection through which the request came has ended.
    #[error("the connection of the request has ended")]
    HostUnreachable(T),
    /// The request has been replied to.
    #[error("the request has been replied to")]
    Replied(T),
    /// The queue of the requester was full until the time limit was reached.
    #[error("the requester could not take the reply in time")]
    Timeout(T),
}

/// The error of [`Replier::try_reply`](crate::Replier::try_reply). Holds the message.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TryReplyError<T = Multipart> {
    /// The socket has been closed.
    #[error("the socket is closed")]
    Closed(T),
    /// The queue of the requester is full.
    #[error("the requester cannot take the reply now")]
    Full(T),
    /// The connection through which the request came has ended.
    #[error("the connection of the request has ended")]
    HostUnreachable(T),
    /// The request has been replied to.
    #[error("the request has been replied to")]
    Replied(T),
}

impl<T> ReplyError<T> {
    /// Returns the message.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// let (_, mut replier) = rep.recv().await?;
    /// if let Err(error) = replier.reply("result").await {
    ///     println!("not sent: {:?}", error.into_inner());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(message)
            | Self::HostUnreachable(message)
            | Self::Replied(message)
            | Self::Timeout(message) => message,
        }
    }
}

impl<T> TryReplyError<T> {
    /// Returns the message.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// let (_, mut replier) = rep.recv().await?;
    /// if let Err(error) = replier.try_reply("result") {
    ///     replier.reply(error.into_inner()).await?; // waits for room
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(message)
            | Self::Full(message)
            | Self::HostUnreachable(message)
            | Self::Replied(message) => message,
        }
    }
}

// These do not require the message to be `Debug`, and do not print it: a panic of `unwrap` shows
// why a reply failed.

impl<T> fmt::Debug for ReplyError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::HostUnreachable(_) => "HostUnreachable(..)",
            Self::Replied(_) => "Replied(..)",
            Self::Timeout(_) => "Timeout(..)",
        })
    }
}

impl<T> fmt::Debug for TryReplyError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Full(_) => "Full(..)",
            Self::HostUnreachable(_) => "HostUnreachable(..)",
            Self::Replied(_) => "Replied(..)",
        })
    }
}
