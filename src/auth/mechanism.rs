//! The security mechanism of a socket.

use zmtp_proto::greeting::MechanismName;
use zmtp_proto::mechanism;

use super::{ClientKeys, CurvePublicKey, Password, PlainCredentialsError, ServerKeys};

/// The security mechanism of all endpoints of a socket. All its remotes must use the same
/// mechanism.
///
/// In PLAIN and CURVE one end is the client and the other the server. These roles do not depend on
/// the socket type, nor on the end that binds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Requires a name and a password, which the authenticator checks. Without an authenticator
    /// every remote is refused. (RFC 24.)
    PlainServer,
    /// Encrypts traffic, authenticates the server by its key, and presents a key to it: see
    /// [`curve_client`](Self::curve_client). (RFC 25, RFC 26.)
    CurveClient {
        /// The keys of the server, and the key pair of this socket.
        keys: ClientKeys,
    },
    /// Encrypts traffic. The authenticator checks the keys of remotes. Without an authenticator
    /// every remote that knows a key of this socket is admitted: see
    /// [`curve_server`](Self::curve_server). (RFC 25, RFC 26.)
    CurveServer {
        /// The key pairs of this socket.
        keys: ServerKeys,
    },
}

/// # Examples
///
/// ```
/// use tokio_zmtp::Mechanism;
///
/// let mechanism = Mechanism::plain_client("alice", "swordfish")?;
/// assert!(!mechanism.is_server());
/// assert!(!mechanism.can_defer_introduction());
/// # Ok::<(), tokio_zmtp::auth::PlainCredentialsError>(())
/// ```
impl Mechanism {
    /// Creates the client role of PLAIN.
    ///
    /// # Errors
    ///
    /// Returns [`PlainCredentialsError`] if the name or the password has more than 255 bytes.
    pub fn plain_client(
        username: impl Into<String>,
        password: impl Into<Password>,
    ) -> Result<Self, PlainCredentialsError> {
        match mechanism::HandshakeMechanism::plain_client(username, password)? {
            mechanism::HandshakeMechanism::PlainClient { username, password, .. } => {
                Ok(Self::PlainClient { username, password })
            }
            _ => unreachable!("it is the client role of PLAIN"),
        }
    }

    /// Creates the client role of CURVE. The keys are the public key of the server and the key pair
    /// of this socket, or [`ClientKeys`], which can be changed while the socket uses them. With the
    /// public key of the server alone, it generates a key pair, for servers that do not check the
    /// keys of their clients.
    ///
    /// # Panics
    ///
    /// Panics if a key pair must be generated, and the system provides no random numbers. Common
    /// systems always do.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Mechanism;
    /// use tokio_zmtp::auth::CurveKeypair;
    ///
    /// let server_key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID".parse()?;
    /// let stranger = Mechanism::curve_client(server_key);
    /// let alice = Mechanism::curve_client((server_key, CurveKeypair::generate()));
    /// # Ok::<(), tokio_zmtp::auth::CurveKeyError>(())
    /// ```
    #[must_use]
    pub fn curve_client(keys: impl Into<ClientKeys>) -> Self {
        Self::CurveClient { keys: keys.into() }
    }

    /// Creates the server role of CURVE with a key pair, or with [`ServerKeys`], which can be
    /// rotated while the socket uses them.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Mechanism;
    /// use tokio_zmtp::auth::CurveKeypair;
    ///
    /// let mechanism = Mechanism::curve_server(CurveKeypair::generate());
    /// assert!(mechanism.is_server());
    /// ```
    #[must_use]
    pub fn curve_server(keys: impl Into<ServerKeys>) -> Self {
        Self::CurveServer { keys: keys.into() }
    }

    /// Returns whether this end can receive the remote's metadata before it announces its own.
    #[must_use]
    pub const fn can_defer_introduction(&self) -> bool {
        match self {
            Self::Null | Self::PlainServer | Self::CurveServer { .. } => true,
            Self::PlainClient { .. } | Self::CurveClient { .. } => false,
        }
    }

    /// Returns whether this is the server role of PLAIN or CURVE.
    #[must_use]
    pub const fn is_server(&self) -> bool {
        match self {
            Self::Null | Self::PlainClient { .. } | Self::CurveClient { .. } => false,
            Self::PlainServer | Self::CurveServer { .. } => true,
        }
    }

    /// Returns the name in the greeting.
    pub(crate) const fn name(&self) -> MechanismName {
        match self {
            Self::Null => MechanismName::NULL,
            Self::PlainClient { .. } | Self::PlainServer => MechanismName::PLAIN,
            Self::CurveClient { .. } | Self::CurveServer { .. } => MechanismName::CURVE,
        }
    }

    /// Returns the mechanism of one handshake. A client uses its current keys, and the key of the
    /// server that has this turn.
    pub(crate) fn for_handshake(&self, turn: usize) -> mechanism::HandshakeMechanism {
        match self {
            Self::Null => mechanism::HandshakeMechanism::Null,
            Self::PlainClient { username, password } => {
                mechanism::HandshakeMechanism::plain_client(username, password.clone())
                    .expect("the lengths have been checked")
            }
            Self::PlainServer => mechanism::HandshakeMechanism::PlainServer,
            Self::CurveClient { keys } => {
                let (server_key, keypair) = keys.for_handshake(turn);
                mechanism::HandshakeMechanism::CurveClient { server_key, keypair }
            }
            Self::CurveServer { keys } => {
                mechanism::HandshakeMechanism::CurveServer { keypairs: keys.for_handshakes() }
            }
        }
    }

    /// Returns the number of keys that a client tries in turn.
    pub(crate) fn turns(&self) -> usize {
        match self {
            Self::CurveClient { keys } => keys.server_keys().len(),
            _ => 1,
        }
    }

    /// Records the key of the server that a handshake has used.
    pub(crate) fn handshake_used(&self, server_key: Option<&CurvePublicKey>) {
        if let (Self::CurveServer { keys }, Some(server_key)) = (self, server_key) {
            keys.handshake_used(server_key);
        }
    }
}
