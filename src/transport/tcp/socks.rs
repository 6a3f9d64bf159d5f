//! Connections through a SOCKS5 proxy.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;
use tokio::net::TcpStream;
use tokio_socks::tcp::Socks5Stream;
use tokio_socks::{Error, TargetAddr};
use zmtp_proto::endpoint::{Host, TcpEndpoint};

use super::super::resolve::resolve_by_system;
use crate::options::SocksProxy;

/// The proxy refuses this socket. Always within an [`io::Error`].
#[derive(Debug, Error)]
#[error("the proxy refuses this socket")]
pub(crate) struct ProxyRefusal(#[source] Error);

impl ProxyRefusal {
    /// Returns whether an error has this cause.
    pub(crate) fn is_in(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}

/// Requests that the proxy at the other end of the stream connect to an endpoint; returns the
/// address of the remote, if it is known.
///
/// The proxy resolves host names.
pub(super) async fn pass(
    stream: TcpStream,
    proxy: &SocksProxy,
    endpoint: &TcpEndpoint,
) -> io::Result<(TcpStream, Option<SocketAddr>)> {
    let port = endpoint.port();
    let (target, address) = match endpoint.host() {
        Host::Name(name) => (TargetAddr::Domain(name.into(), port), None),
        host => match resolve_by_system(host, port).await?.first() {
            Some(&address) => (TargetAddr::Ip(address), Some(address)),
            None => return Err(io::ErrorKind::NotFound.into()),
        },
    };
    let passed = match proxy.credentials() {
        Some((username, password)) => {
            Socks5Stream::connect_with_password_and_socket(stream, target, username, password).await
        }
        None => Socks5Stream::connect_with_socket(stream, target).await,
    };
    let passed = passed.map_err(|error| match error {
        Error::Io(error) => error,
        Error::PasswordAuthFailure(_)
        | Error::NoAcceptableAuthMethods
        | Error::AuthorizationRequired => {
            io::Error::new(io::ErrorKind::PermissionDenied, ProxyRefusal(error))
        }
        Error::ConnectionRefused => io::Error::new(io::ErrorKind::ConnectionRefused, error),
        Error::HostUnreachable => io::Error::new(io::ErrorKind::HostUnreachable, error),
        Error::NetworkUnreachable => io::Error::new(io::ErrorKind::NetworkUnreachable, error),
        Error::ConnectionNotAllowedByRuleset => {
            io::Error::new(io::ErrorKind::PermissionDenied, error)
        }
        error => io::Error::other(error),
    })?;
    Ok((passed.into_inner(), address))
}
