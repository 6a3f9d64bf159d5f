//! The state that the handles, the serving future and the jobs of a responder share.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use zmtp_proto::rpc::ErrorCode;
use zmtp_proto::rpc::envelope::{Content, EnvelopeError};

use super::backlog::{BacklogEntry, NextStep};
use super::backlog_delivery::BacklogDelivery;
use super::budget::Budget;
use super::counters::Count;
use super::jobs::JobId;
use super::ledger::Ledger;
use super::limits::Limits;
use crate::error::TryRouteError;
use crate::message::Message;
use crate::routing_id::RoutingId;
use crate::rpc::{Failure, unaddressed};
use crate::socket::Server;
use crate::socket::tracked::{PipeKey, Tracked};

/// The server and the ledger of a responder.
#[derive(Debug)]
pub(super) struct ResponderState {
    pub(super) server: Server,
    pub(super) ledger: Arc<Ledger>,
}

/// The reason that a message could not be queued immediately.
#[derive(Debug)]
pub(super) enum CannotQueue {
    Full(Message),
    /// Its remote is disconnected, or the server is closed.
    Gone,
}

/// The result of sending a part of a stream.
#[derive(Debug)]
pub(super) enum PartDelivery {
    Sent,
    /// It waits for queue capacity; the receiver completes when it is queued.
    Waits(oneshot::Receiver<()>),
    /// Too many bytes already wait for its remote.
    TooMuch,
    /// The remote is disconnected.
    Gone,
}

impl ResponderState {
    pub(super) fn new(server: Server, limits: Limits) -> Self {
        Self { server, ledger: Arc::new(Ledger::new(limits)) }
    }

    /// Creates the state for a task that holds the server temporarily.
    pub(super) fn of_task(server: Server, ledger: Arc<Ledger>) -> Self {
        Self { server, ledger }
    }

    /// Runs a future in the background.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.server.runtime().spawn(task);
    }

    /// Sends a message; returns it if the queue is full.
    #[inline]
    pub(super) fn try_send(&self, to: RoutingId, message: Message) -> Result<(), CannotQueue> {
        self.server.try_route(to, message).map_err(|error| match error {
            TryRouteError::Full(message) => CannotQueue::Full(message),
            TryRouteError::Closed(_) | TryRouteError::HostUnreachable(_) => CannotQueue::Gone,
        })
    }

    /// Sends the answer to a request and ends its job, as soon as there is queue capacity.
    pub(super) fn answer(&self, id: JobId, to: RoutingId, message: Message, outcome: Count) {
        match self.try_send(to, message) {
            Ok(()) => self.ledger.finish(id, outcome),
            Err(CannotQueue::Gone) => self.ledger.finish(id, Count::Disconnected),
            Err(CannotQueue::Full(message)) => self.answer_later(id, to, message, outcome),
        }
    }

    /// Sends the answer to a request and ends its job, if the queue is known to be full.
    #[cold]
    pub(super) fn answer_later(&self, id: JobId, to: RoutingId, message: Message, outcome: Count) {
        let mut jobs = self.ledger.jobs.lock();
        if !jobs.answered(id) {
            return;
        }
        let kept = jobs.loads.budget(id.pipe).try_keep(message.len());
        let (message, outcome) = match kept {
            Some(_) => (message, outcome),
            None => (error(id.call, &too_much()), Count::Unread),
        };
        let entry =
            BacklogEntry { call: id.call, message, next_step: NextStep::Answer(outcome), kept };
        let is_first = jobs.loads.push(id.pipe, entry);
        drop(jobs);
        self.deliver(is_first, id, to);
    }

    /// Sends a part of a stream, as soon as there is queue capacity.
    pub(super) fn send_part(
        &self,
        id: JobId,
        to: RoutingId,
        message: Message,
        budget: &Budget,
        kept: Option<OwnedSemaphorePermit>,
    ) -> PartDelivery {
        let message = match self.try_send(to, message) {
            Ok(()) => return PartDelivery::Sent,
            Err(CannotQueue::Gone) => return PartDelivery::Gone,
            Err(CannotQueue::Full(message)) => message,
        };
        let kept = budget.try_keep_more(kept, message.len());
        if kept.is_none() {
            return PartDelivery::TooMuch;
        }
        let (sender, receiver) = oneshot::channel();
        let entry =
            BacklogEntry { call: id.call, message, next_step: NextStep::Part(sender), kept };
        self.push(id, to, entry);
        PartDelivery::Waits(receiver)
    }

    /// Sends an error for a request without a job, as soon as there is queue capacity.
    #[cold]
    pub(super) fn refuse(&self, id: JobId, to: RoutingId, failure: &Failure) {
        if let Err(CannotQueue::Full(message)) = self.try_send(to, error(id.call, failure)) {
            let entry =
                BacklogEntry { call: id.call, message, next_step: NextStep::Notice, kept: None };
            self.push(id, to, entry);
        }
    }

    /// Sends an error with one of the protocol's codes and without a text.
    #[cold]
    pub(super) fn refuse_with(&self, id: JobId, to: RoutingId, code: ErrorCode) {
        self.refuse(id, to, &Failure::new(code, ""));
    }

    /// Sends an error for a malformed message, if it has an id.
    #[cold]
    pub(super) fn refuse_malformed(&self, pipe: PipeKey, to: RoutingId, error: EnvelopeError) {
        self.count(Count::Malformed);
        match error {
            EnvelopeError::TooShort { .. } => {}
            EnvelopeError::Malformed { id } => {
                self.refuse_with(JobId { pipe, call: id }, to, ErrorCode::MALFORMED);
            }
            EnvelopeError::Unsupported { id } => {
                self.refuse_with(JobId { pipe, call: id }, to, ErrorCode::UNSUPPORTED);
            }
        }
    }

    fn push(&self, id: JobId, to: RoutingId, entry: BacklogEntry) {
        let is_first = self.ledger.jobs.lock().loads.push(id.pipe, entry);
        self.deliver(is_first, id, to);
    }

    /// Pauses a remote when its first message waits, until all its messages are queued.
    fn deliver(&self, is_first: bool, id: JobId, to: RoutingId) {
        if is_first {
            self.server.pause(to);
            self.spawn(BacklogDelivery::new(&self.server, Arc::clone(&self.ledger), id.pipe, to));
        }
    }

    /// Returns whether no request is in progress and no message waits for queue capacity.
    pub(super) fn is_idle(&self) -> bool {
        self.ledger.jobs.lock().is_idle()
    }

    #[inline]
    pub(super) fn count(&self, count: Count) {
        self.ledger.count(count);
    }
}

/// Encodes the ERROR of a call.
#[cold]
pub(super) fn error(call: u64, failure: &Failure) -> Message {
    let (code, detail, text) = (failure.code(), failure.detail(), failure.text());
    unaddressed::message(call, Content::Error { code, detail, text })
}

/// Creates the failure that replaces a dropped reply.
pub(super) fn too_much() -> Failure {
    Failure::new(ErrorCode::FAILED, "the reply was dropped: too many replies wait to be read")
}
