//! Requests and replies, through the public API.

mod calls;
