//! The sockets: handles that users hold.
//!
//! A socket type is a composition of an outgoing strategy, an incoming one and a row of legal
//! remotes. What the types share is the `Handle`; the verbs that a type has are its own, so that
//! misuse does not compile.

mod builder;
mod client_server;
mod control;
mod coop;
mod core;
mod handle;
mod live;
mod lossy;
#[cfg(all(test, shuttle))]
mod models;
mod receiving;
mod reserving;
mod sending;
mod sink_buffer;
#[cfg(feature = "metrics")]
mod stats_reader;
mod time_limit;
#[cfg(feature = "rpc")]
pub(crate) mod tracked;
mod waiting;

pub use self::builder::Builder;
pub use self::client_server::{Client, Permit, RoutePermit, Server};
pub use self::control::CloseReport;
use self::core::Core;
use self::handle::Handle;
pub use self::live::Socket;
pub use self::lossy::Lossy;
#[cfg(feature = "metrics")]
pub(crate) use self::stats_reader::{StatsReader, StatsSample};
