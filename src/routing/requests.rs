//! Round-robin over connected remotes, and the requests that wait for their replies: REQ.
//!
//! A request is added to the table in the critical section that queues it, so that no reply can
//! precede it. The connection hands arriving messages to the table instead of a queue, and so wakes
//! the caller itself. When a connection ends, it first hands over everything that it received. The
//! requests that it has written then end as lost, and the others return to their callers, which
//! queue them again.

mod ends;
pub(super) mod envelope;
mod replies;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::task::{Poll, Waker, ready};

use slotmap::{SecondaryMap, SlotMap, new_key_type};
use zmtp_proto::request_envelope::ReqEnvelope;

use crate::connection_id::ConnectionId;
use crate::message::Message;
use crate::pipe::{DeliveredMessages, PipeKey, Ticket};
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::routing_table::IdHasher;
use crate::routing::{
    Choice, DiscardedReplies, Leftover, OutgoingPipes, QueuePosition, Refusal, RequestEnd,
    RoundRobin, Strategy,
};
use crate::sync::Wakes;

/// Sends each request to the next connected remote (RFC 28, The REQ Socket Type), and matches the
/// replies.
///
/// Invariants: `asked` refers to every request without an outcome, at its remote, and to no other.
/// A remote without correlation ids has at most one such request, and is not offered while it owes
/// a reply.
#[derive(Debug)]
pub(crate) struct Requests {
    order: RoundRobin,
    /// Whether requests carry an id, which the remote returns with the reply.
    is_correlated: bool,
    requests: SlotMap<RequestKey, Request>,
    asked: SecondaryMap<PipeKey, AskedRemote>,
    /// The id of the next request.
    next_id: u32,
}

new_key_type! {
    /// Identifies a request inside its socket; it is never reused.
    pub(crate) struct RequestKey;
}

#[derive(Debug)]
struct Request {
    position: QueuePosition,
    /// Its correlation id. Without correlation it only distinguishes requests in this table.
    id: u32,
    state: RequestState,
}

#[derive(Debug)]
enum RequestState {
    Waiting(Waker),
    /// It has an outcome that the caller has not taken.
    Done(RequestOutcome),
}

/// The outcome of a request that was queued.
#[derive(Debug)]
pub(crate) enum RequestOutcome {
    /// The frames of the reply, without its envelope.
    Reply(Message),
    /// The connection ended after the request was written.
    Lost,
    /// The connection ended before the request was written completely.
    Unwritten {
        /// The frames of the request, without its envelope.
        message: Message,
        /// Whether the remote ended the connection when part of the request was written.
        is_interrupted: bool,
    },
    /// The socket was closed.
    Closed,
}

/// The requests of one remote.
#[derive(Debug, Default)]
struct AskedRemote {
    /// The requests without an outcome, by id.
    waiting: HashMap<u32, RequestKey, BuildHasherDefault<IdHasher>>,
    /// Whether the remote has not replied to its only request, whose caller may have left.
    owes_reply: bool,
    /// Whether the last message of the remote was discarded.
    is_straying: bool,
}

/// The work that an abandoned request leaves.
#[derive(Debug, Default)]
pub(crate) struct Abandoned {
    /// The frames of the request, which was not taken by its connection and will not be.
    pub(crate) unsent: Option<Message>,
    /// The connection to end, because its late reply could not be distinguished from the next one.
    pub(crate) disconnect: Option<ConnectionId>,
    /// An outcome that the caller has not taken, to be dropped without the lock.
    pub(crate) outcome: Option<RequestOutcome>,
}

/// Ids begin at random, so that a reply to a request of an earlier socket is unlikely to have the
/// id of a pending one.
impl Default for Requests {
    fn default() -> Self {
        Self::with_seed(fastrand::u32(..))
    }
}

impl Requests {
    /// Creates a table whose correlation ids begin at `seed`.
    pub(crate) fn with_seed(seed: u32) -> Self {
        Self {
            order: RoundRobin::default(),
            is_correlated: true,
            requests: SlotMap::with_key(),
            asked: SecondaryMap::new(),
            next_id: seed,
        }
    }

    /// Adds a request that is about to be queued at `position`. Returns its envelope.
    fn add(&mut self, position: QueuePosition, caller: &Waker) -> (RequestKey, ReqEnvelope) {
        let Some(entry) = self.asked.entry(position.pipe) else {
            unreachable!("the pipe exists: it was chosen in this critical section")
        };
        let asked = entry.or_default();
        while asked.waiting.contains_key(&self.next_id) {
            self.next_id = self.next_id.wrapping_add(1);
        }
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let state = RequestState::Waiting(caller.clone());
        let key = self.requests.insert(Request { position, id, state });
        asked.waiting.insert(id, key);
        asked.owes_reply = true;
        let envelope = if self.is_correlated {
            ReqEnvelope::Correlated(id.to_be_bytes())
        } else {
            ReqEnvelope::Plain
        };
        (key, envelope)
    }

    /// Sets the outcome of a request, which the caller has removed from its remote.
    fn settle(&mut self, key: RequestKey, outcome: RequestOutcome, wakes: &mut Wakes) {
        let Some(request) = self.requests.get_mut(key) else { return };
        let before = std::mem::replace(&mut request.state, RequestState::Done(outcome));
        if let RequestState::Waiting(caller) = before {
            wakes.add(caller);
        }
    }

    /// Returns whether a remote may not be sent a request until it has replied to the last one.
    fn is_occupied(&self, pipe: PipeKey) -> bool {
        !self.is_correlated && self.asked.get(pipe).is_some_and(|asked| asked.owes_reply)
    }
}

impl OutgoingPipes<Requests> {
    /// Sends requests without ids, and to each remote one at a time. No request may have been sent.
    pub(crate) fn without_correlation(&mut self) {
        self.strategy.is_correlated = false;
    }

