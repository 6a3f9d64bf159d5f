//! The sockets: handles that users hold.
//!
//! A socket type is a newtype around a `Handle`. Its `Kind` names its legal remotes and its
//! outgoing strategy, and `verbs!` adds the methods of its capabilities, so that misuse does not
//! compile.

mod batched;
mod bounds;
mod builder;
mod channel;
mod client_server;
mod control;
mod coop;
mod core;
mod dealer_router;
mod distribution;
pub(crate) mod forwarding;
mod handle;
mod interest;
mod kind;
mod lossy;
#[cfg(all(test, shuttle))]
mod models;
mod pair;
mod peer;
mod permit;
mod pipeline;
mod publish_subscribe;
mod radio_dish;
mod receiving;
mod remotes;
mod request_reply;
mod reserving;
mod scatter_gather;
mod sections;
mod sending;
mod sending_many;
mod sink_buffer;
mod stats;
#[cfg(feature = "metrics")]
mod stats_reader;
mod target;
mod time_limit;
#[cfg_attr(
    not(feature = "rpc"),
    expect(dead_code, unused_imports, reason = "only requesters and responders use it")
)]
pub(crate) mod tracked;
mod verbs;
mod waiting;

pub use self::batched::Batched;
pub use self::bounds::{ReceivingSocket, SendingSocket, Socket};
pub use self::builder::Builder;
pub use self::channel::Channel;
pub use self::client_server::{Client, Server};
pub use self::control::CloseReport;
use self::core::Core;
pub use self::dealer_router::{Dealer, Router};
use self::handle::Handle;
use self::kind::Kind;
pub use self::lossy::Lossy;
pub use self::pair::Pair;
pub use self::peer::Peer;
pub use self::permit::{Permit, RoutePermit};
pub use self::pipeline::{Pull, Push};
use self::publish_subscribe::Subscribed;
pub use self::publish_subscribe::{Pub, Sub, XPub, XSub};
pub use self::radio_dish::{Dish, Radio};
pub use self::remotes::Remotes;
pub use self::request_reply::{LockStep, Rep, Replier, Req};
pub use self::scatter_gather::{Gather, Scatter};
#[cfg(feature = "metrics")]
pub(crate) use self::stats_reader::{StatsReader, StatsSample};
