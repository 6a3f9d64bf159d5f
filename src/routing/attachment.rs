//! A remote's place in its socket, as the remote's connection sees it.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use crate::message::Message;
use crate::pipe::{HighWaterMark, PipeKey, Take};
use crate::proto::traffic::Batch;
use crate::routing::{EndpointId, FairQueue, Outgoing, lock, wake_all};
use crate::routing_id::RoutingId;

/// The routing of one socket, without the kind of its strategy.
#[derive(Clone, Debug)]
pub(crate) struct Routing {
    pub(crate) outgoing: Arc<Mutex<dyn Outgoing>>,
    pub(crate) incoming: Arc<Mutex<FairQueue>>,
    /// Messages that were accepted from a handle and ended with their remote, or with the socket.
    pub(crate) undelivered: Arc<AtomicU64>,
}

impl Routing {
    /// Adds a remote with a double queue. Returns nothing once the socket is closed.
    pub(crate) fn attach(
        &self,
        endpoint: EndpointId,
        send: HighWaterMark,
        recv: HighWaterMark,
    ) -> Option<Attachment> {
        let mut woken = Vec::new();
        let attached = lock(&self.outgoing).attach(endpoint, send, &mut woken)?;
        let inbound = lock(&self.incoming).attach(recv, attached.routing_id);
        wake_all(&mut woken);
        Some(Attachment {
            routing: self.clone(),
            outbound: attached.key,
            inbound,
            routing_id: attached.routing_id,
            taken: VecDeque::new(),
            undelivered: VecDeque::new(),
            woken,
        })
    }

    /// Stops offering an endpoint's remotes to senders; their connections end when they have written
    /// what is queued.
    pub(crate) fn retire(&self, endpoint: EndpointId) {
        let mut woken = Vec::new();
        lock(&self.outgoing).retire(endpoint, &mut woken);
        wake_all(&mut woken);
    }

    /// Refuses new messages; what is queued can still be taken and received.
    pub(crate) fn close(&self) {
        let mut woken = Vec::new();
        lock(&self.outgoing).close(&mut woken);
        lock(&self.incoming).close(&mut woken);
        wake_all(&mut woken);
    }
}

/// A double queue in its socket; dropping it takes the remote out of the socket, wakes whoever waits
/// for it, and leaves what it sent to be received.
#[derive(Debug)]
pub(crate) struct Attachment {
    routing: Routing,
    outbound: PipeKey,
    inbound: PipeKey,
    routing_id: Option<RoutingId>,
    /// What a connection took from the queue and has not written, in order.
    taken: VecDeque<Message>,
    /// What a connection read and could not deliver, in order.
    undelivered: VecDeque<Batch>,
    /// Empty but for moments; kept for its allocation.
    woken: Vec<Waker>,
}

impl Attachment {
    /// Takes messages for the connection to write, those first that an earlier connection took and
    /// did not write. `taken` has to be empty.
    pub(crate) fn poll_take(
        &mut self,
        connection: &Waker,
        taken: &mut VecDeque<Message>,
    ) -> Poll<Take> {
        if !self.taken.is_empty() {
            mem::swap(&mut self.taken, taken);
            return Poll::Ready(Take::Messages);
        }
        let took = lock(&self.routing.outgoing).poll_take(
            self.outbound,
            taken,
            connection,
            &mut self.woken,
        );
        wake_all(&mut self.woken);
        took
    }

    /// Takes back what a connection took and did not write, and what it read and did not deliver.
    pub(crate) fn put_back(&mut self, unwritten: VecDeque<Message>, undelivered: VecDeque<Batch>) {
        debug_assert!(self.taken.is_empty() || unwritten.is_empty());
        debug_assert!(self.undelivered.is_empty());
        if !unwritten.is_empty() {
            self.taken = unwritten;
        }
        self.undelivered = undelivered;
        if self.undelivered.len() > UNDELIVERED_MAX {
            let lost = self.undelivered.drain(UNDELIVERED_MAX..).map(|batch| batch.messages());
            let lost: usize = lost.sum();
            tracing::warn!(messages = lost, "nobody receives; dropped what a remote has sent");
        }
    }

    /// Hands out what an earlier connection read and did not deliver.
    pub(crate) fn take_undelivered(&mut self) -> VecDeque<Batch> {
        mem::take(&mut self.undelivered)
    }

    /// Queues what the remote has sent; pending while part of it has to wait for room.
    pub(crate) fn poll_deliver(&mut self, connection: &Waker, batch: &mut Batch) -> Poll<()> {
        let pushed = lock(&self.routing.incoming).poll_push(
            self.inbound,
            batch,
            connection,
            &mut self.woken,
        );
        wake_all(&mut self.woken);
        pushed
    }

    /// Whether there is nothing to write at the moment.
    pub(crate) fn is_empty(&self) -> bool {
        self.taken.is_empty() && lock(&self.routing.outgoing).queued(self.outbound) == 0
    }

    pub(crate) const fn routing_id(&self) -> Option<RoutingId> {
        self.routing_id
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let queued = lock(&self.routing.outgoing).detach(self.outbound, &mut self.woken);
        let undelivered = mem::take(&mut self.undelivered);
        lock(&self.routing.incoming).end(self.inbound, undelivered, &mut self.woken);
        wake_all(&mut self.woken);
        let lost = queued + self.taken.len();
        if lost > 0 {
            self.routing.undelivered.fetch_add(lost as u64, Ordering::Relaxed);
            tracing::warn!(messages = lost, "undelivered messages ended with their remote");
        }
    }
}

/// Each connection of a remote can leave some batches, and nobody has to receive in between; a
/// remote that reconnects for ever has to find a limit.
const UNDELIVERED_MAX: usize = 64;
