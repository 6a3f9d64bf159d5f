//! Routing by identity: ROUTER.

use std::collections::HashMap;

use slotmap::SecondaryMap;
use zmtp_proto::identity::Identity;

use crate::connection_id::ConnectionId;
use crate::pipe::PipeKey;
use crate::remote::Remote;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::{AttachmentError, Choice, IdentityClaim, OutgoingPipes, Strategy};
use crate::sync::Wakes;

/// Sends each message to the remote with its identity (RFC 28, The ROUTER Socket Type).
///
/// A remote has its identity from the moment its pipe is attached, which is before its handshake is
/// completed, until the pipe is retired. Another remote can then have it, even if messages of the
/// first have not been received.
#[derive(Debug, Default)]
pub(crate) struct IdentityTable {
    /// The remotes that have an identity. Remotes choose identities, so the hash must be keyed.
    holders: HashMap<Identity, Holder>,
    /// The identity of each pipe until it is removed.
    identities: SecondaryMap<PipeKey, Identity>,
    /// Whether a remote takes over the identity of an accepted one.
    handover: bool,
}

/// A remote that has an identity.
#[derive(Clone, Copy, Debug)]
struct Holder {
    key: PipeKey,
    /// Whether it accepts messages. During its handshake it does not.
    is_open: bool,
    /// Its connection, if it was accepted: another remote can take over its identity.
    accepted: Option<ConnectionId>,
}

impl IdentityTable {
    /// Sets whether a remote takes over the identity of an accepted one.
    pub(crate) fn set_handover(&mut self, handover: bool) {
        self.handover = handover;
    }

    /// Generates an identity that no remote has. It has the form of libzmq's: a zero and four
    /// bytes. They are random, so that no remote can foresee them.
    fn generate(&self) -> Identity {
        loop {
            let [a, b, c, d] = fastrand::u32(..).to_be_bytes();
            let identity = Identity::try_from([0x00, a, b, c, d]).unwrap_or_default();
            if !self.holders.contains_key(&identity) {
                return identity;
            }
        }
    }
}

impl OutgoingPipes<IdentityTable> {
    /// Sets whether a remote takes over the identity of an accepted one.
    pub(crate) fn set_handover(&mut self, handover: bool) {
        self.strategy.set_handover(handover);
    }

    /// Returns the connected remote with an identity.
    pub(crate) fn remote(&self, identity: &Identity) -> Option<Remote> {
        let pipe = self.pipes.get(self.strategy.holders.get(identity)?.key)?;
        pipe.connection.and_then(|_| pipe.remote.clone())
    }
}

impl Strategy for IdentityTable {
    type Target = Identity;

    const IDENTIFIES: bool = true;

