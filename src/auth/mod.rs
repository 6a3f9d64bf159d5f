//! Who is let in: keys, registries, networks, and authenticators of your own.
//!
//! A [`Mechanism`](crate::Mechanism) decides what remotes have to show of themselves and whether traffic
//! is encrypted; an [`Authenticator`] decides whom to let in. The two are set apart from each other, by
//! [`Builder::mechanism`](crate::Builder::mechanism) and
//! [`Builder::authenticator`](crate::Builder::authenticator).
//!
//! | Mechanism | What it shows | Without an authenticator |
//! |---|---|---|
//! | NULL | nothing but where it calls from | everybody is let in |
//! | PLAIN | a name and a password, in the clear | nobody is let in |
//! | CURVE | a key, of which it has the secret half | everybody is let in who knows the server's key |
//!
//! The authenticator is asked once for each connection, by the side that is the server of the mechanism,
//! with NULL by both. Ready-made are [`Users`] with passwords, [`Keys`], and [`Networks`], all of which
//! can be changed while sockets use them, and the combinations of several by [`Authenticator::and`] and
//! [`Authenticator::or`].
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
//!     .mechanism(Mechanism::CurveServer { keypair: ours.clone() })
//!     .authenticator(networks.and(keys.clone()))
//!     .bind("tcp://127.0.0.1:*")
//!     .await?;
//! let client = Client::builder()
//!     .mechanism(Mechanism::CurveClient { server_key: ours.public_key(), keypair: alice })
//!     .connect(server.last_endpoint().unwrap())
//!     .await?;
//!
//! client.send("nobody else can read this").await?;
//! let (_, remote) = server.recv_from().await?;
//! assert_eq!(remote.user_id(), Some("alice"));
//! # Ok(())
//! # }
//! ```

mod admission;
mod certificate;
mod combination;
mod networks;
mod registry;
mod shared;

use std::net::SocketAddr;
use std::sync::Arc;

pub use self::admission::Admission;
pub use self::certificate::{CertificateError, CurveCertificate};
pub use self::combination::{And, Or};
pub use self::networks::{Network, NetworkError, Networks};
pub use self::registry::{Keys, Users};
pub(crate) use self::shared::{Asking, SharedAuthenticator};
use crate::endpoint::Endpoint;
use crate::remote::{Origin, ProcessCredentials};

#[doc(inline)]
pub use zmtp_proto::mechanism::curve::{
    CurveKeyError, CurveKeypair, CurvePublicKey, CurveSecretKey,
};
#[doc(inline)]
pub use zmtp_proto::mechanism::plain::{Password, PlainCredentialsError};
#[doc(inline)]
pub use zmtp_proto::mechanism::{Credentials, StatusCode};

/// Decides which remotes are let in.
///
/// A panic in it refuses the connection that it was asked about, as
/// [`InternalError`](StatusCode::InternalError) does, and nothing else.
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
    /// Decides about a remote by what it has shown. The remote waits meanwhile, for no longer than
    /// [`Builder::handshake_interval`](crate::Builder::handshake_interval) for the whole handshake; other
    /// remotes do not. The future is dropped if that time is over, or the socket ends.
    ///
    /// # Errors
    ///
    /// Why the remote is not let in. It tries again after [`TemporaryError`](StatusCode::TemporaryError)
    /// alone.
    fn authenticate(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Admission, StatusCode>> + Send;

    /// Returns whether a remote may begin a handshake, before any byte of it is read except the header of
    /// a proxy. If not, the connection is closed without a reply. By default every remote may.
    fn allows_handshake(&self, caller: &Caller) -> bool {
        let _ = caller;
        true
    }

    /// Lets in whom both let in. The second is asked only if the first agrees; what either says of the
    /// remote holds, and what the second says comes first.
    fn and<B: Authenticator>(self, other: B) -> And<Self, B>
    where
        Self: Sized,
    {
        And::new(self, other)
    }

    /// Lets in whom either lets in. The second is asked, and has the last word, if the first does not.
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
}

/// What an [`Authenticator`] is asked about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// Who asks to be let in, as far as the transport knows.
    pub caller: Caller,
    /// What the remote has shown of itself.
    pub credentials: Credentials,
}

/// What is known of a remote before it has said anything.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Caller {
    /// What [`Builder::domain`](crate::Builder::domain) says of this socket.
    pub domain: Arc<str>,
    /// The endpoint of this socket that the remote was accepted through, or dialled for.
    pub endpoint: Endpoint,
    /// The network address of the remote; `None` over `ipc` and `inproc`. Behind a proxy it is that of
    /// the proxy's client, if the proxy sends it.
    pub address: Option<SocketAddr>,
    /// Which process the remote is; `None` over anything but `ipc`.
    pub process: Option<ProcessCredentials>,
    /// The network address of the proxy that forwards the connection, if `address` is that of its
    /// client: see [`Builder::proxy_protocol`](crate::Builder::proxy_protocol).
    pub proxy_address: Option<SocketAddr>,
}

impl Caller {
    pub(crate) fn new(domain: Arc<str>, endpoint: Endpoint, origin: Origin) -> Self {
        let Origin { address, credentials: process, proxy_address } = origin;
        Self { domain, endpoint, address, process, proxy_address }
    }
}
