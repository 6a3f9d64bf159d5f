//! CLIENT and SERVER (RFC 41).

mod client;
mod server;

pub use self::client::Client;
pub use self::server::Server;
