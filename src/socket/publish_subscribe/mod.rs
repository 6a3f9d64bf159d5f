//! PUB, SUB, XPUB and XSUB (RFC 29).

mod pub_socket;
mod sub;
mod subscribed;
mod xpub;
mod xsub;

pub use self::pub_socket::Pub;
pub use self::sub::Sub;
pub(in crate::socket) use self::subscribed::Subscribed;
pub use self::xpub::XPub;
pub use self::xsub::XSub;
