//! What a responder's handles, its serving and its jobs share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::counters::{Count, Counters};
use super::jobs::{JobId, Jobs};
use crate::error::TryRouteError;
use crate::message::Message;
use crate::routing_id::RoutingId;
use crate::rpc::envelope::Content;
use crate::rpc::stats::ResponderStats;
use crate::rpc::{ErrorCode, Failure, draft};
use crate::socket::Server;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) server: Server,
    jobs: Mutex<Jobs>,
    counters: Counters,
    waiting: AtomicU64,
    pub(super) max_running: usize,
    pub(super) max_waiting: usize,
}

impl Shared {
    pub(super) fn new(server: Server, max_running: usize, max_waiting: usize) -> Self {
        Self {
            server,
            jobs: Mutex::default(),
            counters: Counters::default(),
            waiting: AtomicU64::new(0),
            max_running,
            max_waiting,
        }
    }

    pub(super) fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub(super) fn count(&self, count: Count) {
        self.counters.add(count);
    }

    pub(super) fn set_waiting(&self, waiting: usize) {
        self.waiting.store(waiting as u64, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> ResponderStats {
        let running = self.jobs().len() as u64;
        self.counters.read(self.waiting.load(Ordering::Relaxed), running)
    }

    /// Ends a job that is there still, and says what has become of it.
    pub(super) fn finish(&self, id: JobId, outcome: Count) {
        let taken = self.jobs().take(id);
        if let Some((_, woken)) = taken {
            self.count(outcome);
            if let Some(woken) = woken {
                woken.wake();
            }
        }
    }

    /// Sends a message if there is room; hands it back if there is none.
    #[inline]
    pub(super) fn try_send(&self, to: RoutingId, message: Message) -> Result<(), Refused> {
        self.server.try_route(message, to).map_err(|error| match error {
            TryRouteError::Full(message) => Refused::Full(message),
            TryRouteError::Closed(_) | TryRouteError::HostUnreachable(_) => Refused::Gone,
        })
    }

    /// Tells a requester that there will be no reply, if there is room for that.
    #[cold]
    pub(super) fn refuse(&self, to: RoutingId, call: u64, failure: &Failure) {
        if let Err(Refused::Full(_)) = self.try_send(to, error(call, failure)) {
            self.count(Count::Unanswered);
        }
    }

    /// Does the same for one of the protocol's reasons.
    #[cold]
    pub(super) fn refuse_with(&self, to: RoutingId, call: u64, code: ErrorCode) {
        self.refuse(to, call, &Failure::new(code, ""));
    }
}

/// Why a message could not be sent at once.
#[derive(Debug)]
pub(super) enum Refused {
    Full(Message),
    /// Its remote has gone, or the server is closed.
    Gone,
}

/// The ERROR of a call.
#[cold]
pub(super) fn error(call: u64, failure: &Failure) -> Message {
    let (code, detail, text) = (failure.code(), failure.detail(), failure.text());
    draft::message(call, Content::Error { code, detail, text })
}
