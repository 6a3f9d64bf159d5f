//! What tracing is told of a call.

use tracing::Span;
use tracing::field::{Empty, display};

use crate::rpc::CallError;

/// A span from when a call is made until it ends. Unless somebody is interested it is nothing.
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

    /// Notes how a call has ended; of a reply, how many bytes it has.
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
