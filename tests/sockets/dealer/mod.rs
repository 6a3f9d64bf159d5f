//! DEALER (RFC 28): what it does not share with the types in `one_way`.

mod exchange;
mod wire;
