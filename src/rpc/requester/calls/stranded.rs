//! Requests that were returned before they were written to their server.

use slotmap::Key;
use tokio::time::Instant;
use zmtp_proto::rpc::envelope::{Content, Envelope, RequestFields};

use super::{CallSlot, Calls, find};
use crate::message::Message;
use crate::rpc::{CallError, RequestingSocket, unaddressed};
use crate::socket::tracked::{EventSource, PipeKey, QueuePosition, ReturnedMessage};
use crate::sync::Wakes;

impl Calls {
    /// Takes a message that an ended connection did not write. The request of a call that still
    /// waits is stranded until it is queued for another server. Any other message is returned,
    /// because no server should receive it, together with the remote that refuses it, if any.
    pub(in crate::rpc::requester) fn strand<S: RequestingSocket>(
        &mut self,
        unwritten: ReturnedMessage,
        wakes: &mut Wakes,
    ) -> Option<(Message, Option<EventSource>)> {
        let ReturnedMessage { message, position, interrupted_by } = unwritten;
        let Some(Ok(Envelope { id, content: Content::Request(_) })) =
            S::open(&message).map(Envelope::decode)
        else {
            return Some((message, None));
        };
        let found = find(&mut self.slots, id);
        let found = found.filter(|(_, slot)| slot.position == position && slot.is_outstanding());
        let Some((index, slot)) = found else { return Some((message, None)) };
        slot.interruptions += u8::from(interrupted_by.is_some());
        if slot.interruptions >= INTERRUPTIONS_MAX {
            self.stats.refused += 1;
            self.settle(index, Err(CallError::Refused), false, wakes);
            return Some((message, interrupted_by));
        }
        slot.position = QueuePosition { pipe: PipeKey::null(), number: 0 };
        self.stranded.push_back((id, message));
        None
    }

    /// Takes the request that has been stranded the longest, with its id and whether its call still
    /// waits.
    pub(in crate::rpc::requester) fn next_stranded(&mut self) -> Option<(u64, Message, bool)> {
        let (id, message) = self.stranded.pop_front()?;
        let is_stranded =
            |slot: &mut CallSlot| slot.position.pipe.is_null() && slot.is_outstanding();
        let is_waiting = find(&mut self.slots, id).is_some_and(|(_, slot)| is_stranded(slot));
        Some((id, message, is_waiting))
    }

    /// Records the position at which a stranded request is queued; returns the request with its
    /// remaining time.
    pub(in crate::rpc::requester) fn place<S: RequestingSocket>(
        &mut self,
        id: u64,
        position: QueuePosition,
        message: Message,
    ) -> Message {
        let Some((_, slot)) = find(&mut self.slots, id) else { return message };
        slot.position = position;
        let Some(deadline) = slot.deadline else { return message };
        let left = deadline.saturating_duration_since(Instant::now());
        match S::open(&message).map(Envelope::decode) {
            Some(Ok(Envelope { content: Content::Request(fields), .. })) => {
                let fields = RequestFields { timeout: unaddressed::millis(left), ..fields };
                unaddressed::message(S::FRAMING, id, Content::Request(fields))
            }
            _ => message,
        }
    }

    /// Returns a request to the front, because no queue had capacity.
    pub(in crate::rpc::requester) fn restore_stranded(&mut self, id: u64, message: Message) {
        self.stranded.push_front((id, message));
    }

    /// Fails the calls whose requests are stranded, because no server can be expected anymore.
    /// Returns the requests.
    pub(in crate::rpc::requester) fn fail_stranded(
        &mut self,
        error: &CallError,
        wakes: &mut Wakes,
    ) -> Vec<Message> {
        let mut requests = Vec::with_capacity(self.stranded.len());
        while let Some((id, message, is_waiting)) = self.next_stranded() {
            let found = find(&mut self.slots, id).filter(|_| is_waiting).map(|(index, _)| index);
            if let Some(index) = found {
                self.stats.undelivered += 1;
                self.settle(index, Err(error.clone()), false, wakes);
            }
            requests.push(message);
        }
        requests
    }

    /// Takes all stranded requests.
    pub(in crate::rpc::requester) fn take_stranded(&mut self) -> impl Iterator<Item = Message> {
        self.stranded.drain(..).map(|(_, message)| message)
    }
}

/// A call fails when the remote has ended this number of connections while its request was being
/// written. The request may be the reason, for example if it is too long, and must not end one
/// connection after the other.
const INTERRUPTIONS_MAX: u8 = 2;
