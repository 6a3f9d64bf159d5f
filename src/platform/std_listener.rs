//! Listeners that were created elsewhere.

use std::net;
#[cfg(unix)]
use std::os::unix;

use super::unix_socket::StdUnixListener;

/// A listener that was created outside of this crate: by systemd, by a previous process, or by a
/// test that needs to know the port first.
///
/// Every method with a `StdListener` also accepts a listener of the standard library.
#[derive(Debug)]
#[non_exhaustive]
pub enum StdListener {
    /// A TCP listener.
    Tcp(net::TcpListener),
    /// A listener of a Unix domain socket.
    #[cfg(unix)]
    Unix(unix::net::UnixListener),
}

impl StdListener {
    /// Returns the listener of a Unix domain socket, or that of TCP.
    pub(crate) fn into_unix(self) -> Result<StdUnixListener, net::TcpListener> {
        match self {
            Self::Tcp(listener) => Err(listener),
            #[cfg(unix)]
            Self::Unix(listener) => Ok(listener),
        }
    }
}

impl From<net::TcpListener> for StdListener {
    fn from(listener: net::TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

#[cfg(unix)]
impl From<unix::net::UnixListener> for StdListener {
    fn from(listener: unix::net::UnixListener) -> Self {
        Self::Unix(listener)
    }
}
