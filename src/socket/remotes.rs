//! The view of the remotes of a socket.

use std::fmt;
use std::time::Duration;
use std::vec;

use super::control::Control;
use crate::error::NoRemoteError;
use crate::remote::Remote;
use crate::remotes::RemoteId;
use crate::stats::RemoteStats;

/// The connected remotes of a socket, whose handshakes are finished.
///
/// It borrows the socket and always shows its current state.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Client, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// let client = Client::new();
/// client.connect(server.bind("tcp://127.0.0.1:*").await?).await?;
///
/// client.remotes().connected().await?;
/// assert_eq!(client.remotes().len(), 1);
///
/// client.send("hello").await?;
/// let id = server.recv().await?.routing_id().unwrap();
/// for remote in server.remotes() {
///     println!("{:?} at {:?}", remote.connection_id(), remote.address());
/// }
/// assert!(server.remotes().disconnect(id));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Remotes<'a> {
    control: &'a Control,
}

impl<'a> Remotes<'a> {
    pub(super) const fn new(control: &'a Control) -> Self {
        Self { control }
    }

    /// Waits until the handshake with a remote is finished, so that messages can be exchanged.
    /// Returns immediately if a remote is already connected.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing changes.
    ///
    /// # Errors
    ///
    /// [`NoRemoteError`] if the socket is closed, or if it has no endpoint left because the last one
    /// was abandoned: the remote refuses this socket by an ERROR command, or
    /// [`reconnect_stop`](super::Builder::reconnect_stop) ended the attempts. After the application
    /// has disconnected the last endpoint, it waits for another one.
    ///
    /// All other failures are retried, and this method waits indefinitely while they last: no
    /// remote is listening, or it has another mechanism, another key or an incompatible socket
    /// type. So are ERROR commands with the reasons `occupied` and `duplicate identity`, which may
    /// be temporary. Use [`connected_timeout`](Self::connected_timeout) to limit the wait: its error
    /// contains the last failure.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(client: tokio_zmtp::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// client.connect("tcp://192.0.2.1:5555").await?;
    /// client.remotes().connected().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connected(self) -> Result<(), NoRemoteError> {
        self.control.connected(1).await
    }

    /// Waits until at least this many remotes are connected.
    ///
    /// Messages that are sent earlier are queued for the remotes that are connected by then, or
    /// that this socket connects to. A bound socket that sends immediately sends everything to the
    /// first remote that connects.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing changes.
    ///
    /// # Errors
    ///
    /// [`NoRemoteError`] as from [`connected`](Self::connected).
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(scatter: tokio_zmtp::Scatter) -> Result<(), Box<dyn std::error::Error>> {
    /// scatter.bind("tcp://192.0.2.1:5555").await?;
    /// // Three workers share the messages from the first one on.
    /// scatter.remotes().at_least(3).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn at_least(self, remotes: usize) -> Result<(), NoRemoteError> {
        self.control.connected(remotes).await
    }

    /// Waits until a remote is connected, at most for `timeout`.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing changes.
    ///
    /// # Errors
    ///
    /// [`NoRemoteError`] as from [`connected`](Self::connected), or if the time limit is reached.
    /// It contains the reason why the last attempt failed, if one has: for example that the remote
    /// uses another mechanism.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tokio_zmtp::{Client, Mechanism, NoRemoteError, Server};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().mechanism(Mechanism::PlainServer);
    /// let server = server.bind("tcp://127.0.0.1:*").await?;
    /// let client = Client::new(); // It should use PLAIN as well.
    /// client.connect(server.last_endpoint().unwrap()).await?;
    ///
    /// let error = client.remotes().connected_timeout(Duration::from_secs(5)).await.unwrap_err();
    /// if let NoRemoteError::Timeout(Some(failure)) = error {
    ///     println!("{failure}: {:?}", std::error::Error::source(&failure));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connected_timeout(self, timeout: Duration) -> Result<(), NoRemoteError> {
        self.control.connected_timeout(timeout).await
    }

    /// Ends the connection of a remote, without waiting for its end. Returns false if no remote
    /// with this id is connected. (libzmq `zmq_disconnect_peer`.)
    ///
    /// An accepted connection writes its queued messages within [`linger`](super::Builder::linger);
    /// its routing id is unknown from now on. A dialed connection is re-established after a delay,
    /// with its queued messages, because its endpoint is still connected. To prevent this,
    /// disconnect the endpoint.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = server.recv().await?;
    /// server.remotes().disconnect(request.routing_id().unwrap());
    /// # Ok(())
    /// # }
    /// ```
    pub fn disconnect(&self, id: impl Into<RemoteId>) -> bool {
        self.control.disconnect_remote(id.into())
    }

    /// Returns a remote, by its [`ConnectionId`](crate::ConnectionId) or its
    /// [`RoutingId`](crate::RoutingId); `None` if it is not connected.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = server.recv().await?;
    /// let remote = server.remotes().get(request.routing_id().unwrap());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn get(&self, id: impl Into<RemoteId>) -> Option<Remote> {
        self.control.remote(id.into())
    }

    /// Returns whether no remote is connected.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(scatter: tokio_zmtp::Scatter) -> Result<(), Box<dyn std::error::Error>> {
    /// if scatter.remotes().is_empty() {
    ///     println!("no worker is connected");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Iterates over the remotes that are connected at the time of the call, the oldest connection
    /// first.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let addresses = server.remotes().iter().filter_map(|remote| remote.address());
    /// println!("{:?}", addresses.collect::<Vec<_>>());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn iter(&self) -> vec::IntoIter<Remote> {
        self.list().into_iter()
    }

    /// Returns the number of connected remotes.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(scatter: tokio_zmtp::Scatter) -> Result<(), Box<dyn std::error::Error>> {
    /// println!("{} workers", scatter.remotes().len());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.control.connected_remotes()
    }

    /// Returns all connected remotes, the oldest connection first.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let remotes = server.remotes().list();
    /// if let Some(oldest) = remotes.first() {
    ///     server.remotes().disconnect(oldest.connection_id());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn list(&self) -> Vec<Remote> {
        self.control.remotes()
    }

    /// Returns the statistics of a remote; `None` if it is not connected.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn example(client: tokio_zmtp::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// for remote in client.remotes() {
    ///     if let Some(stats) = client.remotes().stats(remote.connection_id()) {
    ///         println!("{:?}: {} messages sent", remote.address(), stats.sent.messages);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self, id: impl Into<RemoteId>) -> Option<RemoteStats> {
        self.control.remote_stats(id.into())
    }
}

impl IntoIterator for Remotes<'_> {
    type Item = Remote;
    type IntoIter = vec::IntoIter<Remote>;

    fn into_iter(self) -> vec::IntoIter<Remote> {
        self.iter()
    }
}

impl IntoIterator for &Remotes<'_> {
    type Item = Remote;
    type IntoIter = vec::IntoIter<Remote>;

    fn into_iter(self) -> vec::IntoIter<Remote> {
        self.iter()
    }
}

impl fmt::Debug for Remotes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
