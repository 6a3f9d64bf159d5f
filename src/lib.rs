//! ZeroMQ's thread-safe sockets for Tokio.

#![forbid(unsafe_code)]

mod connection;
mod driver;
mod endpoint;
mod error;
mod message;
mod options;
mod pipe;
mod proto;
mod routing;
mod routing_id;
mod socket;
mod transport;

pub use self::endpoint::{Endpoint, EndpointError, EndpointErrorKind, Host, TcpEndpoint};
pub use self::error::{
    BindError, ConnectError, DetachError, RecvError, RouteError, SendError, TryRecvError,
    TryRouteError, TrySendError,
};
pub use self::message::Message;
pub use self::proto::socket_type::{ParseSocketTypeError, SocketType};
pub use self::routing_id::RoutingId;
pub use self::socket::{Builder, Client, CloseReport, Server, Socket};
