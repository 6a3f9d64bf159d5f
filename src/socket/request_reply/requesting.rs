//! Sends a request, and waits for its reply.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::error::RequestError;
use crate::message::{AnyMessage, Message, Multipart};
use crate::options::RequestOptions;
use crate::pipe::PipeKey;
use crate::remotes::RemoteId;
use crate::routing::{Abandoned, RequestKey, RequestOutcome, Requests};
use crate::socket::Core;
use crate::socket::coop::poll_budget;
use crate::socket::time_limit::TimeLimit;
use crate::socket::waiting::{Senders, WaitError, Waiting};

/// A future that sends a request as often as necessary and allowed, and receives its reply.
///
/// Dropping it abandons the request: if it was not queued, it is not sent; otherwise its reply will
/// be discarded.
#[derive(Debug)]
pub(in crate::socket) struct Requesting<'a> {
    core: &'a Core<Requests>,
    state: State<'a>,
    /// The request, for later attempts.
    kept: Option<Message>,
    attempts_left: u32,
    attempt_limit: TimeLimit,
    limit: TimeLimit,
    /// Whether an earlier attempt may have been carried out.
    was_sent: bool,
    /// The remote of the previous attempt.
    avoided: Option<PipeKey>,
    /// The number of connections in a row that the remote ended while the request was written.
    interruptions: u8,
}

#[derive(Debug)]
enum State<'a> {
    /// The request waits for a remote. It is present until it is queued.
    Unsent { waiting: Waiting<Senders<'a, Requests>>, message: Option<Message> },
    /// It is queued for a remote, or was written.
    Sent { pipe: PipeKey, key: RequestKey },
    /// The future has returned.
    Done,
}

impl<'a> Requesting<'a> {
    /// Creates the future. `limit` is the time for all attempts together.
    pub(in crate::socket) fn new(
        core: &'a Core<Requests>,
        options: &RequestOptions,
        message: Message,
        limit: Option<Duration>,
    ) -> Self {
        let attempts_left = options.attempts.saturating_sub(1);
        let kept = (attempts_left > 0).then(|| message.clone());
        Self {
            core,
            state: State::unsent(core, message),
            kept,
            attempts_left,
            attempt_limit: TimeLimit::new(options.attempt_timeout),
            limit: TimeLimit::new(limit),
            was_sent: false,
            avoided: None,
            interruptions: 0,
        }
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
        self.state = State::unsent(self.core, message.unwrap_or_default());
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
                self.state = State::unsent(self.core, message);
                None
            }
            RequestOutcome::Closed => Some(Err(RequestError::Closed(None))),
        }
    }

    /// Abandons the current attempt. Returns the message if it was not sent and will not be, or an
    /// outcome that has arrived in the meantime.
    fn abandon(&mut self) -> (Option<Message>, Option<RequestOutcome>) {
        match mem::replace(&mut self.state, State::Done) {
            State::Sent { key, .. } => {
                let Abandoned { unsent, disconnect, outcome } =
                    self.core.outgoing.with(|outgoing, wakes| outgoing.abandon(key, wakes));
                if let Some(connection) = disconnect {
                    self.core.control.disconnect_remote(RemoteId::Connection(connection));
                }
                (unsent, outcome)
            }
            State::Unsent { message, .. } => (message, None),
            State::Done => (None, None),
        }
    }

    /// Sends the request if a remote has room; ready if it fails.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<RequestError> {
        let Self { state: State::Unsent { waiting, message }, avoided, .. } = self else {
            return Poll::Pending;
        };
        let send = |line: &Senders<'_, Requests>, ticket: &mut Option<_>, cx: &mut Context<'_>| {
            let budget = std::task::ready!(poll_budget(cx));
            let sent = line.core.outgoing.with(|outgoing, wakes| {
                outgoing.poll_request(message, *avoided, ticket, cx.waker(), wakes)
            });
            if sent.is_ready() {
                budget.used();
            }
            sent.map_err(WaitError::Refused)
        };
        match waiting.poll(cx, send, || Err(WaitError::Timeout)) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok((pipe, key))) => {
                self.state = State::Sent { pipe, key };
                self.attempt_limit.reset();
                Poll::Pending
            }
            Poll::Ready(Err(failure)) => {
                let (message, _) = self.abandon();
                let unsent = self.hand_back(message);
                Poll::Ready(match failure {
                    WaitError::Refused(_) => RequestError::Closed(unsent),
                    WaitError::Timeout => RequestError::Timeout(unsent),
                })
            }
        }
    }
}

impl Future for Requesting<'_> {
    type Output = Result<Multipart, RequestError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            match this.state {
                State::Unsent { .. } => {
                    if this.limit.is_zero() {
                        let (message, _) = this.abandon();
                        return Poll::Ready(Err(RequestError::Timeout(this.hand_back(message))));
                    }
                    if let Poll::Ready(error) = this.poll_send(cx) {
                        return Poll::Ready(Err(error));
                    }
                }
                State::Sent { pipe, key } => {
                    let polled = this.core.outgoing.lock().poll_outcome(key, cx.waker());
                    if let Poll::Ready(outcome) = polled {
                        this.state = State::Done;
                        match this.finish(pipe, outcome) {
                            Some(result) => return Poll::Ready(result),
                            None => continue,
                        }
                    }
                }
                State::Done => return Poll::Ready(Err(RequestError::Closed(None))),
            }
            let runtime = this.core.runtime();
            let is_over = this.limit.poll(runtime, cx).is_ready();
            let State::Sent { pipe, .. } = this.state else {
                if !is_over {
                    return Poll::Pending;
                }
                let (message, _) = this.abandon();
                return Poll::Ready(Err(RequestError::Timeout(this.hand_back(message))));
            };
            if !is_over && this.attempt_limit.poll(runtime, cx).is_pending() {
                return Poll::Pending;
            }
            let (unsent, outcome) = this.abandon();
            let result = match outcome {
                Some(outcome) => this.finish(pipe, outcome),
                None => {
                    this.was_sent |= unsent.is_none();
                    let ends = is_over || !this.try_again(pipe);
                    ends.then(|| Err(RequestError::Timeout(this.hand_back(unsent))))
                }
            };
            if let Some(result) = result {
                return Poll::Ready(result);
            }
        }
    }
}

impl Drop for Requesting<'_> {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl<'a> State<'a> {
    fn unsent(core: &'a Core<Requests>, message: Message) -> Self {
        let waiting = Waiting::new(Senders { core, to: () }, core.send_timeout);
        Self::Unsent { waiting, message: Some(message) }
    }
}

/// A request fails when the remote has ended this number of connections in a row while it was being
/// written. It may be the reason, and must not end one connection after the other.
const INTERRUPTIONS_MAX: u8 = 2;
