//! The handshake: greeting, security mechanism and metadata (RFC 37, Overall Behavior).

mod introduction;

use std::str;

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use self::introduction::announced;
pub use self::introduction::{HandshakeConfig, Negotiated};
use super::command::Command;
use super::error_reason::ErrorReason;
use super::frame::{FrameError, Header};
use super::greeting::{Greeting, GreetingError, MechanismName, Version};
use super::mechanism::curve::{CurvePublicKey, Seed, Session};
use super::mechanism::{
    Credentials, HandshakeMechanism, MechanismError, SecurityHandshake, StatusCode,
};
use super::metadata::Metadata;
use super::socket_type::SocketType;

/// Exchanges greetings with a remote, runs the security mechanism and checks the remote's metadata.
///
/// Write the bytes that [`poll_output`](Self::poll_output) returns after [`new`](Self::new) and
/// after every [`handle_input`](Self::handle_input), even if it fails.
///
/// With an authenticator, pass the credentials that [`poll_credentials`](Self::poll_credentials)
/// returns to it, and its result to [`handle_verdict`](Self::handle_verdict). Until then no input
/// is consumed.
///
/// A handshake with a [deferred introduction](Self::with_deferred_introduction) pauses before this
/// end announces its metadata. Select a socket by the resource that the remote
/// [requests](Self::requested), and [introduce](Self::introduce) it, or [refuse](Self::refuse) it.
///
/// Two ends with matching mechanisms never wait for each other: the whole greeting is sent first,
/// and the mechanism's first command as soon as the remote's greeting is verified. A handshake has
/// no timeout of its own, so the caller should limit its duration.
#[derive(Debug)]
pub struct Handshake {
    /// `None` before a deferred introduction.
    socket_type: Option<SocketType>,
    mechanism: MechanismName,
    /// True in the server role of the mechanism.
    as_server: bool,
    has_authenticator: bool,
    credentials: Option<Credentials>,
    security: SecurityHandshake,
    stage: Stage,
    output: BytesMut,
    /// The length of the output before a deferred introduction.
    before_introduction: usize,
}

impl Handshake {
    /// Starts the handshake of one connection.
    ///
    /// The remote has to use the same mechanism, in the opposite role. `has_authenticator` is true
    /// if an authenticator checks credentials.
    pub fn new(
        config: &HandshakeConfig,
        mechanism: HandshakeMechanism,
        has_authenticator: bool,
        seed: Seed,
    ) -> Self {
        let HandshakeConfig { socket_type, metadata } = config;
        let introduction = Some((*socket_type, announced(*socket_type, metadata)));
        Self::start(introduction, mechanism, has_authenticator, seed)
    }

    /// Starts a handshake that pauses before this end announces its metadata. Use it if several
    /// sockets share the port, mechanism and authenticator, or if the socket does not admit every
    /// remote.
    ///
    /// The metadata of the remote is then known if the mechanism
    /// [permits](HandshakeMechanism::can_defer_introduction) it.
    pub fn with_deferred_introduction(
        mechanism: HandshakeMechanism,
        has_authenticator: bool,
        seed: Seed,
    ) -> Self {
        Self::start(None, mechanism, has_authenticator, seed)
    }

    fn start(
        introduction: Option<(SocketType, Metadata)>,
        mechanism: HandshakeMechanism,
        has_authenticator: bool,
        seed: Seed,
    ) -> Self {
        let (socket_type, announced) = introduction.unzip();
        let greeting = Greeting::new(MechanismName::of(&mechanism), mechanism.is_server());
        Self {
            socket_type,
            mechanism: MechanismName::of(&mechanism),
            as_server: mechanism.is_server(),
            has_authenticator,
            credentials: None,
            security: SecurityHandshake::new(mechanism, announced, seed),
            stage: Stage::Greeting,
            output: BytesMut::from(greeting.encode().as_slice()),
            before_introduction: 0,
        }
    }

