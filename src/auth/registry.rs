//! Registries of known users and keys.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{Admission, Authenticator, Credentials, CurvePublicKey, Password, Request, StatusCode};

/// Names with their passwords, for PLAIN. The name becomes the user id of the remote.
///
/// It is a handle: clones share the list, and changes apply from the next handshake on. Connected
/// remotes stay connected: disconnect them with
/// [`Remotes::disconnect`](crate::Remotes::disconnect).
///
/// A client that was refused does not try again: if it is added later, its program must
/// [`connect`](crate::Client::connect) again.
#[derive(Clone, Default)]
pub struct Users(Arc<RwLock<HashMap<String, Password>>>);

/// A list of public keys with user ids, for CURVE.
///
/// It is a handle: clones share the list, and changes apply from the next handshake on. Connected
/// remotes stay connected: disconnect them with
/// [`Remotes::disconnect`](crate::Remotes::disconnect).
///
/// A client that was refused does not try again: if it is added later, its program must
/// [`connect`](crate::Client::connect) again.
#[derive(Clone, Default)]
pub struct Keys(Arc<RwLock<HashMap<CurvePublicKey, String>>>);

/// # Examples
///
/// ```
/// use tokio_zmtp::auth::Users;
///
/// let users = Users::new();
/// users.insert("alice", "swordfish");
/// assert!(users.contains("alice"));
/// assert!(users.remove("alice"));
/// users.replace([("bob", "hunter2"), ("carol", "letmein")]);
/// ```
impl Users {
    /// Creates an empty list, which admits no remote.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user, or changes the user's password.
    pub fn insert(&self, username: impl Into<String>, password: impl Into<Password>) {
        let (username, password) = (username.into(), password.into());
        write(&self.0).insert(username, password);
    }

    /// Removes a user; returns whether it was present.
    pub fn remove(&self, username: &str) -> bool {
        write(&self.0).remove(username).is_some()
    }

    /// Replaces all users atomically.
    pub fn replace<U: Into<String>, P: Into<Password>>(
        &self,
        users: impl IntoIterator<Item = (U, P)>,
    ) {
        let users =
            users.into_iter().map(|(user, password)| (user.into(), password.into())).collect();
        *write(&self.0) = users;
    }

    /// Returns whether the list contains a user.
    #[must_use]
    pub fn contains(&self, username: &str) -> bool {
        read(&self.0).contains_key(username)
    }
}

impl Authenticator for Users {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        let Credentials::Plain { username, password } = request.credentials else {
            return Err(StatusCode::Denied);
        };
        let users = read(&self.0);
        // If there are users, an unknown name also costs a comparison.
        let known = users.get(&username).or_else(|| users.values().next());
        let is_right = known.is_some_and(|known| *known == password);
        if is_right && users.contains_key(&username) {
            Ok(Admission::user(username))
        } else {
            Err(StatusCode::Denied)
        }
    }
}

/// Shows the number of users. The names are omitted.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users").field("len", &read(&self.0).len()).finish_non_exhaustive()
    }
}

impl<U: Into<String>, P: Into<Password>> FromIterator<(U, P)> for Users {
    fn from_iter<T: IntoIterator<Item = (U, P)>>(users: T) -> Self {
        let list = Self::new();
        list.replace(users);
        list
    }
}

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
/// ```
impl Keys {
    /// Creates an empty list, which admits no remote.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key, or changes its user id. Several keys may have the same user id.
    pub fn insert(&self, key: CurvePublicKey, user_id: impl Into<String>) {
        let user_id = user_id.into();
        write(&self.0).insert(key, user_id);
    }

    /// Removes a key; returns whether it was present.
    pub fn remove(&self, key: &CurvePublicKey) -> bool {
        write(&self.0).remove(key).is_some()
    }

    /// Replaces all keys atomically.
    pub fn replace<U: Into<String>>(&self, keys: impl IntoIterator<Item = (CurvePublicKey, U)>) {
        let keys = keys.into_iter().map(|(key, user_id)| (key, user_id.into())).collect();
        *write(&self.0) = keys;
    }

    /// Returns whether the list contains the key.
    #[must_use]
    pub fn contains(&self, key: &CurvePublicKey) -> bool {
        read(&self.0).contains_key(key)
    }
}

impl Authenticator for Keys {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        let Credentials::Curve { public_key } = request.credentials else {
            return Err(StatusCode::Denied);
        };
        let keys = read(&self.0);
        keys.get(&public_key).map(Admission::user).ok_or(StatusCode::Denied)
    }
}

/// Shows the number of keys.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("len", &read(&self.0).len()).finish_non_exhaustive()
    }
}

impl<U: Into<String>> FromIterator<(CurvePublicKey, U)> for Keys {
    fn from_iter<T: IntoIterator<Item = (CurvePublicKey, U)>>(keys: T) -> Self {
        let list = Self::new();
        list.replace(keys);
        list
    }
}

// Only hashing a key could panic under these locks, and it does not change the list.

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
