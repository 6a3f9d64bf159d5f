//! PUSH and PULL.

mod exchange;
mod refused;
mod security;
mod side;
