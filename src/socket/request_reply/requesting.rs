//! Sends a request, and waits for its reply.

use std::mem;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::error::RequestError;
use crate::message::{AnyMessage, Message, Multipart};
use crate::options::RequestOptions;
use crate::pipe::{PipeKey, Ticket};
use crate::remotes::RemoteId;
use crate::routing::{Abandoned, Refusal, RequestKey, RequestOutcome, Requests};
use crate::socket::Core;
use crate::socket::coop::poll_budget;
use crate::socket::time_limit::TimeLimit;

/// A future that sends a request as often as necessary and allowed, and receives its reply. `C`
/// refers to the socket.
///
/// Dropping it abandons the request: if it was not queued, it is not sent; otherwise its reply will
/// be discarded.
#[derive(Debug)]
pub(in crate::socket) struct Requesting<C: Deref<Target = Core<Requests>>> {
    core: C,
    state: State,
    /// The time limit of waiting for a remote.
    send_limit: TimeLimit,
    attempt_limit: TimeLimit,
    limit: TimeLimit,
    /// The request, for later attempts.
    kept: Option<Message>,
    attempts_left: u32,
    /// Whether an earlier attempt may have been carried out.
    was_sent: bool,
    /// The remote of the previous attempt.
    avoided: Option<PipeKey>,
    /// The number of connections in a row that the remote ended while the request was written.
    interruptions: u8,
}

#[derive(Debug)]
enum State {
    /// The request waits for a remote, in line if there is a ticket. It is present until it is
    /// queued.
    Unsent { message: Option<Message>, ticket: Option<Ticket> },
    /// It is queued for a remote, or was written.
    Sent { pipe: PipeKey, key: RequestKey },
    /// The future has returned.
    Done,
}

impl<C: Deref<Target = Core<Requests>>> Requesting<C> {
    /// Creates the future. `limit` is the time for all attempts together.
    pub(super) fn new(core: C, message: Multipart, limit: Option<Duration>) -> Self {
        let message = message.into_queue();
        let RequestOptions { attempts, attempt_timeout, .. } =
            core.control.shared().options.requests;
        let attempts_left = attempts.saturating_sub(1);
        let kept = (attempts_left > 0).then(|| message.clone());
        Self {
            send_limit: TimeLimit::new(core.send_timeout),
            attempt_limit: TimeLimit::new(attempt_timeout),
            limit: TimeLimit::new(limit),
            core,
            state: State::unsent(message),
            kept,
            attempts_left,
            was_sent: false,
            avoided: None,
            interruptions: 0,
        }
    }

