//! A remote's pipe and routing state, as its connection sees them.

mod commands;
mod identified;
mod notices;
mod watched;

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::message::Message;
use crate::monitor::{EventPublisher, EventSource};
use crate::pipe::{Delivery, HighWaterMark, Outbound, PipeKey, Room, Take, Want, unpack_all};
use crate::quota::Quotas;
use crate::remote::Remote;
use crate::routing::requests;
use crate::routing::{Attached, AttachmentError, ConnectionEnds};
use crate::routing::{EndpointId, FairQueue, KeptMessage, Losses, Outgoing};
use crate::routing::{QueuePosition, Remainder, RequestEnd, ReturnedMessage, ReturnedMessages};
use crate::routing_id::RoutingId;
use crate::stats::{EndedRemotes, Queued};
use crate::sync::{Lock, Wakes};

/// The routing of one socket, independent of the type of its strategy.
#[derive(Clone, Debug)]
pub(crate) struct Routing {
    pub(crate) outgoing: Arc<Lock<dyn Outgoing>>,
    pub(crate) incoming: Arc<Lock<FairQueue>>,
    pub(crate) losses: Arc<Losses>,
    pub(crate) ends: Arc<ConnectionEnds>,
    pub(crate) returned: Arc<ReturnedMessages>,
    /// Whether received messages are replies, for the requests in `outgoing`.
    pub(crate) takes_replies: bool,
    /// Whether `incoming` also holds notices of the requests of subscribers.
    pub(crate) notifies: bool,
    /// The monitors, if subscriptions are reported.
    pub(crate) subscription_events: Option<Arc<EventPublisher>>,
}

/// Both halves of one remote's pipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pipe {
    outbound: PipeKey,
    inbound: PipeKey,
}

impl Pipe {
    /// Returns the half for messages to the remote.
    #[cfg(all(test, shuttle))]
    pub(crate) const fn outbound(self) -> PipeKey {
        self.outbound
    }
}

