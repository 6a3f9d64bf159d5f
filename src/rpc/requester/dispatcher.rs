//! Dispatches replies to their calls.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tokio::time::{self, Instant, Sleep};
use tokio_stream::wrappers::WatchStream;
use zmtp_proto::rpc::envelope::{CONNECTION, Content, Envelope, EnvelopeError};

use super::calls::{Answer, AskedPipe, Calls};
use super::core::RequesterCore;
use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::remote::Remote;
use crate::rpc::batch::{BATCH, BATCHES_PER_WAKE};
use crate::rpc::deferred_ends::DeferredEnds;
use crate::rpc::{CallError, Failure, RequestingSocket, unaddressed};
use crate::socket::tracked::{
    ConnectionEnd, ConnectionEnds, InLine, PipeKey, Presence, Refusal, WeakSenders, WeakSocket,
};
use crate::sync::Wakes;

/// The task of a requester. It receives replies, handles the ends of connections, requeues stranded
/// requests and enforces deadlines.
#[derive(Debug)]
pub(super) struct Dispatcher<S: RequestingSocket> {
    core: Weak<RequesterCore<S>>,
    /// The position in the socket's line of receivers. Other handles of the socket can outlive the
    /// requester.
    receiving: InLine<WeakSocket<S>>,
    /// The position in the socket's line of senders, for stranded requests.
    sending: InLine<WeakSenders<S>>,
    /// The presence of servers, watched while requests are stranded.
    presence: Option<Pin<Box<WatchStream<Presence>>>>,
    endings: DeferredEnds,
    /// Empty between calls of `poll`, as are the next three; kept to reuse their memory.
    received: Vec<(From, Message)>,
    wakes: Wakes,
    /// Calls to cancel, because their server violated the protocol.
    broken: Vec<(PipeKey, u64)>,
    /// Connections whose servers have sent DRAIN.
    draining: Vec<From>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// The server of a message, and the connection that it arrived on.
type From = (PipeKey, ConnectionId);

impl<S: RequestingSocket> Dispatcher<S> {
    pub(super) fn new(core: &Arc<RequesterCore<S>>, ends: Arc<ConnectionEnds>) -> Self {
        Self {
            core: Arc::downgrade(core),
            receiving: InLine::new(core.socket.downgrade()),
            sending: InLine::new(core.socket.senders()),
            presence: None,
            endings: DeferredEnds::new(ends),
            received: Vec::with_capacity(BATCH),
            wakes: Wakes::None,
            broken: Vec::new(),
            draining: Vec::new(),
            timer: None,
        }
    }

