//! The keys of a CURVE client, which can be changed.

use std::fmt;
use std::sync::Arc;

use super::server_keys::KEYS_MAX;
use super::{CurveKeypair, CurvePublicKey, TooManyKeys};
use crate::sync::Lock;

/// The keys of a CURVE client: its own key pair, and one to four keys of the server.
///
/// It is a handle: clones share the keys, and changes apply from the next handshake on, in all
/// sockets that use them. Established connections continue.
///
/// A server that does not accept the server key that the client uses closes the connection without
/// stating a reason, because it cannot decrypt the first command of the client. The client then
/// tries the next key of the server after the
/// [`reconnect_interval`](crate::Builder::reconnect_interval). When it has tried all of them, the
/// interval doubles, as after any failure. If the server is reachable and accepts one of the keys,
/// the client therefore connects on the fourth attempt at the latest. With
/// [`ReconnectStop::HandshakeFailed`](crate::ReconnectStop::HandshakeFailed), the client stops
/// after it has tried the last key. If `reconnect_interval` is `None`, it tries only one key. Each
/// endpoint continues with the key that succeeded. After a key has been removed, the endpoint may
/// try another one first. A socket that accepts connections in the client's role changes to the
/// next key when a server closes one of them in this way. A [guide](crate::guide::keys) describes
/// how to rotate keys.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::auth::{ClientKeys, CurveKeypair};
/// use tokio_zmtp::{Client, Mechanism};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let [old, new] = [(); 2].map(|()| CurveKeypair::generate().public_key());
/// let keys = ClientKeys::new(old, CurveKeypair::generate());
/// let client = Client::builder().mechanism(Mechanism::curve_client(keys.clone())).build();
///
/// // The server will have a new key soon.
/// keys.add_server_key(new)?;
/// // After that:
/// keys.remove_server_key(&old);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientKeys(Arc<Lock<Keyring>>);

/// # Examples
///
/// ```
/// use tokio_zmtp::auth::{ClientKeys, CurveKeypair};
///
/// let (server, other, alice) =
///     (CurveKeypair::generate(), CurveKeypair::generate(), CurveKeypair::generate());
/// let keys = ClientKeys::new(server.public_key(), alice.clone());
/// keys.add_server_key(other.public_key())?;
/// assert_eq!(keys.server_keys(), [server.public_key(), other.public_key()]);
/// assert!(keys.remove_server_key(&server.public_key()));
///
/// let renewed = CurveKeypair::generate();
/// keys.set_keypair(renewed.clone());
/// assert_eq!(keys.public_key(), renewed.public_key());
/// # Ok::<(), tokio_zmtp::auth::TooManyKeys>(())
/// ```
impl ClientKeys {
    /// Creates a handle with one key of the server, and the key pair of this client. Obtain the key
    /// of the server over a trusted channel.
    #[must_use]
    pub fn new(server_key: CurvePublicKey, keypair: CurveKeypair) -> Self {
        Self(Arc::new(Lock::new(Keyring { server_keys: vec![server_key], keypair })))
    }

    /// Adds a key of the server, which is tried after the others. If the key has already been
    /// added, nothing changes.
    ///
    /// # Errors
    ///
    /// [`TooManyKeys`] if there are already four keys.
    pub fn add_server_key(&self, server_key: CurvePublicKey) -> Result<(), TooManyKeys> {
        let mut keyring = self.0.lock();
        if !keyring.server_keys.contains(&server_key) {
            if keyring.server_keys.len() == KEYS_MAX {
                return Err(TooManyKeys);
            }
            keyring.server_keys.push(server_key);
        }
        Ok(())
    }

    /// Removes a key of the server; returns false if it was not present, or if it is the only one.
    pub fn remove_server_key(&self, server_key: &CurvePublicKey) -> bool {
        let mut keyring = self.0.lock();
        let before = keyring.server_keys.len();
        if before > 1 {
            keyring.server_keys.retain(|one| one != server_key);
        }
        keyring.server_keys.len() < before
    }

    /// Replaces the key pair of this client. The secret half of the former one is overwritten in
    /// memory when the last handshake that began with it ends.
    pub fn set_keypair(&self, keypair: CurveKeypair) {
        self.0.lock().keypair = keypair;
    }

    /// Replaces all keys with one of the server and a key pair.
    pub(super) fn replace(&self, server_key: CurvePublicKey, keypair: CurveKeypair) {
        let keyring = Keyring { server_keys: vec![server_key], keypair };
        let replaced = std::mem::replace(&mut *self.0.lock(), keyring);
        drop(replaced);
    }

    /// Returns the keys of the server, in the order in which they are tried.
    #[must_use]
    pub fn server_keys(&self) -> Vec<CurvePublicKey> {
        self.0.lock().server_keys.clone()
    }

    /// Returns the public half of the key pair of this client.
    #[must_use]
    pub fn public_key(&self) -> CurvePublicKey {
        self.0.lock().keypair.public_key()
    }

    /// Returns the key pair of this client.
    #[cfg(feature = "serde")]
    pub(crate) fn keypair(&self) -> CurveKeypair {
        self.0.lock().keypair.clone()
    }

    /// Returns the key of the server that has this turn, and the key pair of this client.
    pub(super) fn for_handshake(&self, turn: usize) -> (CurvePublicKey, CurveKeypair) {
        let keyring = self.0.lock();
        let Keyring { server_keys, keypair } = &*keyring;
        (server_keys[turn % server_keys.len()], keypair.clone())
    }
}

impl From<(CurvePublicKey, CurveKeypair)> for ClientKeys {
    fn from((server_key, keypair): (CurvePublicKey, CurveKeypair)) -> Self {
        Self::new(server_key, keypair)
    }
}

/// Generates a key pair, for servers that do not check the keys of their clients.
///
/// # Panics
///
/// Panics if the system provides no random numbers. Common systems always do.
impl From<CurvePublicKey> for ClientKeys {
    fn from(server_key: CurvePublicKey) -> Self {
        Self::new(server_key, CurveKeypair::generate())
    }
}

/// Compares the current keys.
impl PartialEq for ClientKeys {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || {
            let keys = |keys: &Self| {
                let keyring = keys.0.lock();
                (keyring.server_keys.clone(), keyring.keypair.clone())
            };
            keys(self) == keys(other)
        }
    }
}

impl Eq for ClientKeys {}

/// Shows the public keys.
impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKeys")
            .field("server_keys", &self.server_keys())
            .field("public_key", &self.public_key())
            .finish_non_exhaustive()
    }
}

struct Keyring {
    /// Never empty.
    server_keys: Vec<CurvePublicKey>,
    keypair: CurveKeypair,
}
