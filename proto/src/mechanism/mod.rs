//! Security mechanisms (RFC 37, Authentication and Confidentiality).
//!
//! Each mechanism is a small state machine in its own module. It decodes the bodies of the remote's
//! commands itself, since "ZMTP does not define the syntax nor semantics of commands": the READY of
//! CURVE, for example, is an encrypted box, whereas the READY of NULL is plain metadata.
//!
//! The caller decides whether a remote is admitted: `poll_credentials` returns the credentials, and
//! `handle_verdict` applies the decision.

pub mod curve;
mod null;
pub mod plain;
mod status_code;

use thiserror::Error;

use self::curve::{
    CurveClientHandshake, CurveKeypair, CurvePublicKey, CurveServerHandshake, Seed, ServerKeypairs,
    Session,
};
use self::null::NullHandshake;
use self::plain::{Password, PlainClientHandshake, PlainCredentialsError, PlainServerHandshake};
pub use self::status_code::StatusCode;
use super::command::{Command, CommandError};
use super::error_reason::ErrorReason;
use super::greeting::MechanismName;
use super::metadata::Metadata;

/// The security mechanism of one handshake.
///
/// In PLAIN and CURVE one end is the client and the other the server. These roles do not depend on
/// the socket type, nor on the end that binds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeMechanism {
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
    /// Requires a name and a password, which the authenticator checks. Without an authenticator
    /// every remote is refused. (RFC 24.)
    PlainServer,
    /// Encrypts traffic, authenticates the server by its key, and presents a key to it. (RFC 25,
    /// RFC 26.)
    CurveClient {
        /// The key of the server. Obtain it over a trusted channel.
        server_key: CurvePublicKey,
        /// The key pair of this socket.
        keypair: CurveKeypair,
    },
    /// Encrypts traffic. The authenticator checks the keys of remotes. Without an authenticator
    /// every remote that knows the key of this socket is admitted. (RFC 25, RFC 26.)
    CurveServer {
        /// The key pairs of this socket, which are determined when the HELLO of the remote arrives.
        keypairs: ServerKeypairs,
    },
}

/// # Examples
///
/// ```
/// # use zmtp_proto::mechanism::HandshakeMechanism;
/// let mechanism = HandshakeMechanism::plain_client("alice", "swordfish")?;
/// assert!(!mechanism.is_server());
/// assert!(!mechanism.can_defer_introduction());
/// # Ok::<(), zmtp_proto::mechanism::plain::PlainCredentialsError>(())
/// ```
impl HandshakeMechanism {
    /// Creates the client role of PLAIN.
    ///
    /// # Errors
    ///
    /// Returns [`PlainCredentialsError`] if the name or the password has more than 255 bytes.
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

    /// Returns whether this end receives the remote's metadata before it has to announce its own.
    pub fn can_defer_introduction(&self) -> bool {
        match self {
            Self::Null | Self::PlainServer | Self::CurveServer { .. } => true,
            Self::PlainClient { .. } | Self::CurveClient { .. } => false,
        }
    }

    /// Returns the value of the greeting's as-server field.
    pub fn is_server(&self) -> bool {
        match self {
            // "When a peer uses the NULL security mechanism, the as-server field MUST be zero."
            Self::Null | Self::PlainClient { .. } | Self::CurveClient { .. } => false,
            Self::PlainServer | Self::CurveServer { .. } => true,
        }
    }
}

impl MechanismName {
    /// Returns the name of a mechanism, which the greeting contains.
    pub fn of(mechanism: &HandshakeMechanism) -> Self {
        match mechanism {
            HandshakeMechanism::Null => Self::NULL,
            HandshakeMechanism::PlainClient { .. } | HandshakeMechanism::PlainServer => Self::PLAIN,
            HandshakeMechanism::CurveClient { .. } | HandshakeMechanism::CurveServer { .. } => {
                Self::CURVE
            }
        }
    }
}