    #[inline]
    fn choose(&mut self, to: &Identity) -> Choice<'_> {
        match self.holders.get(to) {
            Some(holder) if holder.is_open => Choice::One(holder.key),
            _ => Choice::Unreachable,
        }
    }

    fn claim(
        &self,
        claim: &IdentityClaim,
    ) -> Result<Option<(PipeKey, ConnectionId)>, AttachmentError> {
        match self.holders.get(&claim.identity) {
            None => Ok(None),
            Some(Holder { key, accepted: Some(connection), .. }) if self.handover => {
                Ok(Some((*key, *connection)))
            }
            Some(_) => Err(AttachmentError::DuplicateIdentity),
        }
    }

    fn identify(&mut self, key: PipeKey, claim: IdentityClaim, is_open: bool) {
        let IdentityClaim { identity, accepted } = claim;
        let identity = if identity.is_empty() { self.generate() } else { identity };
        self.holders.insert(identity.clone(), Holder { key, is_open, accepted });
        self.identities.insert(key, identity);
    }

    fn identity(&self, key: PipeKey) -> Option<&Identity> {
        self.identities.get(key)
    }

    fn connect(&mut self, key: PipeKey, _: &OutgoingPipe, _was_open: bool, _: &mut Wakes) {
        let identity = self.identities.get(key);
        let holder = identity.and_then(|identity| self.holders.get_mut(identity));
        if let Some(holder) = holder.filter(|holder| holder.key == key) {
            holder.is_open = true;
        }
    }

    fn retire(&mut self, key: PipeKey, _pipe: &OutgoingPipe) {
        let Some(identity) = self.identities.get(key) else { return };
        if self.holders.get(identity).is_some_and(|holder| holder.key == key) {
            self.holders.remove(identity);
        }
    }

    fn remove(&mut self, key: PipeKey) {
        self.identities.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::{Poll, Waker};

    use super::*;
    use crate::message::Message;
    use crate::pipe::{HighWaterMark, Ticket, Want};
    use crate::remote::tests::any_remote;
    use crate::routing::{Attached, EndpointId, Outgoing, Refusal};

    #[test]
    fn each_remote_receives_the_messages_for_its_identity() {
        let mut routing = routing(false);
        let [a, b] = ["a", "b"].map(|name| attach(&mut routing, name).unwrap().key);
        send(&mut routing, "a", 1).unwrap();
        send(&mut routing, "b", 2).unwrap();
        assert_eq!(send(&mut routing, "a", 3), Err(Refusal::Full));
        assert_eq!(send(&mut routing, "c", 4), Err(Refusal::HostUnreachable));
        assert_eq!((take(&mut routing, a), take(&mut routing, b)), (vec![1], vec![2]));
    }

    #[test]
    fn an_identity_is_unique_until_its_remote_is_retired() {
        let mut routing = routing(false);
        let first = attach(&mut routing, "a").unwrap().key;
        assert_eq!(attach(&mut routing, "a").unwrap_err(), AttachmentError::DuplicateIdentity);
        send(&mut routing, "a", 1).unwrap();
        routing.retire_pipe(first, &mut Wakes::None);
        assert_eq!(send(&mut routing, "a", 2), Err(Refusal::HostUnreachable));

        // The first may still be written, and frees no identity when it is removed.
        attach(&mut routing, "a").unwrap();
        send(&mut routing, "a", 3).unwrap();
        assert_eq!(Outgoing::identity(&routing, first), Some(identity("a")));
        routing.detach(first, &mut Wakes::None);
        assert_eq!(send(&mut routing, "a", 4), Err(Refusal::Full));
        assert_eq!(routing.strategy.identities.len(), 1);
    }

    #[test]
    fn generated_identities_are_free() {
        let mut routing = routing(false);
        for remotes in 1..100 {
            attach(&mut routing, "").unwrap();
            assert_eq!(routing.strategy.holders.len(), remotes);
        }
        assert!(routing.strategy.holders.keys().all(|it| it.as_bytes()[0] == 0));
    }

    #[test]
    fn a_remote_in_its_handshake_has_its_identity_and_takes_no_message() {
        let mut routing = routing(false);
        let claim = claim("a");
        let first = routing.attach_identified(ENDPOINT, claim, true, &mut Wakes::None);
        let first = first.unwrap().key;
        assert_eq!(attach(&mut routing, "a").unwrap_err(), AttachmentError::DuplicateIdentity);
        assert_eq!(send(&mut routing, "a", 1), Err(Refusal::HostUnreachable));
        routing.connect(first, &any_remote(), &mut Wakes::None);
        send(&mut routing, "a", 1).unwrap();
    }

    #[test]
    fn a_newcomer_takes_over_an_identity_and_the_senders_that_wait() {
        let mut routing = routing(true);
        let first = attach(&mut routing, "a").unwrap().key;
        routing.connect(first, &any_remote(), &mut Wakes::None);
        send(&mut routing, "a", 1).unwrap();
        let mut waiting = None;
        assert!(reserve(&mut routing, "a", &mut waiting).is_pending());

        let mut wakes = Wakes::None;
        let claim = claim("a");
        let second = routing.attach_identified(ENDPOINT, claim, false, &mut wakes).unwrap();
        assert_eq!(second.replaced, Some(any_remote().connection_id()));
        assert!(Outgoing::is_replaced(&routing, first));
        assert_eq!(wakes.len(), 1);
        send(&mut routing, "a", 2).unwrap();
        // The ticket of the first line is not taken for one of the second.
        let mut other = None;
        assert!(reserve(&mut routing, "a", &mut other).is_pending());
        assert_ne!(waiting, other);
        assert!(reserve(&mut routing, "a", &mut waiting).is_pending());
        assert_eq!(take(&mut routing, second.key), [2]);
        assert_eq!(reserve(&mut routing, "a", &mut waiting), Poll::Ready(Ok(second.key)));
        assert!(reserve(&mut routing, "a", &mut other).is_pending());
        assert_eq!(take(&mut routing, first), [1]);
    }

    #[test]
    fn a_lasting_identity_is_not_taken_over() {
        let mut routing = routing(true);
        let claim = IdentityClaim { accepted: None, ..claim("a") };
        routing.attach_identified(ENDPOINT, claim, false, &mut Wakes::None).unwrap();
        assert_eq!(attach(&mut routing, "a").unwrap_err(), AttachmentError::DuplicateIdentity);
    }

    const ENDPOINT: EndpointId = EndpointId(0);

    fn routing(handover: bool) -> OutgoingPipes<IdentityTable> {
        let mut routing = OutgoingPipes::new(IdentityTable::default(), HighWaterMark::new(1, 0));
        routing.set_handover(handover);
        routing
    }

    fn attach(
        routing: &mut OutgoingPipes<IdentityTable>,
        name: &str,
    ) -> Result<Attached, AttachmentError> {
        routing.attach_identified(ENDPOINT, claim(name), false, &mut Wakes::None)
    }

    fn claim(name: &str) -> IdentityClaim {
        let accepted = Some(any_remote().connection_id());
        IdentityClaim { identity: identity(name), accepted }
    }

    fn send(
        routing: &mut OutgoingPipes<IdentityTable>,
        to: &str,
        number: u8,
    ) -> Result<(), Refusal> {
        routing.try_send(&identity(to), &mut Some(Message::from([number])), &mut Wakes::None)
    }

    fn reserve(
        routing: &mut OutgoingPipes<IdentityTable>,
        to: &str,
        ticket: &mut Option<Ticket>,
    ) -> Poll<Result<PipeKey, Refusal>> {
        routing.poll_reserve(&identity(to), ticket, Waker::noop())
    }

    fn take(routing: &mut OutgoingPipes<IdentityTable>, key: PipeKey) -> Vec<u8> {
        let mut taken = VecDeque::new();
        let _ = routing.poll_take(key, Want::Write, &mut taken, Waker::noop(), &mut Wakes::None);
        taken.iter().map(|message| message[0]).collect()
    }

    fn identity(text: &str) -> Identity {
        text.parse().unwrap()
    }
}
