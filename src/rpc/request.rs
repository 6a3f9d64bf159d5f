//! What is asked.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::message::Message;
use crate::remote::Remote;
use crate::routing_id::RoutingId;
use crate::rpc::TraceContext;

/// A request: a body, and what travels with it.
///
/// It is the same on both sides: what a [`Requester`](super::Requester) is given, and what the service
/// of a [`Responder`](super::Responder) gets, which can pass it on as it is.
///
/// It is made from whatever a [`Message`] is made from.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::rpc::Request;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let request = Request::from("what time is it").with_timeout(Duration::from_secs(1));
/// assert_eq!(request.body(), "what time is it");
/// assert!(request.remaining().unwrap() <= Duration::from_secs(1));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    body: Message,
    deadline: Option<tokio::time::Instant>,
    trace_context: Option<Box<TraceContext>>,
    remote: Option<Remote>,
}

impl Request {
    /// Makes a request without a deadline of its own.
    pub fn new(body: impl Into<Message>) -> Self {
        Self { body: body.into(), deadline: None, trace_context: None, remote: None }
    }

    /// Sets how long a reply is of use, from now on. What is left of it when the request is sent
    /// travels with it, unless that exceeds 49 days, the longest time that the envelope can state.
    ///
    /// A timeout that exceeds the range of the clock, such as [`Duration::MAX`], is reduced to 30 years.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        let now = tokio::time::Instant::now();
        Self { deadline: now.checked_add(timeout).or_else(|| now.checked_add(FAR)), ..self }
    }

    /// Sets until when a reply is of use.
    #[must_use]
    pub fn with_deadline(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline.into()), ..self }
    }

    /// Sets the trace that the request belongs to.
    #[must_use]
    pub fn with_trace_context(self, trace_context: TraceContext) -> Self {
        Self { trace_context: Some(Box::new(trace_context)), ..self }
    }

    /// Returns the body.
    #[must_use]
    pub const fn body(&self) -> &Message {
        &self.body
    }

    /// Turns the request into its body.
    #[must_use]
    pub fn into_body(self) -> Message {
        self.body
    }

    /// Returns until when a reply is of use; `None` if there is no limit.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.map(tokio::time::Instant::into_std)
    }

    /// Returns for how long a reply is of use, which may be no time at all; `None` if there is no
    /// limit.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let now = tokio::time::Instant::now();
        self.deadline.map(|deadline| deadline.saturating_duration_since(now))
    }

    /// Returns the trace that the request belongs to.
    #[must_use]
    pub fn trace_context(&self) -> Option<&TraceContext> {
        self.trace_context.as_deref()
    }

    /// Returns who has sent the request; `None` if it was made here.
    #[must_use]
    pub const fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    /// Returns the routing id of whoever has sent the request; `None` if it was made here.
    #[must_use]
    pub fn routing_id(&self) -> Option<RoutingId> {
        self.remote.as_ref()?.routing_id()
    }

    /// A request that has come in.
    pub(super) const fn received(
        body: Message,
        deadline: Option<tokio::time::Instant>,
        trace_context: Option<Box<TraceContext>>,
        remote: Remote,
    ) -> Self {
        Self { body, deadline, trace_context, remote: Some(remote) }
    }

    /// Copies a short body, which would keep the whole buffer that it was read into for as long as it waits.
    pub(super) fn compact(&mut self) {
        let body = self.body.shared_body().filter(|body| body.len() < COMPACT_MAX);
        if let Some(copy) = body.map(|body| Bytes::copy_from_slice(body)) {
            self.body = copy.into();
        }
    }

    pub(super) const fn due(&self) -> Option<tokio::time::Instant> {
        self.deadline
    }
}

/// Shorter bodies are copied before they wait, in bytes: a quarter of what is read at a time, so that a
/// request keeps no more than four times what it is counted for.
const COMPACT_MAX: usize = 0x4000;

impl<T: Into<Message>> From<T> for Request {
    fn from(body: T) -> Self {
        Self::new(body)
    }
}

/// Some 30 years, which Tokio also uses for a deadline that is never reached.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compact_request_does_not_keep_the_buffer_that_it_was_read_into() {
        let buffer = Bytes::from(vec![7; 0x1_0000]);
        let mut request = Request::new(Message::from(buffer.slice(..100)));
        request.compact();
        assert_eq!(request.body(), &buffer[..100]);
        assert!(buffer.is_unique());
    }
}
