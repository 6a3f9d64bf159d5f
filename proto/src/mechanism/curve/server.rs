//! The server role of the handshake.

use std::mem;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::super::super::command::{self, Command};
use super::super::super::metadata::Metadata;
use super::super::{Credentials, MechanismError, StatusCode};
use super::authenticator::TAG;
use super::client::{COOKIE, PADDING, SIGNED, VERSION};
use super::keys::{CurveKeypair, CurvePublicKey, CurveSecretKey, LEN};
use super::secret_box::SharedKey;
use super::server_keypairs::ServerKeypairs;
use super::session::{Role, Session};
use super::stack_wipe::wiped;
use super::{COOKIE_NONCE, HELLO_NONCE, INITIATE_NONCE, READY_NONCE, VOUCH_NONCE, WELCOME_NONCE};
use super::{ERROR, HELLO, INITIATE, READY, Seed, WELCOME, nonce};

/// The handshake of a server, which identifies a client only after it has proved that it holds its
/// keys.
///
/// Between WELCOME and INITIATE the server keeps only the nonce of the HELLO and the key of the
/// cookie. This key belongs to one connection: a cookie that is replayed on another connection
/// cannot be decrypted.
#[derive(Debug)]
pub(in super::super) struct CurveServerHandshake {
    state: State,
    command: Option<Command>,
    /// The key pair for which the client has sealed its HELLO.
    server_key: Option<CurvePublicKey>,
    /// The metadata of the READY, until it is sent. `None` before a deferred introduction.
    metadata: Option<Metadata>,
}

#[derive(Debug)]
enum State {
    AwaitHello {
        keypairs: ServerKeypairs,
        seed: Seed,
    },
    AwaitInitiate {
        cookie_key: SharedKey,
        hello_nonce: u64,
    },
    AwaitVerdict(Box<Identified>),
    /// The client is admitted, and the introduction is deferred.
    AwaitIntroduction(Box<Identified>),
    Ready {
        remote: Option<Metadata>,
        session: Option<Session>,
    },
    Ended,
}

/// A client that has proved that it holds its keys.
#[derive(Debug)]
struct Identified {
    /// The credentials, until they are polled.
    credentials: Option<Credentials>,
    remote: Metadata,
    shared: SharedKey,
    initiate_nonce: u64,
}

impl CurveServerHandshake {
    pub(in super::super) fn new(
        keypairs: ServerKeypairs,
        metadata: Option<Metadata>,
        seed: Seed,
    ) -> Self {
        let state = State::AwaitHello { keypairs, seed };
        Self { state, command: None, server_key: None, metadata }
    }

    pub(in super::super) fn introduce(&mut self, metadata: Metadata) {
        self.metadata.get_or_insert(metadata);
        self.answer_initiate();
    }

    pub(in super::super) fn requested(&self) -> Option<&Metadata> {
        match &self.state {
            State::AwaitIntroduction(identified) => Some(&identified.remote),
            _ => None,
        }
    }

    pub(in super::super) fn handle_command(&mut self, body: &[u8]) -> Result<(), MechanismError> {
        wiped(|| self.take_command(body))
    }

    fn take_command(&mut self, body: &[u8]) -> Result<(), MechanismError> {
        let (name, data) = command::split_name(body)?;
        match (name, &self.state) {
            (HELLO, State::AwaitHello { keypairs, seed }) => {
                let hello = open_hello(data, &keypairs.accepted())?;
                let Hello { server_key, transient, shared, nonce: hello_nonce } = hello;
                let welcome = welcome(&transient, &shared, seed);
                let cookie_key = SharedKey::own(seed.cookie_key());
                self.server_key = Some(server_key);
                self.command = Some(Command::mechanism(WELCOME, welcome));
                self.state = State::AwaitInitiate { cookie_key, hello_nonce };
                Ok(())
            }
            (ERROR, State::AwaitInitiate { .. }) => Err(MechanismError::refused(data)),
            (INITIATE, State::AwaitInitiate { cookie_key, hello_nonce }) => {
                let server_key = self.server_key.expect("it is known since the HELLO");
                let identified = open_initiate(data, &server_key, cookie_key, *hello_nonce)?;
                self.state = State::AwaitVerdict(Box::new(identified));
                Ok(())
            }
            _ => Err(MechanismError::UnexpectedCommand { name: name.into() }),
        }
    }

