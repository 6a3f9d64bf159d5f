//! What can be set on a socket, each with its default and the reason for it.

use std::time::Duration;

use crate::proto::heartbeating::HeartbeatConfig;

/// The options of one socket. They apply to every endpoint that it binds or connects.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) handshake_interval: Option<Duration>,
    pub(crate) heartbeat: HeartbeatConfig,
    pub(crate) linger: Option<Duration>,
    pub(crate) max_message_size: Option<u64>,
    pub(crate) reconnect_interval: Duration,
    pub(crate) reconnect_interval_max: Duration,
    pub(crate) recv_hwm: usize,
    pub(crate) recv_timeout: Option<Duration>,
    pub(crate) send_hwm: usize,
    pub(crate) send_timeout: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // The system's own limit takes minutes, during which a better address is not tried.
            connect_timeout: Some(Duration::from_secs(10)),
            // libzmq's default.
            handshake_interval: Some(Duration::from_secs(30)),
            // libzmq's default: none.
            heartbeat: HeartbeatConfig::default(),
            // libzmq waits for ever, which lets a program hang at its end.
            linger: Some(Duration::from_secs(30)),
            // libzmq's default. Memory is only taken for octets that have arrived.
            max_message_size: None,
            // libzmq's default.
            reconnect_interval: Duration::from_millis(100),
            // Short enough for a service that restarts, long enough for a thousand clients of a
            // service that does not.
            reconnect_interval_max: Duration::from_secs(10),
            // libzmq's default.
            recv_hwm: 1_000,
            // libzmq's default: none.
            recv_timeout: None,
            // libzmq's default.
            send_hwm: 1_000,
            // libzmq's default: none.
            send_timeout: None,
        }
    }
}
