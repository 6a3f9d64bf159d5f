//! The users that a PLAIN server admits.

use std::fmt;
use std::sync::Arc;

use super::registry::Registry;
use super::{Admission, Authenticator, Credentials, Password, Request, StatusCode};

/// An authenticator for PLAIN: a list of names with passwords. The name becomes the user id of the
/// remote.
///
/// It is a handle: clones share the list, and changes apply from the next handshake on. Connected
/// remotes stay connected, unless the user is [revoked](Self::revoke).
///
/// A client of this crate does not reconnect after it was refused. If the user is added later, its
/// program must [`connect`](crate::Client::connect) again.
#[derive(Clone, Default)]
pub struct Users(Arc<Registry<String, Password>>);

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
/// assert_eq!(users.revoke("bob"), 0, "bob is not connected");
/// assert_eq!(users.revoke_removed(), 0);
/// ```
impl Users {
    /// Creates an empty list, which admits no remote.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user, or changes the user's password. Connected remotes stay connected.
    pub fn insert(&self, username: impl Into<String>, password: impl Into<Password>) {
        let (username, password) = (username.into(), password.into());
        self.0.insert(username, password);
    }

    /// Removes a user; returns whether it was present. Connected remotes stay connected: see
    /// [`revoke`](Self::revoke).
    pub fn remove(&self, username: &str) -> bool {
        self.0.remove(&username.into())
    }

    /// Replaces all users atomically. Connected remotes stay connected: see
    /// [`revoke_removed`](Self::revoke_removed).
    pub fn replace<U: Into<String>, P: Into<Password>>(
        &self,
        users: impl IntoIterator<Item = (U, P)>,
    ) {
        let users =
            users.into_iter().map(|(user, password)| (user.into(), password.into())).collect();
        self.0.replace(users);
    }

    /// Removes a user, and ends all connections that this list has admitted with the name, in all
    /// sockets, with [`DisconnectReason::Revoked`](crate::monitor::DisconnectReason::Revoked). The
    /// user may have been removed before. Returns the number of established connections that this
    /// ends.
    ///
    /// Connections that are admitted but not yet established end when they are established.
    /// Messages that were read from such a remote can still be received.
    pub fn revoke(&self, username: &str) -> usize {
        self.0.revoke(&username.into())
    }

    /// Ends all connections that this list has admitted with names that it no longer contains, or
    /// that have another password by now. Returns the number of established connections that this
    /// ends.
    pub fn revoke_removed(&self) -> usize {
        self.0.revoke_removed()
    }

    /// Returns whether the list contains a user.
    #[must_use]
    pub fn contains(&self, username: &str) -> bool {
        self.0.contains(&username.into())
    }
}

impl Authenticator for Users {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        let Credentials::Plain { username, password } = request.credentials else {
            return Err(StatusCode::Denied);
        };
        let revocation = self.0.with(|users| {
            // An unknown name also takes the time of a comparison, if there are users.
            let known = users.get(&username).or_else(|| users.values().next())?;
            let is_right = known.value == password;
            users.get(&username).filter(|_| is_right).map(|user| user.revocation.clone())
        });
        let revocation = revocation.ok_or(StatusCode::Denied)?;
        Ok(Admission::user(username).revocable(&revocation))
    }

    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Shows the number of users. The names are omitted.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users").field("len", &self.0.len()).finish_non_exhaustive()
    }
}

impl<U: Into<String>, P: Into<Password>> FromIterator<(U, P)> for Users {
    fn from_iter<T: IntoIterator<Item = (U, P)>>(users: T) -> Self {
        let list = Self::new();
        list.replace(users);
        list
    }
}
