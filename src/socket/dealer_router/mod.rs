//! DEALER and ROUTER (RFC 28).

mod dealer;
mod router;

pub use self::dealer::Dealer;
pub use self::router::Router;
