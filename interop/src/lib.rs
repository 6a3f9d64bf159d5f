//! libzmq 4.3.5 with its draft sockets, as the other end of `tokio-zmtp`.
//!
//! The library is a thin wrapper around the few C functions that tests and measurements need. Its
//! program `libzmq-remote` is a process with one libzmq socket, which tests start, kill and restart
//! (see [`RemoteProcess`]).
//!
//! ```
//! use interop::{Context, Socket, SocketType};
//!
//! let context = Context::new()?;
//! let server = Socket::new(&context, SocketType::Server)?;
//! server.bind("tcp://127.0.0.1:*")?;
//! let client = Socket::new(&context, SocketType::Client)?;
//! client.connect(&server.last_endpoint()?)?;
//!
//! client.send(b"request")?;
//! let request = server.recv()?;
//! server.send_to(b"reply", request.routing_id)?;
//! assert_eq!(client.recv()?.body, b"reply");
//! # Ok::<(), interop::Error>(())
//! ```

#![warn(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

mod context;
mod error;
mod exclusive;
mod ffi;
mod group;
mod message;
mod monitor;
mod numbered;
mod proxy;
mod remote_process;
mod socket;
mod socket_option;
mod socket_type;
mod sodium_box;
mod zap;

pub use context::{Context, version};
pub use error::{Error, TryError};
pub use exclusive::ExclusiveSocket;
pub use message::Message;
pub use monitor::{Event, EventKind, Monitor};
pub use numbered::{number, numbered};
pub use proxy::Proxy;
pub use remote_process::RemoteProcess;
pub use socket::{Received, Socket};
pub use socket_option::{BytesOption, SocketOption};
pub use socket_type::SocketType;
pub use sodium_box::SodiumBox;
pub use zap::ZapHandler;
