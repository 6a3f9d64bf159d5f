//! The tracing span of a request.

use tracing::Span;
use tracing::field::{Empty, display};

use crate::rpc::{Failure, Request};

/// Creates the span in which the service is called and its future polled. It does nothing while
/// disabled.
#[inline]
pub(super) fn new(id: u64, request: &Request) -> Span {
    let span = tracing::debug_span!(
        "rpc_request",
        side = "responder",
        id,
        request_bytes = request.body().len(),
        traceparent = Empty,
        reply_bytes = Empty,
        outcome = Empty,
    );
    if !span.is_disabled() {
        if let Some(context) = request.trace_context() {
            span.record("traceparent", display(context));
        }
    }
    span
}

#[inline]
pub(super) fn replied(span: &Span, bytes: usize) {
    if !span.is_disabled() {
        span.record("reply_bytes", bytes);
        span.record("outcome", "replied");
    }
}

pub(super) fn failed(span: &Span, failure: &Failure) {
    if !span.is_disabled() {
        span.record("outcome", display(failure));
    }
}