    /// Receives until no message is left; ready when the socket is closed.
    fn poll_receive(&mut self, core: &RequesterCore<S>, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BATCHES_PER_WAKE {
            let due = self.endings.poll(cx.waker(), |end| core.socket.unread(end));
            self.strand(core);
            self.fail_ended(core, &due);
            self.requeue_stranded(core, cx);
            let Self { receiving, received, .. } = self;
            let (_, ticket) = receiving.parts();
            let from = |pipe, remote: &Remote| (pipe, remote.connection_id());
            match core.socket.poll_receive_many(ticket, cx, received, from) {
                Poll::Ready(Ok(())) => self.handle(core),
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Handles the received messages.
    fn handle(&mut self, core: &RequesterCore<S>) {
        let Self { received, wakes, broken, draining, endings, .. } = self;
        let mut due = Vec::new();
        core.calls.with_wakes(wakes, |calls, wakes| {
            for &((pipe, connection), ref message) in &*received {
                match handle::<S>(calls, pipe, message, wakes) {
                    Handled::Done => {}
                    Handled::Broken(pipe, id) => broken.push((pipe, id)),
                    Handled::Drain => draining.push((pipe, connection)),
                }
                due.extend(endings.handled(pipe));
            }
        });
        self.fail_ended(core, &due);
        let Self { received, broken, draining, .. } = self;
        // Over inproc they may own user values, which must not be dropped under the lock.
        received.clear();
        for (pipe, id) in broken.drain(..) {
            core.cancel(pipe, id);
        }
        for (pipe, connection) in draining.drain(..) {
            let acknowledgement = unaddressed::message(S::FRAMING, CONNECTION, Content::Drained);
            core.socket.drain(pipe, connection, acknowledgement);
        }
    }

    /// Strands the requests that ended connections did not write.
    fn strand(&mut self, core: &RequesterCore<S>) {
        let unwritten = self.endings.take_unwritten();
        if unwritten.is_empty() {
            return;
        }
        let dropped: Vec<_> = core.calls.with_wakes(&mut self.wakes, |calls, wakes| {
            unwritten.into_iter().filter_map(|left| calls.strand::<S>(left, wakes)).collect()
        });
        for (message, refused_by) in dropped {
            match refused_by {
                Some(remote) => core.socket.count_refused(&remote, message),
                None => core.socket.count_undelivered(message),
            }
        }
    }

    /// Queues stranded requests for connected servers, as soon as there is capacity.
    fn requeue_stranded(&mut self, core: &RequesterCore<S>, cx: &mut Context<'_>) {
        loop {
            let (_, line) = self.sending.parts();
            let placed = core.calls.with(|calls, wakes| {
                let Some((id, message, is_waiting)) = calls.next_stranded() else {
                    return Placed::All;
                };
                if !is_waiting {
                    return Placed::Over(message);
                }
                let mut message = Some(message);
                let make =
                    |position| calls.place::<S>(id, position, message.take().unwrap_or_default());
                let sent = core.socket.poll_send_with(make, line, cx.waker(), wakes);
                if let Some(message) = message {
                    calls.restore_stranded(id, message);
                }
                if matches!(sent, Poll::Ready(Ok(()))) { Placed::One } else { Placed::Full }
            });
            match placed {
                Placed::One => continue,
                Placed::Over(message) => {
                    core.socket.count_undelivered(message);
                    continue;
                }
                Placed::Full => {}
                Placed::All => break,
            }
            if self.poll_deserted(core, cx).is_pending() {
                return;
            }
            let wakes = &mut self.wakes;
            let error = core.hopeless().unwrap_or(CallError::Undelivered);
            let unsent =
                core.calls.with_wakes(wakes, |calls, wakes| calls.fail_stranded(&error, wakes));
            for message in unsent {
                core.socket.count_undelivered(message);
            }
        }
        self.presence = None;
        self.sending.cancel();
    }

    /// Ready when no server is connected, and no endpoint is left that could connect one.
    fn poll_deserted(&mut self, core: &RequesterCore<S>, cx: &mut Context<'_>) -> Poll<()> {
        let presence =
            self.presence.get_or_insert_with(|| Box::pin(WatchStream::new(core.socket.presence())));
        while let Poll::Ready(Some(presence)) = presence.as_mut().poll_next(cx) {
            if presence.connected == 0 && presence.endpoints == 0 {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Fails all calls, and all callers that wait for a slot.
    fn close(&mut self, core: &RequesterCore<S>) {
        let stranded: Vec<_> = core.calls.with(|calls, wakes| {
            calls.close(wakes);
            calls.take_stranded().collect()
        });
        core.socket.wake_unconnected();
        for message in stranded {
            core.socket.count_undelivered(message);
        }
        self.sending.cancel();
    }

    /// Fails the calls of ended connections, unless the socket is closed: then that is what fails
    /// them, after the last message.
    fn fail_ended(&mut self, core: &RequesterCore<S>, ends: &[ConnectionEnd]) {
        if !ends.is_empty() && !core.socket.is_closed() {
            core.calls.with_wakes(&mut self.wakes, |calls, wakes| calls.fail_ended(ends, wakes));
        }
    }

    /// Fails calls whose deadline has passed, sends the credit that is owed, and registers for the
    /// next time at which either is necessary.
    fn poll_time(&mut self, core: &RequesterCore<S>, cx: &mut Context<'_>) {
        loop {
            let now = Instant::now();
            let (mut rings, is_owing) = core.calls.with_wakes(&mut self.wakes, |calls, wakes| {
                calls.expire(now, wakes);
                (calls.clock.rings(), calls.is_owing())
            });
            if is_owing && !send_owed_credit(core) {
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

impl<S: RequestingSocket> Future for Dispatcher<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(core) = self.core.upgrade() else { return Poll::Ready(()) };
        core.set_dispatcher(cx.waker());
        if self.poll_receive(&core, cx).is_ready() {
            self.close(&core);
            return Poll::Ready(());
        }
        self.poll_time(&core, cx);
        Poll::Pending
    }
}

impl<S: RequestingSocket> Drop for Dispatcher<S> {
    /// Ends the calls, because a runtime that shuts down drops the dispatcher early. Its positions
    /// in the lines of the socket are released, so that other handles get messages and capacity.
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            self.close(&core);
        }
    }
}

/// The result of queuing the request that has been stranded the longest.
#[derive(Debug)]
enum Placed {
    One,
    /// Its call no longer waits.
    Over(Message),
    /// No queue has capacity.
    Full,
    /// No request is stranded.
    All,
}

/// The remaining step for a handled message.
#[derive(Debug)]
enum Handled {
    Done,
    /// Cancel a call of this server, which has failed because the server violated the protocol.
    Broken(PipeKey, u64),
    /// Send no more requests to the server over this connection.
    Drain,
}

impl Handled {
    #[inline]
    fn cancelling(asked: AskedPipe, id: u64) -> Self {
        asked.map_or(Self::Done, |pipe| Self::Broken(pipe, id))
    }
}

/// Handles one message.
#[inline]
fn handle<S: RequestingSocket>(
    calls: &mut Calls,
    from: PipeKey,
    message: &Message,
    wakes: &mut Wakes,
) -> Handled {
    let Some(opened) = S::open(message) else {
        calls.count_malformed();
        return Handled::Done;
    };
    let Envelope { id, content } = match Envelope::decode(opened) {
        Ok(envelope) => envelope,
        Err(error) => return handle_malformed(calls, from, error, wakes),
    };
    let answer = match content {
        Content::Reply(body) => Answer::Reply(unaddressed::last(message, body.len())),
        Content::Part(body) => Answer::Part(unaddressed::last(message, body.len())),
        Content::Error { code, detail, text } => {
            Answer::Error(Failure::received(code, detail, text))
        }
        Content::End => Answer::End,
        Content::Request(_) | Content::Cancel | Content::Credit(_) | Content::Drained => {
            calls.count_malformed();
            return Handled::Done;
        }
        Content::Drain => return Handled::Drain,
    };
    Handled::cancelling(calls.handle(from, id, answer, wakes), id)
}

/// Fails the call of a malformed message, which would otherwise wait indefinitely.
#[cold]
fn handle_malformed(
    calls: &mut Calls,
    from: PipeKey,
    error: EnvelopeError,
    wakes: &mut Wakes,
) -> Handled {
    calls.count_malformed();
    match error {
        EnvelopeError::TooShort { .. } => Handled::Done,
        EnvelopeError::Malformed { id } | EnvelopeError::Unsupported { id } => {
            Handled::cancelling(calls.handle(from, id, Answer::Unreadable, wakes), id)
        }
    }
}

/// Sends the credit that is owed; returns false if a queue is still full.
fn send_owed_credit<S: RequestingSocket>(core: &RequesterCore<S>) -> bool {
    loop {
        let owed = core.calls.lock().take_owed();
        let Some((id, pipe, parts)) = owed else { return true };
        if core.grant_credit(pipe, id, parts) == Err(Refusal::Full) {
            return false;
        }
    }
}

/// The interval between attempts to queue the credit that is owed.
const RETRY: Duration = Duration::from_millis(1);
