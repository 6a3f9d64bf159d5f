//! DEALER (RFC 28).

mod dealer;

pub use self::dealer::Dealer;
