//! The client role of the handshake.

use super::super::super::command::{self, Command};
use super::super::super::greeting::MechanismName;
use super::super::super::metadata::Metadata;
use super::super::MechanismError;
use super::keys::{CurveKeypair, CurvePublicKey, CurveSecretKey, LEN};
use super::secret_box::SharedKey;
use super::session::{Role, Session};
use super::stack_wipe::wiped;
use super::{ERROR, HELLO, INITIATE, READY, Seed, WELCOME, nonce};
use super::{HELLO_NONCE, INITIATE_NONCE, READY_NONCE, VOUCH_NONCE, WELCOME_NONCE};

/// The handshake of a client, which accepts only the holder of the server's secret key.
#[derive(Debug)]
pub(in super::super) struct CurveClientHandshake {
    state: State,
    command: Option<Command>,
    server_key: CurvePublicKey,
    keypair: CurveKeypair,
    /// The metadata of the INITIATE, until it is sent. `None` before a deferred introduction.
    metadata: Option<Metadata>,
    vouch_nonce: [u8; 16],
}

#[derive(Debug)]
enum State {
    AwaitWelcome { transient: CurveKeypair, shared: SharedKey },
    AwaitIntroduction(Box<Welcome>),
    AwaitReady { shared: SharedKey },
    Ready { remote: Option<Metadata>, session: Option<Session> },
}

/// The content of a WELCOME, which the holder of the server's key has sent.
#[derive(Debug)]
struct Welcome {
    cookie: [u8; COOKIE],
    /// The vouch for the short-term key of this end, sealed for the server.
    vouch: Vec<u8>,
    /// The key of all later commands.
    shared: SharedKey,
}

impl CurveClientHandshake {
    pub(in super::super) fn new(
        server_key: CurvePublicKey,
        keypair: CurveKeypair,
        metadata: Option<Metadata>,
        seed: &Seed,
    ) -> Self {
        wiped(|| Self::begin(server_key, keypair, metadata, seed))
    }

    fn begin(
        server_key: CurvePublicKey,
        keypair: CurveKeypair,
        metadata: Option<Metadata>,
        seed: &Seed,
    ) -> Self {
        let transient = CurveSecretKey::filled(|key| key.copy_from_slice(seed.transient()));
        let transient = CurveKeypair::from(transient);
        let shared = SharedKey::agree(transient.secret_key(), &server_key)
            // With such a key every remote could impersonate the server. A private key ensures that
            // no remote can decrypt the HELLO.
            .unwrap_or_else(|_| SharedKey::own(seed.cookie_key()));
        let short_nonce = HELLO_COUNT.to_be_bytes();
        let sealed = shared.seal(&nonce(HELLO_NONCE, &short_nonce), &[0x00; SIGNED]);
        let data = [
            &VERSION[..],
            &[0x00; PADDING],
            transient.public_key().as_bytes(),
            &short_nonce,
            &sealed,
        ]
        .concat();
        Self {
            state: State::AwaitWelcome { transient, shared },
            command: Some(Command::mechanism(HELLO, data)),
            server_key,
            keypair,
            metadata,
            vouch_nonce: *seed.nonces()[0],
        }
    }

    pub(in super::super) fn handle_command(&mut self, body: &[u8]) -> Result<(), MechanismError> {
        wiped(|| self.take_command(body))
    }

    fn take_command(&mut self, body: &[u8]) -> Result<(), MechanismError> {
        let (name, data) = command::split_name(body)?;
        match (name, &mut self.state) {
            (ERROR, State::AwaitWelcome { .. } | State::AwaitReady { .. }) => {
                Err(MechanismError::refused(data))
            }
            (WELCOME, State::AwaitWelcome { transient, shared }) => {
                let welcome = open_welcome(
                    data,
                    &self.server_key,
                    &self.keypair,
                    transient,
                    shared,
                    &self.vouch_nonce,
                )?;
                self.state = State::AwaitIntroduction(Box::new(welcome));
                self.seal_initiate();
                Ok(())
            }
            (HELLO, State::AwaitWelcome { .. }) => {
                Err(MechanismError::BothClients { mechanism: MechanismName::CURVE })
            }
            (READY, State::AwaitReady { shared }) => {
                let malformed = MechanismError::Malformed { name: READY };
                let (short_nonce, sealed) = data.split_first_chunk::<8>().ok_or(malformed)?;
                let text = shared
                    .open(&nonce(READY_NONCE, short_nonce), sealed)
                    .map_err(|_| MechanismError::Unopened { name: READY })?;
                let remote = Metadata::decode(&text).map_err(command::CommandError::Metadata)?;
                let received = u64::from_be_bytes(*short_nonce);
                let session = Session::new(shared, Role::Client, INITIATE_COUNT, received);
                self.state = State::Ready { remote: Some(remote), session: Some(session) };
                Ok(())
            }
            _ => Err(MechanismError::UnexpectedCommand { name: name.into() }),
        }
    }

