#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod discover;
mod discovery;
mod dns;
mod following;

pub use self::discover::Discover;
pub use self::discovery::{Builder, Discovery, State, connect_all};
pub use self::dns::{Dns, LookupError, Records};
