//! Refuses requests that are no longer served.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use zmtp_proto::rpc::ErrorCode;
use zmtp_proto::rpc::envelope::{Content, Envelope};

use super::counters::Count;
use super::job_id::JobId;
use super::ledger::LedgerOf;
use super::shared::ResponderState;
use crate::message::Message;
use crate::remote::Remote;
use crate::rpc::RespondingSocket;
use crate::rpc::batch::{BATCH, BATCHES_PER_WAKE};
use crate::socket::tracked::{ConnectionEnds, InLine, PipeKey, WeakSocket};

/// The task that replaces a dropped serving future. Without it, requests that have not been
/// received yet, and later ones, would never be answered. It ends when any responder serves the
/// socket again, or with the socket, which it does not keep alive.
#[derive(Debug)]
pub(super) struct Refusing<S: RespondingSocket> {
    /// The position in the socket's line of receivers.
    position: InLine<WeakSocket<S>>,
    ledger: Arc<LedgerOf<S>>,
    ends: Arc<ConnectionEnds>,
    /// The number of this task's watch of the ends.
    watch: u64,
    /// Empty between calls of `poll`; kept to reuse its memory.
    received: Vec<((PipeKey, Remote), Message)>,
}

impl<S: RespondingSocket> Refusing<S> {
    pub(super) fn new(shared: &ResponderState<S>) -> Self {
        let ends = shared.socket.watch_ends();
        Self {
            position: InLine::new(shared.socket.downgrade()),
            ledger: Arc::clone(&shared.ledger),
            watch: ends.watch(),
            ends,
            received: Vec::with_capacity(BATCH),
        }
    }
}

impl<S: RespondingSocket> Future for Refusing<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { position, ledger, ends, watch, received } = &mut *self;
        let (socket, ticket) = position.parts();
        let Some(socket) = socket.upgrade() else { return Poll::Ready(()) };
        let shared = ResponderState::of_task(socket, Arc::clone(ledger));
        for _ in 0..BATCHES_PER_WAKE {
            if !ends.discard(*watch, cx.waker()) {
                return Poll::Ready(());
            }
            let origin = |pipe, remote: &Remote| (pipe, remote.clone());
            let got = ready!(shared.socket.poll_receive_many(ticket, cx, received, origin));
            if got.is_err() {
                return Poll::Ready(());
            }
            for ((pipe, remote), message) in received.drain(..) {
                refuse(&shared, pipe, &remote, &message);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn refuse<S: RespondingSocket>(
    shared: &ResponderState<S>,
    pipe: PipeKey,
    remote: &Remote,
    message: &Message,
) {
    let Some((path, decoded)) = S::open(message, remote) else {
        return shared.count(Count::Malformed);
    };
    match decoded {
        Ok(Envelope { id: call, content: Content::Request(_) }) => {
            shared.count(Count::Received);
            shared.count(Count::ShuttingDown);
            let id = JobId::new(pipe, &path, call);
            shared.refuse_with(id, &path, ErrorCode::SHUTTING_DOWN);
        }
        Ok(_) => shared.count(Count::Unknown),
        Err(error) => shared.refuse_malformed(pipe, &path, error),
    }
}
