//! The state that the handles, the calls and the dispatcher of one requester share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

use zmtp_proto::rpc::envelope::Content;

use super::calls::Calls;
use super::reply_parts::NextPart;
use crate::rpc::{CallError, RequestingSocket, unaddressed};
use crate::socket::tracked::{PipeKey, Refusal};
use crate::sync::Lock;

/// The socket and its calls. The dispatcher ends when the last handle and the last call are
/// dropped.
#[derive(Debug)]
pub(super) struct RequesterCore<S: RequestingSocket> {
    pub(super) socket: S,
    /// Requests are queued under this lock, so that no reply and no end of a connection is handled
    /// between queuing a request and adding its call.
    pub(super) calls: Arc<Lock<Calls>>,
    /// The number of connected servers that accept requests.
    open: Arc<AtomicUsize>,
    /// The waker of the dispatcher.
    dispatcher: Lock<Option<Waker>>,
    pub(super) timeout: Option<Duration>,
    pub(super) stream_window: u32,
}

impl<S: RequestingSocket> RequesterCore<S> {
    pub(super) fn new(
        socket: S,
        calls: Calls,
        open: Arc<AtomicUsize>,
        timeout: Option<Duration>,
        stream_window: u32,
    ) -> Arc<Self> {
        Arc::new(Self {
            calls: Arc::new(Lock::new(calls)),
            open,
            dispatcher: Lock::default(),
            timeout,
            stream_window,
            socket,
        })
    }

    /// Returns the error of a call that waits for a server, if none can be expected.
    pub(super) fn hopeless(&self) -> Option<CallError> {
        if self.is_open() { None } else { self.socket.hopeless().map(CallError::NoEndpoint) }
    }

    /// Returns whether a connected server accepts requests. It takes no lock, because handles check
    /// it before every call.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }

    /// Wakes the dispatcher, to check the clock and to send the credit that is owed.
    pub(super) fn wake_dispatcher(&self) {
        self.dispatcher.with(|dispatcher, wakes| wakes.extend(dispatcher.take()));
    }

    pub(super) fn set_dispatcher(&self, waker: &Waker) {
        let mut dispatcher = self.dispatcher.lock();
        match &mut *dispatcher {
            Some(dispatcher) => dispatcher.clone_from(waker),
            None => *dispatcher = Some(waker.clone()),
        }
    }

    /// Abandons a call whose request was queued, and cancels it at its server.
    #[cold]
    pub(super) fn abandon(&self, id: u64) {
        let (asked, _state) = self.calls.with(|calls, wakes| calls.abandon(id, wakes));
        if let Some(pipe) = asked {
            self.cancel(pipe, id);
        }
    }

    /// Sends a cancellation to the server of a call, if that accepts one.
    pub(super) fn cancel(&self, pipe: PipeKey, id: u64) {
        let cancellation = unaddressed::message(S::FRAMING, id, Content::Cancel);
        let is_sent =
            self.socket.accepts_cancel(pipe) && self.socket.try_send_to(pipe, cancellation).is_ok();
        if !is_sent {
            self.calls.lock().count_cancel_unsent();
        }
    }

    /// Grants a server credit for more parts of a stream. If its queue is full, the dispatcher
    /// sends the credit later.
    pub(super) fn grant_credit(&self, pipe: PipeKey, id: u64, parts: u32) -> Result<(), Refusal> {
        let credit = unaddressed::message(S::FRAMING, id, Content::Credit(parts));
        let sent = self.socket.try_send_to(pipe, credit);
        if let Err(Refusal::Full) = sent {
            self.calls.lock().owe(id, parts);
        }
        sent
    }

    /// Sends the credit that is due after a part was fetched from a stream.
    pub(super) fn after_next(&self, next: &NextPart, pipe: PipeKey, id: u64) {
        if let NextPart::Part(_, Some(parts)) = next {
            if self.grant_credit(pipe, id, *parts) == Err(Refusal::Full) {
                self.wake_dispatcher();
            }
        }
    }
}

impl<S: RequestingSocket> Drop for RequesterCore<S> {
    fn drop(&mut self) {
        let stranded: Vec<_> = self.calls.lock().take_stranded().collect();
        for message in stranded {
            self.socket.count_undelivered(message);
        }
        self.socket.unwatch_connections();
        self.wake_dispatcher();
    }
}
