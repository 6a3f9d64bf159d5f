//! Refuses requests that are no longer served.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use zmtp_proto::rpc::ErrorCode;
use zmtp_proto::rpc::envelope::{Content, Envelope};

use super::counters::Count;
use super::jobs::JobId;
use super::ledger::Ledger;
use super::shared::ResponderState;
use crate::message::Message;
use crate::remote::Remote;
use crate::rpc::batch::{BATCH, BATCHES_PER_WAKE};
use crate::socket::tracked::{ConnectionEnds, InLine, PipeKey, Tracked, WeakServer};

/// The task that replaces a dropped serving future. Without it, requests that have not been
/// received yet, and later ones, would never be answered. It ends when any responder serves the
/// server again, or with the server, which it does not keep alive.
#[derive(Debug)]
pub(super) struct Refusing {
    /// The position in the server's line of receivers.
    position: InLine<WeakServer>,
    ledger: Arc<Ledger>,
    ends: Arc<ConnectionEnds>,
    /// The number of this task's watch of the ends.
    watch: u64,
    /// Empty between calls of `poll`; kept to reuse its memory.
    received: Vec<((PipeKey, Remote), Message)>,
}

impl Refusing {
    pub(super) fn new(shared: &ResponderState) -> Self {
        let ends = shared.server.watch_ends();
        Self {
            position: InLine::new(shared.server.downgrade()),
            ledger: Arc::clone(&shared.ledger),
            watch: ends.watch(),
            ends,
            received: Vec::with_capacity(BATCH),
        }
    }
}

impl Future for Refusing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { position, ledger, ends, watch, received } = &mut *self;
        let (server, ticket) = position.parts();
        let Some(server) = server.upgrade() else { return Poll::Ready(()) };
        let shared = ResponderState::of_task(server, Arc::clone(ledger));
        for _ in 0..BATCHES_PER_WAKE {
            if !ends.discard(*watch, cx.waker()) {
                return Poll::Ready(());
            }
            let origin = |pipe, remote: &Remote| (pipe, remote.clone());
            let got = ready!(shared.server.poll_receive_many(ticket, cx, received, origin));
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

fn refuse(shared: &ResponderState, pipe: PipeKey, remote: &Remote, message: &Message) {
    let Some(routing_id) = remote.routing_id() else { return };
    match Envelope::decode(message) {
        Ok(Envelope { id: call, content: Content::Request(_) }) => {
            shared.count(Count::Received);
            shared.count(Count::ShuttingDown);
            let id = JobId { pipe, call };
            shared.refuse_with(id, routing_id, ErrorCode::SHUTTING_DOWN);
        }
        Ok(_) => shared.count(Count::Unknown),
        Err(error) => shared.refuse_malformed(pipe, routing_id, error),
    }
}
