//! Requests whose handlers were not ready immediately.

use std::future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::Semaphore;
use tracing::Span;
use zmtp_proto::rpc::ErrorCode;
use zmtp_proto::rpc::envelope::Content;

use super::budget::Budget;
use super::counters::Count;
use super::job_id::JobId;
use super::shared::{PartDelivery, ResponderState, error, too_much};
use super::span;
use crate::rpc::response::{Form, Parts, Response};
use crate::rpc::return_path::ReturnPath;
use crate::rpc::service_error::BoxError;
use crate::rpc::{Failure, RespondingSocket, unaddressed};

/// The result of a handler.
pub(super) type Outcome = Result<Response, Failure>;

/// Completes a request in a task of its own. The task is aborted when the request is cancelled.
#[derive(Debug)]
pub(super) struct Work<S: RespondingSocket> {
    pub(super) shared: Arc<ResponderState<S>>,
    pub(super) id: JobId,
    pub(super) path: S::Path,
    pub(super) credit: Option<Arc<Semaphore>>,
    pub(super) span: Span,
}

impl<S: RespondingSocket> Work<S> {
    /// Waits for the handler, and sends its answer.
    pub(super) async fn run<F, T, E>(self, mut handler: Pin<Box<Option<F>>>)
    where
        F: Future<Output = Result<T, E>>,
        T: Into<Response>,
        E: Into<BoxError>,
    {
        let outcome = future::poll_fn(|cx| poll_handler(&mut handler, &self.span, cx)).await;
        // Its resources, such as the permit of a limit, are released before the answer waits for
        // capacity.
        let _ = catch(|| handler.set(None));
        drop(handler);
        self.answer(outcome).await;
    }

    /// Sends an answer, as soon as there is queue capacity.
    pub(super) async fn answer(self, outcome: Outcome) {
        match outcome {
            Ok(Response(Form::One(body))) => {
                span::replied(&self.span, body.len());
                self.send_last(Content::Reply(&body), Count::Answered);
            }
            Ok(Response(Form::Stream(parts))) => self.stream(parts).await,
            Err(failure) => self.fail(&failure, None),
        }
    }

    fn send_last(&self, content: Content<'_>, outcome: Count) {
        let message = unaddressed::message(self.path.framing(), self.id.call, content);
        self.shared.answer(self.id, &self.path, message, outcome);
    }

    fn fail(&self, failure: &Failure, count: Option<Count>) {
        span::failed(&self.span, failure);
        let count = count.unwrap_or_else(|| Count::from(failure.code()));
        let message = error(self.path.framing(), self.id.call, failure);
        self.shared.answer(self.id, &self.path, message, count);
    }

    async fn stream(&self, mut parts: Parts) {
        let Some(credit) = &self.credit else {
            return self.fail(&Failure::new(ErrorCode::STREAMED, ""), None);
        };
        let ledger = &self.shared.ledger;
        let budget = ledger.budget(self.id.pipe);
        let mut bytes = 0;
        loop {
            let (mut has_credit, mut kept) = (false, None);
            if !budget.has_room() {
                // Many bytes are kept for this remote: no other part is requested before it can be
                // sent.
                has_credit = true;
                credit.acquire().await.expect("the semaphore is never closed").forget();
                kept = Some(budget.keep_next().await);
            }
            let next = future::poll_fn(|cx| {
                let polled = catch(|| self.span.in_scope(|| parts.as_mut().poll_next(cx)))
                    .unwrap_or_else(|failure| Poll::Ready(Some(Err(failure))));
                if polled.is_pending() {
                    // The next part may take a long time, while parts of other streams are ready.
                    kept = None;
                }
                polled
            });
            let part = match next.await {
                Some(Ok(part)) => part,
                Some(Err(failure)) => return self.fail(&failure, None),
                None => {
                    span::replied(&self.span, bytes);
                    return self.send_last(Content::End, Count::Answered);
                }
            };
            bytes += part.len();
            let content = Content::Part(&part);
            let message = unaddressed::message(self.path.framing(), self.id.call, content);
            drop(part);
            budget.note(message.len());
            if !has_credit && !has_credit_for(message.len(), credit, &budget).await {
                return self.fail(&too_much(), Some(Count::Unread));
            }
            match self.shared.send_part(self.id, self.path.key(), message, &budget, kept) {
                PartDelivery::Sent => {}
                PartDelivery::Waits(sent) => {
                    if sent.await.is_err() {
                        return ledger.finish(self.id, Count::Disconnected);
                    }
                }
                PartDelivery::TooMuch => return self.fail(&too_much(), Some(Count::Unread)),
                PartDelivery::Gone => return ledger.finish(self.id, Count::Disconnected),
            }
        }
    }
}

/// Waits for credit for a part that is ready. Returns false if there is no credit and no more bytes
/// may be kept for the remote.
async fn has_credit_for(bytes: usize, credit: &Semaphore, budget: &Budget) -> bool {
    if let Ok(permit) = credit.try_acquire() {
        permit.forget();
        return true;
    }
    let Some(_kept) = budget.try_keep(bytes) else { return false };
    credit.acquire().await.expect("the semaphore is never closed").forget();
    true
}

/// Polls a handler, which must be present.
pub(super) fn poll_handler<F, T, E>(
    handler: &mut Pin<Box<Option<F>>>,
    span: &Span,
    cx: &mut Context<'_>,
) -> Poll<Outcome>
where
    F: Future<Output = Result<T, E>>,
    T: Into<Response>,
    E: Into<BoxError>,
{
    let polled = catch(|| {
        let _entered = (!span.is_disabled()).then(|| span.enter());
        let Some(handler) = handler.as_mut().as_pin_mut() else { return Poll::Pending };
        let ready = std::task::ready!(handler.poll(cx));
        Poll::Ready(ready.map(T::into).map_err(|error| Failure::from_error(error.into())))
    });
    polled.unwrap_or_else(|failure| Poll::Ready(Err(failure)))
}

/// Converts a panic into a failure. The service is responsible for the state that it leaves behind.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_| Failure::new(ErrorCode::PANICKED, ""))
}
