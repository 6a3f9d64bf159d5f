//! Receives requests and calls the service.

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
use zmtp_proto::rpc::ErrorCode;
use zmtp_proto::rpc::envelope::{Content, Envelope, RequestFields};

use super::counters::Count;
use super::draining::Draining;
use super::job::{Work, catch, poll_handler};
use super::job_id::JobId;
use super::jobs::{Job, JobAdmission};
use super::refusing::Refusing;
use super::shared::{CannotQueue, ResponderState, error};
use super::span;
use super::waiting::{Accepted, WaitingRequests};
use crate::message::Message;
use crate::remote::Remote;
use crate::rpc::batch::{BATCH, BATCHES_PER_WAKE};
use crate::rpc::deferred_ends::DeferredEnds;
use crate::rpc::response::{Form, Response};
use crate::rpc::return_path::ReturnPath;
use crate::rpc::service_error::BoxError;
use crate::rpc::{Failure, Request, RespondingSocket, unaddressed};
use crate::socket::tracked::{ConnectionEnd, InLine, PipeKey, Timer, WeakSocket};

/// The state of a responder that is being served. Its task receives requests, calls the service,
/// and sends the replies that are ready immediately. Other requests get tasks of their own.
#[derive(Debug)]
pub(super) struct Serving<T: Service<Request>, S: RespondingSocket> {
    shared: Arc<ResponderState<S>>,
    service: T,
    /// The runtime of the server, which handlers need. Set if no runtime is current; the inner
    /// option is empty if that runtime no longer exists.
    outside: Option<Option<Handle>>,
    /// The position in the server's line of receivers.
    position: InLine<WeakSocket<S>>,
    endings: DeferredEnds,
    /// Empty between calls of `poll`; kept to reuse its memory.
    received: Vec<((PipeKey, Remote), Message)>,
    /// Requests for which the service is not ready, or whose remote has reached its share or has a
    /// backlog.
    waiting: WaitingRequests<S::Path>,
    /// Holds a handler while it is polled for the first time. A handler that is ready leaves the
    /// allocation to the next one.
    current: Pin<Box<Option<T::Future>>>,
    timer: Timer,
    /// Set from the shutdown signal on.
    draining: Option<Draining<S>>,
    /// Whether all requests have ended, or the server is closed.
    is_over: bool,
}

