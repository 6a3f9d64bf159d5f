//! The tracing span of a call.

use tracing::Span;
use tracing::field::{Empty, display};

use crate::rpc::CallError;

/// A span from the creation of a call until its end. It does nothing while disabled.
#[derive(Debug)]
pub(super) struct CallSpan(Span);

impl CallSpan {
    #[inline]
    pub(super) fn new(bytes: usize) -> Self {
        Self(tracing::debug_span!(
            "rpc_call",
            side = "requester",
            id = Empty,
            request_bytes = bytes,
            reply_bytes = Empty,
            outcome = Empty,
        ))
    }

    #[inline]
    pub(super) fn sent(&self, id: u64) {
        if !self.0.is_disabled() {
            self.0.record("id", id);
        }
    }

    /// Records the outcome of a call: the length of its reply, or its error.
    #[inline]
    pub(super) fn end(&self, outcome: Result<usize, &CallError>) {
        if self.0.is_disabled() {
            return;
        }
        match outcome {
            Ok(bytes) => {
                self.0.record("reply_bytes", bytes);
                self.0.record("outcome", "replied");
            }
            Err(error) => {
                self.0.record("outcome", display(error));
            }
        }
    }
}
