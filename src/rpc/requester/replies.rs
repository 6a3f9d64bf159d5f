//! Streamed replies.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::core::RequesterCore;
use super::pending_request::PendingRequest;
use super::reply_parts::NextPart;
use super::span::CallSpan;
use crate::message::Message;
use crate::rpc::{CallError, RequestingSocket};
use crate::socket::Client;

/// The parts of the reply to a request. The request is sent when the stream is first polled. The
/// stream ends after the last part or after an error. A reply that is not a stream is a single
/// part.
///
/// The responder is ahead of the reader by at most the requester's
/// [`stream_window`](super::RequesterBuilder::stream_window). A stream that is not read pauses at
/// that point, and does not block other calls.
///
/// # Cancel safety
///
/// Dropping a future that waits for the next part loses no part. Dropping the stream before its end
/// cancels the call: a cancellation is sent to the server, if its queue has capacity.
#[derive(Debug)]
#[must_use = "a request is sent when its stream is polled"]
pub struct Replies<S: RequestingSocket = Client> {
    core: Arc<RequesterCore<S>>,
    progress: Progress,
    span: CallSpan,
    /// The number of bytes that have been received.
    bytes: usize,
}

#[derive(Debug)]
enum Progress {
    Pending(PendingRequest),
    Sent(u64),
    Over,
}

impl<S: RequestingSocket> Replies<S> {
    pub(super) fn new(core: Arc<RequesterCore<S>>, unsent: PendingRequest) -> Self {
        let span = CallSpan::new(unsent.request().body().len());
        Self { core, progress: Progress::Pending(unsent), span, bytes: 0 }
    }

    /// Ends the stream. No cancellation is necessary.
    fn end(&mut self, outcome: Result<(), CallError>) -> Option<Result<Message, CallError>> {
        self.progress = Progress::Over;
        self.span.end(outcome.as_ref().map(|()| self.bytes));
        outcome.err().map(Err)
    }
}

impl<S: RequestingSocket> Stream for Replies<S> {
    type Item = Result<Message, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { core, progress, span, bytes } = &mut *self;
        if let Progress::Pending(unsent) = progress {
            let sent = ready!(unsent.poll_send(core, cx));
            match sent {
                Ok(id) => {
                    span.sent(id);
                    *progress = Progress::Sent(id);
                }
                Err(error) => {
                    unsent.cancel(core);
                    return Poll::Ready(self.end(Err(error)));
                }
            }
        }
        let Progress::Sent(id) = *progress else { return Poll::Ready(None) };
        let polled = core.calls.with(|calls, wakes| calls.poll_next(id, cx.waker(), wakes));
        let (next, pipe) = ready!(polled);
        core.after_next(&next, pipe, id);
        match next {
            NextPart::Part(part, _) => {
                *bytes += part.len();
                Poll::Ready(Some(Ok(part)))
            }
            NextPart::End(outcome) => Poll::Ready(self.end(outcome)),
        }
    }
}

impl<S: RequestingSocket> Drop for Replies<S> {
    fn drop(&mut self) {
        match mem::replace(&mut self.progress, Progress::Over) {
            Progress::Pending(mut unsent) => unsent.cancel(&self.core),
            Progress::Sent(id) => self.core.abandon(id),
            Progress::Over => {}
        }
    }
}
