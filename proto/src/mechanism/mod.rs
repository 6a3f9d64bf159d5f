//! Security mechanisms (RFC 37, Authentication and Confidentiality).
//!
//! Each mechanism is a small state machine of its own module. It takes the bodies of the remote's
//! commands undecoded, since "ZMTP does not define the syntax nor semantics of commands": the READY
//! of CURVE, for example, is an encrypted box, whereas that of NULL is plain metadata.
//!
//! Whether a remote is admitted is not decided here: `poll_credentials` returns its credentials, and
//! `handle_verdict` takes the answer.

pub mod curve;
mod null;
pub mod plain;
mod status_code;

use thiserror::Error;

use self::curve::{
    CurveClientHandshake, CurveKeypair, CurvePublicKey, CurveServerHandshake, Seed, Session,
};
use self::null::NullHandshake;
use self::plain::{Password, PlainClientHandshake, PlainCredentialsError, PlainServerHandshake};
pub use self::status_code::StatusCode;
use super::command::{Command, CommandError};
use super::error_reason::ErrorReason;
use super::greeting::MechanismName;
use super::metadata::Metadata;

/// The security mechanism of a socket, for all its endpoints. All its remotes have to use the same.
///
/// With PLAIN and CURVE one end is the client and the other the server. These roles do not depend on
/// the socket type, nor on which end binds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mechanism {
    /// No authentication, no confidentiality. (RFC 37, The NULL Security Mechanism.)
    #[default]
    Null,
    /// Sends a name and a password to the remote, unencrypted: see
    /// [`plain_client`](Self::plain_client). (RFC 24.)
    #[non_exhaustive]
    PlainClient {
        /// The name, of at most 255 bytes.
        username: String,
        /// The password, of at most 255 bytes.
        password: Password,
    },
    /// Requires a name and a password, which the authenticator checks. Without an authenticator every remote
    /// is refused. (RFC 24.)
    PlainServer,
    /// Encrypts, authenticates the server by its key, and presents a key to it. (RFC 25, RFC 26.)
    CurveClient {
        /// The key of the server. Obtain it over a trusted channel.
        server_key: CurvePublicKey,
        /// The keys of this socket.
        keypair: CurveKeypair,
    },
    /// Encrypts, and has the authenticator check the keys of remotes. Without an authenticator every remote
    /// that knows the key of this socket is admitted. (RFC 25, RFC 26.)
    CurveServer {
        /// The keys of this socket.
        keypair: CurveKeypair,
    },
}

impl Mechanism {
    /// The client's role of PLAIN.
    ///
    /// # Errors
    ///
    /// [`PlainCredentialsError`] if the name or the password has more than 255 bytes.
    pub fn plain_client(
        username: impl Into<String>,
        password: impl Into<Password>,
    ) -> Result<Self, PlainCredentialsError> {
        let (username, password) = (username.into(), password.into());
        if username.len().max(password.as_str().len()) > plain::TEXT_MAX {
            return Err(PlainCredentialsError);
        }
        Ok(Self::PlainClient { username, password })
    }

    /// Returns the name that goes into the greeting.
    pub fn name(&self) -> MechanismName {
        match self {
            Self::Null => MechanismName::NULL,
            Self::PlainClient { .. } | Self::PlainServer => MechanismName::PLAIN,
            Self::CurveClient { .. } | Self::CurveServer { .. } => MechanismName::CURVE,
        }
    }

    /// Whether this end hears what the remote announces before it has to announce something itself.
    pub fn can_defer_introduction(&self) -> bool {
        match self {
            Self::Null | Self::PlainServer | Self::CurveServer { .. } => true,
            Self::PlainClient { .. } | Self::CurveClient { .. } => false,
        }
    }

    /// Returns what goes into the greeting's as-server field.
    pub fn is_server(&self) -> bool {
        match self {
            // "When a peer uses the NULL security mechanism, the as-server field MUST be zero."
            Self::Null | Self::PlainClient { .. } | Self::CurveClient { .. } => false,
            Self::PlainServer | Self::CurveServer { .. } => true,
        }
    }
}

