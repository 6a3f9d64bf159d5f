//! Hands replies to the calls that they belong to.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{self, Instant, Sleep};

use super::calls::{Asked, Calls, Word};
use super::core::Core;
use crate::message::Message;
use crate::pipe::{PipeKey, Ticket};
use crate::routing::{End, Refusal, wake_all};
use crate::rpc::Failure;
use crate::rpc::draft;
use crate::rpc::endings::Endings;
use crate::rpc::envelope::{Content, Envelope, EnvelopeError};

/// The one task of a requester: it receives, hears of connections that are lost, and keeps the time.
#[derive(Debug)]
pub(super) struct Dispatcher {
    core: Weak<Core>,
    /// The place in the client's line.
    ticket: Option<Ticket>,
    endings: Endings,
    /// Empty but for moments, as the rest are; kept for their memory.
    received: Vec<(PipeKey, Message)>,
    woken: Vec<Waker>,
    /// Calls that servers are to be told of that nobody waits any more.
    broken: Vec<(PipeKey, u64)>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Dispatcher {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        Self {
            core: Arc::downgrade(core),
            ticket: None,
            endings: Endings::new(core.client.watch_ends()),
            received: Vec::with_capacity(BATCH),
            woken: Vec::new(),
            broken: Vec::new(),
            timer: None,
        }
    }

    /// Receives until there is nothing; ready when the last handle has gone, or the client is closed.
    fn poll_receive(&mut self, core: &Core, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BATCHES_PER_WAKE {
            let due = self.endings.poll(cx.waker(), |end| core.client.unread(end));
            self.lose(core, &due);
            let Self { ticket, received, .. } = self;
            let got = core.client.poll_receive_many(ticket, cx, received, |pipe, _| pipe);
            match got {
                Poll::Ready(Ok(())) => self.handle(core),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Handles what was received.
    fn handle(&mut self, core: &Core) {
        let Self { received, woken, broken, endings, .. } = self;
        let mut calls = core.calls();
        for (pipe, message) in received.drain(..) {
            if let (Some(pipe), id) = handle(&mut calls, pipe, message, woken) {
                broken.push((pipe, id));
            }
            if let Some(end) = endings.handled(pipe) {
                calls.lose(&end, woken);
            }
        }
        drop(calls);
        wake_all(woken);
        for (pipe, id) in broken.drain(..) {
            core.cancel(pipe, id);
        }
    }

    fn lose(&mut self, core: &Core, ends: &[End]) {
        if ends.is_empty() {
            return;
        }
        let mut calls = core.calls();
        for end in ends {
            calls.lose(end, &mut self.woken);
        }
        drop(calls);
        wake_all(&mut self.woken);
    }

    /// Fails calls whose time is over, sends credit that is owed, and waits until there is more of that
    /// to do.
    fn poll_time(&mut self, core: &Core, cx: &mut Context<'_>) {
        loop {
            let now = Instant::now();
            let mut calls = core.calls();
            calls.expire(now, &mut self.woken);
            let mut rings = calls.clock.rings();
            let is_owing = calls.is_owing();
            drop(calls);
            wake_all(&mut self.woken);
            if is_owing && !give_owed(core) {
                rings = Some(rings.map_or(now + RETRY, |rings| rings.min(now + RETRY)));
            }
            let Some(rings) = rings else { return };
            let timer = self.timer.get_or_insert_with(|| Box::pin(time::sleep_until(rings)));
            if timer.deadline() != rings {
                timer.as_mut().reset(rings);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return;
            }
        }
    }
}

impl Future for Dispatcher {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(core) = self.core.upgrade() else { return Poll::Ready(()) };
        core.set_dispatcher(cx.waker());
        if self.poll_receive(&core, cx).is_ready() {
            core.calls().close(&mut self.woken);
            wake_all(&mut self.woken);
            return Poll::Ready(());
        }
        self.poll_time(&core, cx);
        Poll::Pending
    }
}

impl Drop for Dispatcher {
    /// A runtime that shuts down drops it before its time: nobody would answer the calls any more.
    fn drop(&mut self) {
        let Some(core) = self.core.upgrade() else { return };
        if let Some(ticket) = self.ticket {
            core.client.cancel_receive(ticket);
        }
        core.calls().close(&mut self.woken);
        wake_all(&mut self.woken);
    }
}

/// Handles one message. Tells which call of whom has failed by breaking the protocol.
#[inline]
fn handle(
    calls: &mut Calls,
    from: PipeKey,
    message: Message,
    woken: &mut Vec<Waker>,
) -> (Asked, u64) {
    let Envelope { id, content } = match Envelope::decode(&message) {
        Ok(envelope) => envelope,
        Err(error) => return handle_malformed(calls, from, error, woken),
    };
    let word = match content {
        Content::Reply(_) => Word::Reply(draft::body(message)),
        Content::Part(_) => Word::Part(draft::body(message)),
        Content::Error { code, detail, text } => Word::Error(Failure::received(code, detail, text)),
        Content::End => Word::End,
        Content::Request(_) | Content::Cancel | Content::Credit(_) => {
            calls.count_malformed();
            return (None, 0);
        }
    };
    (calls.handle(from, id, word, woken), id)
}

/// A call whose reply cannot be read would wait in vain.
#[cold]
fn handle_malformed(
    calls: &mut Calls,
    from: PipeKey,
    error: EnvelopeError,
    woken: &mut Vec<Waker>,
) -> (Asked, u64) {
    calls.count_malformed();
    match error {
        EnvelopeError::TooShort { .. } => (None, 0),
        EnvelopeError::Malformed { id } | EnvelopeError::Unsupported { id } => {
            (calls.handle(from, id, Word::Unreadable, woken), id)
        }
    }
}

/// Sends the credit that is owed; false if there still is no room for some of it.
fn give_owed(core: &Core) -> bool {
    loop {
        let owed = core.calls().take_owed();
        let Some((id, pipe, parts)) = owed else { return true };
        if core.give_credit(pipe, id, parts) == Err(Refusal::Full) {
            return false;
        }
    }
}

/// How many messages are taken under one lock.
const BATCH: usize = 256;

/// After so many batches other tasks get their turn.
const BATCHES_PER_WAKE: usize = 16;

/// How long to wait for room for credit.
const RETRY: Duration = Duration::from_millis(1);
