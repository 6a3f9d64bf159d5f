//! The CURVE mechanism (RFC 25): the handshake and the boxes of CurveZMQ (RFC 26).
//!
//! | | Command | Octets | What it is for |
//! |---|---|--:|---|
//! | client | HELLO | 200 | shows a short-term key C', and that the client knows the server |
//! | server | WELCOME | 168 | returns a short-term key S', and a cookie |
//! | client | INITIATE | 257 | returns the cookie, and shows the long-term key C with a vouch for C' |
//! | server | READY | 30 | ends the handshake |
//!
//! Numbers that have to be random are arguments, here as everywhere in this layer: see [`Seed`].

mod client;
mod key_stream;
mod keys;
mod secret_box;
mod server;
mod session;
#[cfg(test)]
pub(crate) mod tests;
mod z85;

use std::fmt;

use zeroize::Zeroizing;

pub(crate) use self::client::CurveClientHandshake;
pub use self::keys::{CurveKeyError, CurveKeypair, CurvePublicKey, CurveSecretKey};
pub(crate) use self::server::CurveServerHandshake;
pub(crate) use self::session::{OVERHEAD, Opener, SealError, Sealer, Session};

/// Random octets for one handshake.
#[derive(Clone)]
pub(crate) struct Seed {
    /// For the secret half of the short-term key pair.
    transient: Zeroizing<[u8; 32]>,
    /// For the server's cookie.
    cookie_key: Zeroizing<[u8; 32]>,
    /// For long nonces.
    nonces: [[u8; 16]; 2],
}

impl Seed {
    /// How many octets it takes.
    pub(crate) const LEN: usize = 96;

    /// Takes octets that are random, and used for nothing else.
    pub(crate) fn new(octets: &[u8; Self::LEN]) -> Self {
        let mut seed = Self {
            transient: Zeroizing::default(),
            cookie_key: Zeroizing::default(),
            nonces: [[0x00; 16]; 2],
        };
        let (transient, rest) = octets.split_at(32);
        let (cookie_key, rest) = rest.split_at(32);
        seed.transient.copy_from_slice(transient);
        seed.cookie_key.copy_from_slice(cookie_key);
        for (nonce, octets) in seed.nonces.iter_mut().zip(rest.chunks_exact(16)) {
            nonce.copy_from_slice(octets);
        }
        seed
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// The nonce of a box: a prefix that says what the box is, and what makes it unique.
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

// The names of commands.
const HELLO: &str = "HELLO";
const WELCOME: &str = "WELCOME";
const INITIATE: &str = "INITIATE";
const READY: &str = "READY";
const ERROR: &str = "ERROR";
