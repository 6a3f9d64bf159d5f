//! The keys of clients that a CURVE server admits.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::key_directory::{KeyDirectoryError, read_directory};
use super::registry::Registry;
use super::{Admission, Authenticator, Credentials, CurvePublicKey, Request, StatusCode};

/// An authenticator for CURVE: a list of public keys with user ids.
///
/// It is a handle: clones share the list, and changes apply from the next handshake on. Connected
/// remotes stay connected, unless their key is [revoked](Self::revoke).
///
/// A client of this crate does not reconnect after an authenticator has refused it. If its key is
/// added later, its application must [`connect`](crate::Client::connect) again.
#[derive(Clone, Default)]
pub struct Keys(Arc<Registry<CurvePublicKey, String>>);

/// # Examples
///
/// ```
/// use tokio_zmtp::auth::{CurveKeypair, Keys};
///
/// let (alice, bob) = (CurveKeypair::generate(), CurveKeypair::generate());
/// let keys = Keys::new();
/// keys.insert(alice.public_key(), "alice");
/// assert!(keys.contains(&alice.public_key()));
/// assert!(keys.remove(&alice.public_key()));
/// keys.replace([(bob.public_key(), "bob")]);
/// assert_eq!(keys.revoke(&bob.public_key()), 0, "bob is not connected");
/// assert_eq!(keys.revoke_user("carol"), 0);
/// assert_eq!(keys.revoke_removed(), 0);
/// ```
impl Keys {
    /// Creates an empty list, which admits no remote.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a list from a directory of certificates, like [`reload`](Self::reload). This blocks
    /// the thread.
    ///
    /// # Errors
    ///
    /// [`KeyDirectoryError`], as from [`reload`](Self::reload).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::auth::Keys;
    ///
    /// let keys = Keys::load("clients")?;
    /// # Ok::<(), tokio_zmtp::auth::KeyDirectoryError>(())
    /// ```
    pub fn load(directory: impl AsRef<Path>) -> Result<Self, KeyDirectoryError> {
        let list = Self::new();
        list.reload(directory)?;
        Ok(list)
    }

    /// Replaces all keys atomically with those of a directory of
    /// [certificates](super::CurveCertificate). This blocks the thread. Returns the number of
    /// different keys.
    ///
    /// Each file contains one key. Its user id is the value of `name` in the metadata, or otherwise
    /// the name of the file without its extension. Files whose names begin with a dot, or end in
    /// `_secret` or `~`, are ignored, as are all subdirectories. (`zauth` of CZMQ also reads
    /// subdirectories, and skips files that are not valid.) Every other file admits a key, whatever
    /// its permissions are: only the operator should be able to write to the directory. Connected
    /// remotes stay connected: see [`revoke_removed`](Self::revoke_removed).
    ///
    /// # Errors
    ///
    /// [`KeyDirectoryError`] if the directory cannot be read, or if a file cannot be read, is not a
    /// certificate, or has the key of an earlier file and a different user id. The error contains
    /// all such files. The list of keys does not change.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::auth::Keys;
    ///
    /// let keys = Keys::load("clients")?;
    /// // A file was added, and another one removed.
    /// keys.reload("clients")?;
    /// # Ok::<(), tokio_zmtp::auth::KeyDirectoryError>(())
    /// ```
    pub fn reload(&self, directory: impl AsRef<Path>) -> Result<usize, KeyDirectoryError> {
        let keys = read_directory(directory.as_ref())?;
        let count = keys.len();
        self.0.replace(keys);
        Ok(count)
    }

    /// Adds a key, or changes its user id. Several keys may have the same user id, for example
    /// while a user changes to a new key. Connected remotes keep the user id with which they were
    /// admitted.
    pub fn insert(&self, key: CurvePublicKey, user_id: impl Into<String>) {
        let user_id = user_id.into();
        self.0.insert(key, user_id);
    }

    /// Removes a key; returns whether it was present. Connected remotes stay connected: see
    /// [`revoke`](Self::revoke).
    pub fn remove(&self, key: &CurvePublicKey) -> bool {
        self.0.remove(key)
    }

    /// Replaces all keys atomically. Connected remotes stay connected: see
    /// [`revoke_removed`](Self::revoke_removed).
    pub fn replace<U: Into<String>>(&self, keys: impl IntoIterator<Item = (CurvePublicKey, U)>) {
        let keys = keys.into_iter().map(|(key, user_id)| (key, user_id.into())).collect();
        self.0.replace(keys);
    }

    /// Removes a key, and ends all connections that this list has admitted with it, in all sockets,
    /// with [`DisconnectReason::Revoked`](crate::monitor::DisconnectReason::Revoked). The key may
    /// have been removed before. Returns the number of established connections that this ends.
    ///
    /// Connections that are admitted but not yet established end when they are established.
    /// Messages that were read from such a remote can still be received.
    pub fn revoke(&self, key: &CurvePublicKey) -> usize {
        self.0.revoke(key)
    }

    /// Removes all keys with this user id, and ends all connections that this list has admitted
    /// with the user id, as [`revoke`](Self::revoke) does. The keys may have been removed before,
    /// or have another user id by now. Returns the number of established connections.
    pub fn revoke_user(&self, user_id: &str) -> usize {
        self.0.revoke_all(|user| user == user_id)
    }

    /// Ends all connections that this list has admitted with keys that it no longer contains, or
    /// that have another user id by now. Returns the number of established connections that this
    /// ends.
    pub fn revoke_removed(&self) -> usize {
        self.0.revoke_removed()
    }

    /// Returns whether the list contains the key.
    #[must_use]
    pub fn contains(&self, key: &CurvePublicKey) -> bool {
        self.0.contains(key)
    }
}

impl Authenticator for Keys {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        let Credentials::Curve { public_key } = request.credentials else {
            return Err(StatusCode::Denied);
        };
        self.0.with(|keys| {
            let entry = keys.get(&public_key).ok_or(StatusCode::Denied)?;
            Ok(Admission::user(&entry.value).revocable(&entry.revocation))
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Shows the number of keys.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("len", &self.0.len()).finish_non_exhaustive()
    }
}

impl<U: Into<String>> FromIterator<(CurvePublicKey, U)> for Keys {
    fn from_iter<T: IntoIterator<Item = (CurvePublicKey, U)>>(keys: T) -> Self {
        let list = Self::new();
        list.replace(keys);
        list
    }
}
