use std::ffi::c_int;

/// An option of a socket whose value is an `int`; times are milliseconds.
///
/// High-water marks and linger may change at any time. The others affect only later binds and
/// connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketOption {
    /// `ZMQ_CURVE_SERVER`; 1 takes the server's role.
    CurveServer,
    /// `ZMQ_HANDSHAKE_IVL`
    HandshakeInterval,
    /// `ZMQ_HEARTBEAT_IVL`; 0 sends no PING.
    HeartbeatInterval,
    /// `ZMQ_HEARTBEAT_TIMEOUT`
    HeartbeatTimeout,
    /// `ZMQ_HEARTBEAT_TTL`, sent in tenths of a second.
    HeartbeatTtl,
    /// `ZMQ_IMMEDIATE`; 1 queues only for established connections.
    Immediate,
    /// `ZMQ_IPV6`
    Ipv6,
    /// `ZMQ_INVERT_MATCHING`; 1 exchanges the messages that match a subscription with the others.
    InvertMatching,
    /// `ZMQ_LINGER`; -1 waits indefinitely.
    Linger,
    /// `ZMQ_PLAIN_SERVER`; 1 takes the server's role.
    PlainServer,
    /// `ZMQ_PROBE_ROUTER`; 1 sends an empty message on every connection.
    ProbeRouter,
    /// `ZMQ_RCVHWM`
    RecvHwm,
    /// `ZMQ_RCVTIMEO`; -1 waits indefinitely.
    RecvTimeout,
    /// `ZMQ_RECONNECT_IVL`
    ReconnectInterval,
    /// `ZMQ_REQ_CORRELATE`; 1 puts an id into the envelope of each request.
    ReqCorrelate,
    /// `ZMQ_SNDHWM`
    SendHwm,
    /// `ZMQ_SNDTIMEO`; -1 waits indefinitely.
    SendTimeout,
    /// `ZMQ_XPUB_NODROP`; 1 waits for full remotes instead of dropping messages.
    XpubNoDrop,
    /// `ZMQ_XPUB_VERBOSER`; 1 also receives repeated subscriptions and cancellations.
    XpubVerboser,
}

/// An option of a socket whose value is bytes. It affects only later binds and connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BytesOption {
    /// `ZMQ_CURVE_PUBLICKEY`: 32 bytes, or 40 characters of Z85.
    CurvePublicKey,
    /// `ZMQ_CURVE_SECRETKEY`: 32 bytes, or 40 characters of Z85.
    CurveSecretKey,
    /// `ZMQ_CURVE_SERVERKEY`: 32 bytes, or 40 characters of Z85.
    CurveServerKey,
    /// `ZMQ_DISCONNECT_MSG`: the message that a SERVER receives when a remote has disconnected.
    DisconnectMessage,
    /// `ZMQ_HELLO_MSG`: the first message of every connection.
    HelloMessage,
    /// `ZMQ_HICCUP_MSG`: the message that a CLIENT receives when a connection is lost.
    HiccupMessage,
    /// `ZMQ_METADATA`: `X-name:value`, announced to every remote.
    Metadata,
    /// `ZMQ_PLAIN_PASSWORD`: text.
    PlainPassword,
    /// `ZMQ_PLAIN_USERNAME`: text.
    PlainUsername,
    /// `ZMQ_ROUTING_ID`: the identity of a REQ, DEALER or ROUTER.
    RoutingId,
    /// `ZMQ_SUBSCRIBE`: a topic of a SUB, which takes effect immediately.
    Subscribe,
    /// `ZMQ_UNSUBSCRIBE`: a topic of a SUB, which takes effect immediately.
    Unsubscribe,
    /// `ZMQ_ZAP_DOMAIN`: text.
    ZapDomain,
}

impl SocketOption {
    pub(crate) fn number(self) -> c_int {
        match self {
            Self::CurveServer => 47,
            Self::HandshakeInterval => 66,
            Self::HeartbeatInterval => 75,
            Self::HeartbeatTimeout => 77,
            Self::HeartbeatTtl => 76,
            Self::Immediate => 39,
            Self::InvertMatching => 74,
            Self::Ipv6 => 42,
            Self::Linger => 17,
            Self::PlainServer => 44,
            Self::ProbeRouter => 51,
            Self::RecvHwm => 24,
            Self::RecvTimeout => 27,
            Self::ReconnectInterval => 18,
            Self::ReqCorrelate => 52,
            Self::SendHwm => 23,
            Self::SendTimeout => 28,
            Self::XpubNoDrop => 69,
            Self::XpubVerboser => 78,
        }
    }
}

impl BytesOption {
    pub(crate) fn number(self) -> c_int {
        match self {
            Self::CurvePublicKey => 48,
            Self::CurveSecretKey => 49,
            Self::CurveServerKey => 50,
            Self::DisconnectMessage => 111,
            Self::HelloMessage => 110,
            Self::HiccupMessage => 114,
            Self::Metadata => 95,
            Self::PlainPassword => 46,
            Self::PlainUsername => 45,
            Self::RoutingId => 5,
            Self::Subscribe => 6,
            Self::Unsubscribe => 7,
            Self::ZapDomain => 55,
        }
    }
}
