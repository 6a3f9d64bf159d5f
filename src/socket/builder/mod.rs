//! Setting a socket's options before it is made.
//!
//! One file for each group of options, each of whose setters sets a field of [`Options`].

mod connecting;
mod heartbeat;
mod ipc;
mod notices;
mod queues;
mod security;
mod tcp;

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::Socket;
use crate::endpoint::{Endpoint, EndpointError};
use crate::error::{BindError, ConnectError};
use crate::options::Options;
use crate::transport::StdListener;

/// Sets the options of a socket of type `S`, and makes it.
///
/// Every setter can be left out; its default is stated with it. Options apply to all endpoints of
/// the socket.
///
/// Options of TCP that the system does not have on this platform have no setter here. If the system
/// refuses the value of one, `bind` fails with [`BindError::Io`], and each attempt to connect
/// fails, too, and is made again.
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
    options: Options,
    socket: PhantomData<fn() -> S>,
}

impl<S: Socket> Builder<S> {
    pub(super) fn new() -> Self {
        Self::with_options(Options::default())
    }

    pub(crate) fn with_options(options: Options) -> Self {
        Self { options, socket: PhantomData }
    }

    /// Creates the socket, which belongs to the current runtime. It has no endpoint yet.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled. A thread outside of Tokio can
    /// [enter](tokio::runtime::Handle::enter) one:
    ///
    /// ```
    /// use futures::executor::block_on;
    /// use tokio_zmtp::{Server, Socket};
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

    /// Makes the socket and binds it to an endpoint; more can follow.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing bound.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the text is no endpoint, or if the system refuses it.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
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

    /// Makes the socket and has it accept connections through a listener that was made elsewhere; more
    /// can follow. See [`Socket::bind_from_std`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the listener.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the system refuses the listener or an option, or if it has no name that can be
    /// written down.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
    pub async fn bind_from_std(self, listener: impl Into<StdListener>) -> Result<S, BindError> {
        let socket = self.build();
        socket.control().bind_from_std(listener.into()).await?;
        Ok(socket)
    }

    /// Makes the socket and connects it to an endpoint; more can follow.
    ///
    /// Returns as soon as the endpoint is registered. The connection is made in the background, and
    /// made again whenever it breaks.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing connected.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the text is no endpoint that can be connected to.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
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

    /// Makes the socket and connects it to every address of a host name, those to come included; more
    /// can follow. See [`Socket::connect_all`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing connected.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the text is no endpoint that can be connected to.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with IO and time enabled.
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

/// Reads a zero as libzmq does where it turns an option off.
fn unless_zero(length: Option<Duration>) -> Option<Duration> {
    length.filter(|length| !length.is_zero())
}
