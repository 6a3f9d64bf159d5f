//! Security mechanisms (RFC 37, Authentication and Confidentiality).
//!
//! Each mechanism is a small state machine of its own module. It takes the bodies of the remote's
//! commands undecoded, since "ZMTP does not define the syntax nor semantics of commands": the READY
//! of CURVE, say, is an encrypted box, whereas that of NULL is plain metadata.

mod null;

use thiserror::Error;

use self::null::NullHandshake;
use super::command::{Command, CommandError};
use super::error_reason::ErrorReason;
use super::greeting::MechanismName;
use super::metadata::Metadata;

/// A socket's choice of mechanism. All its peers have to make the same.
#[derive(Debug, Clone, Default)]
pub(crate) enum Mechanism {
    /// No authentication, no confidentiality.
    #[default]
    Null,
}

impl Mechanism {
    /// Returns the name that goes into the greeting.
    pub(crate) fn name(&self) -> MechanismName {
        match self {
            Self::Null => MechanismName::NULL,
        }
    }

    /// Returns what goes into the greeting's as-server field.
    pub(crate) fn is_server(&self) -> bool {
        match self {
            // "When a peer uses the NULL security mechanism, the as-server field MUST be zero."
            Self::Null => false,
        }
    }
}

/// The part of a handshake that depends on the mechanism.
#[derive(Debug)]
pub(crate) enum SecurityHandshake {
    Null(NullHandshake),
}

impl SecurityHandshake {
    /// Starts the handshake of one connection, to announce `metadata` to the remote.
    pub(crate) fn new(mechanism: Mechanism, metadata: Metadata) -> Self {
        match mechanism {
            Mechanism::Null => Self::Null(NullHandshake::new(metadata)),
        }
    }

    /// Takes the body of a command that the remote sent.
    ///
    /// # Errors
    ///
    /// Every error ends the handshake.
    pub(crate) fn handle_command(&mut self, body: &[u8]) -> Result<(), MechanismError> {
        match self {
            Self::Null(null) => null.handle_command(body),
        }
    }

    /// Yields the next command to send.
    pub(crate) fn poll_command(&mut self) -> Option<Command> {
        match self {
            Self::Null(null) => null.poll_command(),
        }
    }

    /// Yields the remote's metadata when the handshake is complete; poll the commands first.
    pub(crate) fn poll_metadata(&mut self) -> Option<Metadata> {
        match self {
            Self::Null(null) => null.poll_metadata(),
        }
    }
}

/// How the exchange of the mechanism's commands failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum MechanismError {
    /// The remote sent a malformed command.
    #[error("malformed handshake command")]
    Command(#[from] CommandError),
    /// The remote sent a command that has no place at this point of the handshake.
    #[error("unexpected command {name} during the handshake")]
    UnexpectedCommand {
        /// The command's name, 1 to 255 ASCII letters.
        name: Box<str>,
    },
    /// The remote refused us with an ERROR command.
    #[error("remote refused the handshake: {reason}")]
    Refused {
        /// What the remote gave as its reason.
        reason: ErrorReason,
    },
}
