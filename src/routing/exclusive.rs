//! Exactly one remote (libzmq `pair`): CHANNEL, PAIR.

use crate::pipe::PipeKey;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{AttachmentError, Choice, Strategy};
use crate::routing_id::RoutingId;

/// Sends every message to the only remote, and admits no other while there is one (RFC 52, The
/// CHANNEL Socket Type; RFC 31, The PAIR Socket Type).
///
/// A remote occupies the socket from the moment its pipe is attached, which is before its handshake
/// is completed, until the pipe is retired. A retired pipe may still be written.
#[derive(Debug, Default)]
pub(crate) struct Exclusive {
    is_occupied: bool,
    /// The pipe of the remote, while it has capacity.
    offered: Option<PipeKey>,
}

impl Strategy for Exclusive {
    type Target = ();

    const IS_EXCLUSIVE: bool = true;

    #[inline]
    fn choose(&mut self, (): &()) -> Choice<'_> {
        self.offered.map_or(Choice::Full, Choice::Offered)
    }

    fn has_one_choice(&self) -> bool {
        true
    }

    fn admit(&self, _remotes: usize) -> Result<(), AttachmentError> {
        if self.is_occupied { Err(AttachmentError::Occupied) } else { Ok(()) }
    }

    fn attach(&mut self, _key: PipeKey) -> Option<RoutingId> {
        self.is_occupied = true;
        None
    }

    fn offer(&mut self, key: PipeKey, _pipe: &OutgoingPipe) {
        self.offered = Some(key);
    }

    fn withdraw(&mut self, _key: PipeKey) {
        self.offered = None;
    }

    /// Each pipe is retired once, and occupies the socket until then.
    fn retire(&mut self, _key: PipeKey, _pipe: &OutgoingPipe) {
        self.is_occupied = false;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::{Poll, Waker};

    use super::*;
    use crate::message::Message;
    use crate::pipe::HighWaterMark;
    use crate::pipe::{Ticket, Want};
    use crate::remote::tests::any_remote;
    use crate::routing::{EndpointId, Outgoing, OutgoingPipes, Refusal};
    use crate::sync::Wakes;

    #[test]
    fn the_only_remote_receives_every_message() {
        let mut routing = OutgoingPipes::new(Exclusive::default(), HighWaterMark::new(2, 0));
        assert_eq!(send(&mut routing, 0), Err(Refusal::Full));
        let key = attach(&mut routing).unwrap();
        send(&mut routing, 1).unwrap();
        send(&mut routing, 2).unwrap();
        assert_eq!(send(&mut routing, 3), Err(Refusal::Full));
        assert_eq!(take(&mut routing, key), [1, 2]);
        send(&mut routing, 4).unwrap();
        assert_eq!(take(&mut routing, key), [4]);
    }

    #[test]
    fn another_remote_is_admitted_when_the_first_is_retired() {
        let mut routing = OutgoingPipes::new(Exclusive::default(), HighWaterMark::new(2, 0));
        let first = attach(&mut routing).unwrap();
        assert_eq!(attach(&mut routing), Err(AttachmentError::Occupied));
        send(&mut routing, 1).unwrap();
        routing.retire_pipe(first, &mut Wakes::None);
        assert_eq!(send(&mut routing, 2), Err(Refusal::Full));

        let second = attach(&mut routing).unwrap();
        send(&mut routing, 3).unwrap();
        assert_eq!(take(&mut routing, first), [1]);
        routing.detach(first, &mut Wakes::None);
        assert_eq!(attach(&mut routing), Err(AttachmentError::Occupied));
        assert_eq!(take(&mut routing, second), [3]);
    }

    #[test]
    fn a_remote_in_its_handshake_occupies_the_socket_and_takes_no_message() {
        let mut routing = OutgoingPipes::new(Exclusive::default(), HighWaterMark::new(2, 0));
        let mut ticket = None;
        assert!(reserve(&mut routing, &mut ticket).is_pending());
        let first = routing.attach_arriving(ENDPOINT).unwrap().key;
        assert_eq!(attach(&mut routing), Err(AttachmentError::Occupied));
        assert!(reserve(&mut routing, &mut ticket).is_pending());
        assert_eq!(routing.detach(first, &mut Wakes::None).unwrap().len(), 0);

        let second = routing.attach_arriving(ENDPOINT).unwrap().key;
        let mut wakes = Wakes::None;
        routing.connect(second, &any_remote(), &mut wakes);
        assert_eq!(wakes.len(), 1);
        assert_eq!(reserve(&mut routing, &mut ticket), Poll::Ready(Ok(second)));
    }

    #[test]
    fn a_closed_socket_is_not_occupied() {
        let mut routing = OutgoingPipes::new(Exclusive::default(), HighWaterMark::new(2, 0));
        attach(&mut routing).unwrap();
        routing.close(&mut Wakes::None);
        assert_eq!(attach(&mut routing), Err(AttachmentError::Closed));
    }

    const ENDPOINT: EndpointId = EndpointId(0);

    fn attach(routing: &mut OutgoingPipes<Exclusive>) -> Result<PipeKey, AttachmentError> {
        Ok(routing.attach(ENDPOINT, &mut Wakes::None)?.key)
    }

    fn send(routing: &mut OutgoingPipes<Exclusive>, number: u8) -> Result<(), Refusal> {
        routing.try_send(&(), &mut Some(Message::from([number])), &mut Wakes::None)
    }

    fn reserve(
        routing: &mut OutgoingPipes<Exclusive>,
        ticket: &mut Option<Ticket>,
    ) -> Poll<Result<PipeKey, Refusal>> {
        routing.poll_reserve(&(), ticket, Waker::noop())
    }

    fn take(routing: &mut OutgoingPipes<Exclusive>, key: PipeKey) -> Vec<u8> {
        let mut taken = VecDeque::new();
        let _ = routing.poll_take(key, Want::Write, &mut taken, Waker::noop(), &mut Wakes::None);
        taken.iter().map(|message| message[0]).collect()
    }
}
