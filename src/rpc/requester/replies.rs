//! A reply that is a stream.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::core::Core;
use super::pending_request::PendingRequest;
use super::reply_parts::NextPart;
use super::span::CallSpan;
use crate::message::Message;
use crate::rpc::CallError;

/// The parts of the reply to a request, which is sent when this is first polled. It ends after the last
/// part, or after an error. A reply that is no stream is one part.
///
/// The responder is ahead of whoever reads by the requester's
/// [`stream_window`](super::RequesterBuilder::stream_window) at most. A stream that nobody reads from
/// stops there, and holds up no other call.
///
/// # Cancel safety
///
/// No part is lost if a future that waits for the next one is dropped. If the stream itself is
/// dropped before its end, the server is told that nobody waits for the rest, if there is room in its
/// queue.
#[derive(Debug)]
#[must_use = "a request is sent when its stream is polled"]
pub struct Replies {
    core: Arc<Core>,
    progress: Progress,
    span: CallSpan,
    /// How much has come.
    bytes: usize,
}

#[derive(Debug)]
enum Progress {
    Pending(PendingRequest),
    Sent(u64),
    Over,
}

impl Replies {
    pub(super) fn new(core: Arc<Core>, unsent: PendingRequest) -> Self {
        let span = CallSpan::new(unsent.request().body().len());
        Self { core, progress: Progress::Pending(unsent), span, bytes: 0 }
    }

    /// Ends it. Nobody has to be told.
    fn end(&mut self, outcome: Result<(), CallError>) -> Option<Result<Message, CallError>> {
        self.progress = Progress::Over;
        self.span.end(outcome.as_ref().map(|()| self.bytes));
        outcome.err().map(Err)
    }
}

impl Stream for Replies {
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
                    unsent.give_up(core);
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

impl Drop for Replies {
    fn drop(&mut self) {
        match mem::replace(&mut self.progress, Progress::Over) {
            Progress::Pending(mut unsent) => unsent.give_up(&self.core),
            Progress::Sent(id) => self.core.abandon(id),
            Progress::Over => {}
        }
    }
}