impl Routing {
    /// Returns whether the socket has one remote at most.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.outgoing.lock().is_exclusive()
    }

    /// Returns whether another remote can be attached.
    pub(crate) fn admit(&self) -> Result<(), AttachmentError> {
        self.outgoing.lock().admit()
    }

    /// Wakes all senders that wait for capacity of any remote, and the tasks that wait for a remote
    /// to connect.
    pub(crate) fn wake_senders(&self) {
        self.outgoing.with(|outgoing, wakes| outgoing.wake_senders(wakes));
    }

    /// Adds a remote of an endpoint, with a pipe.
    pub(crate) fn attach(
        &self,
        endpoint: EndpointId,
        subject: EventSource,
    ) -> Result<Attachment, AttachmentError> {
        let mut wakes = Wakes::None;
        let attached = self.outgoing.lock().attach(endpoint, &mut wakes)?;
        Ok(self.add(attached, subject, wakes))
    }

    /// Adds a remote that has not completed its handshake. Until it has, nothing is queued for it.
    pub(crate) fn attach_arriving(
        &self,
        endpoint: EndpointId,
        subject: EventSource,
    ) -> Result<Attachment, AttachmentError> {
        let attached = self.outgoing.lock().attach_arriving(endpoint)?;
        Ok(self.add(attached, subject, Wakes::None))
    }

    fn add(&self, attached: Attached, subject: EventSource, mut wakes: Wakes) -> Attachment {
        let mut incoming = self.incoming.lock();
        let inbound = incoming.attach(attached.routing_id);
        incoming.join(inbound, attached.key);
        drop(incoming);
        self.outgoing.lock().join(attached.key, inbound);
        wakes.wake_all();
        Attachment {
            routing: self.clone(),
            pipe: Pipe { outbound: attached.key, inbound },
            subject: EventSource { routing_id: attached.routing_id, ..subject },
            quotas: self.losses.quotas(),
            taken: VecDeque::new(),
            is_interrupted: false,
            unqueued: VecDeque::new(),
            unread: 0,
            wakes,
        }
    }

    /// Stops offering an endpoint's remotes to senders. Their connections end after they have
    /// written all queued messages.
    pub(crate) fn retire(&self, endpoint: EndpointId) {
        self.outgoing.with(|outgoing, wakes| outgoing.retire(endpoint, wakes));
        self.wake_announcer();
    }

    /// Stops offering one remote to senders. Its connection ends after it has written all queued
    /// messages.
    pub(crate) fn retire_pipe(&self, pipe: Pipe) {
        self.outgoing.with(|outgoing, wakes| outgoing.retire_pipe(pipe.outbound, wakes));
        self.wake_announcer();
    }

    /// Reclaims a part of the memory of remotes that have left. Returns whether there is more.
    pub(crate) fn reclaim(&self) -> bool {
        self.outgoing.lock().reclaim()
    }

    /// Returns the high-water marks of each remote's outgoing and incoming queue.
    pub(crate) fn marks(&self) -> (HighWaterMark, HighWaterMark) {
        (self.outgoing.lock().hwm(), self.incoming.lock().hwm())
    }

    /// Changes the high-water mark of the outgoing queues of all current and future remotes.
    pub(crate) fn change_send_hwm(&self, change: impl FnOnce(HighWaterMark) -> HighWaterMark) {
        self.outgoing.with(|outgoing, wakes| outgoing.set_hwm(change(outgoing.hwm()), wakes));
    }

    /// Changes the high-water mark of the incoming queues of all current and future remotes.
    pub(crate) fn change_recv_hwm(&self, change: impl FnOnce(HighWaterMark) -> HighWaterMark) {
        self.incoming.with(|incoming, wakes| incoming.set_hwm(change(incoming.hwm()), wakes));
    }

    /// Returns the number of queued messages, for all remotes or for one.
    pub(crate) fn queued(&self, pipe: Option<Pipe>) -> Queued {
        let outgoing = self.outgoing.lock().queued(pipe.map(|pipe| pipe.outbound));
        let incoming = self.incoming.lock().queued(pipe.map(|pipe| pipe.inbound));
        let returned = if pipe.is_none() { self.returned.len() } else { 0 };
        Queued { outgoing, incoming, returned }
    }

    /// Returns the counters of the unread messages of ended remotes.
    pub(crate) fn ended(&self) -> EndedRemotes {
        self.incoming.lock().ended()
    }

    /// Returns the limit of the memory of ended remotes in bytes; zero for no limit.
    pub(crate) fn ended_hwm(&self) -> usize {
        self.incoming.lock().ended_hwm()
    }

    /// Sets the limit of the memory of ended remotes in bytes.
    pub(crate) fn set_ended_hwm(&self, bytes: usize) {
        self.incoming.with(|incoming, wakes| incoming.set_ended_hwm(bytes, wakes));
    }

    /// Refuses new messages; queued ones can still be taken and received.
    pub(crate) fn close(&self) {
        let (mut senders, mut receivers) = (Wakes::None, Wakes::None);
        // Closed first, so that a connection that ends finds it closed, and woken last, so that a
        // link that has nothing to send ends before it moves more messages here.
        self.incoming.lock().close(&mut receivers);
        self.outgoing.lock().close(&mut senders);
        // No message is redirected after the queues are closed.
        let left = self.returned.close();
        self.losses.undelivered(None, left.into_iter().map(KeptMessage::from));
        senders.wake_all();
        receivers.wake_all();
    }
}

/// The pipe of a remote, attached to its socket.
///
/// Dropping it removes the remote from the socket, wakes the tasks that wait for the remote, and
/// keeps its unread messages.
#[derive(Debug)]
pub(crate) struct Attachment {
    routing: Routing,
    pipe: Pipe,
    /// The source of the remote's events, with its current or last connection.
    subject: EventSource,
    quotas: Arc<Quotas>,
    /// Messages that a connection took from the queue and did not write, in order.
    taken: VecDeque<Message>,
    /// Whether the remote ended a connection when part of the first of these was written.
    is_interrupted: bool,
    /// Messages that a connection read and could not queue, in order.
    unqueued: VecDeque<Delivery>,
    /// The number of messages read after the end of the socket.
    unread: usize,
    /// Empty between calls; kept for its allocation.
    wakes: Wakes,
}

