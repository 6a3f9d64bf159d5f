//! The reply to a request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zmtp_proto::request_envelope::split_envelope;

use crate::connection_id::ConnectionId;
use crate::error::{ReplyError, TryReplyError};
use crate::message::{AnyMessage, Message, Multipart};
use crate::remote::Remote;
use crate::routing::{ConnectionTable, Refusal};
use crate::socket::Core;
use crate::socket::sending::{Sending, returned, send_immediately};
use crate::socket::target::Target;
use crate::socket::waiting::WaitError;

/// Sends the reply to one request that a [`Rep`](crate::Rep) has received.
///
/// Repliers are independent of each other: replies can be sent in any order, from any task or
/// thread. A reply goes back through the connection that its request came through, with the
/// envelope of the request in front of it.
///
/// # Dropping
///
/// A replier that is dropped without a reply leaves its requester waiting. Such a request is
/// counted by [`Dropped::unanswered_requests`](crate::stats::Dropped::unanswered_requests), and the
/// [monitor](crate::monitor) reports the first of a series. With
/// [`Builder::reply_on_drop`](crate::Builder::reply_on_drop), the requester is sent that message if
/// its queue has room. A request does not count if a reply to it has failed because its connection
/// or the socket had ended.
///
/// # Ending
///
/// A replier keeps its socket open like a handle, because a requester waits for it: replies that
/// are still being prepared when the last [`Rep`](crate::Rep) is dropped can be sent.
/// [`close`](crate::Rep::close) ends the socket regardless of repliers, which then fail with
/// [`ReplyError::Closed`].
///
/// # Examples
///
/// ```
/// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
/// while let Ok((request, mut replier)) = rep.recv().await {
///     tokio::spawn(async move {
///         let reply = format!("{} parts", request.len());
///         if let Err(error) = replier.reply(reply).await {
///             eprintln!("{error}: {}", replier.remote().connection_id());
///         }
///     });
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "the requester waits for a reply"]
pub struct Replier {
    core: Arc<Core<ConnectionTable>>,
    remote: Remote,
    /// The frames of the envelope, in memory of their own.
    envelope: Message,
    state: State,
}

/// The state of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The connection or the socket has ended, and a reply has failed.
    Unreachable,
    Replied,
}

impl Replier {
    /// Splits a received message into the request and its replier. Counts and discards a message
    /// without an envelope.
    #[inline]
    pub(super) fn accept(
        core: &Arc<Core<ConnectionTable>>,
        frames: &Message,
        remote: Remote,
    ) -> Option<(Multipart, Self)> {
        let Some((envelope, _)) = split_envelope(frames) else {
            core.control.shared().losses().malformed_request(&remote);
            return None;
        };
        remote.counters().malformed.end();
        let request = Multipart::from_queue(frames.tail(envelope.len()));
        let (core, envelope) = (Arc::clone(core), Message::from(envelope));
        Some((request, Self { core, remote, envelope, state: State::Open }))
    }

    /// Sends the reply; waits while the queue of the requester is full.
    ///
    /// When this returns, the reply is queued, not delivered. Only this task waits: other requests
    /// and replies are not affected.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the reply has not been sent, and another one
    /// can be.
    ///
    /// # Errors
    ///
    /// [`ReplyError`] with the message if the connection of the request or the socket has ended, if
    /// the queue stayed full for [`send_timeout`](crate::Builder::send_timeout), which by default
    /// is unlimited, or if the request has been replied to.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// let (request, mut replier) = rep.recv().await?;
    /// replier.reply(["ok", "result"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn reply(&mut self, message: impl Into<Multipart>) -> Result<(), ReplyError> {
        let limit = self.core.send_timeout;
        self.send(message.into(), limit).await
    }

    /// Sends the reply if the queue of the requester has room.
    ///
    /// # Errors
    ///
    /// [`TryReplyError`] with the message if the queue is full, if the connection of the request or
    /// the socket has ended, or if the request has been replied to.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// while let Ok((request, mut replier)) = rep.try_recv() {
    ///     replier.try_reply(request)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_reply(&mut self, message: impl Into<Multipart>) -> Result<(), TryReplyError> {
        let reply = message.into();
        if self.state == State::Replied {
            return Err(TryReplyError::Replied(reply));
        }
        let mut enclosed = Some(self.enclose(&reply));
        match self.core.try_send(&self.remote.connection_id(), &mut enclosed) {
            Ok(()) => {
                self.replied();
                Ok(())
            }
            Err(refusal) => {
                self.failed(WaitError::Refused(refusal));
                Err(ConnectionId::try_error(refusal, reply))
            }
        }
    }

    /// Sends the reply; waits while the queue of the requester is full, at most for `timeout`. A
    /// timeout of zero does not wait.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the reply has not been sent, and another one
    /// can be.
    ///
    /// # Errors
    ///
    /// [`ReplyError`] with the message as from [`reply`](Self::reply), or if the queue stayed full
    /// for `timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// let (request, mut replier) = rep.recv().await?;
    /// replier.reply_timeout("result", Duration::from_secs(1)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn reply_timeout(
        &mut self,
        message: impl Into<Multipart>,
        timeout: Duration,
    ) -> Result<(), ReplyError> {
        self.send(message.into(), Some(timeout)).await
    }

    /// Returns the requester: the remote of the connection that the request came through.
    ///
    /// If there are sockets between the requester and this one, such as ROUTER and DEALER, it is
    /// the one that is connected to this socket.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(rep: tokio_zmtp::Rep) -> Result<(), Box<dyn std::error::Error>> {
    /// let (request, mut replier) = rep.recv().await?;
    /// if replier.remote().user_id() != Some("alice") {
    ///     replier.reply("only alice may do this").await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn remote(&self) -> &Remote {
        &self.remote
    }

    async fn send(&mut self, reply: Multipart, limit: Option<Duration>) -> Result<(), ReplyError> {
        if self.state == State::Replied {
            return Err(ReplyError::Replied(reply));
        }
        let to = self.remote.connection_id();
        let mut enclosed = Some(self.enclose(&reply));
        if !send_immediately(&self.core, &to, &mut enclosed) {
            let (_, unsent) = returned((), enclosed);
            if let Err((failure, _)) = Sending::new(&self.core, to, unsent, limit).await {
                self.failed(failure);
                return Err(ConnectionId::error(failure, reply));
            }
        }
        self.replied();
        Ok(())
    }

    /// Puts the envelope in front of a reply.
    fn enclose(&self, reply: &Multipart) -> Message {
        Message::joined(&self.envelope, reply.frames())
    }

    fn replied(&mut self) {
        self.state = State::Replied;
        self.remote.counters().unanswered.end();
    }

    fn failed(&mut self, failure: WaitError) {
        if let WaitError::Refused(Refusal::Closed | Refusal::HostUnreachable) = failure {
            self.state = State::Unreachable;
        }
    }
}

impl Drop for Replier {
    fn drop(&mut self) {
        if self.state != State::Open {
            return;
        }
        let shared = self.core.control.shared();
        shared.losses().unanswered_request(&self.remote);
        if let Some(reply) = &shared.options.reply_on_drop {
            let mut enclosed = Some(self.enclose(reply));
            // The requester may have left, or its queue may be full: the request has been counted.
            let _ = self.core.try_send(&self.remote.connection_id(), &mut enclosed);
        }
    }
}

impl fmt::Debug for Replier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replier")
            .field("remote", &self.remote)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
