//! CHANNEL.

mod exchange;
mod second_remote;
mod security;
mod side;
