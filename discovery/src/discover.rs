//! The trait for resolvers.

use std::error::Error;

use tokio_zmtp::Endpoint;

/// A source of the current endpoints of a service: DNS, or a registry such as Consul, etcd or the
/// EndpointSlices of Kubernetes.
///
/// Like a [`watch`](tokio::sync::watch) channel, it yields whole sets and not changes: a registry
/// whose connection was interrupted continues with its current state, and a set that is replaced
/// before it was received is skipped. [`connect_all`](crate::connect_all) compares each set with the
/// one before.
///
/// # Examples
///
/// The endpoints in a `watch` channel, which another task updates:
///
/// ```
/// use std::convert::Infallible;
///
/// use tokio::sync::watch;
/// use tokio_zmtp::{Client, Endpoint, Server};
/// use tokio_zmtp_discovery::{Discover, connect_all};
///
/// struct Watched(watch::Receiver<Vec<Endpoint>>);
///
/// impl Discover for Watched {
///     type Error = Infallible;
///
///     async fn changed(&mut self) -> Result<Option<Vec<Endpoint>>, Infallible> {
///         let changed = self.0.changed().await;
///         // An error is the end of the channel.
///         Ok(changed.is_ok().then(|| self.0.borrow_and_update().clone()))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (endpoints, watched) = watch::channel(Vec::new());
/// let client = Client::new();
/// let discovery = connect_all(&client, Watched(watched));
///
/// let server = Server::new();
/// endpoints.send(vec![server.bind("tcp://127.0.0.1:*").await?])?;
/// client.send("hello").await?;
/// assert_eq!(server.recv().await?, "hello");
/// # Ok(())
/// # }
/// ```
///
/// A registry with blocking queries, such as that of Consul, waits in `changed` for an answer with a
/// later index. One that is polled waits there for its interval.
pub trait Discover: Send + 'static {
    /// Why a set of endpoints is not known.
    type Error: Error + Send + Sync + 'static;

    /// Waits for the next set of endpoints. The first call returns the current set, as soon as it is
    /// known.
    ///
    /// The order of the endpoints does not matter, and duplicates are ignored. `None` means that the
    /// set does not change any more; this method is then not called again.
    ///
    /// # Cancel safety
    ///
    /// It must be cancel safe: if the future is dropped, the next call returns the same set.
    ///
    /// # Errors
    ///
    /// The set is not known for now. `connect_all` keeps the last one, reports the error, and calls
    /// this method again after a delay: a second, doubled by each further error, at most half a
    /// minute, of which up to half is random.
    fn changed(
        &mut self,
    ) -> impl Future<Output = Result<Option<Vec<Endpoint>>, Self::Error>> + Send;

    /// Suggests to look soon, because a connection to one of the endpoints has ended. The default
    /// does nothing, as suits a registry that announces changes.
    fn refresh(&mut self) {}
}
