//! PUB (RFC 29).

mod pub_socket;
mod subscribed;

pub use self::pub_socket::Pub;
pub(in crate::socket) use self::subscribed::Subscribed;
