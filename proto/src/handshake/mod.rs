//! From the first byte of a connection to its traffic (RFC 37, Overall Behavior).

use std::str;

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::command::Command;
use super::error_reason::ErrorReason;
use super::frame::{FrameError, Header};
use super::greeting::{Greeting, GreetingError, MechanismName, Version};
use super::mechanism::curve::{Seed, Session};
use super::mechanism::{Credentials, Mechanism, MechanismError, SecurityHandshake, StatusCode};
use super::metadata::Metadata;
use super::socket_type::SocketType;

/// Greets the remote, runs the security mechanism and checks the remote's metadata.
///
/// Write what [`poll_output`](Self::poll_output) returns: immediately after [`new`](Self::new), and after every [`handle_input`](Self::handle_input), also after one that failed.
///
/// With an authenticator, have it check what [`poll_credentials`](Self::poll_credentials) returns, and pass
/// the result to [`handle_verdict`](Self::handle_verdict). Until then no input is taken.
///
/// One that [hears first](Self::with_deferred_introduction) stops when the remote has announced itself: look what it
/// [asks for](Self::resource), and [introduce](Self::introduce) the socket that it is to talk to.
///
/// It never waits where the remote may be waiting as well: the whole greeting goes out first, and
/// the mechanism's first command as soon as the remote's greeting is verified. Time is not its
/// business, so give the whole handshake a deadline.
#[derive(Debug)]
pub struct Handshake {
    /// Not there yet while it depends on what the remote asks for.
    socket_type: Option<SocketType>,
    mechanism: MechanismName,
    has_authenticator: bool,
    credentials: Option<Credentials>,
    security: SecurityHandshake,
    stage: Stage,
    output: BytesMut,
}

impl Handshake {
    /// Starts the handshake of one connection.
    pub fn new(config: HandshakeConfig, seed: Seed) -> Self {
        let HandshakeConfig { socket_type, mechanism, metadata, has_authenticator } = config;
        let announced = announced(socket_type, &metadata);
        let introduction = Some((socket_type, announced));
        Self::start(introduction, mechanism, has_authenticator, seed)
    }

    /// Starts the handshake of one connection that is for one of several sockets, which have the
    /// mechanism and the authenticator in common. The mechanism has to be one that
    /// [can](Mechanism::can_defer_introduction).
    pub fn with_deferred_introduction(
        mechanism: Mechanism,
        has_authenticator: bool,
        seed: Seed,
    ) -> Self {
        Self::start(None, mechanism, has_authenticator, seed)
    }

    fn start(
        introduction: Option<(SocketType, Metadata)>,
        mechanism: Mechanism,
        has_authenticator: bool,
        seed: Seed,
    ) -> Self {
        let (socket_type, announced) = introduction.unzip();
        let greeting = Greeting::new(mechanism.name(), mechanism.is_server());
        Self {
            socket_type,
            mechanism: mechanism.name(),
            has_authenticator,
            credentials: None,
            security: SecurityHandshake::new(mechanism, announced, seed),
            stage: Stage::Greeting,
            output: BytesMut::from(greeting.encode().as_slice()),
        }
    }

    /// Takes from `input` what belongs to the handshake, and yields what was negotiated when it is complete.
    ///
    /// `input` holds everything that was received and not taken yet. Bytes after the remote's last
    /// handshake command are traffic and stay there. Once the handshake is complete or has
    /// failed, it takes nothing more.
    ///
    /// # Errors
    ///
    /// Every error is fatal: write what is left of the output and close the connection.
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

    /// Takes the decision of the authenticator. Continue with
    /// [`handle_input`](Self::handle_input) and what has been received meanwhile.
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

    /// Takes the socket that the remote is to talk to, which completes the handshake: our READY is the last
    /// command of every mechanism that can hear first. The remote has to have announced itself.
    ///
    /// # Errors
    ///
    /// The two socket types are not compatible. The output contains an ERROR if traffic is not encrypted.
    ///
    /// # Panics
    ///
    /// If the handshake does not [wait](Self::awaits_introduction) for this.
    pub fn introduce(&mut self, config: &HandshakeConfig) -> Result<Negotiated, HandshakeError> {
        let Stage::Introduction { version } = self.stage else {
            panic!("the remote has not announced itself, or has been told before");
        };
        self.stage = Stage::Ended;
        self.socket_type = Some(config.socket_type);
        self.security.introduce(announced(config.socket_type, &config.metadata));
        let negotiated = self.proceed(version)?;
        Ok(negotiated.expect("nothing is missing any more"))
    }

    /// Returns the resource that the remote requests. Its grammar is not checked.
    pub fn resource(&self) -> Option<&[u8]> {
        self.security.requested()?.value(Metadata::RESOURCE)
    }

    /// Returns whether the handshake waits for [`introduce`](Self::introduce).
    pub const fn awaits_introduction(&self) -> bool {
        matches!(self.stage, Stage::Introduction { .. })
    }

    /// Returns whether the handshake waits for [`handle_verdict`](Self::handle_verdict).
    pub const fn awaits_verdict(&self) -> bool {
        matches!(self.stage, Stage::Verdict { .. })
    }

    /// Takes out what the traffic is encrypted with, if it is, when the handshake is complete.
    pub fn take_session(&mut self) -> Option<Session> {
        self.security.take_session()
    }

