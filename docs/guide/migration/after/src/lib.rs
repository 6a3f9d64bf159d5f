//! The programs of the migration guide, with this crate. The programs with the other crates are in
//! `../before` and `../before-libzmq`. Each file is shown in the guide.

/// Requests and replies with the feature `rpc`.
pub mod calls {
    /// The client of a service with two methods.
    pub mod client;
    /// A caller that distinguishes the errors of calls.
    pub mod errors;
    /// A service with one method, and several servers.
    pub mod request_reply;
    /// The server of a service with two methods.
    pub mod server;
    /// A server that drains.
    pub mod shutdown;
}

/// The socket types of released versions of libzmq.
pub mod classic {
    /// PUSH and PULL.
    pub mod pipeline;
    /// One task that waits for several sockets.
    pub mod poll_loop;
    /// PUB and SUB.
    pub mod publish_subscribe;
    /// REQ and REP.
    pub mod request_reply;
}

/// The thread-safe socket types.
pub mod draft {
    /// SCATTER and GATHER.
    pub mod pipeline;
    /// One task that waits for several sockets.
    pub mod poll_loop;
    /// RADIO and DISH.
    pub mod publish_subscribe;
    /// CLIENT and SERVER.
    pub mod request_reply;
}
