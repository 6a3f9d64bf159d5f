#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod discover;
mod discovery;
mod dns;
mod following;
mod state;

pub use self::discover::Discover;
pub use self::discovery::{Builder, Discovery, connect_all};
pub use self::dns::{Dns, LookupError, Records};
pub use self::state::State;
