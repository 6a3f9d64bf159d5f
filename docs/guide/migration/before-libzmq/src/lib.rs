//! The programs of the migration guide, with the crate `libzmq`.

pub mod pipeline;
pub mod poll_loop;
pub mod publish_subscribe;
pub mod request_reply;