    pub(in super::super) fn introduce(&mut self, metadata: Metadata) {
        self.metadata.get_or_insert(metadata);
        wiped(|| self.seal_initiate());
    }

    pub(in super::super) const fn awaits_introduction(&self) -> bool {
        matches!(self.state, State::AwaitIntroduction(_))
    }

    /// Answers a WELCOME, unless the introduction is deferred.
    fn seal_initiate(&mut self) {
        let State::AwaitIntroduction(welcome) = &mut self.state else { return };
        let Some(metadata) = self.metadata.take() else { return };
        let Welcome { cookie, vouch, shared } = &mut **welcome;
        let public_key = self.keypair.public_key();
        let mut text = [public_key.as_bytes(), &self.vouch_nonce[..], vouch].concat();
        metadata.encode(&mut text);
        let short_nonce = INITIATE_COUNT.to_be_bytes();
        let sealed = shared.seal(&nonce(INITIATE_NONCE, &short_nonce), &text);
        let data = [&cookie[..], &short_nonce, &sealed].concat();
        self.command = Some(Command::mechanism(INITIATE, data));
        self.state = State::AwaitReady { shared: shared.clone() };
    }

    pub(in super::super) fn poll_command(&mut self) -> Option<Command> {
        self.command.take()
    }

    pub(in super::super) fn poll_metadata(&mut self) -> Option<Metadata> {
        match &mut self.state {
            State::Ready { remote, .. } => remote.take(),
            _ => None,
        }
    }

    pub(in super::super) fn take_session(&mut self) -> Option<Session> {
        match &mut self.state {
            State::Ready { session, .. } => session.take(),
            _ => None,
        }
    }

    pub(in super::super) const fn server_key(&self) -> CurvePublicKey {
        self.server_key
    }

    pub(in super::super) const fn awaits_welcome(&self) -> bool {
        matches!(self.state, State::AwaitWelcome { .. })
    }

    /// Returns whether the next command may contain metadata.
    pub(in super::super) const fn expects_metadata(&self) -> bool {
        !self.awaits_welcome()
    }
}

/// Decrypts a WELCOME, and prepares the answer.
fn open_welcome(
    data: &[u8],
    server_key: &CurvePublicKey,
    keypair: &CurveKeypair,
    transient: &CurveKeypair,
    shared: &SharedKey,
    vouch_nonce: &[u8; 16],
) -> Result<Welcome, MechanismError> {
    let malformed = || MechanismError::Malformed { name: WELCOME };
    let unopened = |_| MechanismError::Unopened { name: WELCOME };
    let (long_nonce, sealed) = data.split_first_chunk::<16>().ok_or_else(malformed)?;
    let text = shared.open(&nonce(WELCOME_NONCE, long_nonce), sealed).map_err(unopened)?;
    let (server_transient, cookie) = text.split_first_chunk().ok_or_else(malformed)?;
    let cookie = cookie.try_into().map_err(|_| malformed())?;
    let server_transient = CurvePublicKey::from_bytes(*server_transient);
    let vouched = [*transient.public_key().as_bytes(), *server_key.as_bytes()].concat();
    let vouch = SharedKey::agree(keypair.secret_key(), &server_transient)
        .map_err(unopened)?
        .seal(&nonce(VOUCH_NONCE, vouch_nonce), &vouched);
    let shared = SharedKey::agree(transient.secret_key(), &server_transient).map_err(unopened)?;
    Ok(Welcome { cookie, vouch, shared })
}

/// The nonce of the HELLO. The nonces of a client start at 1.
const HELLO_COUNT: u64 = 1;
/// The nonce of the INITIATE.
pub(super) const INITIATE_COUNT: u64 = 2;

// RFC 26, The HELLO Command.
pub(super) const VERSION: &[u8; 2] = &[0x01, 0x00];
pub(super) const PADDING: usize = 72;
pub(super) const SIGNED: usize = 64;

/// RFC 26, The WELCOME Command.
pub(super) const COOKIE: usize = 16 + 16 + 2 * LEN;
