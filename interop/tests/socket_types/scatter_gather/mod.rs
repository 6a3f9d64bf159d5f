//! SCATTER and GATHER.

mod exchange;
mod refused;
mod restart;
mod security;
mod side;
