//! Listeners that somebody else has made.

use std::net;
#[cfg(unix)]
use std::os::unix;

/// A listener that was made outside of this crate: by systemd, by a process before this one, or by a
/// test that wants to know the port first.
///
/// Whatever takes one takes a listener of the standard library.
#[derive(Debug)]
#[non_exhaustive]
pub enum StdListener {
    /// For TCP.
    Tcp(net::TcpListener),
    /// For Unix domain sockets.
    #[cfg(unix)]
    Unix(unix::net::UnixListener),
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