impl Attachment {
    /// Sets the quotas for log lines of the remote.
    pub(crate) fn within(self, quotas: &Arc<Quotas>) -> Self {
        // `self` has a destructor, so its fields cannot be moved out.
        let mut attachment = self;
        attachment.quotas = Arc::clone(quotas);
        attachment
    }

    /// Returns a shared handle to the quotas, for uses that outlive the attachment.
    pub(crate) fn share_quotas(&self) -> Arc<Quotas> {
        Arc::clone(&self.quotas)
    }

    /// Returns the quotas for log lines of the remote.
    pub(crate) fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// Records that the remote has a connection. Returns the messages that an earlier one read and
    /// did not queue.
    pub(crate) fn begin(&mut self, remote: &Remote) -> VecDeque<Delivery> {
        self.subject = EventSource::from(remote);
        let pipe = self.pipe.outbound;
        self.routing.outgoing.with(|outgoing, wakes| outgoing.connect(pipe, remote, wakes));
        mem::take(&mut self.unqueued)
    }

    /// Makes the remote a member of every group, because it does not announce its groups.
    pub(crate) fn join_all_groups(&self) {
        self.routing.outgoing.lock().join_all(self.pipe.outbound);
    }

    /// Keeps those values whose group the socket has joined.
    pub(crate) fn retain_wanted<T>(&self, values: &mut Vec<T>, group: impl Fn(&T) -> &[u8]) {
        let incoming = self.routing.incoming.lock();
        values.retain(|value| incoming.wants_group(group(value)));
    }

    /// Takes messages for the connection to write or to transfer, beginning with those that an
    /// earlier connection took and did not write. `taken` must be empty.
    pub(crate) fn poll_take(
        &mut self,
        want: Want,
        connection: &Waker,
        taken: &mut VecDeque<Message>,
    ) -> Poll<Take> {
        if !self.taken.is_empty() {
            // These need no capacity: a link takes nothing that it does not deliver.
            debug_assert!(matches!(want, Want::Write));
            mem::swap(&mut self.taken, taken);
            return Poll::Ready(Take::Messages);
        }
        let Self { routing, pipe, wakes, .. } = self;
        routing.outgoing.with_wakes(wakes, |outgoing, wakes| {
            outgoing.poll_take(pipe.outbound, want, taken, connection, wakes)
        })
    }

    /// Returns the queue capacity for messages of the remote. Parks the connection if some of them
    /// are queued. Reuses a spare buffer for `memory` if that has no capacity.
    pub(crate) fn room(&self, connection: &Waker, memory: &mut VecDeque<Message>) -> Room {
        self.routing.incoming.lock().room(self.pipe.inbound, connection, memory)
    }

    /// Takes back the messages that a connection took and did not write, and those that it read and
    /// did not queue.
    ///
    /// A message during which the remote ended two connections is dropped: the remote would end the
    /// next one as well, and receive no later message.
    pub(crate) fn put_back(&mut self, remainder: Remainder, unqueued: VecDeque<Delivery>) {
        let Remainder { mut messages, is_interrupted, is_first } = remainder;
        debug_assert!(self.taken.is_empty() || messages.is_empty());
        debug_assert!(self.unqueued.is_empty());
        // It is the same message only if no other was written since.
        let was_interrupted = self.is_interrupted && is_first;
        let is_refused = is_interrupted && was_interrupted;
        let refused = if is_refused { messages.pop_front() } else { None };
        self.is_interrupted = refused.is_none() && (is_interrupted || was_interrupted);
        if !messages.is_empty() {
            self.taken = messages;
        }
        self.unqueued = unqueued;
        self.match_unqueued();
        self.report_end(false);
        if let Some(message) = refused {
            let message = message.routed(self.subject.routing_id);
            let message = KeptMessage { message, identity: self.identity() };
            self.routing.losses.refused(&self.subject, Some(&self.quotas), message);
        }
    }

