//! The CURVE mechanism (RFC 25): the handshake and the boxes of CurveZMQ (RFC 26).
//!
//! | | Command | Bytes | Purpose |
//! |---|---|--:|---|
//! | client | HELLO | 200 | presents a short-term key C', and proves that the client knows the server's key |
//! | server | WELCOME | 168 | presents a short-term key S' and a cookie |
//! | client | INITIATE | 257 | returns the cookie, and presents the long-term key C with a vouch for C' |
//! | server | READY | 30 | completes the handshake |
//!
//! Random bytes are arguments, as everywhere in this crate: see [`Seed`].

mod authenticator;
mod client;
mod generate;
mod key_stream;
mod keys;
mod secret_box;
mod server;
mod server_keypairs;
mod session;
mod stack_wipe;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
mod vectors;
mod z85;

use std::fmt;

use zeroize::Zeroizing;

pub(super) use self::client::CurveClientHandshake;
pub use self::keys::{CurveKeyError, CurveKeypair, CurvePublicKey, CurveSecretKey};
pub(super) use self::server::CurveServerHandshake;
pub use self::server_keypairs::{AcceptedKeypairs, ServerKeypairs};
pub use self::session::{MessageFlags, OVERHEAD, Opener, SealError, Sealer, Session};

/// Random bytes for one handshake. They are stored on the heap, because moves leave copies behind.
#[derive(Clone)]
pub struct Seed(Box<Zeroizing<[u8; Self::LEN]>>);

impl Seed {
    /// The number of bytes.
    pub const LEN: usize = 96;

    /// Creates a seed from random bytes that are used for nothing else.
    pub fn new(bytes: &[u8; Self::LEN]) -> Self {
        Self(Box::new(Zeroizing::new(*bytes)))
    }

    /// Creates a seed from the random bytes that `fill` writes, which are then stored nowhere else.
    pub fn try_filled<E>(
        fill: impl FnOnce(&mut [u8; Self::LEN]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut seed = Self(Box::new(Zeroizing::new([0x00; Self::LEN])));
        fill(&mut seed.0).map(|()| seed)
    }

    /// Returns the secret half of the short-term key pair.
    fn transient(&self) -> &[u8; 32] {
        self.part(0)
    }

    /// Returns the key of the server's cookie.
    fn cookie_key(&self) -> &[u8; 32] {
        self.part(32)
    }

    /// Returns two long nonces.
    fn nonces(&self) -> [&[u8; 16]; 2] {
        [self.part(64), self.part(80)]
    }

    fn part<const N: usize>(&self, at: usize) -> &[u8; N] {
        self.0[at..].first_chunk().expect("every part is within the seed")
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// Returns the nonce of a box: a prefix that identifies its kind, and unique bytes.
fn nonce<const PREFIX: usize, const UNIQUE: usize>(
    prefix: &[u8; PREFIX],
    unique: &[u8; UNIQUE],
) -> [u8; 24] {
    let mut nonce = [0x00; 24];
    nonce[..PREFIX].copy_from_slice(prefix);
    nonce[PREFIX..].copy_from_slice(unique);
    nonce
}

// The prefixes of nonces, RFC 26, CurveZMQ Commands.
const HELLO_NONCE: &[u8; 16] = b"CurveZMQHELLO---";
const WELCOME_NONCE: &[u8; 8] = b"WELCOME-";
const COOKIE_NONCE: &[u8; 8] = b"COOKIE--";
const INITIATE_NONCE: &[u8; 16] = b"CurveZMQINITIATE";
const VOUCH_NONCE: &[u8; 8] = b"VOUCH---";
const READY_NONCE: &[u8; 16] = b"CurveZMQREADY---";

// Names of commands, RFC 26, CurveZMQ Commands.
const HELLO: &str = "HELLO";
const WELCOME: &str = "WELCOME";
const INITIATE: &str = "INITIATE";
const READY: &str = "READY";
const ERROR: &str = "ERROR";
