//! The future of a call.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::core::RequesterCore;
use super::pending_request::PendingRequest;
use super::span::CallSpan;
use crate::message::Message;
use crate::rpc::{CallError, RequestingSocket};
use crate::socket::Client;

/// The reply to a request. The request is sent when the future is first polled.
///
/// # Cancel safety
///
/// Dropping the future before it is ready cancels the call. A request that has not been queued is
/// not sent. Otherwise a cancellation is sent to the server, if its queue has capacity.
#[derive(Debug)]
#[must_use = "a request is sent when its future is polled"]
pub struct Call<S: RequestingSocket = Client> {
    core: Arc<RequesterCore<S>>,
    progress: Progress,
    span: CallSpan,
}

#[derive(Debug)]
enum Progress {
    Pending(PendingRequest),
    Sent(u64),
    Over,
}

impl<S: RequestingSocket> Call<S> {
    #[inline]
    pub(super) fn new(core: Arc<RequesterCore<S>>, unsent: PendingRequest) -> Self {
        let span = CallSpan::new(unsent.request().body().len());
        Self { core, progress: Progress::Pending(unsent), span }
    }

    #[inline]
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, CallError>> {
        let Self { core, progress, span } = self;
        match progress {
            Progress::Pending(unsent) => {
                match ready!(unsent.poll_send(core, cx)) {
                    Ok(id) => {
                        span.sent(id);
                        *progress = Progress::Sent(id);
                        // The request was queued with its waker.
                        Poll::Pending
                    }
                    Err(error) => Poll::Ready(Err(error)),
                }
            }
            Progress::Sent(id) => {
                let polled = core.calls.with(|calls, wakes| calls.poll(*id, cx.waker(), wakes));
                let outcome = ready!(polled);
                *progress = Progress::Over;
                Poll::Ready(outcome)
            }
            Progress::Over => Poll::Ready(Err(CallError::Closed)),
        }
    }
}

impl<S: RequestingSocket> Future for Call<S> {
    type Output = Result<Message, CallError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(self.poll_outcome(cx));
        self.span.end(outcome.as_ref().map(|body| body.len()));
        Poll::Ready(outcome)
    }
}

impl<S: RequestingSocket> Drop for Call<S> {
    #[inline]
    fn drop(&mut self) {
        match mem::replace(&mut self.progress, Progress::Over) {
            Progress::Pending(mut unsent) => unsent.cancel(&self.core),
            Progress::Sent(id) => self.core.abandon(id),
            Progress::Over => {}
        }
    }
}
