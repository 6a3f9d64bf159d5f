//! The settings of a WebSocket that both of its sides have.

use std::time::Duration;

use bytes::BytesMut;
use zmtp_proto::greeting::MechanismName;
use zmtp_proto::heartbeat::HeartbeatConfig;

use super::frames::WebSocketRole;
use super::stream::WebSocketStream;
use crate::auth::Mechanism;
use crate::options::Options;
use crate::transport::stream::{BoxedClosingStream, Stream};

#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// That of the subprotocol.
    pub(super) mechanism: MechanismName,
    heartbeat: HeartbeatConfig,
    pub(super) max_message_size: Option<u64>,
}

impl Settings {
    pub(super) fn new(mechanism: &Mechanism) -> Self {
        let mechanism = mechanism.name();
        Self { mechanism, heartbeat: HeartbeatConfig::default(), max_message_size: None }
    }

    /// Returns the settings of the `ws` and `wss` endpoints of a socket.
    pub(super) fn of_socket(options: &Options) -> Self {
        let (heartbeat, max_message_size) = (options.heartbeat, options.max_message_size);
        Self { heartbeat, max_message_size, ..Self::new(&options.mechanism) }
    }

    pub(super) fn set_heartbeat(&mut self, interval: Duration, timeout: Duration) {
        self.heartbeat.set_interval(Some(interval));
        self.heartbeat.set_timeout(Some(timeout));
    }

    /// Returns the stream of ZMTP over an upgraded stream; `input` follows the upgrade.
    pub(super) fn translate(&self, stream: Stream, role: WebSocketRole, input: BytesMut) -> Stream {
        let stream = WebSocketStream::new(stream, role, self.mechanism, input)
            .with_max_message_size(self.max_message_size)
            .with_pings(self.heartbeat);
        Stream::Closing(BoxedClosingStream::new(stream))
    }
}