    /// Consumes the bytes of the handshake from `input`. Returns the result when the handshake is
    /// complete.
    ///
    /// `input` contains all received bytes that are not consumed yet. Bytes after the remote's last
    /// handshake command are traffic and stay in `input`. A complete or failed handshake consumes
    /// nothing.
    ///
    /// # Errors
    ///
    /// Every error is fatal: write the rest of the output and close the connection.
    pub fn handle_input(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<Negotiated>, HandshakeError> {
        let progress = self.advance(input);
        if !matches!(progress, Ok(None)) {
            self.stage = Stage::Ended;
        }
        progress
    }

    /// Applies the decision of the authenticator. Continue with
    /// [`handle_input`](Self::handle_input) and the bytes that were received meanwhile.
    ///
    /// # Errors
    ///
    /// The remote is refused. The output contains an ERROR, unless the refusal is temporary.
    pub fn handle_verdict(
        &mut self,
        verdict: Result<(), StatusCode>,
    ) -> Result<Option<Negotiated>, HandshakeError> {
        let Stage::Verdict { version } = self.stage else { return Ok(None) };
        self.stage = Stage::Security { version };
        let progress = self.decide(verdict).and_then(|()| self.proceed(version));
        if !matches!(progress, Ok(None)) {
            self.stage = Stage::Ended;
        }
        progress
    }

    /// Returns the credentials of the remote, once, for the authenticator to check.
    pub fn poll_credentials(&mut self) -> Option<Credentials> {
        self.credentials.take()
    }

    /// Announces the selected socket to the remote. This completes the handshake unless this end
    /// has the client's role of PLAIN or CURVE, whose last command is the remote's READY: the
    /// handshake then continues with [`handle_input`](Self::handle_input).
    ///
    /// # Errors
    ///
    /// The two socket types are not compatible. The output contains an ERROR if traffic is not
    /// encrypted.
    ///
    /// # Panics
    ///
    /// Panics if the handshake does not [wait](Self::awaits_introduction) for the introduction.
    pub fn introduce(
        &mut self,
        config: &HandshakeConfig,
    ) -> Result<Option<Negotiated>, HandshakeError> {
        let Stage::Introduction { version } = self.stage else {
            panic!("the handshake does not wait for an introduction");
        };
        self.before_introduction = self.output.len();
        self.stage = Stage::Security { version };
        self.socket_type = Some(config.socket_type);
        self.security.introduce(announced(config.socket_type, &config.metadata));
        let progress = self.proceed(version);
        if !matches!(progress, Ok(None)) {
            self.stage = Stage::Ended;
        }
        progress
    }

    /// Refuses the remote, which ends the handshake. The output contains an ERROR instead of an
    /// [introduction](Self::introduce) that has not been [polled](Self::poll_output).
    pub fn refuse(&mut self, reason: ErrorReason) {
        self.stage = Stage::Ended;
        self.output.truncate(self.before_introduction);
        Command::Error(reason).encode(&mut self.output);
    }

    /// Returns the metadata that the remote has announced, while this end defers its own.
    pub fn requested(&self) -> Option<&Metadata> {
        self.security.requested()
    }

    /// Returns whether the handshake waits for [`introduce`](Self::introduce).
    pub const fn awaits_introduction(&self) -> bool {
        matches!(self.stage, Stage::Introduction { .. })
    }

    /// Returns whether the handshake waits for [`handle_verdict`](Self::handle_verdict).
    pub const fn awaits_verdict(&self) -> bool {
        matches!(self.stage, Stage::Verdict { .. })
    }

    /// Returns whether the remote still has to answer the HELLO of CURVE, by which it proves that
    /// it holds the server's key. A server with another key usually closes the connection instead.
    pub const fn awaits_proof_of_key(&self) -> bool {
        matches!(self.stage, Stage::Security { .. }) && self.security.awaits_proof_of_key()
    }

    /// Returns the server's public key of CURVE: the one that a client expects, or the one for which
    /// the client has sealed its HELLO. `None` if there is none, or if it is not known yet.
    pub fn server_key(&self) -> Option<CurvePublicKey> {
        self.security.server_key()
    }

    /// Removes and returns the session that encrypts traffic, if the handshake is complete and
    /// encrypted.
    pub fn take_session(&mut self) -> Option<Session> {
        self.security.take_session()
    }

    /// Returns bytes to send.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        if self.output.is_empty() {
            return None;
        }
        // The output may contain a password. The buffer is overwritten here, and the copy when it
        // is dropped.
        let output = Bytes::from_owner(Zeroizing::new(self.output.to_vec()));
        self.output.zeroize();
        self.output.clear();
        Some(output)
    }

    fn advance(&mut self, input: &mut BytesMut) -> Result<Option<Negotiated>, HandshakeError> {
        loop {
            match self.stage {
                Stage::Greeting => {
                    let Some(greeting) = Greeting::decode(input)? else {
                        return Ok(None);
                    };
                    input.advance(Greeting::LEN);
                    if greeting.mechanism != self.mechanism {
                        return Err(HandshakeError::MechanismMismatch {
                            local: self.mechanism,
                            remote: greeting.mechanism,
                        });
                    }
                    // Two clients recognize each other by their HELLO, because libzmq announces no
                    // role.
                    if self.as_server && greeting.as_server {
                        return Err(HandshakeError::BothServers { mechanism: self.mechanism });
                    }
                    self.stage = Stage::Security { version: greeting.version };
                    self.proceed(greeting.version)?;
                }
                Stage::Security { version } => {
                    if !self.take_command(input)? {
                        return Ok(None);
                    }
                    if let Some(negotiated) = self.proceed(version)? {
                        return Ok(Some(negotiated));
                    }
                }
                Stage::Verdict { .. } | Stage::Introduction { .. } | Stage::Ended => {
                    return Ok(None);
                }
            }
        }
    }

    /// Passes one command to the mechanism. Returns false if the command is incomplete.
    fn take_command(&mut self, input: &mut BytesMut) -> Result<bool, HandshakeError> {
        let Some(header) = Header::decode(input)? else {
            return Ok(false);
        };
        if !header.command {
            return Err(HandshakeError::UnexpectedMessage);
        }
        let limit = if self.security.expects_metadata() {
            COMMAND_SIZE_MAX
        } else {
            SHORT_COMMAND_SIZE_MAX
        };
        if header.size > limit {
            return Err(HandshakeError::CommandTooLarge { size: header.size });
        }
        let Some(body) = header.body(input) else {
            return Ok(false);
        };
        let length = header.len() + body.len();
        self.security.handle_command(body)?;
        input.advance(length);
        Ok(true)
    }

    /// Performs the steps that the mechanism has made possible. Returns the result if the handshake
    /// is complete.
    fn proceed(&mut self, version: Version) -> Result<Option<Negotiated>, HandshakeError> {
        if let Some(credentials) = self.security.poll_credentials() {
            if self.has_authenticator {
                self.credentials = Some(credentials);
                self.stage = Stage::Verdict { version };
                return Ok(None);
            }
            self.decide(credentials.verdict_without_authenticator())?;
        }
        while let Some(command) = self.security.poll_command() {
            command.encode(&mut self.output);
        }
        if self.security.awaits_introduction() {
            self.stage = Stage::Introduction { version };
            return Ok(None);
        }
        let Some(metadata) = self.security.poll_metadata() else {
            return Ok(None);
        };
        let socket_type = self.check_socket_type(&metadata)?;
        let (user_id, granted) = (None, Metadata::default());
        Ok(Some(Negotiated { version, socket_type, metadata, user_id, granted }))
    }

    /// Passes the verdict to the mechanism, and sends an ERROR to a refused remote.
    fn decide(&mut self, verdict: Result<(), StatusCode>) -> Result<(), HandshakeError> {
        if let Some(reason) = verdict.err().and_then(StatusCode::reason) {
            Command::Error(ErrorReason::new(reason)).encode(&mut self.output);
        }
        Ok(self.security.handle_verdict(verdict)?)
    }

    /// Checks that the remote's socket type is compatible, and sends an ERROR if it is not: a peer
    /// "SHOULD handle errors by returning an ERROR command" (RFC 37, The Socket-Type Property). A
    /// mechanism that encrypts traffic has no such command at this point.
    fn check_socket_type(
        &mut self,
        metadata: &Metadata,
    ) -> Result<Option<SocketType>, HandshakeError> {
        let Some(name) = metadata.value(Metadata::SOCKET_TYPE) else {
            // The property is a SHOULD, and libzmq tolerates its absence.
            return Ok(None);
        };
        let remote = str::from_utf8(name).ok().and_then(|name| name.parse().ok());
        let error = match (self.socket_type, remote) {
            (Some(local), Some(remote)) if !local.is_compatible_with(remote) => {
                HandshakeError::IncompatibleSocketType { local, remote }
            }
            (_, Some(remote)) => return Ok(Some(remote)),
            (_, None) => HandshakeError::UnknownSocketType {
                name: name.get(..NAME_SHOWN_MAX).unwrap_or(name).into(),
            },
        };
        if !self.security.is_encrypted() {
            let reason = ErrorReason::new(INVALID_SOCKET_TYPE);
            Command::Error(reason).encode(&mut self.output);
        }
        Err(error)
    }
}