/// The credentials of a remote, for an authenticator to check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// Nothing: the mechanism is NULL.
    Null,
    /// A name and a password, both of up to 255 bytes.
    Plain {
        /// The name.
        username: String,
        /// The password.
        password: Password,
    },
    /// A long-term key. The remote has proved that it holds the secret half.
    Curve {
        /// The public half.
        public_key: CurvePublicKey,
    },
}

impl Credentials {
    /// Returns the name of the mechanism: `NULL`, `PLAIN` or `CURVE`.
    #[must_use]
    pub const fn mechanism(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Plain { .. } => "PLAIN",
            Self::Curve { .. } => "CURVE",
        }
    }
}

/// The part of a handshake that depends on the mechanism.
#[derive(Debug)]
pub struct SecurityHandshake(Exchange);

/// The state machine of each mechanism and role.
#[derive(Debug)]
enum Exchange {
    Null(NullHandshake),
    PlainClient(PlainClientHandshake),
    PlainServer(PlainServerHandshake),
    CurveClient(Box<CurveClientHandshake>),
    CurveServer(Box<CurveServerHandshake>),
}

impl SecurityHandshake {
    /// Starts the handshake of one connection, to announce `metadata` to the remote. A server may leave
    /// it open until the remote has [asked](Self::requested) for something.
    pub fn new(mechanism: Mechanism, metadata: Option<Metadata>, seed: Seed) -> Self {
        Self(match mechanism {
            Mechanism::Null => Exchange::Null(NullHandshake::new(metadata)),
            Mechanism::PlainClient { username, password } => {
                let metadata = metadata.unwrap_or_default();
                Exchange::PlainClient(PlainClientHandshake::new(&username, &password, metadata))
            }
            Mechanism::PlainServer => Exchange::PlainServer(PlainServerHandshake::new(metadata)),
            Mechanism::CurveClient { server_key, keypair } => {
                let metadata = metadata.unwrap_or_default();
                let client = CurveClientHandshake::new(server_key, keypair, metadata, &seed);
                Exchange::CurveClient(Box::new(client))
            }
            Mechanism::CurveServer { keypair } => {
                Exchange::CurveServer(Box::new(CurveServerHandshake::new(keypair, metadata, seed)))
            }
        })
    }

    /// Takes the body of a command that the remote sent.
    ///
    /// # Errors
    ///
    /// Every error ends the handshake.
    pub fn handle_command(&mut self, body: &[u8]) -> Result<(), MechanismError> {
        match &mut self.0 {
            Exchange::Null(null) => null.handle_command(body),
            Exchange::PlainClient(plain) => plain.handle_command(body),
            Exchange::PlainServer(plain) => plain.handle_command(body),
            Exchange::CurveClient(curve) => curve.handle_command(body),
            Exchange::CurveServer(curve) => curve.handle_command(body),
        }
    }

    /// Takes what was decided about the credentials.
    ///
    /// # Errors
    ///
    /// The remote is refused, which ends the handshake.
    pub fn handle_verdict(
        &mut self,
        verdict: Result<(), StatusCode>,
    ) -> Result<(), MechanismError> {
        match &mut self.0 {
            Exchange::Null(null) => null.handle_verdict(verdict),
            Exchange::PlainServer(plain) => plain.handle_verdict(verdict),
            Exchange::CurveServer(curve) => curve.handle_verdict(verdict),
            Exchange::PlainClient(_) | Exchange::CurveClient(_) => {}
        }
        verdict.map_err(|status| MechanismError::Rejected { status })
    }

    /// Shows what the remote has announced, while it depends on that what we announce.
    pub fn requested(&self) -> Option<&Metadata> {
        match &self.0 {
            Exchange::Null(null) => null.requested(),
            Exchange::PlainServer(plain) => plain.requested(),
            Exchange::CurveServer(curve) => curve.requested(),
            Exchange::PlainClient(_) | Exchange::CurveClient(_) => None,
        }
    }

    /// Takes what to announce to the remote, where that was left open.
    pub fn introduce(&mut self, metadata: Metadata) {
        match &mut self.0 {
            Exchange::Null(null) => null.introduce(metadata),
            Exchange::PlainServer(plain) => plain.introduce(metadata),
            Exchange::CurveServer(curve) => curve.introduce(metadata),
            Exchange::PlainClient(_) | Exchange::CurveClient(_) => {}
        }
    }

