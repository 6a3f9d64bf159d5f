//! PUB, SUB and XSUB (RFC 29).

mod pub_socket;
mod sub;
mod subscribed;
mod xsub;

pub use self::pub_socket::Pub;
pub use self::sub::Sub;
pub(in crate::socket) use self::subscribed::Subscribed;
pub use self::xsub::XSub;
