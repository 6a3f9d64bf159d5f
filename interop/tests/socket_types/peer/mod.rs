//! PEER.

mod exchange;
mod ids;
mod notices;
mod refused;
mod security;
mod side;
