//! The PLAIN mechanism: an unencrypted name and password (RFC 24).

use std::fmt;
use std::mem;

use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use super::super::command::{self, Command};
use super::super::greeting::MechanismName;
use super::super::metadata::Metadata;
use super::{Credentials, MechanismError, StatusCode};

/// A password. It is never printed, and is overwritten when it is dropped.
///
/// The time to compare two passwords depends only on their lengths.
///
/// # Memory
///
/// Copies of a password that a handshake creates, and the buffers in which it is sent and received,
/// are overwritten when the handshake has ended. A password reuses the memory of a `String`; a
/// `&str` is copied, and the caller has to overwrite the original. Buffers of the system, memory
/// that is swapped out or dumped, copies by an authenticator or a deserializer, and the request to
/// a SOCKS proxy, which another crate assembles, are not overwritten.
#[derive(Clone, Default)]
pub struct Password(Zeroizing<String>);

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub mod auth { pub use zmtp_proto::mechanism::plain::Password; } }
/// use tokio_zmtp::auth::Password;
///
/// assert_eq!(Password::from("swordfish").as_str(), "swordfish");
/// ```
impl Password {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Password {
    fn from(text: T) -> Self {
        Self(Zeroizing::new(text.into()))
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// The error of a client of PLAIN whose name or password is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a name and a password of PLAIN have at most 255 bytes")]
#[non_exhaustive]
pub struct PlainCredentialsError;

/// The handshake of a client, which starts with a HELLO.
#[derive(Debug)]
pub(super) struct PlainClientHandshake {
    state: ClientState,
    command: Option<Command>,
    /// The metadata of the INITIATE, until it is sent. `None` before a deferred introduction.
    metadata: Option<Metadata>,
}

#[derive(Debug)]
enum ClientState {
    AwaitWelcome,
    AwaitIntroduction,
    AwaitReady,
    Ready(Option<Metadata>),
}

impl PlainClientHandshake {
    /// Starts the handshake. The name and the password have at most [`TEXT_MAX`] bytes.
    pub(super) fn new(username: &str, password: &Password, metadata: Option<Metadata>) -> Self {
        // The exact capacity, because reallocation would leave a copy of the password behind.
        let mut data = Vec::with_capacity(2 + username.len() + password.as_str().len());
        for text in [username, password.as_str()] {
            data.push(
                u8::try_from(text.len())
                    .expect("the constructor of the mechanism checks the lengths"),
            );
            data.extend_from_slice(text.as_bytes());
        }
        let command = Some(Command::mechanism(HELLO, data));
        Self { state: ClientState::AwaitWelcome, command, metadata }
    }

    pub(super) fn introduce(&mut self, metadata: Metadata) {
        self.metadata.get_or_insert(metadata);
        self.answer_welcome();
    }

    pub(super) const fn awaits_introduction(&self) -> bool {
        matches!(self.state, ClientState::AwaitIntroduction)
    }

    /// Answers a WELCOME, unless the introduction is deferred.
    fn answer_welcome(&mut self) {
        if !self.awaits_introduction() {
            return;
        }
        let Some(metadata) = self.metadata.take() else { return };
        let mut data = Vec::new();
        metadata.encode(&mut data);
        self.command = Some(Command::mechanism(INITIATE, data));
        self.state = ClientState::AwaitReady;
    }

    pub(super) fn handle_command(&mut self, body: &[u8]) -> Result<(), MechanismError> {
        let (name, data) = match body.strip_prefix(ERROR_OF_LIBZMQ) {
            Some(data) => (ERROR, data),
            None => command::split_name(body)?,
        };
        match (name, &self.state) {
            (ERROR, ClientState::AwaitWelcome | ClientState::AwaitReady) => {
                Err(MechanismError::refused(data))
            }
            (WELCOME, ClientState::AwaitWelcome) => {
                if !data.is_empty() {
                    return Err(MechanismError::Malformed { name: WELCOME });
                }
                self.state = ClientState::AwaitIntroduction;
                self.answer_welcome();
                Ok(())
            }
            (HELLO, ClientState::AwaitWelcome) => {
                Err(MechanismError::BothClients { mechanism: MechanismName::PLAIN })
            }
            (READY, ClientState::AwaitReady) => {
                let remote = Metadata::decode(data).map_err(command::CommandError::Metadata)?;
                self.state = ClientState::Ready(Some(remote));
                Ok(())
            }
            _ => Err(MechanismError::UnexpectedCommand { name: name.into() }),
        }
    }

    pub(super) fn poll_command(&mut self) -> Option<Command> {
        self.command.take()
    }

    pub(super) fn poll_metadata(&mut self) -> Option<Metadata> {
        match &mut self.state {
            ClientState::Ready(remote) => remote.take(),
            ClientState::AwaitWelcome
            | ClientState::AwaitIntroduction
            | ClientState::AwaitReady => None,
        }
    }

    /// Returns whether the next command may contain metadata.
    pub(super) fn expects_metadata(&self) -> bool {
        !matches!(self.state, ClientState::AwaitWelcome)
    }
}

/// The handshake of a server, which continues only if the client is admitted.
#[derive(Debug)]
pub(super) struct PlainServerHandshake {
    state: ServerState,
    command: Option<Command>,
    /// The metadata of the READY, until it is sent. `None` before a deferred introduction.
    metadata: Option<Metadata>,
}

#[derive(Debug)]
enum ServerState {
    AwaitHello,
    /// The credentials, until they are polled.
    AwaitVerdict(Option<Credentials>),
    AwaitInitiate,
    /// The metadata of the remote.
    AwaitIntroduction(Metadata),
    Ready(Option<Metadata>),
    Ended,
}

impl PlainServerHandshake {
    pub(super) fn new(metadata: Option<Metadata>) -> Self {
        Self { state: ServerState::AwaitHello, command: None, metadata }
    }

    pub(super) fn introduce(&mut self, metadata: Metadata) {
        self.metadata.get_or_insert(metadata);
        self.answer_initiate();
    }

    pub(super) fn requested(&self) -> Option<&Metadata> {
        match &self.state {
            ServerState::AwaitIntroduction(remote) => Some(remote),
            _ => None,
        }
    }

    /// Answers an INITIATE, unless the introduction is deferred.
    fn answer_initiate(&mut self) {
        let ServerState::AwaitIntroduction(remote) = &mut self.state else { return };
        let Some(metadata) = self.metadata.take() else { return };
        let remote = mem::take(remote);
        self.command = Some(Command::Ready(metadata));
        self.state = ServerState::Ready(Some(remote));
    }

    pub(super) fn handle_command(&mut self, body: &[u8]) -> Result<(), MechanismError> {
        let (name, data) = command::split_name(body)?;
        match (name, &self.state) {
            (HELLO, ServerState::AwaitHello) => {
                let credentials =
                    split_credentials(data).ok_or(MechanismError::Malformed { name: HELLO })?;
                self.state = ServerState::AwaitVerdict(Some(credentials));
                Ok(())
            }
            (ERROR, ServerState::AwaitInitiate) => Err(MechanismError::refused(data)),
            (INITIATE, ServerState::AwaitInitiate) => {
                let remote = Metadata::decode(data).map_err(command::CommandError::Metadata)?;
                self.state = ServerState::AwaitIntroduction(remote);
                self.answer_initiate();
                Ok(())
            }
            _ => Err(MechanismError::UnexpectedCommand { name: name.into() }),
        }
    }

    /// Applies the decision about the credentials.
    pub(super) fn handle_verdict(&mut self, verdict: Result<(), StatusCode>) {
        if !matches!(self.state, ServerState::AwaitVerdict(_)) {
            return;
        }
        self.state = match verdict {
            Ok(()) => {
                self.command = Some(Command::mechanism(WELCOME, Vec::new()));
                ServerState::AwaitInitiate
            }
            Err(_) => ServerState::Ended,
        };
    }

    pub(super) fn poll_command(&mut self) -> Option<Command> {
        self.command.take()
    }

    pub(super) fn poll_credentials(&mut self) -> Option<Credentials> {
        match &mut self.state {
            ServerState::AwaitVerdict(credentials) => credentials.take(),
            _ => None,
        }
    }

    /// Returns the metadata of the remote. Poll the commands first: the READY ends the handshake.
    pub(super) fn poll_metadata(&mut self) -> Option<Metadata> {
        match &mut self.state {
            ServerState::Ready(remote) => remote.take(),
            _ => None,
        }
    }

    /// Returns whether the next command may contain metadata.
    pub(super) fn expects_metadata(&self) -> bool {
        !matches!(self.state, ServerState::AwaitHello)
    }
}

/// Decodes the data of a HELLO. The name and the password must be valid UTF-8.
fn split_credentials(data: &[u8]) -> Option<Credentials> {
    let (username, data) = split_text(data)?;
    let (password, data) = split_text(data)?;
    let password = Password::from(password);
    data.is_empty().then(|| Credentials::Plain { username: username.into(), password })
}

fn split_text(data: &[u8]) -> Option<(&str, &[u8])> {
    let (&len, data) = data.split_first()?;
    let (text, data) = data.split_at_checked(usize::from(len))?;
    Some((std::str::from_utf8(text).ok()?, data))
}

// The names of commands.
const HELLO: &str = "HELLO";
const WELCOME: &str = "WELCOME";
const INITIATE: &str = "INITIATE";
const READY: &str = "READY";
const ERROR: &str = "ERROR";

/// The bytes that libzmq 4.3 sends instead of ERROR in PLAIN: its source contains `"\x05ERROR"`, in
/// which C++ parses the E as a digit of the first byte. This crate sends the specified bytes, which
/// clients of libzmq treat as a protocol error that also ends the handshake.
const ERROR_OF_LIBZMQ: &[u8] = b"^RROR";

/// The maximum length of a name or a password, which RFC 24 encodes in one byte.
pub(super) const TEXT_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::super::super::error_reason::ErrorReason;
    use super::super::super::frame::Header;
    use super::super::super::socket_type::SocketType;
    use super::super::HandshakeMechanism;
    use super::*;

    const CLIENT_HELLO: &[u8] = b"\x05HELLO\x05admin\x06secret";

    #[test]
    fn every_command_is_encoded_as_specified() {
        let mut client = client();
        let mut server = server();

        let hello = body(client.poll_command());
        assert_eq!(hello, CLIENT_HELLO);
        server.handle_command(&hello).unwrap();
        assert_eq!(server.poll_command(), None);
        assert_eq!(server.poll_credentials(), Some(credentials("admin", "secret")));
        assert_eq!(server.poll_credentials(), None);
        server.handle_verdict(Ok(()));

        let welcome = body(server.poll_command());
        assert_eq!(welcome, b"\x07WELCOME");
        client.handle_command(&welcome).unwrap();

        let initiate = body(client.poll_command());
        assert_eq!(initiate, b"\x08INITIATE\x0BSocket-Type\0\0\0\x06CLIENT");
        server.handle_command(&initiate).unwrap();

        let ready = body(server.poll_command());
        assert_eq!(ready, b"\x05READY\x0BSocket-Type\0\0\0\x06SERVER");
        client.handle_command(&ready).unwrap();

        assert_eq!(server.poll_metadata(), Some(Metadata::announcing(SocketType::Client)));
        assert_eq!(client.poll_metadata(), Some(Metadata::announcing(SocketType::Server)));
    }

    #[test]
    fn the_ready_waits_for_a_deferred_introduction() {
        let mut server = PlainServerHandshake::new(None);
        server.handle_command(CLIENT_HELLO).unwrap();
        server.handle_verdict(Ok(()));
        assert!(server.poll_command().is_some());
        server.handle_command(b"\x08INITIATE\x08Resource\0\0\0\x01a").unwrap();
        assert_eq!((server.poll_command(), server.poll_metadata()), (None, None));
        assert_eq!(server.requested().unwrap().value(Metadata::RESOURCE), Some(b"a".as_slice()));

        let local = Metadata::announcing(SocketType::Server);
        server.introduce(local.clone());
        assert_eq!(server.requested(), None);
        assert_eq!(server.poll_command(), Some(Command::Ready(local)));
        assert!(server.poll_metadata().is_some());
    }

    #[test]
    fn a_handshake_continues_only_after_a_positive_verdict() {
        let initiate = b"\x08INITIATE";
        let mut server = server();
        assert_eq!(server.handle_command(initiate), unexpected("INITIATE"));
        server.handle_verdict(Ok(()));
        assert_eq!(server.poll_command(), None);
        server.handle_command(CLIENT_HELLO).unwrap();
        assert_eq!(server.handle_command(initiate), unexpected("INITIATE"));
        assert_eq!(server.handle_command(CLIENT_HELLO), unexpected("HELLO"));
        server.handle_verdict(Err(StatusCode::Denied));
        server.handle_verdict(Ok(()));
        assert_eq!(server.poll_command(), None);
        assert_eq!(server.handle_command(initiate), unexpected("INITIATE"));
    }

    #[test]
    fn an_error_is_a_refusal_with_its_reason() {
        let refused = Err(MechanismError::Refused { reason: ErrorReason::new(b"400") });
        let mut client = client();
        assert_eq!(client.handle_command(b"\x05ERROR\x03400"), refused);
        client.handle_command(b"\x07WELCOME").unwrap();
        assert_eq!(client.handle_command(b"\x05ERROR\x03400"), refused);
        assert_eq!(client.handle_command(b"^RROR\x03400"), refused);
        assert_eq!(server().handle_command(b"\x05ERROR\x03400"), unexpected("ERROR"));
    }

    #[test]
    fn a_truncated_or_extended_command_is_malformed() {
        let malformed = |name| Err(MechanismError::Malformed { name });
        for end in 6..CLIENT_HELLO.len() {
            assert_eq!(server().handle_command(&CLIENT_HELLO[..end]), malformed(HELLO));
        }
        let longer = [CLIENT_HELLO, b"\0"].concat();
        assert_eq!(server().handle_command(&longer), malformed(HELLO));
        assert_eq!(client().handle_command(b"\x07WELCOME\0"), malformed(WELCOME));
    }

    #[test]
    fn a_flipped_bit_changes_or_invalidates_the_credentials() {
        for at in 0..CLIENT_HELLO.len() {
            for bit in 0..8 {
                let mut hello = CLIENT_HELLO.to_vec();
                hello[at] ^= 1 << bit;
                let mut server = server();
                if server.handle_command(&hello).is_ok() {
                    assert_ne!(server.poll_credentials(), Some(credentials("admin", "secret")));
                }
            }
        }
    }

    #[test]
    fn long_credentials_are_refused_and_not_truncated() {
        let (longest, too_long) = ("x".repeat(TEXT_MAX), "x".repeat(TEXT_MAX + 1));
        for (username, password) in [(&*too_long, ""), ("", &*too_long)] {
            assert_eq!(
                HandshakeMechanism::plain_client(username, password),
                Err(PlainCredentialsError)
            );
        }
        HandshakeMechanism::plain_client(&*longest, &*longest).unwrap();
        let password = Password::from(&*longest);
        let mut client = PlainClientHandshake::new(&longest, &password, Some(Metadata::default()));
        assert_eq!(body(client.poll_command()).len(), 6 + 2 * (1 + TEXT_MAX));
    }

    #[test]
    fn a_password_is_not_printed() {
        assert_eq!(format!("{:?}", Password::from("secret")), "Password(..)");
        assert!(!format!("{:?}", credentials("admin", "secret")).contains("secret"));
    }

    fn client() -> PlainClientHandshake {
        let metadata = Metadata::announcing(SocketType::Client);
        PlainClientHandshake::new("admin", &Password::from("secret"), Some(metadata))
    }

    fn server() -> PlainServerHandshake {
        PlainServerHandshake::new(Some(Metadata::announcing(SocketType::Server)))
    }

    fn credentials(username: &str, password: &str) -> Credentials {
        Credentials::Plain { username: username.into(), password: password.into() }
    }

    /// Returns the frame without its header.
    fn body(command: Option<Command>) -> Vec<u8> {
        let mut frame = bytes::BytesMut::new();
        command.unwrap().encode(&mut frame);
        let header = Header::decode(&frame).unwrap().unwrap();
        header.body(&frame).unwrap().to_vec()
    }

    fn unexpected(name: &str) -> Result<(), MechanismError> {
        Err(MechanismError::UnexpectedCommand { name: name.into() })
    }
}
