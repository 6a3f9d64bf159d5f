//! PEER.

mod exchange;
mod ids;
mod notices;
mod security;
mod side;
