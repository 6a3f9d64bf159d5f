//! PUSH and PULL (RFC 30).

mod pull;
mod push;

pub use self::pull::Pull;
pub use self::push::Push;
