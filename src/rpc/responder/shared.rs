//! The state that the handles, the serving future and the jobs of a responder share.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use zmtp_proto::rpc::ErrorCode;
use zmtp_proto::rpc::envelope::{Content, EnvelopeError};

use super::backlog::{BacklogEntry, NextStep};
use super::backlog_delivery::BacklogDelivery;
use super::budget::Budget;
use super::counters::Count;
use super::job_id::JobId;
use super::ledger::{Ledger, LedgerOf};
use super::limits::Limits;
use crate::message::Message;
use crate::rpc::framing::Framing;
use crate::rpc::return_path::ReturnPath;
use crate::rpc::{Failure, RespondingSocket, unaddressed};
use crate::socket::tracked::{PipeKey, Refusal};

/// The socket and the ledger of a responder.
#[derive(Debug)]
pub(super) struct ResponderState<S: RespondingSocket> {
    pub(super) socket: S,
    pub(super) ledger: Arc<LedgerOf<S>>,
}

/// The reason that a message could not be queued immediately.
#[derive(Debug)]
pub(super) enum CannotQueue {
    Full(Message),
    /// Its remote is disconnected, or the socket is closed.
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

impl<S: RespondingSocket> ResponderState<S> {
    pub(super) fn new(socket: S, limits: Limits) -> Self {
        Self { socket, ledger: Arc::new(Ledger::new(limits)) }
    }

    /// Creates the state for a task that holds the socket temporarily.
    pub(super) const fn of_task(socket: S, ledger: Arc<LedgerOf<S>>) -> Self {
        Self { socket, ledger }
    }

    /// Runs a future in the background.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.socket.runtime().spawn(task);
    }

    /// Sends a message; returns it if the queue is full.
    #[inline]
    pub(super) fn try_send(&self, to: &S::Key, message: Message) -> Result<(), CannotQueue> {
        let mut message = Some(message);
        self.socket.try_route_to(to, &mut message).map_err(|refusal| match (refusal, message) {
            (Refusal::Full, Some(message)) => CannotQueue::Full(message),
            _ => CannotQueue::Gone,
        })
    }

    /// Sends the answer to a request and ends its job, as soon as there is queue capacity.
    pub(super) fn answer(&self, id: JobId, path: &S::Path, message: Message, outcome: Count) {
        match self.try_send(&path.key(), message) {
            Ok(()) => self.ledger.finish(id, outcome),
            Err(CannotQueue::Gone) => self.ledger.finish(id, Count::Disconnected),
            Err(CannotQueue::Full(message)) => self.answer_later(id, path, message, outcome),
        }
    }

    /// Sends the answer to a request and ends its job, if the queue is known to be full.
    #[cold]
    pub(super) fn answer_later(&self, id: JobId, path: &S::Path, message: Message, outcome: Count) {
        let mut jobs = self.ledger.jobs.lock();
        if !jobs.answered(id) {
            return;
        }
        let kept = jobs.loads.budget(id.pipe).try_keep(message.len());
        let (message, outcome) = match kept {
            Some(_) => (message, outcome),
            None => (error(path.framing(), id.call, &too_much()), Count::Unread),
        };
        let entry = BacklogEntry { id, message, next_step: NextStep::Answer(outcome), kept };
        let begun = jobs.loads.push(id.pipe, entry);
        drop(jobs);
        self.deliver(begun, id, path.key());
    }

    /// Sends a part of a stream, as soon as there is queue capacity.
    pub(super) fn send_part(
        &self,
        id: JobId,
        to: S::Key,
        message: Message,
        budget: &Budget,
        kept: Option<OwnedSemaphorePermit>,
    ) -> PartDelivery {
        let message = match self.try_send(&to, message) {
            Ok(()) => return PartDelivery::Sent,
            Err(CannotQueue::Gone) => return PartDelivery::Gone,
            Err(CannotQueue::Full(message)) => message,
        };
        let kept = budget.try_keep_more(kept, message.len());
        if kept.is_none() {
            return PartDelivery::TooMuch;
        }
        let (sender, receiver) = oneshot::channel();
        let entry = BacklogEntry { id, message, next_step: NextStep::Part(sender), kept };
        self.push(id, to, entry);
        PartDelivery::Waits(receiver)
    }

    /// Sends an error for a request without a job, as soon as there is queue capacity.
    #[cold]
    pub(super) fn refuse(&self, id: JobId, path: &S::Path, failure: &Failure) {
        let message = error(path.framing(), id.call, failure);
        if let Err(CannotQueue::Full(message)) = self.try_send(&path.key(), message) {
            let entry = BacklogEntry { id, message, next_step: NextStep::Notice, kept: None };
            self.push(id, path.key(), entry);
        }
    }

    /// Sends an error with one of the protocol's codes and without a text.
    #[cold]
    pub(super) fn refuse_with(&self, id: JobId, path: &S::Path, code: ErrorCode) {
        self.refuse(id, path, &Failure::new(code, ""));
    }

    /// Sends an error for a malformed message, if it has an id.
    #[cold]
    pub(super) fn refuse_malformed(&self, pipe: PipeKey, path: &S::Path, error: EnvelopeError) {
        self.count(Count::Malformed);
        match error {
            EnvelopeError::TooShort { .. } => {}
            EnvelopeError::Malformed { id } => {
                self.refuse_with(JobId::new(pipe, path, id), path, ErrorCode::MALFORMED);
            }
            EnvelopeError::Unsupported { id } => {
                self.refuse_with(JobId::new(pipe, path, id), path, ErrorCode::UNSUPPORTED);
            }
        }
    }

    fn push(&self, id: JobId, to: S::Key, entry: BacklogEntry) {
        let begun = self.ledger.jobs.lock().loads.push(id.pipe, entry);
        self.deliver(begun, id, to);
    }

    /// Pauses a remote when its first message begins a backlog, until all its messages are queued.
    fn deliver(&self, begun: Option<u64>, id: JobId, to: S::Key) {
        if let Some(number) = begun {
            self.socket.pause(&to);
            let ledger = Arc::clone(&self.ledger);
            self.spawn(BacklogDelivery::new(&self.socket, ledger, id, to, number));
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
pub(super) fn error(framing: Framing<'_>, call: u64, failure: &Failure) -> Message {
    let (code, detail, text) = (failure.code(), failure.detail(), failure.text());
    unaddressed::message(framing, call, Content::Error { code, detail, text })
}

/// Creates the failure that replaces a dropped reply.
pub(super) fn too_much() -> Failure {
    Failure::new(ErrorCode::FAILED, "the reply was dropped: too many replies wait to be read")
}
