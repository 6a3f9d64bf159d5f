//! RADIO and DISH.
//!
//! Groups have at most 14 bytes: libzmq does not count the references to a longer name if a RADIO
//! or DISH has several pipes (libzmq#4199).

mod exchange;
mod heartbeat;
mod security;
mod side;