    /// Handles the end of a connection, and the messages that it has left.
    fn report_end(&mut self, gone: bool) {
        let mut outgoing = self.routing.outgoing.lock();
        let written = outgoing.taken(self.pipe.outbound) - self.taken.len() as u64;
        let mut interrupted_by = self.is_interrupted.then(|| self.subject.clone());
        let discarded = outgoing.discard(self.pipe.outbound, &mut self.taken, &mut self.wakes);
        let elsewhere = outgoing.disconnect(self.pipe.outbound, gone, &mut self.taken);
        let queued = outgoing.queued(Some(self.pipe.outbound));
        drop(outgoing);
        self.wakes.wake_all();
        self.report_departure();
        let discarded = unpack_all(discarded).into_iter().map(KeptMessage::from);
        self.routing.losses.undelivered(Some((&self.subject, &self.quotas)), discarded);
        // A redirected message takes its interruption along to another remote.
        self.is_interrupted &= !self.taken.is_empty();
        if self.routing.takes_replies {
            let is_interrupted = interrupted_by.is_some();
            let pipe = self.pipe.outbound;
            let end = RequestEnd { pipe, written, unwritten: elsewhere, is_interrupted, gone };
            return self.end_requests(end);
        }
        let pipe = self.pipe.outbound;
        let positions = (written..).map(|number| QueuePosition { pipe, number });
        let left = elsewhere.into_iter().zip(positions).map(|(message, position)| {
            ReturnedMessage { message, position, interrupted_by: interrupted_by.take() }
        });
        let left: Vec<_> = left.collect();
        let rest = if self.routing.ends.are_watched() {
            self.report_to_watcher(left, written, queued, gone)
        } else {
            self.routing.returned.keep(left)
        };
        let rest = rest.into_iter().map(|returned| KeptMessage::from(returned.message));
        self.routing.losses.undelivered(Some((&self.subject, &self.quotas)), rest);
    }

    /// Ends the requests of the connection that has ended.
    fn end_requests(&mut self, end: RequestEnd) {
        let Self { routing, subject, quotas, wakes, .. } = self;
        let abandoned =
            routing.outgoing.with_wakes(wakes, |outgoing, wakes| outgoing.end_requests(end, wakes));
        let abandoned = abandoned.into_iter().map(KeptMessage::from);
        routing.losses.undelivered(Some((subject, quotas)), abandoned);
    }

    /// Passes the messages that a connection has left to the requests that wait for them, if they
    /// are replies.
    fn match_unqueued(&mut self) {
        if self.routing.takes_replies {
            for mut arrival in mem::take(&mut self.unqueued) {
                self.match_replies(&mut arrival);
            }
        }
    }

    /// Passes messages of the remote to the requests that wait for them.
    fn match_replies(&mut self, arrival: &mut Delivery) {
        let Self { routing, pipe, subject, quotas, wakes, .. } = self;
        while arrival.cargo.messages() > 0 {
            let discarded = routing.outgoing.with_wakes(wakes, |outgoing, wakes| {
                outgoing.match_replies(pipe.outbound, &mut arrival.cargo, wakes)
            });
            routing.losses.replies(subject, quotas, discarded);
        }
    }

    /// Queues messages of the remote. Pending while some of them wait for capacity.
    pub(crate) fn poll_deliver(
        &mut self,
        connection: &Waker,
        arrival: &mut Delivery,
        portion: usize,
    ) -> Poll<()> {
        if self.routing.takes_replies {
            self.match_replies(arrival);
            return Poll::Ready(());
        }
        let Self { routing, pipe, wakes, .. } = self;
        let pushed = routing.incoming.with_wakes(wakes, |incoming, wakes| {
            incoming.poll_push(pipe.inbound, arrival, portion, connection, wakes)
        });
        if pushed.is_ready() {
            self.unread += arrival.cargo.messages();
        }
        pushed
    }

