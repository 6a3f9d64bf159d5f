//! Sockets over real connections, through the public API.
//!
//! Tests that depend on individual bytes use a [`remote::Remote`]. All tests are in one binary,
//! because linking takes longer than running.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod bodies;
mod over_transport;
#[cfg(target_os = "linux")]
mod proxy_process;
mod seed;
mod served;
mod waiting;

mod abandoned;
// Requires a limit on the files of a process.
#[cfg(target_os = "linux")]
mod accepting;
mod arriving;
mod audit;
mod bad_input;
mod batches;
#[cfg(all(feature = "metrics", feature = "rpc"))]
mod call_metrics;
mod cancellation;
mod channel;
mod concurrency;
#[cfg(feature = "serde")]
mod config;
mod dealer;
mod distribution;
mod ended;
mod ending;
mod endpoints;
mod every_await;
// Connects from several addresses of the loopback interface.
#[cfg(target_os = "linux")]
mod floods;
mod handshake_failure;
#[cfg(target_os = "linux")]
mod haproxy;
mod heartbeat;
mod identities;
mod immediate;
mod inproc;
#[cfg(unix)]
mod ipc;
#[cfg(unix)]
mod ipc_owners;
#[cfg(unix)]
mod ipc_permissions;
mod keys;
#[cfg(unix)]
mod killed;
mod limits;
mod live_options;
mod lossy;
#[cfg(feature = "metrics")]
mod metrics;
mod monitor;
mod mute_state;
mod names;
mod node;
mod notices;
mod one_way;
mod peer;
mod pipeline;
mod probe;
mod proxy;
mod proxy_protocol;
mod publishing;
mod python;
mod races;
mod radio_dish;
mod readiness;
mod reconnect;
mod reconnect_stop;
mod refused;
mod remotes;
mod request_reply;
mod resources;
mod round_trip;
mod router;
mod routing;
mod scatter_gather;
mod scripts;
mod security;
#[cfg(feature = "socks")]
mod socks;
mod stats;
mod streams;
mod subscribing;
mod tampering;
// Requires loopback addresses other than 127.0.0.1, and options that not every system has.
#[cfg(target_os = "linux")]
mod tcp;
mod threads;
#[cfg(feature = "tls")]
mod tls;
mod udp;
#[cfg(feature = "ws")]
mod websocket;
mod xpub;
mod xsub;

use support::{events, multicast, relay, remote, skipped, transports, watchdog};
