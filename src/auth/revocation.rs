//! The revocation of admissions.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::Arc;

use crate::sync::Lock;

/// A handle that ends all connections whose [`Admission`](super::Admission) contains it.
///
/// An authenticator adds the handle with [`Admission::revocable`](super::Admission::revocable), for
/// example to end connections when a session or a token expires. [`Keys`](super::Keys) and
/// [`Users`](super::Users) do so themselves. One handle can be added to any number of admissions,
/// in any number of sockets. Remotes over `inproc` are not authenticated, and cannot be revoked.
///
/// Clones share the state. A revocation is final: a remote whose admission contains a revoked
/// handle is refused with [`StatusCode::Denied`](super::StatusCode::Denied). Add a new handle to
/// later admissions.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::auth::{Admission, Authenticator, Request, Revocation, StatusCode};
///
/// struct Session(Revocation);
///
/// impl Authenticator for Session {
///     async fn authenticate(&self, _: Request) -> Result<Admission, StatusCode> {
///         Ok(Admission::user("alice").revocable(&self.0))
///     }
/// }
///
/// let session = Revocation::new();
/// let authenticator = Session(session.clone());
/// // Later:
/// assert_eq!(session.revoke(), 0, "no connection has been admitted yet");
/// assert!(session.is_revoked());
/// ```
#[derive(Clone, Default)]
pub struct Revocation(Arc<Lock<State>>);

#[derive(Default)]
struct State {
    is_revoked: bool,
    next: u64,
    connections: HashMap<u64, End>,
}

/// Ends a connection.
type End = Box<dyn FnOnce() + Send>;

/// A connection that a revocation ends, until this value is dropped.
pub(crate) struct RevocableConnection {
    revocation: Revocation,
    number: u64,
}

/// # Examples
///
/// ```
/// use tokio_zmtp::auth::Revocation;
///
/// let session = Revocation::new();
/// assert!(!session.is_revoked());
/// session.revoke();
/// assert!(session.is_revoked());
/// ```
impl Revocation {
    /// Creates a handle.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends all connections whose admission contains this handle, with
    /// [`DisconnectReason::Revoked`](crate::monitor::DisconnectReason::Revoked), and returns the
    /// number of established ones. Connections that are admitted but not yet established end when
    /// they are established.
    ///
    /// Messages that were read from such a remote can still be received. Nothing more is read from
    /// it or written to it.
    pub fn revoke(&self) -> usize {
        let connections = {
            let mut state = self.0.lock();
            state.is_revoked = true;
            mem::take(&mut state.connections)
        };
        let count = connections.len();
        // This wakes the tasks of connections, which must not happen under the lock.
        for end in connections.into_values() {
            end();
        }
        count
    }

    /// Returns whether this handle has been revoked.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.0.lock().is_revoked
    }

    /// Calls `end` when this handle is revoked, or immediately if it already is.
    pub(crate) fn ends(&self, end: impl FnOnce() + Send + 'static) -> Option<RevocableConnection> {
        let mut state = self.0.lock();
        if state.is_revoked {
            drop(state);
            end();
            return None;
        }
        let number = state.next;
        state.next += 1;
        state.connections.insert(number, Box::new(end));
        drop(state);
        Some(RevocableConnection { revocation: self.clone(), number })
    }

    /// Returns whether an admission or a connection holds this handle, in addition to the caller.
    pub(super) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

/// Compares handles: clones are equal.
impl PartialEq for Revocation {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Revocation {}

impl fmt::Debug for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocation").field("is_revoked", &self.is_revoked()).finish_non_exhaustive()
    }
}

impl fmt::Debug for RevocableConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocableConnection").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Drop for RevocableConnection {
    fn drop(&mut self) {
        let end = self.revocation.0.lock().connections.remove(&self.number);
        drop(end);
    }
}
