//! Requests.

use std::time::{Duration, Instant};

use bytes::Bytes;
use zmtp_proto::rpc::TraceContext;

use crate::message::Message;
use crate::remote::Remote;
use crate::routing_id::RoutingId;

/// A request: a body, a deadline and a trace context.
///
/// The type is the same on both sides. A [`Requester`](super::Requester) sends it, and the service
/// of a [`Responder`](super::Responder) receives it and can forward it unchanged.
///
/// Every type that converts into a [`Message`] converts into a request.
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

/// # Examples
///
/// A requester sets a deadline:
///
/// ```
/// use std::time::{Duration, Instant};
/// use tokio_zmtp::rpc::{Request, TraceContext};
///
/// # async fn example(context: TraceContext) -> Result<(), Box<dyn std::error::Error>> {
/// let timed = Request::new("what time is it").with_timeout(Duration::from_secs(1));
/// let deadline = Instant::now() + Duration::from_secs(1);
/// let same = Request::new("what time is it").with_deadline(deadline).with_trace_context(context);
/// # Ok(())
/// # }
/// ```
///
/// A service reads the request, and forwards what remains of it:
///
/// ```
/// use tokio_zmtp::rpc::{CallError, Request, Requester};
///
/// async fn forward(request: Request, backend: Requester) -> Result<usize, CallError> {
///     println!("{} bytes from {:?}", request.body().len(), request.routing_id());
///     println!("from the user {:?}", request.remote().and_then(|remote| remote.user_id()));
///     println!("until {:?}: {:?} left", request.deadline(), request.remaining());
///     println!("in the span {:?}", request.trace_context());
///     let reply = backend.call(request.into_body()).await?;
///     Ok(reply.len())
/// }
/// ```
impl Request {
    /// Creates a request without a deadline of its own.
    pub fn new(body: impl Into<Message>) -> Self {
        Self { body: body.into(), deadline: None, trace_context: None, remote: None }
    }

    /// Sets the deadline of the reply, relative to now. The request carries the time that remains
    /// when it is sent, unless that exceeds 49 days, the longest time that the envelope can state.
    ///
    /// A timeout that exceeds the range of the clock, such as [`Duration::MAX`], is reduced to 30
    /// years.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        let now = tokio::time::Instant::now();
        Self { deadline: now.checked_add(timeout).or_else(|| now.checked_add(FAR)), ..self }
    }

    /// Sets the deadline of the reply.
    #[must_use]
    pub fn with_deadline(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline.into()), ..self }
    }

    /// Sets the trace context that is sent with the request.
    #[must_use]
    pub fn with_trace_context(self, trace_context: TraceContext) -> Self {
        Self { trace_context: Some(Box::new(trace_context)), ..self }
    }

    /// Returns the body.
    #[must_use]
    pub const fn body(&self) -> &Message {
        &self.body
    }

    /// Converts the request into its body.
    #[must_use]
    pub fn into_body(self) -> Message {
        self.body
    }

    /// Returns the deadline of the reply; `None` if there is no limit.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.map(tokio::time::Instant::into_std)
    }

    /// Returns the time that remains until the deadline, which may be zero; `None` if there is no
    /// limit.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let now = tokio::time::Instant::now();
        self.deadline.map(|deadline| deadline.saturating_duration_since(now))
    }

    /// Returns the trace context of the request.
    #[must_use]
    pub fn trace_context(&self) -> Option<&TraceContext> {
        self.trace_context.as_deref()
    }

    /// Returns the remote that sent the request; `None` if the request was created locally.
    #[must_use]
    pub const fn remote(&self) -> Option<&Remote> {
        self.remote.as_ref()
    }

    /// Returns the routing id of the remote that sent the request; `None` if the request was
    /// created locally.
    #[must_use]
    pub fn routing_id(&self) -> Option<RoutingId> {
        self.remote.as_ref()?.routing_id()
    }

    /// Creates a request that was received.
    pub(super) const fn received(
        body: Message,
        deadline: Option<tokio::time::Instant>,
        trace_context: Option<Box<TraceContext>>,
        remote: Remote,
    ) -> Self {
        Self { body, deadline, trace_context, remote: Some(remote) }
    }

    /// Copies a short body, which would otherwise keep its whole read buffer alive while the
    /// request waits.
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

/// Shorter bodies are copied before they wait, in bytes: a quarter of a read buffer, so that a
/// request keeps at most four times the memory that it is counted for.
const COMPACT_MAX: usize = 0x4000;

impl<T: Into<Message>> From<T> for Request {
    fn from(body: T) -> Self {
        Self::new(body)
    }
}

/// About 30 years, which Tokio also uses for a deadline that is never reached.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compact_request_does_not_keep_its_read_buffer() {
        let buffer = Bytes::from(vec![7; 0x1_0000]);
        let mut request = Request::new(Message::from(buffer.slice(..100)));
        request.compact();
        assert_eq!(request.body(), &buffer[..100]);
        assert!(buffer.is_unique());
    }
}
