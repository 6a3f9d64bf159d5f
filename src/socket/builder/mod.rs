//! The builder, which sets the options of a new socket.
//!
//! Each file holds a group of options. Each setter sets a field of [`Options`].

mod connecting;
mod heartbeat;
#[cfg(unix)]
mod ipc;
mod queues;
mod security;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "ws")]
mod websocket;

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use zmtp_proto::endpoint::{Endpoint, EndpointError};

use super::Socket;
use crate::error::{BindError, ConnectError};
use crate::options::Options;
use crate::platform::StdListener;

/// Sets the options of a socket of type `S`, and creates it.
///
/// Every setter is optional, and documents its default. Options apply to all endpoints of the
/// socket.
///
/// TCP options that a platform does not support have no setter there. If the system refuses the
/// value of an option, `bind` fails with [`BindError::Io`], and each attempt to connect fails and
/// is repeated.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::Client;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder()
///     .send_hwm(100)
///     .reconnect_interval(Duration::from_millis(20))
///     .connect("tcp://127.0.0.1:5555")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it is built, bound or connected"]
pub struct Builder<S> {
    pub(super) options: Options,
    socket: PhantomData<fn() -> S>,
}

impl<S: Socket> Builder<S> {
    pub(super) fn new() -> Self {
        Self::with_options(Options::default())
    }

    pub(crate) fn with_options(options: Options) -> Self {
        Self { options, socket: PhantomData }
    }

    pub(crate) const fn options(&self) -> &Options {
        &self.options
    }

    /// Creates the socket, which belongs to the current runtime. It has no endpoint yet.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled. A thread outside of Tokio can
    /// [enter](tokio::runtime::Handle::enter) one first.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::executor::block_on;
    /// use tokio_zmtp::Server;
    ///
    /// let runtime = tokio::runtime::Runtime::new()?;
    /// let server = {
    ///     let _guard = runtime.enter();
    ///     Server::builder().build()
    /// };
    /// // From here on the server needs no guard.
    /// block_on(server.bind("tcp://127.0.0.1:*"))?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn build(self) -> S {
        S::start(self.options)
    }

    /// Creates the socket and binds it to an endpoint. More endpoints can follow.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing bound.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the endpoint is not valid, or if the system refuses it.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().recv_hwm(100).bind("tcp://127.0.0.1:*").await?;
    /// let endpoint = server.last_endpoint().unwrap();
    /// # Ok(())
    /// # }
    /// ```
    pub async fn bind<E>(self, to: E) -> Result<S, BindError>
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let to = to.try_into().map_err(EndpointError::from)?;
        let socket = self.build();
        socket.control().bind(to).await?;
        Ok(socket)
    }

    /// Creates the socket and accepts connections through a listener that was created elsewhere.
    /// More endpoints can follow. See [`Client::bind_from_std`](super::Client::bind_from_std).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the listener.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the system refuses the listener or an option, or if the listener has no
    /// name that can be written as an endpoint.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::TcpListener;
    /// use tokio_zmtp::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let server = Server::builder().recv_hwm(100).bind_from_std(listener).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn bind_from_std(self, listener: impl Into<StdListener>) -> Result<S, BindError> {
        let socket = self.build();
        socket.control().bind_from_std(listener.into()).await?;
        Ok(socket)
    }

    /// Creates the socket and connects it to an endpoint. More endpoints can follow.
    ///
    /// Returns as soon as the endpoint is registered. The connection is established in the
    /// background, and re-established whenever it breaks.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing connected.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the endpoint is not valid, or can only be bound.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder().immediate(true).connect("tcp://192.0.2.1:5555").await?;
    /// client.connect("tcp://192.0.2.2:5555").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect<E>(self, to: E) -> Result<S, ConnectError>
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let to = to.try_into().map_err(EndpointError::from)?;
        let socket = self.build();
        socket.control().connect(to).await?;
        Ok(socket)
    }

    /// Creates the socket and connects it to every address of a host name, including future ones.
    /// More endpoints can follow. See [`Client::connect_all`](super::Client::connect_all).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing connected.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the endpoint is not valid, or can only be bound.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Scatter;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let scatter = Scatter::builder().connect_all("tcp://workers.example.org:5555").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect_all<E>(self, to: E) -> Result<S, ConnectError>
    where
        E: TryInto<Endpoint>,
        EndpointError: From<E::Error>,
    {
        let to = to.try_into().map_err(EndpointError::from)?;
        let socket = self.build();
        socket.control().connect_all(to).await?;
        Ok(socket)
    }
}

impl<S> Clone for Builder<S> {
    fn clone(&self) -> Self {
        Self { options: self.options.clone(), socket: PhantomData }
    }
}

impl<S: Socket> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Builder");
        debug.field("socket", &S::SOCKET_TYPE).field("options", &self.options).finish()
    }
}

/// Converts zero to `None`, for options that libzmq turns off by zero.
fn unless_zero(length: Option<Duration>) -> Option<Duration> {
    length.filter(|length| !length.is_zero())
}
