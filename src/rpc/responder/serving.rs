//! Receives requests and has them served.

use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tower_service::Service;
use tracing::{Instrument, Span};

use super::counters::Count;
use super::draining::Draining;
use super::job::{Work, catch, poll_handler};
use super::jobs::{Job, JobId};
use super::shared::{Refused, Shared, error};
use super::span;
use crate::message::Message;
use crate::pipe::{PipeKey, Ticket};
use crate::remote::Remote;
use crate::routing::End;
use crate::routing_id::RoutingId;
use crate::rpc::endings::Endings;
use crate::rpc::envelope::{Content, Envelope, EnvelopeError, RequestFields};
use crate::rpc::failure::BoxError;
use crate::rpc::response::{Form, Response};
use crate::rpc::{ErrorCode, Failure, Request, TraceContext, draft};
use crate::runtime::Timer;

/// One responder at work: the task that runs it receives, calls the service, and sends what is ready at
/// once; the rest gets tasks of its own.
#[derive(Debug)]
pub(super) struct Serving<S: Service<Request>> {
    shared: Arc<Shared>,
    service: S,
    /// The server's runtime, if there still is one, where this is polled and none is current: handlers need
    /// one.
    outside: Option<Option<Handle>>,
    /// The place in the server's line.
    ticket: Option<Ticket>,
    endings: Endings,
    /// Empty but for moments; kept for its memory.
    received: Vec<((PipeKey, Remote), Message)>,
    /// Requests for which the service is not ready, or for which there are too many jobs.
    waiting: VecDeque<Accepted>,
    /// Where handlers are polled for the first time. Those that are ready leave the memory to the next.
    bench: Pin<Box<Option<S::Future>>>,
    timer: Timer,
    /// From the signal to end on.
    draining: Option<Draining>,
}

/// A request that was accepted.
#[derive(Debug)]
struct Accepted {
    id: JobId,
    routing_id: RoutingId,
    request: Request,
    credit: Option<u32>,
}