    /// Applies the decision about the credentials.
    pub(in super::super) fn handle_verdict(&mut self, verdict: Result<(), StatusCode>) {
        let State::AwaitVerdict(identified) = mem::replace(&mut self.state, State::Ended) else {
            return;
        };
        if verdict.is_err() {
            return;
        }
        self.state = State::AwaitIntroduction(identified);
        self.answer_initiate();
    }

    /// Answers an INITIATE, unless the introduction is deferred.
    fn answer_initiate(&mut self) {
        wiped(|| self.seal_ready());
    }

    fn seal_ready(&mut self) {
        let State::AwaitIntroduction(identified) = &mut self.state else { return };
        let Some(metadata) = self.metadata.take() else { return };
        let Identified { remote, shared, initiate_nonce, .. } = &mut **identified;
        let mut text = Vec::new();
        metadata.encode(&mut text);
        let short_nonce = READY_COUNT.to_be_bytes();
        let sealed = shared.seal(&nonce(READY_NONCE, &short_nonce), &text);
        let data = [&short_nonce[..], &sealed].concat();
        self.command = Some(Command::mechanism(READY, data));
        let session = Session::new(shared, Role::Server, READY_COUNT, *initiate_nonce);
        let remote = mem::take(remote);
        self.state = State::Ready { remote: Some(remote), session: Some(session) };
    }

    pub(in super::super) fn poll_command(&mut self) -> Option<Command> {
        self.command.take()
    }

