//! The answers to requests of subscribers.

use zmtp_proto::topic::Topic;

use super::XPub;
use crate::error::{AnswerError, TryRouteError};
use crate::message::{AnyMessage, Multipart, SubscriptionRequest};
use crate::routing::{AnswerRefusal, Refusal};

/// # Answers
impl XPub {
    /// Accepts a request in [manual mode](XPub#manual-mode): subscribes the remote to the topic, or
    /// cancels its subscription.
    ///
    /// If the remote has left, accepting a cancellation succeeds without effect: the subscriptions
    /// of a remote end with its connection.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the remote of a subscription has left, if the socket is closed or has too
    /// many topics, or without [`manual`](crate::Builder::manual).
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Upstream;
    ///
    /// # async fn example(publisher: tokio_zmtp::XPub) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Upstream::Subscribe(request) = publisher.recv().await? {
    ///     if request.topic().as_bytes().starts_with(b"public.") {
    ///         publisher.accept(&request)?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept(&self, request: &SubscriptionRequest) -> Result<(), AnswerError> {
        self.answer(request, &[request.topic()])
    }

    /// Accepts a request with other topics instead of the requested one. Without topics, nothing
    /// changes.
    ///
    /// (libzmq `ZMQ_SUBSCRIBE` and `ZMQ_UNSUBSCRIBE` on an XPUB.)
    ///
    /// # Errors
    ///
    /// [`AnswerError`] as from [`accept`](Self::accept).
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::{Topic, Upstream};
    ///
    /// # async fn example(publisher: tokio_zmtp::XPub) -> Result<(), Box<dyn std::error::Error>> {
    /// let own = |topic: &Topic| Topic::try_from([b"tenant7.", topic.as_bytes()].concat());
    /// match publisher.recv().await? {
    ///     Upstream::Subscribe(request) | Upstream::Cancel(request) => {
    ///         publisher.accept_as(&request, &[own(request.topic())?])?;
    ///     }
    ///     Upstream::Message(_) => {}
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept_as(
        &self,
        request: &SubscriptionRequest,
        topics: &[Topic],
    ) -> Result<(), AnswerError> {
        self.answer(request, &Vec::from_iter(topics))
    }

    fn answer(&self, request: &SubscriptionRequest, topics: &[&Topic]) -> Result<(), AnswerError> {
        let connection = request.remote().connection_id();
        let answered = self.0.core.outgoing.with(|outgoing, wakes| {
            outgoing.answer(connection, request.subscribes(), topics, wakes)
        });
        answered.map_err(|refusal| match refusal {
            AnswerRefusal::Closed => AnswerError::Closed,
            AnswerRefusal::HostUnreachable => AnswerError::HostUnreachable,
            AnswerRefusal::NotManual => AnswerError::NotManual,
            AnswerRefusal::TooManyTopics => AnswerError::TooManyTopics,
        })
    }

    /// Sends a message only to the remote of a request, without waiting and regardless of its
    /// subscriptions. See [The last value](XPub#the-last-value).
    ///
    /// If the connection of the request ends before the message is written, the message is
    /// [undelivered](crate::stats::Dropped::undelivered): it never reaches another connection.
    ///
    /// [Manual mode](XPub#manual-mode) is not required. Without it, messages that were published
    /// after the remote subscribed may precede this one. With
    /// [`SlowSubscriber::KeepLast`](crate::SlowSubscriber::KeepLast), the message replaces a queued
    /// one like a published message, and is never refused because the queue is full.
    ///
    /// # Errors
    ///
    /// [`TryRouteError`] with the message if the queue of the remote is full, if its room is
    /// reserved for earlier senders, if the remote has left, or if the socket is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Upstream;
    ///
    /// # async fn example(publisher: tokio_zmtp::XPub) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Upstream::Subscribe(request) = publisher.recv().await? {
    ///     publisher.try_send_to(&request, (request.topic().as_bytes(), "the last value"))?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_send_to(
        &self,
        request: &SubscriptionRequest,
        message: impl Into<Multipart>,
    ) -> Result<(), TryRouteError<Multipart>> {
        let connection = request.remote().connection_id();
        let mut message = Some(message.into().into_queue());
        let core = &self.0.core;
        let sent = core
            .outgoing
            .with(|outgoing, wakes| outgoing.try_send_to(connection, &mut message, wakes));
        core.account_for_copies();
        sent.map_err(|refusal| {
            let message = Multipart::from_queue(message.unwrap_or_default());
            match refusal {
                Refusal::Closed => TryRouteError::Closed(message),
                Refusal::Full | Refusal::TooLong => TryRouteError::Full(message),
                Refusal::HostUnreachable => TryRouteError::HostUnreachable(message),
            }
        })
    }
}