    /// Sends the request; ready when it is queued for a remote, or with the result if it fails
    /// before.
    pub(super) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), RequestError>> {
        self.poll_send(cx)
    }

    /// Begins the next attempt, or returns `false` if none is left.
    fn try_again(&mut self, pipe: PipeKey) -> bool {
        if self.attempts_left == 0 {
            return false;
        }
        self.attempts_left -= 1;
        self.avoided = Some(pipe);
        let message = match self.attempts_left {
            0 => self.kept.take(),
            _ => self.kept.clone(),
        };
        self.state = State::unsent(message.unwrap_or_default());
        true
    }

    /// Returns the request to the caller, unless an earlier attempt may have been carried out.
    fn hand_back(&self, message: Option<Message>) -> Option<Multipart> {
        message.filter(|_| !self.was_sent).map(Multipart::from_queue)
    }

    /// Handles the outcome of an attempt. Returns `None` if another one begins.
    fn finish(
        &mut self,
        pipe: PipeKey,
        outcome: RequestOutcome,
    ) -> Option<Result<Multipart, RequestError>> {
        match outcome {
            RequestOutcome::Reply(reply) => Some(Ok(Multipart::from_queue(reply))),
            RequestOutcome::Lost => {
                self.was_sent = true;
                let is_over = !self.try_again(pipe);
                is_over.then_some(Err(RequestError::ConnectionLost))
            }
            RequestOutcome::Unwritten { message, is_interrupted } => {
                self.interruptions = if is_interrupted { self.interruptions + 1 } else { 0 };
                if self.interruptions >= INTERRUPTIONS_MAX {
                    return Some(Err(RequestError::Refused(self.hand_back(Some(message)))));
                }
                self.state = State::unsent(message);
                None
            }
            RequestOutcome::Closed => Some(Err(RequestError::Closed(None))),
        }
    }

    /// Abandons the current attempt. Returns the message if it was not sent and will not be, or an
    /// outcome that has arrived in the meantime.
    fn abandon(&mut self) -> (Option<Message>, Option<RequestOutcome>) {
        match mem::replace(&mut self.state, State::Done) {
            State::Unsent { message, ticket } => {
                if let Some(ticket) = ticket {
                    self.core.cancel_send(&(), ticket);
                }
                (message, None)
            }
            State::Sent { key, .. } => {
                let Abandoned { unsent, disconnect, outcome } =
                    self.core.outgoing.with(|outgoing, wakes| outgoing.abandon(key, wakes));
                if let Some(connection) = disconnect {
                    self.core.control.disconnect_remote(RemoteId::Connection(connection));
                }
                (unsent, outcome)
            }
            State::Done => (None, None),
        }
    }

    /// Leaves the line, if the request waits for a remote: a slot that it was granted goes to the
    /// next one.
    pub(super) fn leave_line(&mut self) {
        let State::Unsent { ticket, .. } = &mut self.state else { return };
        if let Some(ticket) = ticket.take() {
            self.core.cancel_send(&(), ticket);
        }
    }

    /// Ends a request that was not sent.
    fn fail(&mut self, error: impl FnOnce(Option<Multipart>) -> RequestError) -> RequestError {
        let (message, _) = self.abandon();
        error(self.hand_back(message))
    }

    /// Queues the request for a remote as soon as one has room, or fails.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), RequestError>> {
        if self.limit.is_zero() {
            return Poll::Ready(Err(self.fail(RequestError::Timeout)));
        }
        let Self { core, state: State::Unsent { message, ticket }, avoided, .. } = self else {
            return Poll::Ready(Ok(()));
        };
        let budget = ready!(poll_budget(cx));
        let sent = core.outgoing.with(|outgoing, wakes| {
            outgoing.poll_request(message, *avoided, ticket, cx.waker(), wakes)
        });
        match sent {
            Poll::Ready(Ok((pipe, key))) => {
                budget.used();
                self.state = State::Sent { pipe, key };
                self.attempt_limit.reset();
                self.send_limit.reset();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(refusal)) => {
                debug_assert_eq!(refusal, Refusal::Closed, "senders wait for queue capacity");
                Poll::Ready(Err(self.fail(RequestError::Closed)))
            }
            Poll::Pending => {
                if let Some(failure) = core.control.shared().remotes.hopeless() {
                    let error = self.fail(|unsent| RequestError::NoEndpoint { failure, unsent });
                    return Poll::Ready(Err(error));
                }
                let runtime = core.runtime();
                let is_over = self.send_limit.poll(runtime, cx).is_ready()
                    || self.limit.poll(runtime, cx).is_ready();
                if is_over {
                    return Poll::Ready(Err(self.fail(RequestError::Timeout)));
                }
                Poll::Pending
            }
        }
    }

    /// Waits for the outcome of an attempt. Returns `None` if another one begins.
    fn poll_outcome(
        &mut self,
        pipe: PipeKey,
        key: RequestKey,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Multipart, RequestError>>> {
        let polled = self.core.outgoing.lock().poll_outcome(key, cx.waker());
        if let Poll::Ready(outcome) = polled {
            self.state = State::Done;
            return Poll::Ready(self.finish(pipe, outcome));
        }
        let runtime = self.core.runtime();
        let is_over = self.limit.poll(runtime, cx).is_ready();
        if !is_over && self.attempt_limit.poll(runtime, cx).is_pending() {
            return Poll::Pending;
        }
        let (unsent, outcome) = self.abandon();
        if let Some(outcome) = outcome {
            return Poll::Ready(self.finish(pipe, outcome));
        }
        self.was_sent |= unsent.is_none();
        let ends = is_over || !self.try_again(pipe);
        Poll::Ready(ends.then(|| Err(RequestError::Timeout(self.hand_back(unsent)))))
    }
}

impl<C: Deref<Target = Core<Requests>> + Unpin> Future for Requesting<C> {
    type Output = Result<Multipart, RequestError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            let result = match this.state {
                State::Unsent { .. } => match ready!(this.poll_send(cx)) {
                    // The waker that it was added with is woken by the outcome.
                    Ok(()) if !this.limit.is_limited() && !this.attempt_limit.is_limited() => {
                        return Poll::Pending;
                    }
                    Ok(()) => None,
                    Err(error) => Some(Err(error)),
                },
                State::Sent { pipe, key } => ready!(this.poll_outcome(pipe, key, cx)),
                State::Done => Some(Err(RequestError::Closed(None))),
            };
            if let Some(result) = result {
                return Poll::Ready(result);
            }
        }
    }
}

impl<C: Deref<Target = Core<Requests>>> Drop for Requesting<C> {
    fn drop(&mut self) {
        if let (_, Some(RequestOutcome::Reply(_))) = self.abandon() {
            self.core.control.shared().losses().untaken_reply();
        }
    }
}

impl State {
    const fn unsent(message: Message) -> Self {
        Self::Unsent { message: Some(message), ticket: None }
    }
}

/// A request fails when the remote has ended this number of connections in a row while it was being
/// written. It may be the reason, and must not end one connection after the other.
const INTERRUPTIONS_MAX: u8 = 2;
