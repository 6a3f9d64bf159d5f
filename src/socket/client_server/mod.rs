//! CLIENT and SERVER (RFC 41).

mod client;
mod permit;
mod server;

pub use self::client::Client;
pub use self::permit::{Permit, RoutePermit};
pub use self::server::Server;
