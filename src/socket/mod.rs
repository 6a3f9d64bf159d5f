//! The sockets: handles that users hold.
//!
//! A socket type is a composition of an outgoing strategy, an incoming one and a row of legal
//! remotes. What the types share is the `Handle`; the verbs that a type has are its own, so that
//! misuse does not compile.

mod builder;
mod client_server;
mod control;
mod core;
mod handle;
mod limit;
mod live;
mod lossy;
#[cfg(feature = "metrics")]
mod meter;
#[cfg(all(test, shuttle))]
mod models;
mod outbox;
mod receiving;
mod reserving;
mod sending;
#[cfg(feature = "rpc")]
mod tracking;
mod turn;

pub use self::builder::Builder;
pub use self::client_server::{Client, Permit, RoutePermit, Server};
pub use self::control::CloseReport;
use self::core::Core;
use self::handle::Handle;
pub use self::live::Socket;
pub use self::lossy::Lossy;
#[cfg(feature = "metrics")]
pub(crate) use self::meter::{Meter, Reading};
#[cfg(feature = "rpc")]
pub(crate) use self::tracking::{WeakClient, WeakServer};
