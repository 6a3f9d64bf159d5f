//! Admission of remotes: keys, registries, networks, and custom authenticators.
//!
//! A [`Mechanism`] determines the credentials of remotes and whether traffic is
//! encrypted. An [`Authenticator`] decides which remotes are admitted. They are set separately, by
//! [`Builder::mechanism`](crate::Builder::mechanism) and
//! [`Builder::authenticator`](crate::Builder::authenticator).
//!
//! | Mechanism | Credentials | Without an authenticator |
//! |---|---|---|
//! | NULL | only the address | every remote is admitted |
//! | PLAIN | a name and a password, unencrypted | no remote is admitted |
//! | CURVE | a public key and the proof of its secret half | every remote that knows the server's key is admitted |
//!
//! The authenticator is called once for each connection, on the side that is the server of the
//! mechanism; with NULL, on both sides. This module provides [`Users`] with passwords, [`Keys`] and
//! [`Networks`], which can be changed while sockets use them. [`Authenticator::and`] and
//! [`Authenticator::or`] combine authenticators.
//!
//! # Examples
//!
//! ```
//! use tokio_zmtp::auth::{Authenticator, CurveKeypair, Keys, Networks};
//! use tokio_zmtp::{Client, Mechanism, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (ours, alice) = (CurveKeypair::generate(), CurveKeypair::generate());
//! let keys = Keys::new();
//! keys.insert(alice.public_key(), "alice");
//! let networks = Networks::new();
//! networks.allow("127.0.0.0/8".parse()?);
//!
//! let server = Server::builder()
//!     .mechanism(Mechanism::curve_server(ours.clone()))
//!     .authenticator(networks.and(keys.clone()))
//!     .bind("tcp://127.0.0.1:*")
//!     .await?;
//! let client = Client::builder()
//!     .mechanism(Mechanism::curve_client((ours.public_key(), alice)))
//!     .connect(server.last_endpoint().unwrap())
//!     .await?;
//!
//! client.send("only the server can read this").await?;
//! let (_, remote) = server.recv_from().await?;
//! assert_eq!(remote.user_id(), Some("alice"));
//! # Ok(())
//! # }
//! ```

mod admission;
mod audit;
mod certificate;
mod client_keys;
mod combination;
mod key_directory;
mod key_file;
mod keys;
mod mechanism;
mod networks;
mod registry;
mod revocation;
mod server_keys;
mod shared;
mod users;

use std::net::SocketAddr;
use std::sync::Arc;

pub use self::admission::Admission;
pub(crate) use self::audit::AuditHook;
pub use self::audit::{AuditEvent, AuditOutcome};
pub use self::certificate::{CertificateError, CurveCertificate};
pub use self::client_keys::ClientKeys;
pub use self::combination::{And, Or};
pub use self::key_directory::KeyDirectoryError;
pub use self::key_file::KeyFileError;
pub use self::keys::Keys;
pub use self::mechanism::Mechanism;
pub use self::networks::{Network, NetworkError, Networks};
pub(crate) use self::revocation::RevocableConnection;
pub use self::revocation::Revocation;
pub use self::server_keys::{ServerKeys, TooManyKeys};
pub(crate) use self::shared::{AuthenticatorCall, SharedAuthenticator};
pub use self::users::Users;
use zmtp_proto::endpoint::Endpoint;

use crate::platform::ProcessCredentials;
use crate::remote::Origin;
#[cfg(feature = "tls")]
use crate::remote::TLS_CERTIFICATE;

#[doc(inline)]
pub use zmtp_proto::mechanism::curve::{
    CurveKeyError, CurveKeypair, CurvePublicKey, CurveSecretKey,
};
#[doc(inline)]
pub use zmtp_proto::mechanism::plain::{Password, PlainCredentialsError};
#[doc(inline)]
pub use zmtp_proto::mechanism::{Credentials, StatusCode};

