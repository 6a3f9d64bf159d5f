//! ZeroMQ's thread-safe sockets for Tokio.

#![forbid(unsafe_code)]
#![expect(dead_code, unused_imports, reason = "the layers above are still to come")]

mod endpoint;
mod message;
mod pipe;
mod proto;
mod routing;
mod routing_id;

pub use self::endpoint::{Endpoint, EndpointError, EndpointErrorKind, Host, TcpEndpoint};
pub use self::message::Message;
pub use self::proto::socket_type::{ParseSocketTypeError, SocketType};
pub use self::routing_id::RoutingId;
