//! Requests that wait for a slot and for queue capacity.

use std::task::{Context, Poll, ready};

use tokio::time::Instant;
use zmtp_proto::rpc::envelope::{Content, RequestFields};

use super::call_permit::CallPermit;
use super::core::RequesterCore;
use super::reply_parts::ReplyParts;
use crate::rpc::unaddressed::{self, UnaddressedEnvelope};
use crate::rpc::{CallError, Request, RequestingSocket};
use crate::socket::tracked::{Ticket, Timer};

/// A request that has not been sent.
#[derive(Debug)]
pub(super) struct PendingRequest {
    request: Request,
    /// The maximum number of parts in transit, if the reply may be a stream.
    window: Option<u32>,
    /// Whether it has been polled.
    is_begun: bool,
    /// Set when it is first polled, if there is a deadline.
    deadline: Option<Instant>,
    permit: CallPermit,
    /// The position in the client's line of senders.
    line: Option<Ticket>,
    /// Created when it has to wait.
    timer: Timer,
}

impl PendingRequest {
    pub(super) const fn new(request: Request, window: Option<u32>, permit: CallPermit) -> Self {
        Self { request, window, is_begun: false, deadline: None, permit, line: None, timer: None }
    }

    pub(super) const fn request(&self) -> &Request {
        &self.request
    }

    /// Sends the request, as soon as there is a slot and queue capacity; returns the id of the
    /// call.
    #[inline]
    pub(super) fn poll_send<S: RequestingSocket>(
        &mut self,
        core: &RequesterCore<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<u64, CallError>> {
        if !self.is_begun {
            self.is_begun = true;
            self.deadline = self
                .request
                .due()
                .or_else(|| core.timeout.and_then(|timeout| Instant::now().checked_add(timeout)));
        }
        let mut timeout = None;
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Poll::Ready(Err(CallError::NotSent));
            }
            timeout = unaddressed::millis(left);
        }
        let draft = self.draft::<S>(timeout);
        let Self { window, deadline, permit, line, .. } = self;
        let polled = core.calls.with(|calls, wakes| {
            if calls.is_closed() {
                return Poll::Ready(Err(CallError::Closed));
            }
            if permit.poll_enter(&mut calls.admission, cx.waker()).is_pending() {
                return Poll::Pending;
            }
            let mut id = 0;
            let make = |position| {
                let inbox = window.map(|window| Box::new(ReplyParts::new(window)));
                id = calls.enter(position, *deadline, cx.waker(), inbox);
                draft.finish(id)
            };
            ready!(core.socket.poll_send_with(make, line, cx.waker(), wakes))
                .map_err(|_| CallError::Closed)?;
            permit.transfer();
            Poll::Ready(Ok((id, calls.clock.add(*deadline))))
        });
        match polled {
            Poll::Ready(Ok((id, is_earlier))) => {
                if is_earlier {
                    core.wake_dispatcher();
                }
                Poll::Ready(Ok(id))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.wait(core, cx),
        }
    }

    /// Releases its slot and its positions in the lines.
    pub(super) fn cancel<S: RequestingSocket>(&mut self, core: &RequesterCore<S>) {
        if self.is_begun {
            core.calls.lock().count_never_sent();
        }
        if let Some(line) = self.line.take() {
            core.socket.cancel_send(line);
        }
        self.permit.release(core);
    }

    #[inline]
    fn draft<S: RequestingSocket>(&self, timeout: Option<u32>) -> UnaddressedEnvelope {
        let Self { request, window, .. } = self;
        let Some(context) = request.trace_context() else {
            let fields =
                RequestFields { timeout, trace: None, credit: *window, body: request.body() };
            return UnaddressedEnvelope::new(S::FRAMING, Content::Request(fields));
        };
        let parent = context.to_string();
        let trace = Some((&*parent, context.state()));
        UnaddressedEnvelope::new(
            S::FRAMING,
            Content::Request(RequestFields {
                timeout,
                trace,
                credit: *window,
                body: request.body(),
            }),
        )
    }

    /// Waits until the deadline, or until no server can be expected.
    #[cold]
    fn wait<S: RequestingSocket>(
        &mut self,
        core: &RequesterCore<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<u64, CallError>> {
        // With a slot, it waits for queue capacity.
        if let Some(error) = core.hopeless().filter(|_| self.permit.is_admitted()) {
            return Poll::Ready(Err(error));
        }
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let expired = core.socket.poll_until(&mut self.timer, deadline, cx);
        expired.map(|()| Err(CallError::NotSent))
    }
}
