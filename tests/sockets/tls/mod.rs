//! Sockets over TLS.

mod attached;
pub(crate) mod certificates;
#[cfg(feature = "serde")]
mod described;
mod exchange;
mod failures;
mod identity;
mod not_tls;
mod openssl;
#[cfg(any(target_os = "linux", feature = "ws"))]
pub(crate) mod pem_file;
mod reload;
mod revocation;
#[cfg(target_os = "linux")]
mod terminators;
#[cfg(feature = "ws")]
mod websocket;

use std::sync::LazyLock;

use tokio_zmtp::{TlsClient, TlsServer};

use self::certificates::Authority;

/// Returns the options of sockets that trust each other, at any address.
pub(crate) fn options() -> (TlsServer, TlsClient) {
    static SERVER: LazyLock<TlsServer> = LazyLock::new(|| AUTHORITY.issue(&["localhost"]).server());
    (SERVER.clone(), AUTHORITY.client().server_name("localhost").unwrap())
}

/// Returns the options of clients, as a line of a configuration.
#[cfg(feature = "serde")]
pub(crate) fn described() -> String {
    let roots = format!("{{ pem = {:?} }}", AUTHORITY.pem);
    format!("tls_client = {{ roots = {roots}, server_name = 'localhost' }}\n")
}

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::new("authority"));