impl<T, S: RespondingSocket> Serving<T, S>
where
    T: Service<Request>,
    T::Response: Into<Response> + 'static,
    T::Error: Into<BoxError> + 'static,
    T::Future: Send + 'static,
{
    pub(super) fn new(shared: Arc<ResponderState<S>>, service: T) -> Self {
        let position = InLine::new(shared.socket.downgrade());
        let endings = DeferredEnds::new(shared.socket.watch_ends());
        let outside = Handle::try_current().is_err().then(|| shared.socket.runtime().handle());
        Self {
            outside,
            shared,
            service,
            position,
            endings,
            received: Vec::with_capacity(BATCH),
            waiting: WaitingRequests::new(),
            current: Box::pin(None),
            timer: None,
            draining: None,
            is_over: false,
        }
    }

    /// Starts draining: serves requests that were sent before their requester received the notice,
    /// and refuses the others.
    pub(super) fn end(&mut self) {
        self.draining = Some(Draining::start(&self.shared.socket));
    }

    /// Ready when the server is closed, or when it is drained and all accepted requests have ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let outside = self.outside.clone();
        let _guard = match &outside {
            // The server is closed.
            Some(None) => {
                self.is_over = true;
                return Poll::Ready(());
            }
            Some(Some(runtime)) => Some(runtime.enter()),
            None => None,
        };
        let emptied = self.shared.ledger.jobs.lock().serve(cx.waker(), self.draining.is_some());
        if !emptied.is_empty() {
            self.resume(&emptied, cx);
        }
        let received = self.poll_receive(cx);
        self.start_waiting(cx);
        let settled = self.draining.as_mut().map(|draining| draining.poll_settled(cx));
        let is_settled = settled.is_some_and(|settled| settled.is_ready());
        // A request that waits to be received is preceded by a backlog, which paused its remote.
        let is_done = is_settled && self.waiting.is_empty() && self.shared.is_idle();
        if received.is_ready() || is_done {
            self.is_over = true;
            return Poll::Ready(());
        }
        self.poll_time(cx);
        Poll::Pending
    }

    /// Starts waiting requests of remotes whose backlog is empty, and then resumes the remotes.
    fn resume(&mut self, emptied: &[S::Key], cx: &mut Context<'_>) {
        self.start_waiting(cx);
        for remote in emptied {
            self.shared.socket.resume(remote);
        }
    }

    /// Receives until no message is left; ready when the server is closed.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BATCHES_PER_WAKE {
            let Self { shared, endings, .. } = self;
            let due = endings.poll(cx.waker(), |end| {
                // Messages from before the end must be handled, regardless of the number of
                // messages that wait for the remote.
                shared.socket.resume_pipe(end.inbound);
                shared.socket.unread(end)
            });
            for end in due {
                self.cancel_all(&end);
            }
            let Self { shared, position, received, .. } = self;
            let (_, ticket) = position.parts();
            let origin = |pipe, remote: &Remote| (pipe, remote.clone());
            match ready!(shared.socket.poll_receive_many(ticket, cx, received, origin)) {
                Ok(()) => self.handle_received(cx),
                Err(_) => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn handle_received(&mut self, cx: &mut Context<'_>) {
        // Read only if a request has a deadline.
        let mut now = None;
        let mut received = mem::take(&mut self.received);
        for ((pipe, remote), message) in received.drain(..) {
            self.handle(pipe, remote, message, &mut now, cx);
            if let Some(end) = self.endings.handled(pipe) {
                self.cancel_all(&end);
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
        let Some((path, decoded)) = S::open(&message, &remote) else {
            return self.shared.count(Count::Malformed);
        };
        let Envelope { id, content } = match decoded {
            Ok(envelope) => envelope,
            Err(error) => return self.shared.refuse_malformed(pipe, &path, error),
        };
        let id = JobId::new(pipe, &path, id);
        match content {
            Content::Request(fields) => {
                self.shared.count(Count::Received);
                if self.draining.as_mut().is_some_and(|draining| !draining.admits(&remote)) {
                    self.shared.count(Count::ShuttingDown);
                    let code = ErrorCode::SHUTTING_DOWN;
                    return self.shared.refuse_with(id, &path, code);
                }
                let trace = fields.trace_context();
                let RequestFields { timeout, credit, body, .. } = fields;
                let deadline = timeout.and_then(|millis| {
                    let now = *now.get_or_insert_with(Instant::now);
                    now.checked_add(Duration::from_millis(millis.into()))
                });
                // A requester that expects one reply cannot receive a stream.
                let credit = credit.filter(|_| S::is_asynchronous(&remote));
                let len = body.len();
                let body = unaddressed::last(&message, len);
                let request = Request::received(body, deadline, trace.map(Box::new), remote);
                self.accept(Accepted { id, path, request, credit }, cx);
            }
            Content::Cancel => self.cancel(id),
            Content::Credit(parts) => {
                let credit = self.shared.ledger.jobs.lock().credit(id);
                match credit {
                    Some(credit) => grant(&credit, parts),
                    None => self.shared.count(Count::Unknown),
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

    /// Starts a request, or queues it if others wait or the service is not ready.
    fn accept(&mut self, accepted: Accepted<S::Path>, cx: &mut Context<'_>) {
        let mut admission = self.shared.ledger.jobs.lock().admit(accepted.id);
        if admission == JobAdmission::Wait && self.waiting.contains(accepted.id) {
            admission = JobAdmission::Duplicate;
        }
        match admission {
            JobAdmission::Start if self.poll_ready(cx).is_ready() => self.start(accepted),
            JobAdmission::Start | JobAdmission::Wait => self.wait(accepted),
            JobAdmission::Duplicate => self.shared.count(Count::Duplicate),
        }
    }

    /// Queues a request, or refuses it if its remote may not have another one waiting.
    fn wait(&mut self, mut accepted: Accepted<S::Path>) {
        let (pipe, bytes) = (accepted.id.pipe, accepted.bytes());
        let may_wait = self.shared.ledger.jobs.lock().loads.enter(pipe, bytes, BATCH);
        if may_wait {
            accepted.request.compact();
            self.waiting.push(accepted);
        } else {
            self.shared.count(Count::Overloaded);
            let code = ErrorCode::OVERLOADED;
            self.shared.refuse_with(accepted.id, &accepted.path, code);
        }
    }

    /// Starts as many waiting requests as the service is ready for, from one remote after another.
    fn start_waiting(&mut self, cx: &mut Context<'_>) {
        while !self.waiting.is_empty() {
            let next = self.shared.ledger.jobs.lock().loads.next();
            let Some(pipe) = next else { return };
            if self.poll_ready(cx).is_pending() {
                return;
            }
            let Some(accepted) = self.waiting.pop(pipe) else { return };
            self.shared.ledger.jobs.lock().loads.take_turn(pipe, accepted.bytes());
            if accepted.is_expired(Instant::now()) {
                self.refuse_expired(&accepted);
            } else {
                self.start(accepted);
            }
        }
    }

    /// Ready when the service is ready or has failed. A failed service is still called, and
    /// requesters receive the error of that call.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match catch(|| self.service.poll_ready(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(_)) | Err(_) => Poll::Ready(()),
        }
    }

    fn start(&mut self, accepted: Accepted<S::Path>) {
        let Accepted { id, path, request, credit } = accepted;
        let deadline = request.due();
        let span = span::new(id.call, &request);
        let called = catch(|| {
            let _entered = (!span.is_disabled()).then(|| span.enter());
            self.current.set(Some(self.service.call(request)));
        });
        let mut cx = Context::from_waker(Waker::noop());
        let polled = match called {
            Ok(()) => poll_handler(&mut self.current, &span, &mut cx),
            Err(failure) => Poll::Ready(Err(failure)),
        };
        let Poll::Ready(outcome) = polled else {
            // Its own task polls it again and registers its waker.
            let handler = mem::replace(&mut self.current, Box::pin(None));
            return self.spawn(id, path, deadline, credit, span, |work| work.run(handler));
        };
        if catch(|| self.current.set(None)).is_err() {
            self.current = Box::pin(None);
        }
        let (message, count) = match outcome {
            Ok(Response(Form::One(body))) => {
                span::replied(&span, body.len());
                let content = Content::Reply(&body);
                (unaddressed::message(path.framing(), id.call, content), Count::Answered)
            }
            Ok(stream) => {
                return self
                    .spawn(id, path, deadline, credit, span, |work| work.answer(Ok(stream)));
            }
            Err(failure) => {
                span::failed(&span, &failure);
                (error(path.framing(), id.call, &failure), Count::from(failure.code()))
            }
        };
        match self.shared.try_send(&path.key(), message) {
            Ok(()) => self.shared.count(count),
            Err(CannotQueue::Gone) => self.shared.count(Count::Disconnected),
            Err(CannotQueue::Full(message)) => {
                self.shared.ledger.jobs.lock().add(id, Job::new(path.clone(), None, None));
                self.shared.answer_later(id, &path, message, count);
            }
        }
    }

    /// Spawns a task for a request.
    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        id: JobId,
        path: S::Path,
        deadline: Option<Instant>,
        credit: Option<u32>,
        span: Span,
        work: impl FnOnce(Work<S>) -> F,
    ) {
        let credit = credit.map(|parts| {
            let parts = usize::try_from(parts).unwrap_or(usize::MAX);
            Arc::new(Semaphore::new(parts.min(Semaphore::MAX_PERMITS)))
        });
        let shared = Arc::clone(&self.shared);
        let job = Job::new(path.clone(), deadline, credit.clone());
        let work = work(Work { shared, id, path, credit, span: span.clone() });
        // It is in the table before its task can end. The task is spawned after the lock is
        // released, because a runtime that is about to end drops the handler.
        self.shared.ledger.jobs.lock().add(id, job);
        let task = tokio::spawn(work.instrument(span)).abort_handle();
        self.shared.ledger.jobs.lock().attach(id, &task);
    }

    fn cancel(&mut self, id: JobId) {
        let taken = self.shared.ledger.jobs.lock().take(id);
        if let Some(job) = taken {
            job.abort();
        } else if let Some(accepted) = self.waiting.take(id) {
            self.shared.ledger.jobs.lock().loads.leave(id.pipe, accepted.bytes());
        } else {
            return self.shared.count(Count::Unknown);
        }
        self.shared.count(Count::Cancelled);
    }

    /// Cancels all requests that arrived over a connection that has ended.
    fn cancel_all(&mut self, end: &ConnectionEnd) {
        let jobs = self.shared.ledger.jobs.lock().take_of(end.pipe);
        for job in jobs {
            job.abort();
            self.shared.count(Count::Disconnected);
        }
        while let Some(accepted) = self.waiting.pop(end.pipe) {
            self.shared.ledger.jobs.lock().loads.leave(end.pipe, accepted.bytes());
            self.shared.count(Count::Disconnected);
        }
        self.shared.ledger.clear(end.pipe, S::KEYS_OUTLIVE_CONNECTIONS);
        // The remote may reconnect while its queue is still full.
        if !end.gone && self.shared.ledger.has_backlog(end.pipe) {
            self.shared.socket.pause_pipe(end.inbound);
        }
    }

    #[cold]
    fn refuse_expired(&self, accepted: &Accepted<S::Path>) {
        self.shared.count(Count::DeadlineExceeded);
        let code = ErrorCode::DEADLINE_EXCEEDED;
        self.shared.refuse_with(accepted.id, &accepted.path, code);
    }

    /// Cancels requests whose deadline has passed, and registers for the next deadline.
    fn poll_time(&mut self, cx: &mut Context<'_>) {
        loop {
            let of_jobs = self.shared.ledger.jobs.lock().next_deadline();
            let next = [of_jobs, self.waiting.next_deadline()].into_iter().flatten().min();
            let Some(next) = next else { return };
            let Self { shared, timer, .. } = self;
            // It may fire too early, because most requests end long before their deadlines.
            // Resetting it then is less work than doing so for each request.
            let deadline = match timer {
                Some(timer) if !timer.is_elapsed() => timer.deadline().min(next),
                _ => next,
            };
            if shared.socket.poll_until(timer, deadline, cx).is_pending() {
                return;
            }
            self.expire(Instant::now());
        }
    }

    #[cold]
    fn expire(&mut self, now: Instant) {
        let expired = self.shared.ledger.jobs.lock().take_expired(now);
        for (id, job) in expired {
            job.abort();
            self.shared.count(Count::DeadlineExceeded);
            self.shared.refuse_with(id, &job.path, ErrorCode::DEADLINE_EXCEEDED);
        }
        while let Some(accepted) = self.waiting.pop_expired(now) {
            self.shared.ledger.jobs.lock().loads.leave(accepted.id.pipe, accepted.bytes());
            self.refuse_expired(&accepted);
        }
    }
}

impl<T: Service<Request>, S: RespondingSocket> Drop for Serving<T, S> {
    /// Cancels the requests in progress, if it is dropped early or if the server is closed. If it
    /// is dropped early, later requests are refused in the background.
    fn drop(&mut self) {
        let Self { shared, waiting, is_over, .. } = self;
        let (_waker, emptied) = shared.ledger.jobs.lock().stop();
        for remote in emptied {
            shared.socket.resume(&remote);
        }
        let failure = Failure::new(ErrorCode::CANCELLED, "");
        let jobs = shared.ledger.jobs.lock().take_rest(*is_over);
        for (id, job) in jobs {
            job.abort();
            shared.count(Count::Cancelled);
            shared.refuse(id, &job.path, &failure);
        }
        while let Some(accepted) = waiting.pop_any() {
            shared.ledger.jobs.lock().loads.leave(accepted.id.pipe, accepted.bytes());
            shared.count(Count::Cancelled);
            shared.refuse(accepted.id, &accepted.path, &failure);
        }
        if !*is_over {
            shared.spawn(Refusing::new(shared));
        }
    }
}

/// Grants a stream credit for more parts.
fn grant(credit: &Semaphore, parts: u32) {
    // The maximum of a semaphore is effectively unlimited.
    let room = Semaphore::MAX_PERMITS - credit.available_permits();
    credit.add_permits(usize::try_from(parts).unwrap_or(usize::MAX).min(room));
}
