//! The NULL mechanism: each end sends a READY (RFC 37, The NULL Security Mechanism).

use std::mem;

use super::super::command::Command;
use super::super::metadata::Metadata;
use super::{Credentials, MechanismError, StatusCode};

/// The handshake of either end, which sends READY as soon as the remote is admitted.
///
/// The RFC allows the server to wait for the client's READY. Like libzmq, this end does not wait,
/// which saves a round trip and needs no roles. The verdict does not wait for the remote's READY
/// either: two ends with authenticators would wait for each other. Only a deferred introduction
/// waits for the remote's READY.
#[derive(Debug)]
pub(super) struct NullHandshake {
    verdict: Verdict,
    local: Local,
    /// The metadata of the remote's READY, until it is polled.
    remote: Option<Metadata>,
}

/// The metadata that this end announces.
#[derive(Debug, PartialEq, Eq)]
enum Local {
    /// Deferred until the introduction.
    Unknown,
    Known(Metadata),
    Sent,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Not requested yet.
    Due,
    Awaited,
    Good,
}

impl NullHandshake {
    pub(super) fn new(metadata: Option<Metadata>) -> Self {
        let local = metadata.map_or(Local::Unknown, Local::Known);
        Self { verdict: Verdict::Due, local, remote: None }
    }

    pub(super) fn introduce(&mut self, metadata: Metadata) {
        if self.local == Local::Unknown {
            self.local = Local::Known(metadata);
        }
    }

    pub(super) fn requested(&self) -> Option<&Metadata> {
        let waits = self.local == Local::Unknown && self.verdict == Verdict::Good;
        self.remote.as_ref().filter(|_| waits)
    }

    pub(super) fn handle_command(&mut self, body: &[u8]) -> Result<(), MechanismError> {
        match Command::decode(body)? {
            Command::Ready(metadata) if self.remote.is_none() => {
                self.remote = Some(metadata);
                Ok(())
            }
            Command::Error(reason) => Err(MechanismError::Refused { reason }),
            command => Err(MechanismError::UnexpectedCommand { name: command.name().into() }),
        }
    }

    /// Applies the decision about the remote.
    pub(super) fn handle_verdict(&mut self, verdict: Result<(), StatusCode>) {
        if verdict.is_ok() {
            self.verdict = Verdict::Good;
        }
    }

    pub(super) fn poll_credentials(&mut self) -> Option<Credentials> {
        if self.verdict != Verdict::Due {
            return None;
        }
        self.verdict = Verdict::Awaited;
        Some(Credentials::Null)
    }

    pub(super) fn poll_command(&mut self) -> Option<Command> {
        if self.verdict != Verdict::Good {
            return None;
        }
        let Local::Known(metadata) = &mut self.local else { return None };
        let ready = Command::Ready(mem::take(metadata));
        self.local = Local::Sent;
        Some(ready)
    }

    /// Returns the metadata of the remote when the handshake is complete: "having both sent and
    /// received a READY command".
    pub(super) fn poll_metadata(&mut self) -> Option<Metadata> {
        if self.local != Local::Sent {
            return None;
        }
        self.remote.take()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::error_reason::ErrorReason;
    use super::super::super::socket_type::SocketType;
    use super::*;

    #[test]
    fn the_ready_does_not_wait_for_that_of_the_remote() {
        let local = Metadata::announcing(SocketType::Client);
        let mut null = admitted(local.clone());

        assert_eq!(null.poll_command(), Some(Command::Ready(local)));
        assert_eq!(null.poll_command(), None);
        assert_eq!(null.poll_metadata(), None);
    }

    #[test]
    fn the_handshake_is_complete_when_both_ends_have_sent_ready() {
        let mut null = admitted(Metadata::default());

        null.handle_command(b"\x05READY\x0BSocket-Type\0\0\0\x06SERVER").unwrap();
        assert_eq!(null.poll_metadata(), None);

        assert!(null.poll_command().is_some());
        assert_eq!(null.poll_metadata(), Some(Metadata::announcing(SocketType::Server)));
    }

    #[test]
    fn an_error_is_a_refusal_with_its_reason() {
        let mut null = admitted(Metadata::default());

        assert_eq!(
            null.handle_command(b"\x05ERROR\x03400"),
            Err(MechanismError::Refused { reason: ErrorReason::new(b"400") })
        );
    }

    #[test]
    fn a_second_ready_is_unexpected() {
        let mut null = admitted(Metadata::default());

        null.handle_command(b"\x05READY").unwrap();
        assert_eq!(null.handle_command(b"\x05READY"), unexpected("READY"));
    }

    #[test]
    fn commands_of_traffic_and_of_other_mechanisms_are_unexpected() {
        let mut null = admitted(Metadata::default());

        assert_eq!(null.handle_command(b"\x04PING\0\0"), unexpected("PING"));
        assert_eq!(null.handle_command(b"\x05HELLO\x01u\x01p"), unexpected("HELLO"));
    }

    #[test]
    fn the_ready_waits_for_the_verdict() {
        let mut null = NullHandshake::new(Some(Metadata::default()));
        null.handle_command(b"\x05READY").unwrap();
        assert_eq!(null.poll_command(), None);

        assert_eq!(null.poll_credentials(), Some(Credentials::Null));
        assert_eq!(null.poll_credentials(), None);
        assert_eq!((null.poll_command(), null.poll_metadata()), (None, None));

        null.handle_verdict(Ok(()));
        assert!(null.poll_command().is_some());
        assert!(null.poll_metadata().is_some());
    }

    #[test]
    fn a_refused_remote_receives_no_ready() {
        let mut null = NullHandshake::new(Some(Metadata::default()));
        null.handle_verdict(Err(StatusCode::Denied));
        assert_eq!(null.poll_command(), None);
    }

    #[test]
    fn the_ready_waits_for_a_deferred_introduction() {
        let mut null = NullHandshake::new(None);
        null.handle_command(b"\x05READY\x08Resource\0\0\0\x01a").unwrap();
        assert_eq!(null.requested(), None);
        null.handle_verdict(Ok(()));
        assert_eq!((null.poll_command(), null.poll_metadata()), (None, None));
        assert_eq!(null.requested().unwrap().value(Metadata::RESOURCE), Some(b"a".as_slice()));

        let local = Metadata::announcing(SocketType::Server);
        null.introduce(local.clone());
        null.introduce(Metadata::default());
        assert_eq!(null.requested(), None);
        assert_eq!(null.poll_command(), Some(Command::Ready(local)));
        assert!(null.poll_metadata().is_some());
    }

    fn admitted(metadata: Metadata) -> NullHandshake {
        let mut null = NullHandshake::new(Some(metadata));
        null.handle_verdict(Ok(()));
        null
    }

    fn unexpected(name: &str) -> Result<(), MechanismError> {
        Err(MechanismError::UnexpectedCommand { name: name.into() })
    }
}