    pub(in super::super) fn poll_credentials(&mut self) -> Option<Credentials> {
        match &mut self.state {
            State::AwaitVerdict(identified) => identified.credentials.take(),
            _ => None,
        }
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

    pub(in super::super) const fn server_key(&self) -> Option<CurvePublicKey> {
        self.server_key
    }

    /// Returns whether the next command may contain metadata.
    pub(in super::super) fn expects_metadata(&self) -> bool {
        !matches!(self.state, State::AwaitHello { .. })
    }
}

/// Decrypts a HELLO with the key pair for which it is sealed.
fn open_hello(data: &[u8], keypairs: &[CurveKeypair]) -> Result<Hello, MechanismError> {
    let malformed = || MechanismError::Malformed { name: HELLO };
    let (version, data) = data.split_first_chunk().ok_or_else(malformed)?;
    if version != VERSION {
        let [major, minor] = *version;
        return Err(MechanismError::CurveVersion { major, minor });
    }
    let (padding, data) = data.split_first_chunk::<PADDING>().ok_or_else(malformed)?;
    let (transient, data) = data.split_first_chunk::<LEN>().ok_or_else(malformed)?;
    let (short_nonce, sealed) = data.split_first_chunk::<8>().ok_or_else(malformed)?;
    // Cheap checks come before the key agreement.
    if padding.iter().any(|&byte| byte != 0x00) || sealed.len() != TAG + SIGNED {
        return Err(malformed());
    }
    let transient = CurvePublicKey::from_bytes(*transient);
    for keypair in keypairs {
        // A short-term key that leads to no agreement leads to none with any key pair.
        let Ok(shared) = SharedKey::agree(keypair.secret_key(), &transient) else { break };
        let Ok(signed) = shared.open(&nonce(HELLO_NONCE, short_nonce), sealed) else { continue };
        if **signed != [0x00; SIGNED] {
            return Err(malformed());
        }
        let (server_key, nonce) = (keypair.public_key(), u64::from_be_bytes(*short_nonce));
        return Ok(Hello { server_key, transient, shared, nonce });
    }
    Err(MechanismError::Unopened { name: HELLO })
}

fn open_initiate(
    data: &[u8],
    server_key: &CurvePublicKey,
    cookie_key: &SharedKey,
    hello_nonce: u64,
) -> Result<Identified, MechanismError> {
    let malformed = || MechanismError::Malformed { name: INITIATE };
    let unopened = |_| MechanismError::Unopened { name: INITIATE };
    let (cookie, data) = data.split_first_chunk::<COOKIE>().ok_or_else(malformed)?;
    let (short_nonce, sealed) = data.split_first_chunk::<8>().ok_or_else(malformed)?;
    let (cookie_nonce, cookie) = cookie.split_first_chunk::<16>().ok_or_else(malformed)?;
    let kept = cookie_key.open(&nonce(COOKIE_NONCE, cookie_nonce), cookie).map_err(unopened)?;
    let (transient, secret) = kept.split_first_chunk::<LEN>().ok_or_else(malformed)?;
    let transient = CurvePublicKey::from_bytes(*transient);
    let secret = secret.first_chunk::<LEN>().ok_or_else(malformed)?;
    let secret = CurveSecretKey::filled(|key| key.copy_from_slice(secret));

    let shared = SharedKey::agree(&secret, &transient).map_err(unopened)?;
    let text = shared.open(&nonce(INITIATE_NONCE, short_nonce), sealed).map_err(unopened)?;
    let initiate_nonce = u64::from_be_bytes(*short_nonce);
    if initiate_nonce <= hello_nonce {
        return Err(MechanismError::StaleNonce { name: INITIATE });
    }
    let (client, text) = text.split_first_chunk::<LEN>().ok_or_else(malformed)?;
    let (vouch_nonce, text) = text.split_first_chunk::<16>().ok_or_else(malformed)?;
    let (vouch, metadata) = text.split_first_chunk::<VOUCH>().ok_or_else(malformed)?;

    // libzmq does not check the second half. Without the check, a server could forward the
    // vouch of a client to another server.
    let client = CurvePublicKey::from_bytes(*client);
    let vouched = SharedKey::agree(&secret, &client)
        .and_then(|shared| shared.open(&nonce(VOUCH_NONCE, vouch_nonce), vouch))
        .map_err(|_| MechanismError::Vouch)?;
    let expected = [*transient.as_bytes(), *server_key.as_bytes()].concat();
    if !bool::from(vouched.ct_eq(&expected)) {
        return Err(MechanismError::Vouch);
    }
    let remote = Metadata::decode(metadata).map_err(command::CommandError::Metadata)?;
    let credentials = Some(Credentials::Curve { public_key: client });
    Ok(Identified { credentials, remote, shared, initiate_nonce })
}

/// The content of a HELLO.
struct Hello {
    /// The public half of the key pair for which it is sealed.
    server_key: CurvePublicKey,
    /// The client's short-term key.
    transient: CurvePublicKey,
    /// The key that this short-term key shares with the server's long-term key, for HELLO and
    /// WELCOME.
    shared: SharedKey,
    nonce: u64,
}

/// Returns the data of a WELCOME to a client with this short-term key.
fn welcome(client: &CurvePublicKey, shared: &SharedKey, seed: &Seed) -> Vec<u8> {
    let secret = CurveSecretKey::filled(|key| key.copy_from_slice(seed.transient()));
    let [cookie_nonce, welcome_nonce] = seed.nonces();
    let kept = Zeroizing::new([*client.as_bytes(), *secret.as_bytes()].concat());
    let cookie = SharedKey::own(seed.cookie_key()).seal(&nonce(COOKIE_NONCE, cookie_nonce), &kept);
    let text = [&secret.public_key().as_bytes()[..], cookie_nonce, &cookie].concat();
    let sealed = shared.seal(&nonce(WELCOME_NONCE, welcome_nonce), &text);
    [&welcome_nonce[..], &sealed].concat()
}

/// The nonce of the READY. The nonces of a server start at 1.
const READY_COUNT: u64 = 1;

/// RFC 26, The INITIATE Command.
const VOUCH: usize = 16 + 2 * LEN;