    /// Queues a request for the next remote as soon as one has room, in line with all senders, and
    /// takes it out of `message` only then. If several remotes have room, it is not queued for
    /// `avoided`.
    ///
    /// The caller is woken when the request has an [outcome](Self::poll_outcome).
    pub(crate) fn poll_request(
        &mut self,
        message: &mut Option<Message>,
        avoided: Option<PipeKey>,
        ticket: &mut Option<Ticket>,
        caller: &Waker,
        wakes: &mut Wakes,
    ) -> Poll<Result<(PipeKey, RequestKey), Refusal>> {
        if let (Some(avoided), Choice::Offered(next)) = (avoided, self.strategy.choose(&())) {
            if next == avoided {
                self.strategy.used(next, &self.pipes[next]);
            }
        }
        let pipe = match ready!(self.poll_reserve(&(), ticket, caller)) {
            Ok(pipe) => pipe,
            Err(refusal) => return Poll::Ready(Err(refusal)),
        };
        // The slot cannot be void: it was claimed in this critical section.
        let number = self.pipes[pipe].outbound.next_position();
        let (key, prefix) = self.strategy.add(QueuePosition { pipe, number }, caller);
        let mut request = message.take().map(|frames| envelope::enclose(prefix, &frames));
        let sent = self.send_reserved(pipe, &mut request, wakes);
        debug_assert_eq!(sent, Ok(()), "the slot is not void");
        if !self.strategy.is_correlated {
            self.withdraw(pipe);
        }
        Poll::Ready(Ok((pipe, key)))
    }

    /// Takes the outcome of a request, or waits for it.
    pub(crate) fn poll_outcome(&mut self, key: RequestKey, caller: &Waker) -> Poll<RequestOutcome> {
        let requests = &mut self.strategy.requests;
        match requests.get_mut(key).map(|request| &mut request.state) {
            Some(RequestState::Waiting(waiting)) => {
                waiting.clone_from(caller);
                Poll::Pending
            }
            Some(RequestState::Done(_)) => match requests.remove(key) {
                Some(Request { state: RequestState::Done(outcome), .. }) => Poll::Ready(outcome),
                _ => unreachable!("it was found above"),
            },
            // The outcome was taken before.
            None => Poll::Ready(RequestOutcome::Closed),
        }
    }

    /// Removes a request whose caller no longer waits. Its reply will be discarded.
    pub(crate) fn abandon(&mut self, key: RequestKey, wakes: &mut Wakes) -> Abandoned {
        let Some(Request { position, id, state }) = self.strategy.requests.remove(key) else {
            return Abandoned::default();
        };
        if let RequestState::Done(outcome) = state {
            return Abandoned { outcome: Some(outcome), ..Abandoned::default() };
        }
        let QueuePosition { pipe, number } = position;
        if let Some(asked) = self.strategy.asked.get_mut(pipe) {
            asked.waiting.remove(&id);
        }
        let Some(asked) = self.pipes.get_mut(pipe).filter(|_| !self.strategy.is_correlated) else {
            return Abandoned::default();
        };
        if number < asked.outbound.taken() {
            return Abandoned { disconnect: asked.connection, ..Abandoned::default() };
        }
        // It is the only message of its queue.
        let unsent = asked.outbound.drain().pop_front();
        let unsent = unsent.map(|request| envelope::body(false, &request));
        if let Some(asked) = self.strategy.asked.get_mut(pipe) {
            asked.owes_reply = false;
        }
        self.refill(pipe, wakes);
        Abandoned { unsent, ..Abandoned::default() }
    }
}

impl Strategy for Requests {
    type Target = ();

    const TAKES_REPLIES: bool = true;

    #[inline]
    fn choose(&mut self, to: &()) -> Choice<'_> {
        self.order.choose(to)
    }

    /// A request for a disconnected remote would wait while another remote is idle. Without ids, a
    /// slot that is granted to a waiting request occupies the remote as well.
    fn may_offer(&self, key: PipeKey, pipe: &OutgoingPipe) -> bool {
        let is_free = self.is_correlated || !pipe.outbound.has_reserved();
        pipe.is_open() && is_free && !self.is_occupied(key)
    }

    fn offer(&mut self, key: PipeKey, pipe: &OutgoingPipe) {
        self.order.offer(key, pipe);
    }

    #[inline]
    fn used(&mut self, key: PipeKey, pipe: &OutgoingPipe) {
        self.order.used(key, pipe);
    }

    #[inline]
    fn withdraw(&mut self, key: PipeKey) {
        self.order.withdraw(key);
    }

    fn connect(&mut self, key: PipeKey, _pipe: &OutgoingPipe, _was_open: bool, _: &mut Wakes) {
        if let Some(entry) = self.asked.entry(key) {
            entry.or_default();
        }
    }

    /// Requests that were not written return to their callers, which wait for another remote.
    fn disconnect(&mut self, _: PipeKey, _was_open: bool, _gone: bool) -> Leftover {
        Leftover::Redirect
    }

    fn match_replies(
        &mut self,
        key: PipeKey,
        taken: u64,
        arrived: &mut DeliveredMessages,
        wakes: &mut Wakes,
    ) -> DiscardedReplies {
        self.settle_replies(key, taken, arrived, wakes)
    }

    fn end_requests(&mut self, end: RequestEnd, wakes: &mut Wakes) -> Vec<Message> {
        self.end(end, wakes)
    }

    fn close(&mut self, wakes: &mut Wakes) {
        let asked = std::mem::take(&mut self.asked);
        for key in asked.into_iter().flat_map(|(_, asked)| asked.waiting.into_values()) {
            self.settle(key, RequestOutcome::Closed, wakes);
        }
    }
}
