//! The trait for sources of endpoints.

use std::error::Error;

use tokio_zmtp::Endpoint;

/// A source of the current endpoints of a service: DNS, or a registry such as Consul, etcd or the
/// EndpointSlices of Kubernetes.
///
/// Like a [`watch`](tokio::sync::watch) channel, it yields whole sets instead of changes. After an
/// interruption, a source continues with its current set, and it may skip sets that were replaced
/// in the meantime. [`connect_all`](crate::connect_all) compares each set with the previous one.
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
/// With blocking queries, such as those of Consul, `changed` waits for an answer with a later
/// index. With polling, it waits until the interval has passed.
pub trait Discover: Send + 'static {
    /// The reason why the set of endpoints is unknown.
    type Error: Error + Send + Sync + 'static;

    /// Waits for the next set of endpoints. The first call returns the current set as soon as it is
    /// known.
    ///
    /// The order of the endpoints does not matter, and duplicates are ignored. `None` means that
    /// the set no longer changes: this method is not called again.
    ///
    /// # Cancel safety
    ///
    /// It must be cancel safe: if the future is dropped, the next call returns the same set or a
    /// later one.
    ///
    /// # Errors
    ///
    /// The set is currently unknown. `connect_all` keeps the last one, reports the error, and calls
    /// this method again after a delay. The delay is one second, doubles with each further error up
    /// to 30 s, and is shortened by a random share of up to half.
    fn changed(
        &mut self,
    ) -> impl Future<Output = Result<Option<Vec<Endpoint>>, Self::Error>> + Send;

    /// Suggests looking up the set soon, because a connection to one of its endpoints has ended.
    /// The delay after an error does not change. The default does nothing, which suits a source
    /// that announces changes.
    fn refresh(&mut self) {}
}
