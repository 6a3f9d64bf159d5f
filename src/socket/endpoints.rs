//! What a live socket does with endpoints, whatever its type.

use std::fmt;

use self::sealed::Sealed;
use crate::endpoint::{Endpoint, EndpointError};
use crate::error::{BindError, ConnectError, DetachError};
use crate::proto::socket_type::SocketType;

/// Binds and connects sockets that are in use.
///
/// `Server::bind` and `Client::connect` *make* a socket; with this trait in scope the same verbs,
/// as methods, give a live one further endpoints. A socket can have any number of both kinds, of
/// which it makes no difference.
///
/// It cannot be implemented outside of this crate.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::{Client, Server, Socket};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build();
/// let first = server.bind("tcp://127.0.0.1:*").await?;
/// let second = server.bind("tcp://127.0.0.1:*").await?;
///
/// let client = Client::connect(first).await?;
/// client.connect(second.clone()).await?;
/// client.disconnect(second).await?;
/// # Ok(())
/// # }
/// ```
pub trait Socket: Sealed + Clone + fmt::Debug + Send + Sync + 'static {
    /// What the socket announces to its remotes.
    const SOCKET_TYPE: SocketType;

    /// Listens on an endpoint; returns it with the port that the system picked for `*`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready may leave the endpoint bound.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the text is no endpoint, if the system refuses it, or if the socket is
    /// closed.
    fn bind<E>(&self, endpoint: E) -> impl Future<Output = Result<Endpoint, BindError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().bind(endpoint?).await }
    }

    /// Connects to an endpoint, and again whenever the connection breaks.
    ///
    /// Returns as soon as the endpoint is registered, whether or not somebody is there: from now on
    /// messages are queued for it. Connecting to one endpoint twice makes two connections.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready may leave the endpoint connected.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the text is no endpoint that can be connected to, or if the socket is
    /// closed.
    fn connect<E>(&self, endpoint: E) -> impl Future<Output = Result<(), ConnectError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().connect(endpoint?).await }
    }

    /// Stops listening on an endpoint, named as it was given or as `bind` returned it, and ends the
    /// connections that were accepted through it.
    ///
    /// When this returns the address is free. What is queued for those connections is written in
    /// the background, for as long as [`linger`](super::Builder::linger) says; what was received
    /// stays to be received.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop what it has begun.
    ///
    /// # Errors
    ///
    /// [`DetachError`] if the socket is not bound to it, or is closed.
    fn unbind<E>(&self, endpoint: E) -> impl Future<Output = Result<(), DetachError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().unbind(endpoint?).await }
    }

    /// Ends all connections to an endpoint, and does not make them again.
    ///
    /// What is queued for them is written in the background, for as long as
    /// [`linger`](super::Builder::linger) says; what was received stays to be received.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop what it has begun.
    ///
    /// # Errors
    ///
    /// [`DetachError`] if the socket is not connected to it, or is closed.
    fn disconnect<E>(&self, endpoint: E) -> impl Future<Output = Result<(), DetachError>> + Send
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let endpoint = endpoint.try_into().map_err(EndpointError::from);
        async move { self.control().disconnect(endpoint?).await }
    }
}

pub(super) mod sealed {
    use crate::options::Options;
    use crate::socket::control::Control;

    /// What the common parts need of a socket type.
    #[expect(private_interfaces, unnameable_types, reason = "so that nobody can implement it")]
    pub trait Sealed: Sized {
        fn start(options: Options) -> Self;
        fn control(&self) -> &Control;
    }
}
