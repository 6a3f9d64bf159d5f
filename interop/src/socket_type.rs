use std::ffi::c_int;

/// The kind of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketType {
    /// `ZMQ_CHANNEL`
    Channel,
    /// `ZMQ_CLIENT`
    Client,
    /// `ZMQ_DEALER`: not thread-safe, one operation at a time.
    Dealer,
    /// `ZMQ_DISH`
    Dish,
    /// `ZMQ_GATHER`
    Gather,
    /// `ZMQ_PAIR`: not thread-safe, one operation at a time.
    Pair,
    /// `ZMQ_PEER`
    Peer,
    /// `ZMQ_PUB`: not thread-safe, one operation at a time.
    Pub,
    /// `ZMQ_PULL`: not thread-safe, one operation at a time.
    Pull,
    /// `ZMQ_PUSH`: not thread-safe, one operation at a time.
    Push,
    /// `ZMQ_RADIO`
    Radio,
    /// `ZMQ_REP`: not thread-safe, one operation at a time.
    Rep,
    /// `ZMQ_REQ`: not thread-safe, one operation at a time.
    Req,
    /// `ZMQ_ROUTER`: not thread-safe, one operation at a time.
    Router,
    /// `ZMQ_SCATTER`
    Scatter,
    /// `ZMQ_SERVER`
    Server,
    /// `ZMQ_SUB`: not thread-safe, one operation at a time.
    Sub,
    /// `ZMQ_XPUB`: not thread-safe, one operation at a time.
    XPub,
    /// `ZMQ_XSUB`: not thread-safe, one operation at a time.
    XSub,
}

impl SocketType {
    pub(crate) fn number(self) -> c_int {
        match self {
            Self::Channel => 20,
            Self::Client => 13,
            Self::Dealer => 5,
            Self::Dish => 15,
            Self::Gather => 16,
            Self::Pair => 0,
            Self::Peer => 19,
            Self::Pub => 1,
            Self::Pull => 7,
            Self::Push => 8,
            Self::Radio => 14,
            Self::Rep => 4,
            Self::Req => 3,
            Self::Router => 6,
            Self::Scatter => 17,
            Self::Server => 12,
            Self::Sub => 2,
            Self::XPub => 9,
            Self::XSub => 10,
        }
    }

    pub(crate) fn is_thread_safe(self) -> bool {
        !matches!(
            self,
            Self::Dealer
                | Self::Pair
                | Self::Pub
                | Self::Pull
                | Self::Push
                | Self::Rep
                | Self::Req
                | Self::Router
                | Self::Sub
                | Self::XPub
                | Self::XSub
        )
    }
}
