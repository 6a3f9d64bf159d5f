//! The programs of the migration guide, with other crates.

pub mod async_nats {
    pub mod publish_subscribe;
    pub mod request_reply;
}

pub mod omq_tokio {
    pub mod pipeline;
    pub mod poll_loop;
    pub mod publish_subscribe;
    pub mod request_reply;
}

pub mod tmq {
    pub mod pipeline;
    pub mod poll_loop;
    pub mod publish_subscribe;
    pub mod request_reply;
}

pub mod tonic {
    pub mod client;
    pub mod errors;
    pub mod server;
    pub mod shutdown;

    pub(crate) mod greeter {
        tonic::include_proto!("greeter.v1");
    }
}

pub mod zeromq {
    pub mod pipeline;
    pub mod poll_loop;
    pub mod publish_subscribe;
    pub mod request_reply;
}

pub mod zmq {
    pub mod pipeline;
    pub mod poll_loop;
    pub mod publish_subscribe;
    pub mod request_reply;
}