    /// Yields the next command to send.
    pub fn poll_command(&mut self) -> Option<Command> {
        match &mut self.0 {
            Exchange::Null(null) => null.poll_command(),
            Exchange::PlainClient(plain) => plain.poll_command(),
            Exchange::PlainServer(plain) => plain.poll_command(),
            Exchange::CurveClient(curve) => curve.poll_command(),
            Exchange::CurveServer(curve) => curve.poll_command(),
        }
    }

    /// Yields what the remote has shown, once. The handshake then waits for the verdict.
    pub fn poll_credentials(&mut self) -> Option<Credentials> {
        match &mut self.0 {
            Exchange::Null(null) => null.poll_credentials(),
            Exchange::PlainServer(plain) => plain.poll_credentials(),
            Exchange::CurveServer(curve) => curve.poll_credentials(),
            Exchange::PlainClient(_) | Exchange::CurveClient(_) => None,
        }
    }

    /// Yields the remote's metadata when the handshake is complete; poll the commands first.
    pub fn poll_metadata(&mut self) -> Option<Metadata> {
        match &mut self.0 {
            Exchange::Null(null) => null.poll_metadata(),
            Exchange::PlainClient(plain) => plain.poll_metadata(),
            Exchange::PlainServer(plain) => plain.poll_metadata(),
            Exchange::CurveClient(curve) => curve.poll_metadata(),
            Exchange::CurveServer(curve) => curve.poll_metadata(),
        }
    }

    /// Takes out what the traffic is encrypted with, if it is, when the handshake is complete.
    pub fn take_session(&mut self) -> Option<Session> {
        match &mut self.0 {
            Exchange::Null(_) | Exchange::PlainClient(_) | Exchange::PlainServer(_) => None,
            Exchange::CurveClient(curve) => curve.take_session(),
            Exchange::CurveServer(curve) => curve.take_session(),
        }
    }

    /// Whether the next command may carry metadata; others are short.
    pub fn expects_metadata(&self) -> bool {
        match &self.0 {
            Exchange::Null(_) => true,
            Exchange::PlainClient(plain) => plain.expects_metadata(),
            Exchange::PlainServer(plain) => plain.expects_metadata(),
            Exchange::CurveClient(curve) => curve.expects_metadata(),
            Exchange::CurveServer(curve) => curve.expects_metadata(),
        }
    }

    /// Whether commands of the handshake are the last that go in the clear.
    pub fn is_encrypted(&self) -> bool {
        match &self.0 {
            Exchange::Null(_) | Exchange::PlainClient(_) | Exchange::PlainServer(_) => false,
            Exchange::CurveClient(_) | Exchange::CurveServer(_) => true,
        }
    }
}

/// How the exchange of the mechanism's commands failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MechanismError {
    /// The remote sent a malformed command.
    #[error("malformed handshake command")]
    Command(#[from] CommandError),
    /// The remote sent a command whose data break its grammar.
    #[error("malformed {name}")]
    Malformed {
        /// The command's name.
        name: &'static str,
    },
    /// The remote sent a command that has no place at this point of the handshake.
    #[error("unexpected command {name} during the handshake")]
    UnexpectedCommand {
        /// The command's name, 1 to 255 ASCII letters.
        name: Box<str>,
    },
    /// The remote speaks an unsupported version of CurveZMQ.
    #[error("unsupported version {major}.{minor} of CurveZMQ")]
    CurveVersion {
        /// Before the point.
        major: u8,
        /// Behind the point.
        minor: u8,
    },
    /// A box of the remote's command does not open: the remote uses other keys, or the command was changed in
    /// transit.
    #[error("the box of {name} does not open")]
    Unopened {
        /// The command's name.
        name: &'static str,
    },
    /// The remote's nonces do not count up.
    #[error("the nonce of {name} is not above the last")]
    StaleNonce {
        /// The command's name.
        name: &'static str,
    },
    /// The remote does not hold the keys that it presents, or its vouch is for another server.
    #[error("the vouch is not for these keys")]
    Vouch,
    /// The remote refused the handshake with an ERROR command.
    #[error("remote refused the handshake: {reason}")]
    Refused {
        /// What the remote gave as its reason.
        reason: ErrorReason,
    },
    /// This end refuses the remote.
    #[error("remote is refused: {status}")]
    Rejected {
        /// What was decided.
        status: StatusCode,
    },
}
