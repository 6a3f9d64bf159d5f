//! The names of `inproc` and their listeners.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::LazyLock;

use tokio::sync::{Notify, mpsc, oneshot};
use zmtp_proto::endpoint::InprocEndpoint;
use zmtp_proto::handshake::Negotiated;
use zmtp_proto::socket_type::SocketType;

use super::LinkSide;
use crate::monitor::HandshakeFailure;
use crate::sync::Lock;

/// Accepts sockets that dial a name. Dropping it frees the name.
#[derive(Debug)]
pub(crate) struct InprocListener {
    endpoint: InprocEndpoint,
    /// The other end is in [`NAMES`].
    dials: mpsc::Receiver<Dial>,
}

/// A dialing socket that waits for an answer.
#[derive(Debug)]
pub(crate) struct Dial {
    negotiated: Negotiated,
    side: LinkSide,
    answer: oneshot::Sender<Result<Negotiated, HandshakeFailure>>,
}

/// The name is already in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InUse;

impl InprocListener {
    /// Binds a name if it is free. Up to `backlog` dialing sockets wait to be accepted.
    pub(crate) fn bind(endpoint: &InprocEndpoint, backlog: u32) -> Result<Self, InUse> {
        let backlog = usize::try_from(backlog).unwrap_or(usize::MAX);
        let (tx, dials) = mpsc::channel(backlog.clamp(1, BACKLOG_MAX));
        let mut names = NAMES.lock();
        if names.contains_key(endpoint) {
            return Err(InUse);
        }
        names.insert(endpoint.clone(), tx);
        drop(names);
        BOUND.notify_waiters();
        Ok(Self { endpoint: endpoint.clone(), dials })
    }

    /// Waits for the next dialing socket.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no dialing socket.
    pub(crate) async fn accept(&mut self) -> Dial {
        self.dials.recv().await.expect("the name keeps the channel open while its listener exists")
    }

    pub(crate) const fn endpoint(&self) -> &InprocEndpoint {
        &self.endpoint
    }
}

impl Drop for InprocListener {
    fn drop(&mut self) {
        NAMES.lock().remove(&self.endpoint);
    }
}

impl Dial {
    /// Checks that a socket of this type is compatible with the dialing socket.
    pub(crate) fn check(&self, local: SocketType) -> Result<(), HandshakeFailure> {
        match self.negotiated.socket_type {
            Some(remote) if !local.is_compatible_with(remote) => {
                Err(HandshakeFailure::IncompatibleSocketType { local, remote })
            }
            _ => Ok(()),
        }
    }

    /// Returns the properties of the dialing socket.
    pub(crate) const fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    /// Accepts the dialing socket with the properties of this one.
    pub(crate) fn accept(self, negotiated: Negotiated) -> LinkSide {
        // The dialing socket may have stopped waiting; then its side ends the link.
        let _ = self.answer.send(Ok(negotiated));
        self.side
    }

    /// Refuses the dialing socket with a reason.
    pub(crate) fn refuse(self, reason: HandshakeFailure) {
        let reason = match reason {
            HandshakeFailure::IncompatibleSocketType { local, remote } => {
                HandshakeFailure::IncompatibleSocketType { local: remote, remote: local }
            }
            reason => match reason.reason_for_remote() {
                Some(reason) => HandshakeFailure::Refused { reason: reason.to_owned() },
                None => reason,
            },
        };
        let _ = self.answer.send(Err(reason));
    }
}

/// Waits for a listener at a name, and dials it.
///
/// # Cancel safety
///
/// Dropping the future ends the attempt, and the link if there is one already.
///
/// # Errors
///
/// Returns the reason why the listener refuses the link.
pub(crate) async fn dial(
    endpoint: &InprocEndpoint,
    negotiated: &Negotiated,
) -> Result<(LinkSide, Negotiated), HandshakeFailure> {
    loop {
        let mut bound = pin!(BOUND.notified());
        // From here on, no notification is missed.
        bound.as_mut().enable();
        let listener = NAMES.lock().get(endpoint).cloned();
        let Some(listener) = listener else {
            bound.await;
            continue;
        };
        let (ours, theirs) = LinkSide::pair();
        let (answer, answered) = oneshot::channel();
        if listener
            .send(Dial { negotiated: negotiated.clone(), side: theirs, answer })
            .await
            .is_err()
        {
            continue;
        }
        // If the listener is dropped at that moment, the dial stays in the channel until its last
        // handle is dropped.
        drop(listener);
        match answered.await {
            Ok(answer) => return answer.map(|negotiated| (ours, negotiated)),
            // The listener was dropped first.
            Err(_) => continue,
        }
    }
}

/// The names with a listener.
static NAMES: LazyLock<Lock<HashMap<InprocEndpoint, mpsc::Sender<Dial>>>> =
    LazyLock::new(Lock::default);

/// Notified whenever a name is bound. All waiting sockets then look up their own names. Names are
/// rarely bound.
static BOUND: Notify = Notify::const_new();

/// The largest backlog. A dialing socket that finds no free slot waits for one.
const BACKLOG_MAX: usize = 1_024;

#[cfg(test)]
mod tests {

    use zmtp_proto::handshake::HandshakeConfig;
    use zmtp_proto::metadata::Metadata;

    use super::*;

    #[tokio::test]
    async fn a_socket_that_dials_first_waits_for_the_listener() {
        let name = InprocEndpoint::unique();
        let client = negotiated(SocketType::Client);
        let mut dialing = tokio_test::task::spawn(dial(&name, &client));
        assert!(dialing.poll().is_pending());
        let mut listener = InprocListener::bind(&name, 1).unwrap();
        assert!(dialing.is_woken());
        assert!(dialing.poll().is_pending());
        let dial = listener.accept().await;
        assert_eq!(*dial.negotiated(), client);
        let _half = dial.accept(negotiated(SocketType::Server));
        let (_, answered) = dialing.await.unwrap();
        assert_eq!(answered, negotiated(SocketType::Server));
    }

    #[tokio::test]
    async fn a_name_is_in_use_until_its_listener_is_dropped() {
        let name = InprocEndpoint::unique();
        let listener = InprocListener::bind(&name, 1).unwrap();
        assert_eq!(InprocListener::bind(&name, 1).err(), Some(InUse));
        drop(listener);
        InprocListener::bind(&name, 1).unwrap();
    }

    #[tokio::test]
    async fn a_socket_that_is_not_accepted_waits_for_the_next_listener() {
        let name = InprocEndpoint::unique();
        let client = negotiated(SocketType::Client);
        let listener = InprocListener::bind(&name, 1).unwrap();
        let mut dialing = tokio_test::task::spawn(dial(&name, &client));
        assert!(dialing.poll().is_pending());
        drop(listener);
        assert!(dialing.poll().is_pending());
        let mut listener = InprocListener::bind(&name, 1).unwrap();
        assert!(dialing.poll().is_pending());
        listener.accept().await.refuse(HandshakeFailure::ClosedByRemote);
        assert!(matches!(dialing.await, Err(HandshakeFailure::ClosedByRemote)));
    }

    #[tokio::test]
    async fn a_link_ends_with_either_half() {
        let (dialing, listening) = LinkSide::pair();
        drop(listening);
        dialing.ended().await;
    }

    fn negotiated(socket_type: SocketType) -> Negotiated {
        let metadata = Metadata::default();
        HandshakeConfig { socket_type, metadata }.introduction()
    }
}