    /// Queues messages that fit the capacity returned by [`room`](Self::room), and parks the
    /// connection.
    pub(crate) fn deliver_within(&mut self, connection: &Waker, mut arrival: Delivery) {
        if self.routing.takes_replies {
            return self.match_replies(&mut arrival);
        }
        let Self { routing, pipe, wakes, .. } = self;
        let unread = routing.incoming.with_wakes(wakes, |incoming, wakes| {
            incoming.push_within(pipe.inbound, arrival, connection, wakes)
        });
        self.unread += messages(unread.as_slice());
    }

    /// Adds a message behind all messages of the remote, when there is no
    /// connection.
    pub(crate) fn leave(&mut self, notice: Delivery) {
        self.unqueued.push_back(notice);
    }

    /// Returns whether connections have left too many messages for another one to begin: each can
    /// leave some batches, even if the application does not receive in between.
    pub(crate) fn has_left_much(&self) -> bool {
        self.unqueued.len() > UNQUEUED_MAX
    }

    /// Queues the messages that the last connection left. Pending while some of them wait for
    /// capacity.
    pub(crate) fn poll_deliver_rest(&mut self, owner: &Waker) -> Poll<()> {
        while let Some(mut arrival) = self.unqueued.pop_front() {
            if self.poll_deliver(owner, &mut arrival, usize::MAX).is_pending() {
                self.unqueued.push_front(arrival);
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    /// Counts messages that were discarded while reading.
    pub(crate) fn count_multipart(&self, messages: u64) {
        self.routing.losses.multipart(&self.subject, messages);
    }

    /// Frees the memory of the outgoing queue, if it is empty.
    pub(crate) fn free_memory(&self) {
        self.routing.outgoing.lock().free_memory(self.pipe.outbound);
    }

    /// Returns whether there is currently nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.routing.outgoing.lock().queued(Some(self.pipe.outbound)) == 0
    }

    pub(crate) const fn routing_id(&self) -> Option<RoutingId> {
        self.subject.routing_id
    }

    /// Returns whether messages of the remote are passed to requests, and not queued.
    pub(crate) const fn takes_replies(&self) -> bool {
        self.routing.takes_replies
    }

    pub(crate) const fn pipe(&self) -> Pipe {
        self.pipe
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.match_unqueued();
        self.report_end(true);
        let identity = self.identity();
        let Self { routing, pipe, subject, quotas, taken, unqueued, unread, wakes, .. } = self;
        let queued = routing
            .outgoing
            .with_wakes(wakes, |outgoing, wakes| outgoing.detach(pipe.outbound, wakes));
        let queued = queued.map(Outbound::into_queue).unwrap_or_default();
        let unqueued = mem::take(unqueued);
        let rest = routing
            .incoming
            .with_wakes(wakes, |incoming, wakes| incoming.end(pipe.inbound, unqueued, wakes));
        *unread += messages(&rest);
        let mut lost = mem::take(taken);
        // A requester has failed the calls of these requests: no other remote may receive them.
        if routing.ends.are_watched() {
            lost.extend(queued);
        } else {
            lost.extend(routing.returned.keep_queued(pipe.outbound, queued));
        }
        let lost = lost.into_iter().map(|message| {
            let message = if routing.takes_replies {
                requests::envelope::open(&message)
            } else {
                message.routed(subject.routing_id)
            };
            KeptMessage { message, identity: identity.clone() }
        });
        routing.losses.undelivered(Some((subject, quotas)), lost);
        routing.losses.unread(subject, quotas, *unread as u64);
    }
}

fn messages(arrivals: &[Delivery]) -> usize {
    arrivals.iter().map(|arrival| arrival.cargo.messages()).sum()
}

/// The number of batches that may wait for the next connection. One connection can leave as many as
/// its read buffer holds.
const UNQUEUED_MAX: usize = 64;