impl<S> Serving<S>
where
    S: Service<Request>,
    S::Response: Into<Response> + 'static,
    S::Error: Into<BoxError> + 'static,
    S::Future: Send + 'static,
{
    pub(super) fn new(shared: Arc<Shared>, service: S) -> Self {
        let endings = Endings::new(shared.server.watch_ends());
        let outside = Handle::try_current().is_err().then(|| shared.server.runtime().handle());
        Self {
            outside,
            shared,
            service,
            ticket: None,
            endings,
            received: Vec::with_capacity(BATCH),
            waiting: VecDeque::new(),
            bench: Box::pin(None),
            timer: None,
            draining: None,
        }
    }

    /// Begins to drain: serves what requesters have sent before they know, and refuses the rest.
    pub(super) fn end(&mut self) {
        self.draining = Some(Draining::start(&self.shared.server));
    }

    /// Ready when the server is closed, or when all is done that was accepted before the end.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let outside = self.outside.clone();
        let _guard = match &outside {
            // The server is closed.
            Some(None) => return Poll::Ready(()),
            Some(Some(runtime)) => Some(runtime.enter()),
            None => None,
        };
        let received = self.poll_receive(cx);
        if self.draining.is_some() || !self.waiting.is_empty() {
            self.shared.jobs().wait(cx.waker());
        }
        self.start_waiting(cx);
        self.shared.set_waiting(self.waiting.len());
        if received.is_ready() {
            return Poll::Ready(());
        }
        let settled = self.draining.as_mut().map(|draining| draining.poll_settled(cx));
        let is_settled = settled.is_some_and(|settled| settled.is_ready());
        if is_settled && self.waiting.is_empty() && self.shared.jobs().len() == 0 {
            return Poll::Ready(());
        }
        self.poll_time(cx);
        Poll::Pending
    }

    /// Receives until there is nothing; ready when the server is closed.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BATCHES_PER_WAKE {
            let Self { shared, endings, .. } = self;
            for end in endings.poll(cx.waker(), |end| shared.server.unread(end)) {
                self.lose(&end);
            }
            let Self { shared, ticket, received, .. } = self;
            let origin = |pipe, remote: &Remote| (pipe, remote.clone());
            match ready!(shared.server.poll_receive_many(ticket, cx, received, origin)) {
                Ok(()) => self.handle_received(cx),
                Err(_) => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn handle_received(&mut self, cx: &mut Context<'_>) {
        // Only needed where there are deadlines.
        let mut now = None;
        let mut received = mem::take(&mut self.received);
        for ((pipe, remote), message) in received.drain(..) {
            self.handle(pipe, remote, message, &mut now, cx);
            if let Some(end) = self.endings.handled(pipe) {
                self.lose(&end);
            }
        }
        self.received = received;
    }

    fn handle(
        &mut self,
        pipe: PipeKey,
        remote: Remote,
        message: Message,
        now: &mut Option<Instant>,
        cx: &mut Context<'_>,
    ) {
        let Some(routing_id) = remote.routing_id() else { return };
        let Envelope { id, content } = match Envelope::decode(&message) {
            Ok(envelope) => envelope,
            Err(error) => return self.handle_malformed(routing_id, error),
        };
        let id = JobId { pipe, call: id };
        match content {
            Content::Request(fields) => {
                self.shared.count(Count::Received);
                if self.draining.as_mut().is_some_and(|draining| !draining.admits(&remote)) {
                    self.shared.count(Count::ShuttingDown);
                    let code = ErrorCode::SHUTTING_DOWN;
                    return self.shared.refuse_with(routing_id, id.call, code);
                }
                let RequestFields { timeout, trace, credit, body } = fields;
                let deadline = timeout.and_then(|millis| {
                    let now = *now.get_or_insert_with(Instant::now);
                    now.checked_add(Duration::from_millis(millis.into()))
                });
                let trace = trace.and_then(|(parent, state)| TraceContext::decode(parent, state));
                let len = body.len();
                let body = draft::last(message, len);
                let request = Request::received(body, deadline, trace.map(Box::new), remote);
                self.accept(Accepted { id, routing_id, request, credit }, cx);
            }
            Content::Cancel => self.cancel(id),
            Content::Credit(parts) => {
                if !self.shared.jobs().give_credit(id, parts) {
                    self.shared.count(Count::Unknown);
                }
            }
            Content::Drained => match &mut self.draining {
                Some(draining) => draining.acknowledge(&remote),
                None => self.shared.count(Count::Malformed),
            },
            Content::Reply(_)
            | Content::Part(_)
            | Content::Error { .. }
            | Content::End
            | Content::Drain => self.shared.count(Count::Malformed),
        }
    }

    #[cold]
    fn handle_malformed(&self, routing_id: RoutingId, error: EnvelopeError) {
        self.shared.count(Count::Malformed);
        match error {
            EnvelopeError::TooShort { .. } => {}
            EnvelopeError::Malformed { id } => {
                self.shared.refuse_with(routing_id, id, ErrorCode::MALFORMED);
            }
            EnvelopeError::Unsupported { id } => {
                self.shared.refuse_with(routing_id, id, ErrorCode::UNSUPPORTED);
            }
        }
    }

    /// Starts a request, or lets it wait if others do or the service is not ready.
    fn accept(&mut self, accepted: Accepted, cx: &mut Context<'_>) {
        if self.waiting.is_empty() && self.poll_ready(cx).is_ready() {
            return self.start(accepted);
        }
        if self.waiting.len() >= self.shared.max_waiting {
            self.drop_expired();
        }
        if self.waiting.len() < self.shared.max_waiting {
            self.waiting.push_back(accepted);
        } else {
            self.shared.count(Count::Overloaded);
            let code = ErrorCode::OVERLOADED;
            self.shared.refuse_with(accepted.routing_id, accepted.id.call, code);
        }
    }

    /// Starts as many of those who wait as the service is ready for.
    fn start_waiting(&mut self, cx: &mut Context<'_>) {
        while !self.waiting.is_empty() && self.poll_ready(cx).is_ready() {
            let Some(accepted) = self.waiting.pop_front() else { return };
            if accepted.is_over(Instant::now()) {
                self.refuse_expired(&accepted);
            } else {
                self.start(accepted);
            }
        }
    }

    /// Ready when the service can be called, or when it says that it never can: then calling it is as
    /// good an answer as any, and what it says then is what requesters are told.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.shared.jobs().len() >= self.shared.max_running {
            return Poll::Pending;
        }
        match catch(|| self.service.poll_ready(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(_)) | Err(_) => Poll::Ready(()),
        }
    }

    fn start(&mut self, accepted: Accepted) {
        let Accepted { id, routing_id, request, credit } = accepted;
        let deadline = request.due();
        let span = span::new(id.call, &request);
        let called = catch(|| {
            let _entered = (!span.is_disabled()).then(|| span.enter());
            self.bench.set(Some(self.service.call(request)));
        });
        let mut cx = Context::from_waker(Waker::noop());
        let polled = match called {
            Ok(()) => poll_handler(&mut self.bench, &span, &mut cx),
            Err(failure) => Poll::Ready(Err(failure)),
        };
        let Poll::Ready(outcome) = polled else {
            // It is polled again by its task, which is what wakes it from then on.
            let handler = mem::replace(&mut self.bench, Box::pin(None));
            return self.spawn(id, routing_id, deadline, credit, span, |work| work.run(handler));
        };
        if catch(|| self.bench.set(None)).is_err() {
            self.bench = Box::pin(None);
        }
        let (message, count) = match outcome {
            Ok(Response(Form::One(body))) => {
                span::replied(&span, body.len());
                (draft::message(id.call, Content::Reply(&body)), Count::Answered)
            }
            Ok(stream) => {
                return self
                    .spawn(id, routing_id, deadline, credit, span, |work| work.answer(Ok(stream)));
            }
            Err(failure) => {
                span::failed(&span, &failure);
                (error(id.call, &failure), Count::from(failure.code()))
            }
        };
        match self.shared.try_send(routing_id, message) {
            Ok(()) => self.shared.count(count),
            Err(Refused::Gone) => self.shared.count(Count::Disconnected),
            Err(Refused::Full(message)) => {
                self.spawn(id, routing_id, deadline, None, span, |work| {
                    work.send_last(message, count)
                });
            }
        }
    }

    /// Gives a request a task of its own.
    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        id: JobId,
        routing_id: RoutingId,
        deadline: Option<Instant>,
        credit: Option<u32>,
        span: Span,
        work: impl FnOnce(Work) -> F,
    ) {
        let credit = credit.map(|parts| {
            let parts = usize::try_from(parts).unwrap_or(usize::MAX);
            Arc::new(Semaphore::new(parts.min(Semaphore::MAX_PERMITS)))
        });
        let shared = Arc::clone(&self.shared);
        // The task waits for this lock when it ends, and so is in the table before it is taken out.
        let is_new = self.shared.jobs().add(id, || {
            let work =
                work(Work { shared, id, routing_id, credit: credit.clone(), span: span.clone() });
            let task = tokio::spawn(work.instrument(span)).abort_handle();
            Job { task, routing_id, deadline, credit }
        });
        if !is_new {
            self.shared.count(Count::Duplicate);
        }
    }

    fn cancel(&mut self, id: JobId) {
        if let Some((job, _)) = self.shared.jobs().take(id) {
            job.task.abort();
        } else if let Some(at) = self.waiting.iter().position(|waiting| waiting.id == id) {
            self.waiting.remove(at);
        } else {
            return self.shared.count(Count::Unknown);
        }
        self.shared.count(Count::Cancelled);
    }

    /// Gives up what a connection that has ended has asked for.
    fn lose(&mut self, end: &End) {
        for job in self.shared.jobs().take_of(end.pipe) {
            job.task.abort();
            self.shared.count(Count::Disconnected);
        }
        let waiting = self.waiting.len();
        self.waiting.retain(|waiting| waiting.id.pipe != end.pipe);
        for _ in self.waiting.len()..waiting {
            self.shared.count(Count::Disconnected);
        }
    }

    fn drop_expired(&mut self) {
        let now = Instant::now();
        let mut waiting = mem::take(&mut self.waiting);
        waiting.retain(|waiting| {
            let is_over = waiting.is_over(now);
            if is_over {
                self.refuse_expired(waiting);
            }
            !is_over
        });
        self.waiting = waiting;
    }

    #[cold]
    fn refuse_expired(&self, accepted: &Accepted) {
        self.shared.count(Count::DeadlineExceeded);
        let code = ErrorCode::DEADLINE_EXCEEDED;
        self.shared.refuse_with(accepted.routing_id, accepted.id.call, code);
    }

    /// Gives up jobs whose time is over, and waits until there are some.
    fn poll_time(&mut self, cx: &mut Context<'_>) {
        loop {
            let mut jobs = self.shared.jobs();
            let Some(rings) = jobs.clock.rings() else { return };
            let expired = jobs.take_expired(Instant::now());
            drop(jobs);
            for (id, job) in expired {
                job.task.abort();
                self.shared.count(Count::DeadlineExceeded);
                let code = ErrorCode::DEADLINE_EXCEEDED;
                self.shared.refuse_with(job.routing_id, id.call, code);
            }
            let Self { shared, timer, .. } = self;
            if shared.server.runtime().poll_until(timer, rings, cx).is_pending() {
                return;
            }
        }
    }
}

impl<S: Service<Request>> Drop for Serving<S> {
    /// Gives up what is under way, if it is dropped before its end, or if the server is closed.
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.server.cancel_receive(ticket);
        }
        let failure = Failure::new(ErrorCode::CANCELLED, "");
        let jobs = self.shared.jobs().take_all();
        for (id, job) in jobs {
            job.task.abort();
            self.shared.count(Count::Cancelled);
            self.shared.refuse(job.routing_id, id.call, &failure);
        }
        for Accepted { id, routing_id, .. } in self.waiting.drain(..) {
            self.shared.count(Count::Cancelled);
            self.shared.refuse(routing_id, id.call, &failure);
        }
        self.shared.set_waiting(0);
    }
}

impl Accepted {
    fn is_over(&self, now: Instant) -> bool {
        self.request.due().is_some_and(|deadline| deadline <= now)
    }
}

/// How many messages are taken under one lock.
const BATCH: usize = 256;

/// After so many batches other tasks get their turn.
const BATCHES_PER_WAKE: usize = 16;
