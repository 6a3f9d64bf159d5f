//! How host names become addresses.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

/// Turns host names into addresses, in the place of the system.
///
/// It is asked for the name in an endpoint, as `example.org` in `tcp://example.org:5555`: at every
/// attempt to connect, when such an endpoint is bound, and for
/// [`connect_all`](crate::Socket::connect_all). Addresses, names of network interfaces and the zones
/// of IPv6 addresses are none of its business.
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
    /// Looks a name up; returns its addresses, best first, as they are to be dialled: with the port of
    /// the endpoint, or with any other.
    ///
    /// The future is dropped when [`connect_timeout`](crate::Builder::connect_timeout) is over.
    ///
    /// # Errors
    ///
    /// That nobody could be asked. A name that has no address is an error, or none, but then it makes a
    /// difference to [`connect_all`](crate::Socket::connect_all): after an error it keeps the addresses
    /// that it knows, and where there is none left it gives all of them up.
    fn resolve<'a>(
        &'a self,
        name: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;
}

/// Who is asked for the addresses of a name: the system, unless the user has a resolver.
#[derive(Clone, Default)]
pub(crate) struct Names(pub(crate) Option<Arc<dyn Resolver>>);

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "Resolver",
            None => "System",
        })
    }
}