    /// Yields bytes to send.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        if self.output.is_empty() {
            return None;
        }
        // There may be a password in it, which is overwritten here, and there when it is dropped.
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

    /// Hands one command to the mechanism, unless it has not arrived in full.
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

    /// Does what follows from what the mechanism has learnt; yields what was negotiated if that was all.
    fn proceed(&mut self, version: Version) -> Result<Option<Negotiated>, HandshakeError> {
        if let Some(credentials) = self.security.poll_credentials() {
            if self.has_authenticator {
                self.credentials = Some(credentials);
                self.stage = Stage::Verdict { version };
                return Ok(None);
            }
            self.decide(without_authenticator(&credentials))?;
        }
        while let Some(command) = self.security.poll_command() {
            command.encode(&mut self.output);
        }
        if self.security.requested().is_some() {
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

    /// Checks that the remote is one we may talk to, and tells it if not: a peer "SHOULD handle
    /// errors by returning an ERROR command" (RFC 37, The Socket-Type Property). Where traffic is
    /// encrypted, there is no such command any more.
    fn check_socket_type(
        &mut self,
        metadata: &Metadata,
    ) -> Result<Option<SocketType>, HandshakeError> {
        let Some(name) = metadata.value(Metadata::SOCKET_TYPE) else {
            // The sender only SHOULD specify it, and libzmq tolerates its absence.
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

/// What this end of a connection brings to its handshake.
#[derive(Debug, Clone)]
pub struct HandshakeConfig {
    /// Announced to the remote as its Socket-Type.
    pub socket_type: SocketType,
    /// Has to be that of the remote, in the opposite role.
    pub mechanism: Mechanism,
    /// Announced after the Socket-Type; names starting with `X-` are the application's.
    pub metadata: Metadata,
    /// Whether an authenticator checks credentials.
    pub has_authenticator: bool,
}

impl HandshakeConfig {
    /// Requests one of several services at the other end.
    pub fn requesting(mut self, resource: Option<&str>) -> Self {
        if let Some(resource) = resource {
            let mut metadata = Metadata::requesting(resource);
            metadata.append(&self.metadata);
            self.metadata = metadata;
        }
        self
    }

    /// Returns what the handshake reports about this end to the other one.
    pub fn introduction(&self) -> Negotiated {
        Negotiated {
            version: Version::ZMTP_3_1,
            socket_type: Some(self.socket_type),
            metadata: announced(self.socket_type, &self.metadata),
            user_id: None,
            granted: Metadata::default(),
        }
    }
}

fn announced(socket_type: SocketType, metadata: &Metadata) -> Metadata {
    let mut announced = Metadata::announcing(socket_type);
    announced.append(metadata);
    announced
}

/// What the handshake reports about the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// The version that the remote speaks.
    pub version: Version,
    /// Legal for our own type, or absent if the remote did not announce it.
    pub socket_type: Option<SocketType>,
    /// What the remote announced.
    pub metadata: Metadata,
    /// The user that the authenticator has recognized. Not set by the handshake.
    pub user_id: Option<String>,
    /// The properties that the authenticator has added. Not set by the handshake.
    pub granted: Metadata,
}

/// Why a handshake failed. The connection has to be closed.
///
/// A connection that merely ends during the handshake is not among them: that is a temporary
/// condition, upon which to reconnect (RFC 37, Error Handling).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The remote sent no valid greeting, or one of a version that we do not support.
    #[error("malformed greeting")]
    Greeting(#[from] GreetingError),
    /// The two ends are configured for different security mechanisms.
    #[error("remote uses security mechanism {remote}, this socket {local}")]
    MechanismMismatch {
        /// What this socket is configured for.
        local: MechanismName,
        /// What the remote announced.
        remote: MechanismName,
    },
    /// The remote sent a malformed frame header.
    #[error("malformed frame during the handshake")]
    Frame(#[from] FrameError),
    /// The remote sent a message before it had completed its handshake.
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
        /// What stands in the place of a socket type's name, cut to 32 bytes.
        name: Box<[u8]>,
    },
    /// The remote's socket type is not compatible with that of this end.
    #[error("remote is a {remote}, which does not talk to a {local}")]
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
    /// Waiting for what the authenticator says.
    Verdict { version: Version },
    /// Waiting for the socket that the remote is to talk to.
    Introduction { version: Version },
    /// Complete or failed.
    Ended,
}

/// How large the body of a handshake command may be.
///
/// The largest is the remote's metadata, of which ordinary remotes send some dozens of bytes. 64 KiB
/// leaves an application ample room for its own properties, equals what one read of a connection
/// takes, and bounds what an unauthenticated remote makes us hold.
const COMMAND_SIZE_MAX: u64 = 0x1_0000;

/// How large it may be where no metadata is due. The largest is the HELLO of PLAIN with 518 bytes; this
/// is what a remote makes us hold that has shown nothing of itself yet.
const SHORT_COMMAND_SIZE_MAX: u64 = 0x400;

/// The decision about credentials if there is no authenticator.
fn without_authenticator(credentials: &Credentials) -> Result<(), StatusCode> {
    match credentials {
        Credentials::Null | Credentials::Curve { .. } => Ok(()),
        // The password is unknown. libzmq refuses every remote, too.
        Credentials::Plain { .. } => Err(StatusCode::Denied),
    }
}

/// How much of an unknown socket type goes into the error; the longest legal name has 7 bytes.
const NAME_SHOWN_MAX: usize = 32;

/// An error reason consists of VCHAR, that is, without spaces.
const INVALID_SOCKET_TYPE: &[u8] = b"invalid-socket-type";

#[cfg(test)]
mod security_tests;
#[cfg(test)]
mod tests;
