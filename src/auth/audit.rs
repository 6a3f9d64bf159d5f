//! Audit events, which record the remotes that a socket has admitted or not admitted.

use std::fmt;
use std::net::SocketAddr;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use zmtp_proto::endpoint::Endpoint;
use zmtp_proto::mechanism::curve::CurvePublicKey;

use crate::connection_id::ConnectionId;
use crate::monitor::{Claimant, HandshakeFailure};
use crate::platform::ProcessCredentials;
use crate::quota::{Quota, within_quota};
use crate::remote::Origin;

/// An event of [`Builder::audit`](crate::Builder::audit): the decision about a remote, with the key
/// or name that it presented and its origin. It contains neither a password nor a secret key.
///
/// It does not contain the time: add it when the event is recorded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuditEvent {
    /// The decision about the remote.
    pub outcome: AuditOutcome,
    /// The public key or the name that the remote presented; `None` with NULL, and if the handshake
    /// failed for another reason than the decision about it.
    pub claimant: Option<Claimant>,
    /// The public key of this socket that the remote used; `None` except with CURVE, and if the
    /// handshake failed for another reason than the decision about the remote.
    pub server_key: Option<CurvePublicKey>,
    /// The user id of an admitted or revoked remote, if it has one.
    pub user_id: Option<String>,
    /// The [`Builder::domain`](crate::Builder::domain) of this socket.
    pub domain: Arc<str>,
    /// The endpoint of this socket through which the remote was accepted or dialed.
    pub endpoint: Endpoint,
    /// The id of the connection, as in the events of a [monitor](crate::monitor::Event).
    pub connection_id: ConnectionId,
    /// The network address of the remote; `None` over `ipc`. Behind a proxy it is the address of
    /// the proxy's client, if the proxy sends it.
    pub address: Option<SocketAddr>,
    /// The process of the remote; `None` except over `ipc`.
    pub process: Option<ProcessCredentials>,
    /// The network address of the proxy that forwards the connection, if `address` is that of its
    /// client: see [`Builder::proxy_protocol`](crate::Builder::proxy_protocol).
    pub proxy_address: Option<SocketAddr>,
}

/// The decision that an [`AuditEvent`] reports.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuditOutcome {
    /// The handshake is completed, and the remote can exchange messages.
    Admitted,
    /// The admission of the remote was [revoked](super::Revocation), and its connection has ended.
    /// The event of the admission has the same `connection_id`, and the key or the name.
    Revoked,
    /// The remote was not admitted.
    NotAdmitted {
        /// The reason. [`Rejected`](HandshakeFailure::Rejected) and
        /// [`AddressDenied`](HandshakeFailure::AddressDenied) are decisions of the authenticator,
        /// and `Rejected` is also that of a PLAIN server without one. With
        /// [`WrongKey`](HandshakeFailure::WrongKey), the remote did not prove that it holds its
        /// key, or used a wrong key of this socket. With any other reason, the handshake ended
        /// before or after the decision, for example because the remote disconnected.
        reason: HandshakeFailure,
    },
}

/// A function that receives the audit events of a socket.
#[derive(Clone)]
pub(crate) struct AuditHook(Arc<dyn Fn(&AuditEvent) + Send + Sync>);

impl AuditEvent {
    pub(crate) fn new(
        outcome: AuditOutcome,
        domain: Arc<str>,
        endpoint: Endpoint,
        connection_id: ConnectionId,
        origin: Origin,
    ) -> Self {
        let Origin { address, credentials: process, proxy_address } = origin;
        let (claimant, server_key) = match &outcome {
            AuditOutcome::NotAdmitted {
                reason: HandshakeFailure::Rejected { claimant, server_key, .. },
            } => (claimant.clone(), *server_key),
            AuditOutcome::NotAdmitted { .. } | AuditOutcome::Admitted | AuditOutcome::Revoked => {
                (None, None)
            }
        };
        Self {
            outcome,
            claimant,
            server_key,
            user_id: None,
            domain,
            endpoint,
            connection_id,
            address,
            process,
            proxy_address,
        }
    }
}

impl AuditHook {
    pub(crate) fn new(hook: impl Fn(&AuditEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }

    /// Returns whether both are the same function.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Calls the function. If it panics, the connection is not affected.
    pub(crate) fn call(&self, event: &AuditEvent) {
        if panic::catch_unwind(AssertUnwindSafe(|| (self.0)(event))).is_err() {
            within_quota!(PANICS, error, "the audit hook has panicked");
        }
    }
}

impl fmt::Debug for AuditHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditHook(..)")
    }
}

/// Limits how often panics are logged, because a remote may be able to cause them.
static PANICS: Quota = Quota::new();
