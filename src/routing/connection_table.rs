//! Routing by connection: REP.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::connection_id::ConnectionId;
use crate::pipe::PipeKey;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::routing_table::IdHasher;
use crate::routing::{Choice, Strategy};
use crate::sync::Wakes;

/// Sends each message to the remote of one connection, and only through this connection (RFC 28,
/// The REP Socket Type: the reply goes to the originating requester).
///
/// The pipe of a dialed remote outlives its connections, but a reply is meaningless to the next
/// remote that is reached through it. A reply to a connection that has ended is therefore
/// unreachable, and one that its connection has not written is undelivered.
#[derive(Debug, Default)]
pub(crate) struct ConnectionTable {
    /// The pipes of the connections whose remotes accept messages.
    keys: HashMap<ConnectionId, PipeKey, BuildHasherDefault<IdHasher>>,
}

impl Strategy for ConnectionTable {
    type Target = ConnectionId;

    const IS_BY_CONNECTION: bool = true;

    #[inline]
    fn choose(&mut self, to: &ConnectionId) -> Choice<'_> {
        self.keys.get(to).map_or(Choice::Unreachable, |key| Choice::One(*key))
    }

    fn retire(&mut self, _key: PipeKey, pipe: &OutgoingPipe) {
        if let Some(connection) = pipe.connection {
            self.keys.remove(&connection);
        }
    }

    fn connect(&mut self, key: PipeKey, pipe: &OutgoingPipe, _was_open: bool, _wakes: &mut Wakes) {
        if let Some(connection) = pipe.connection.filter(|_| pipe.is_open()) {
            self.keys.insert(connection, key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::{Poll, Waker};

    use super::*;
    use crate::message::Message;
    use crate::pipe::{HighWaterMark, Want};
    use crate::remote::tests::remote_with_id;
    use crate::routing::{EndpointId, Outgoing, OutgoingPipes, Refusal};

    #[test]
    fn a_message_goes_through_its_connection_or_is_unreachable() {
        let mut routing = pipes(10);
        let [a, b] = [FIRST, FIRST.next()].map(|id| connect(&mut routing, None, id));
        assert_eq!(send(&mut routing, FIRST), Ok(()));
        assert_eq!([a, b].map(|key| routing.queued(Some(key))), [1, 0]);
        end(&mut routing, a, &mut VecDeque::new(), &mut Wakes::None);
        assert_eq!(send(&mut routing, FIRST), Err(Refusal::HostUnreachable));
        assert_eq!(send(&mut routing, FIRST.next()), Ok(()));
        routing.retire_pipe(b, &mut Wakes::None);
        assert_eq!(send(&mut routing, FIRST.next()), Err(Refusal::HostUnreachable));
    }

    #[test]
    fn the_next_connection_of_a_pipe_gets_no_messages_of_an_earlier_one() {
        let mut routing = pipes(10);
        let key = connect(&mut routing, None, FIRST);
        assert_eq!(send(&mut routing, FIRST), Ok(()));
        let mut unwritten = VecDeque::from([Message::from("unwritten")]);
        let lost = end(&mut routing, key, &mut unwritten, &mut Wakes::None);
        assert_eq!((lost.len(), unwritten.len()), (2, 0));
        connect(&mut routing, Some(key), FIRST.next());
        assert_eq!(send(&mut routing, FIRST), Err(Refusal::HostUnreachable));
        assert_eq!(routing.queued(None), 0);
        assert_eq!(send(&mut routing, FIRST.next()), Ok(()));
    }

    #[test]
    fn senders_of_an_ended_connection_leave_all_slots_to_the_next() {
        let mut routing = pipes(1);
        let key = connect(&mut routing, None, FIRST);
        send(&mut routing, FIRST).unwrap();
        let [mut first, mut second, mut third] = [None; 3];
        for ticket in [&mut first, &mut second, &mut third] {
            assert!(routing.poll_reserve(&FIRST, ticket, Waker::noop()).is_pending());
        }
        let (mut taken, mut wakes) = (VecDeque::new(), Wakes::None);
        let _ = routing.poll_take(key, Want::Write, &mut taken, Waker::noop(), &mut wakes);
        assert_eq!(wakes.len(), 1, "the first is granted a slot");
        end(&mut routing, key, &mut taken, &mut wakes);
        assert_eq!(wakes.len(), 3, "the others are woken");
        connect(&mut routing, Some(key), FIRST.next());
        let refused = Poll::Ready(Err(Refusal::HostUnreachable));
        assert_eq!(routing.poll_reserve(&FIRST, &mut first, Waker::noop()), refused);
        routing.cancel(&FIRST, second.unwrap(), &mut Wakes::None);
        assert_eq!(send(&mut routing, FIRST.next()), Ok(()));
        let _ = routing.poll_take(key, Want::Write, &mut taken, Waker::noop(), &mut Wakes::None);
        assert_eq!(send(&mut routing, FIRST.next()), Ok(()));
        assert_eq!(routing.poll_reserve(&FIRST, &mut third, Waker::noop()), refused);
    }

    const FIRST: ConnectionId = ConnectionId::FIRST;

    fn pipes(hwm: usize) -> OutgoingPipes<ConnectionTable> {
        OutgoingPipes::new(ConnectionTable::default(), HighWaterMark::new(hwm, 0))
    }

    fn connect(
        routing: &mut OutgoingPipes<ConnectionTable>,
        key: Option<PipeKey>,
        id: ConnectionId,
    ) -> PipeKey {
        let attach = || routing.attach(EndpointId(0), &mut Wakes::None).unwrap().key;
        let key = key.unwrap_or_else(attach);
        routing.connect(key, &remote_with_id(id), &mut Wakes::None);
        key
    }

    fn end(
        routing: &mut OutgoingPipes<ConnectionTable>,
        key: PipeKey,
        unwritten: &mut VecDeque<Message>,
        wakes: &mut Wakes,
    ) -> VecDeque<Message> {
        let discarded = routing.discard(key, unwritten, wakes);
        assert!(routing.disconnect(key, false, unwritten).is_empty());
        discarded
    }

    fn send(routing: &mut OutgoingPipes<ConnectionTable>, to: ConnectionId) -> Result<(), Refusal> {
        routing.try_send(&to, &mut Some(Message::new()), &mut Wakes::None)
    }
}