/// The credentials of a remote, for an authenticator to check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// No credentials: the mechanism is NULL.
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

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub mod auth { pub use zmtp_proto::mechanism::Credentials; } }
/// use tokio_zmtp::auth::Credentials;
///
/// assert_eq!(Credentials::Null.mechanism(), "NULL");
/// assert_eq!(Credentials::Null.verdict_without_authenticator(), Ok(()));
/// ```
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

    /// Returns the verdict of a socket without an authenticator.
    ///
    /// # Errors
    ///
    /// [`Denied`](StatusCode::Denied) with PLAIN: no password is known. libzmq refuses them, too.
    pub const fn verdict_without_authenticator(&self) -> Result<(), StatusCode> {
        match self {
            Self::Null | Self::Curve { .. } => Ok(()),
            Self::Plain { .. } => Err(StatusCode::Denied),
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
    /// Starts the handshake of one connection, which announces `metadata` to the remote. `None`
    /// defers it until [`introduce`](Self::introduce).
    pub fn new(mechanism: HandshakeMechanism, metadata: Option<Metadata>, seed: Seed) -> Self {
        Self(match mechanism {
            HandshakeMechanism::Null => Exchange::Null(NullHandshake::new(metadata)),
            HandshakeMechanism::PlainClient { username, password } => {
                Exchange::PlainClient(PlainClientHandshake::new(&username, &password, metadata))
            }
            HandshakeMechanism::PlainServer => {
                Exchange::PlainServer(PlainServerHandshake::new(metadata))
            }
            HandshakeMechanism::CurveClient { server_key, keypair } => {
                let client = CurveClientHandshake::new(server_key, keypair, metadata, &seed);
                Exchange::CurveClient(Box::new(client))
            }
            HandshakeMechanism::CurveServer { keypairs } => {
                Exchange::CurveServer(Box::new(CurveServerHandshake::new(keypairs, metadata, seed)))
            }
        })
    }

    /// Handles the body of a command of the remote.
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

    /// Applies the decision about the credentials.
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

    /// Returns whether the handshake waits for [`introduce`](Self::introduce).
    pub fn awaits_introduction(&self) -> bool {
        match &self.0 {
            Exchange::Null(null) => null.requested().is_some(),
            Exchange::PlainClient(plain) => plain.awaits_introduction(),
            Exchange::PlainServer(plain) => plain.requested().is_some(),
            Exchange::CurveClient(curve) => curve.awaits_introduction(),
            Exchange::CurveServer(curve) => curve.requested().is_some(),
        }
    }

    /// Returns the metadata of the remote while this end defers its own. A client announces its own
    /// first.
    pub fn requested(&self) -> Option<&Metadata> {
        match &self.0 {
            Exchange::Null(null) => null.requested(),
            Exchange::PlainServer(plain) => plain.requested(),
            Exchange::CurveServer(curve) => curve.requested(),
            Exchange::PlainClient(_) | Exchange::CurveClient(_) => None,
        }
    }

    /// Sets the metadata to announce to the remote, if it was deferred.
    pub fn introduce(&mut self, metadata: Metadata) {
        match &mut self.0 {
            Exchange::Null(null) => null.introduce(metadata),
            Exchange::PlainClient(plain) => plain.introduce(metadata),
            Exchange::PlainServer(plain) => plain.introduce(metadata),
            Exchange::CurveClient(curve) => curve.introduce(metadata),
            Exchange::CurveServer(curve) => curve.introduce(metadata),
        }
    }

    /// Returns the next command to send.
    pub fn poll_command(&mut self) -> Option<Command> {
        match &mut self.0 {
            Exchange::Null(null) => null.poll_command(),
            Exchange::PlainClient(plain) => plain.poll_command(),
            Exchange::PlainServer(plain) => plain.poll_command(),
            Exchange::CurveClient(curve) => curve.poll_command(),
            Exchange::CurveServer(curve) => curve.poll_command(),
        }
    }

    /// Returns the credentials of the remote, once. The handshake then waits for the verdict.
    pub fn poll_credentials(&mut self) -> Option<Credentials> {
        match &mut self.0 {
            Exchange::Null(null) => null.poll_credentials(),
            Exchange::PlainServer(plain) => plain.poll_credentials(),
            Exchange::CurveServer(curve) => curve.poll_credentials(),
            Exchange::PlainClient(_) | Exchange::CurveClient(_) => None,
        }
    }

    /// Returns the remote's metadata when the handshake is complete. Poll the commands first.
    pub fn poll_metadata(&mut self) -> Option<Metadata> {
        match &mut self.0 {
            Exchange::Null(null) => null.poll_metadata(),
            Exchange::PlainClient(plain) => plain.poll_metadata(),
            Exchange::PlainServer(plain) => plain.poll_metadata(),
            Exchange::CurveClient(curve) => curve.poll_metadata(),
            Exchange::CurveServer(curve) => curve.poll_metadata(),
        }
    }

    /// Removes and returns the session that encrypts traffic, if the handshake is complete and
    /// encrypted.
    pub fn take_session(&mut self) -> Option<Session> {
        match &mut self.0 {
            Exchange::Null(_) | Exchange::PlainClient(_) | Exchange::PlainServer(_) => None,
            Exchange::CurveClient(curve) => curve.take_session(),
            Exchange::CurveServer(curve) => curve.take_session(),
        }
    }

    /// Returns the public key of the server: the one that a client expects, or the one for which
    /// the client has sealed its HELLO. `None` if there is none, or if it is not known yet.
    pub fn server_key(&self) -> Option<CurvePublicKey> {
        match &self.0 {
            Exchange::Null(_) | Exchange::PlainClient(_) | Exchange::PlainServer(_) => None,
            Exchange::CurveClient(curve) => Some(curve.server_key()),
            Exchange::CurveServer(curve) => curve.server_key(),
        }
    }

    /// Returns whether the remote still has to prove that it holds the server's key.
    pub const fn awaits_proof_of_key(&self) -> bool {
        matches!(&self.0, Exchange::CurveClient(curve) if curve.awaits_welcome())
    }

    /// Returns whether the next command may contain metadata. Other commands are short.
    pub fn expects_metadata(&self) -> bool {
        match &self.0 {
            Exchange::Null(_) => true,
            Exchange::PlainClient(plain) => plain.expects_metadata(),
            Exchange::PlainServer(plain) => plain.expects_metadata(),
            Exchange::CurveClient(curve) => curve.expects_metadata(),
            Exchange::CurveServer(curve) => curve.expects_metadata(),
        }
    }

    /// Returns whether traffic after the handshake is encrypted.
    pub fn is_encrypted(&self) -> bool {
        match &self.0 {
            Exchange::Null(_) | Exchange::PlainClient(_) | Exchange::PlainServer(_) => false,
            Exchange::CurveClient(_) | Exchange::CurveServer(_) => true,
        }
    }
}

/// The reason why the exchange of the mechanism's commands failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MechanismError {
    /// The remote sent a malformed command.
    #[error("malformed handshake command")]
    Command(#[from] CommandError),
    /// The remote sent a command with malformed data.
    #[error("malformed {name}")]
    Malformed {
        /// The command's name.
        name: &'static str,
    },
    /// The remote sent a command that is not valid at this point of the handshake.
    #[error("unexpected command {name} during the handshake")]
    UnexpectedCommand {
        /// The command's name, 1 to 255 ASCII letters.
        name: Box<str>,
    },
    /// The remote sent a HELLO to a client: both ends have the client role (RFC 37, Topology).
    #[error("both ends are clients of {mechanism}")]
    BothClients {
        /// The mechanism of both ends.
        mechanism: MechanismName,
    },
    /// The remote speaks an unsupported version of CurveZMQ.
    #[error("unsupported version {major}.{minor} of CurveZMQ")]
    CurveVersion {
        /// The major version.
        major: u8,
        /// The minor version.
        minor: u8,
    },
    /// A box of the remote's command cannot be decrypted: the remote uses other keys, or the
    /// command was changed in transit.
    #[error("the box of {name} cannot be decrypted")]
    Unopened {
        /// The command's name.
        name: &'static str,
    },
    /// The nonces of the remote do not increase.
    #[error("the nonce of {name} is not greater than the last")]
    StaleNonce {
        /// The command's name.
        name: &'static str,
    },
    /// The remote does not hold the key that it presents, or its vouch is for another server.
    #[error("the vouch does not match the keys")]
    Vouch,
    /// The remote refused the handshake with an ERROR command.
    #[error("remote refused the handshake: {reason}")]
    Refused {
        /// The reason that the remote sent.
        reason: ErrorReason,
    },
    /// This end refuses the remote.
    #[error("remote is refused: {status}")]
    Rejected {
        /// The status code of the refusal.
        status: StatusCode,
    },
}

impl MechanismError {
    /// Decodes the data of an ERROR.
    fn refused(data: &[u8]) -> Self {
        match ErrorReason::decode(data) {
            Some(reason) => Self::Refused { reason },
            None => Self::Malformed { name: "ERROR" },
        }
    }
}
