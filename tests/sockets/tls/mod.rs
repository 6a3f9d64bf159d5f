//! Sockets over TLS.

mod attached;
mod certificates;
#[cfg(feature = "serde")]
mod described;
mod exchange;
mod failures;
#[cfg(target_os = "linux")]
mod haproxy;
mod identity;
mod not_tls;
mod openssl;
mod reload;
mod revocation;
#[cfg(feature = "ws")]
mod websocket;
