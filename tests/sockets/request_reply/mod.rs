//! REQ and REP (RFC 28).

mod rep;
mod req;
mod security;
