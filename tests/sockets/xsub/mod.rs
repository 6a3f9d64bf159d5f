//! XSUB (RFC 29).

mod exchange;
mod proxied;
mod user_messages;
mod wire;
