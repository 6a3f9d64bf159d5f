//! A request whose handler was not ready at once.

use std::future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::Semaphore;
use tracing::Span;

use super::counters::Count;
use super::jobs::JobId;
use super::shared::{Shared, error};
use super::span;
use crate::error::RouteError;
use crate::message::Message;
use crate::routing_id::RoutingId;
use crate::rpc::envelope::Content;
use crate::rpc::failure::BoxError;
use crate::rpc::response::{Form, Parts, Response};
use crate::rpc::{ErrorCode, Failure, draft};

/// What a handler has come to.
pub(super) type Outcome = Result<Response, Failure>;

/// Does the rest of a request, in a task of its own. It is dropped when its requester does not want
/// the reply any more.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) shared: Arc<Shared>,
    pub(super) id: JobId,
    pub(super) routing_id: RoutingId,
    pub(super) credit: Option<Arc<Semaphore>>,
    pub(super) span: Span,
}

impl Work {
    /// Waits for the handler, and sends what it answers.
    pub(super) async fn run<F, T, E>(self, mut handler: Pin<Box<Option<F>>>)
    where
        F: Future<Output = Result<T, E>>,
        T: Into<Response>,
        E: Into<BoxError>,
    {
        let outcome = future::poll_fn(|cx| poll_handler(&mut handler, &self.span, cx)).await;
        self.answer(outcome).await;
    }

    /// Sends an answer, and waits for room if there is none.
    pub(super) async fn answer(self, outcome: Outcome) {
        let call = self.id.call;
        let outcome = match outcome {
            Ok(Response(Form::One(body))) => {
                span::replied(&self.span, body.len());
                self.send(draft::message(call, Content::Reply(&body)), Count::Answered).await
            }
            Ok(Response(Form::Stream(parts))) => self.stream(parts).await,
            Err(failure) => self.fail(&failure).await,
        };
        self.shared.finish(self.id, outcome);
    }

    /// Sends a message that was made already, and waits for room if there is none.
    pub(super) async fn send_last(self, message: Message, outcome: Count) {
        let outcome = self.send(message, outcome).await;
        self.shared.finish(self.id, outcome);
    }

    async fn send(&self, message: Message, outcome: Count) -> Count {
        match self.shared.server.route(message, self.routing_id).await {
            Ok(()) => outcome,
            Err(_) => Count::Disconnected,
        }
    }

    async fn fail(&self, failure: &Failure) -> Count {
        span::failed(&self.span, failure);
        self.send(error(self.id.call, failure), Count::from(failure.code())).await
    }

    async fn stream(&self, mut parts: Parts) -> Count {
        let call = self.id.call;
        let Some(credit) = &self.credit else {
            return self.fail(&Failure::new(ErrorCode::STREAMED, "")).await;
        };
        let mut octets = 0;
        loop {
            let next = future::poll_fn(|cx| {
                catch(|| self.span.in_scope(|| parts.as_mut().poll_next(cx)))
                    .unwrap_or_else(|failure| Poll::Ready(Some(Err(failure))))
            });
            match next.await {
                Some(Ok(part)) => {
                    octets += part.len();
                    let permit = credit.acquire().await.expect("it is never closed");
                    permit.forget();
                    let message = draft::message(call, Content::Part(&part));
                    match self.shared.server.route(message, self.routing_id).await {
                        Ok(()) => {}
                        Err(RouteError::Timeout(_)) => {
                            return self.fail(&Failure::new(ErrorCode::CANCELLED, "")).await;
                        }
                        Err(_) => return Count::Disconnected,
                    }
                }
                Some(Err(failure)) => return self.fail(&failure).await,
                None => {
                    span::replied(&self.span, octets);
                    return self.send(draft::message(call, Content::End), Count::Answered).await;
                }
            }
        }
    }
}

/// Polls a handler, which is there.
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

/// Makes a panic a failure. What a service leaves half done is its own.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_| Failure::new(ErrorCode::PANICKED, ""))
}
