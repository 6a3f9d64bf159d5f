//! Sockets that follow the endpoints of a service.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod name_server;

mod answers;
mod dns;
mod following;
mod leaving;
mod manifest;
mod namespaces;
mod rolling;