/// The reason why a handshake failed. The connection must be closed.
///
/// A connection that ends during the handshake is not such an error. It is a temporary condition,
/// after which a client reconnects (RFC 37, Error Handling).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The greeting of the remote is not valid, or its version is not supported.
    #[error("malformed greeting")]
    Greeting(#[from] GreetingError),
    /// The two ends are configured for different security mechanisms.
    #[error("remote uses security mechanism {remote}, this socket {local}")]
    MechanismMismatch {
        /// The mechanism of this socket.
        local: MechanismName,
        /// The mechanism that the remote announced.
        remote: MechanismName,
    },
    /// Both ends announce the server role of the mechanism (RFC 37, Topology).
    #[error("both ends are servers of {mechanism}")]
    BothServers {
        /// The mechanism of both ends.
        mechanism: MechanismName,
    },
    /// The remote sent a malformed frame header.
    #[error("malformed frame during the handshake")]
    Frame(#[from] FrameError),
    /// The remote sent a message before the end of the handshake.
    #[error("message before the end of the handshake")]
    UnexpectedMessage,
    /// The remote announced a command larger than any that a handshake needs.
    #[error("handshake command of {size} bytes")]
    CommandTooLarge {
        /// The announced size of its body; the limit is 64 KiB, or 1 KiB where no metadata is due.
        size: u64,
    },
    /// The exchange of the mechanism's commands failed.
    #[error(transparent)]
    Mechanism(#[from] MechanismError),
    /// The remote announced a socket type that ZMTP 3.1 does not know.
    #[error("remote announces unknown socket type \"{}\"", .name.escape_ascii())]
    UnknownSocketType {
        /// The announced name, truncated to 32 bytes.
        name: Box<[u8]>,
    },
    /// The remote's socket type is not compatible with that of this end.
    #[error("remote is a {remote}, which is not compatible with a {local}")]
    IncompatibleSocketType {
        /// The type of this socket.
        local: SocketType,
        /// The type that the remote announced.
        remote: SocketType,
    },
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Waiting for the remote's greeting.
    Greeting,
    /// Exchanging the mechanism's commands.
    Security { version: Version },
    /// Waiting for the verdict of the authenticator.
    Verdict { version: Version },
    /// Waiting for the introduction of the selected socket.
    Introduction { version: Version },
    /// Complete or failed.
    Ended,
}

/// The size limit of a handshake command's body.
///
/// The largest commands contain the remote's metadata, which usually has some dozens of bytes. 64
/// KiB allows ample application properties, equals the size of one read, and bounds the memory that
/// an unauthenticated remote can occupy.
const COMMAND_SIZE_MAX: u64 = 0x1_0000;

/// The size limit where no metadata is due. The largest such command is the HELLO of PLAIN, with
/// 518 bytes. This bounds the memory that a remote can occupy before it has sent its credentials.
const SHORT_COMMAND_SIZE_MAX: u64 = 0x400;

/// The number of bytes of an unknown socket type that the error contains. The longest valid name
/// has 7 bytes.
const NAME_SHOWN_MAX: usize = 32;

/// The reason for an incompatible socket type. A reason consists of VCHAR, which excludes spaces.
const INVALID_SOCKET_TYPE: &[u8] = b"invalid-socket-type";

#[cfg(test)]
mod security_tests;
#[cfg(test)]
mod tests;
