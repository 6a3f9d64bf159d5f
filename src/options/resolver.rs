//! Resolution of host names.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

/// Resolves host names in place of the system.
///
/// It resolves the name in an endpoint, such as `example.org` in `tcp://example.org:5555`: at every
/// attempt to connect, when such an endpoint is bound, and for
/// [`connect_all`](crate::Socket::connect_all). Addresses, names of network interfaces and the
/// zones of IPv6 addresses are not passed to it.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use std::io;
/// use std::net::{IpAddr, SocketAddr};
/// use std::pin::Pin;
///
/// use tokio_zmtp::{Client, Resolver};
///
/// struct Table(HashMap<String, IpAddr>);
///
/// impl Resolver for Table {
///     fn resolve<'a>(
///         &'a self,
///         name: &'a str,
///         port: u16,
///     ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
///         Box::pin(async move {
///             let address = self.0.get(name).ok_or(io::ErrorKind::NotFound)?;
///             Ok(vec![SocketAddr::new(*address, port)])
///         })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let table = Table(HashMap::from([("backend".to_owned(), [127, 0, 0, 1].into())]));
/// let client = Client::builder().resolver(table).connect("tcp://backend:5555").await?;
/// # Ok(())
/// # }
/// ```
pub trait Resolver: Send + Sync + 'static {
    /// Resolves a name to its addresses, best first, in the form to dial: with the port of
    /// the endpoint, or with another one.
    ///
    /// The future is dropped when [`connect_timeout`](crate::Builder::connect_timeout) expires.
    ///
    /// # Errors
    ///
    /// A failed query. A name without an address can be an error or an empty list, which makes a
    /// difference to [`connect_all`](crate::Socket::connect_all): after an error it keeps the known
    /// addresses, and after an empty list it disconnects from all of them.
    fn resolve<'a>(
        &'a self,
        name: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;
}

/// The resolver of a socket: that of the user, or the system.
#[derive(Clone, Default)]
pub(crate) struct NameResolver(pub(crate) Option<Arc<dyn Resolver>>);

impl fmt::Debug for NameResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "Resolver",
            None => "System",
        })
    }
}