/// Decides which remotes are admitted.
///
/// A panic refuses only the connection in question, like
/// [`InternalError`](StatusCode::InternalError).
///
/// # Examples
///
/// ```
/// use tokio_zmtp::auth::{Admission, Authenticator, Credentials, Request, StatusCode};
///
/// struct OnlyAdmin;
///
/// impl Authenticator for OnlyAdmin {
///     async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
///         match request.credentials {
///             Credentials::Plain { username, password }
///                 if username == "admin" && password == "swordfish".into() =>
///             {
///                 Ok(Admission::user(username))
///             }
///             _ => Err(StatusCode::Denied),
///         }
///     }
/// }
/// ```
pub trait Authenticator: Send + Sync + 'static {
    /// Decides whether a remote is admitted. The remote waits during the call; its whole handshake
    /// is limited by [`Builder::handshake_interval`](crate::Builder::handshake_interval). Other
    /// remotes do not wait. The future is dropped if the time expires, or if the socket ends.
    ///
    /// # Errors
    ///
    /// The reason for refusing the remote. It reconnects only after
    /// [`TemporaryError`](StatusCode::TemporaryError).
    fn authenticate(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Admission, StatusCode>> + Send;

    /// Returns whether a remote may begin a handshake. It is called before any bytes of the remote
    /// are read, except the header of a proxy, and at `ws` and `wss` endpoints the request, whose path
    /// names the socket. If it returns false, the connection is closed without a reply. By default
    /// every remote may begin.
    fn allows_handshake(&self, caller: &Caller) -> bool {
        let _ = caller;
        true
    }

    /// Returns whether both values are handles to the same authenticator. Two sockets can share a
    /// port only if their authenticators are the same: see
    /// [Resources](crate::guide::endpoints#resources). By default, no two values are the same.
    /// Clones of an [`Arc`] of any authenticator are always the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::auth::{Authenticator, Keys};
    ///
    /// let keys = Keys::new();
    /// assert!(keys.is_same(&keys.clone()));
    /// assert!(!keys.is_same(&Keys::new()));
    /// ```
    fn is_same(&self, other: &Self) -> bool
    where
        Self: Sized,
    {
        let _ = other;
        false
    }

    /// Admits a remote if both admit it. The second is called only if the first admits. The
    /// properties of both are kept, and those of the second take precedence.
    fn and<B: Authenticator>(self, other: B) -> And<Self, B>
    where
        Self: Sized,
    {
        And::new(self, other)
    }

    /// Admits a remote if either admits it. The second is called if the first refuses, and then
    /// decides.
    fn or<B: Authenticator>(self, other: B) -> Or<Self, B>
    where
        Self: Sized,
    {
        Or::new(self, other)
    }
}

impl<A: Authenticator> Authenticator for Arc<A> {
    fn authenticate(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Admission, StatusCode>> + Send {
        A::authenticate(self, request)
    }

    fn allows_handshake(&self, caller: &Caller) -> bool {
        A::allows_handshake(self, caller)
    }

    fn is_same(&self, other: &Self) -> bool {
        Self::ptr_eq(self, other) || A::is_same(self, other)
    }
}

/// A request to an [`Authenticator`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The remote, as far as the transport knows it.
    pub caller: Caller,
    /// The credentials of the remote.
    pub credentials: Credentials,
}

/// The properties of a remote before it has sent anything.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Caller {
    /// The [`Builder::domain`](crate::Builder::domain) of this socket.
    pub domain: Arc<str>,
    /// The endpoint of this socket through which the remote was accepted or dialed.
    pub endpoint: Endpoint,
    /// The network address of the remote; `None` over `ipc` and `inproc`. Behind a proxy it is the
    /// address of the proxy's client, if the proxy sends it.
    pub address: Option<SocketAddr>,
    /// The process of the remote; `None` except over `ipc`.
    pub process: Option<ProcessCredentials>,
    /// The network address of the proxy that forwards the connection, if `address` is that of its
    /// client: see [`Builder::proxy_protocol`](crate::Builder::proxy_protocol).
    pub proxy_address: Option<SocketAddr>,
    /// The user id and the properties with which the application attached or dialed the stream: see
    /// [`RemoteStream::admitted`](crate::RemoteStream::admitted). Otherwise they are empty.
    pub admission: Admission,
}

impl Caller {
    /// Returns the certificate of a remote over TLS, in DER format (RFC 5280); `None` if it has
    /// none, and before TLS is established. TLS has verified it. With the feature `tls` only.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::auth::{Admission, Authenticator, Request, StatusCode};
    ///
    /// /// Admits clients by their certificates.
    /// struct Pinned(Vec<u8>);
    ///
    /// impl Authenticator for Pinned {
    ///     async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
    ///         match request.caller.certificate() {
    ///             Some(certificate) if certificate == self.0 => Ok(Admission::user("alice")),
    ///             _ => Err(StatusCode::Denied),
    ///         }
    ///     }
    /// }
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8]> {
        self.admission.value(TLS_CERTIFICATE)
    }

    pub(crate) fn new(
        domain: Arc<str>,
        endpoint: Endpoint,
        origin: Origin,
        admission: Admission,
    ) -> Self {
        let Origin { address, credentials: process, proxy_address } = origin;
        Self { domain, endpoint, address, process, proxy_address, admission }
    }
}
