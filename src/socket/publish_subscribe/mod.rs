//! PUB and SUB (RFC 29).

mod pub_socket;
mod sub;
mod subscribed;

pub use self::pub_socket::Pub;
pub use self::sub::Sub;
pub(in crate::socket) use self::subscribed::Subscribed;
