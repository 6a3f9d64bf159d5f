//! Streams that the application establishes.

mod attach;
mod connect_with;
#[cfg(feature = "ws")]
mod websocket;
