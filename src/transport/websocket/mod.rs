//! WebSocket connections, as streams of ZMTP (RFC 45).
//!
//! A frame of ZMTP is one binary message of the WebSocket, whose first byte has the flags. There is no
//! greeting: the subprotocol names the mechanism. `WebSocketStream` translates between both, so that
//! everything above it is as over TCP.

mod acceptor;
mod connector;
mod dialer;
mod frames;
#[cfg(feature = "http")]
mod http_server;
mod mask;
mod request;
mod settings;
mod stream;
mod upgrade;

pub use self::acceptor::WebSocketAcceptor;
pub use self::connector::WebSocketConnector;
pub(crate) use self::dialer::WebSocketDialer;
pub(crate) use self::request::UpgradeRequest;
pub use crate::monitor::UpgradeError;
pub use crate::options::{InvalidHeader, RequestHeaders};
