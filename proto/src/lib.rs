//! ZMTP 3.1, the wire protocol of ZeroMQ, without IO ([RFC 37]).
//!
//! This crate is the protocol layer of [`tokio-zmtp`]. It converts bytes to values and back, and
//! performs no IO: it opens no socket, spawns no task and reads no clock. Bytes and times are
//! arguments of `handle_*` methods; bytes to send, timeouts and other results are returned by
//! `poll_*` methods. It therefore works with every runtime, and can be tested byte by byte.
//!
//! A connection first drives a [`Handshake`](handshake::Handshake), and then:
//!
//! - passes what it receives to a [`TrafficDecoder`](traffic::TrafficDecoder), which returns
//!   messages in [batches](batch::Batch) and [commands](command::Command) one by one;
//! - encodes messages with [`put_message_header`](frame::put_message_header), or under CURVE with a
//!   [`Sealer`](mechanism::curve::Sealer);
//! - monitors the remote with a [`Heartbeat`](heartbeat::Heartbeat).
//!
//! Instead of a handshake, a [`Probe`](probe::Probe) reads what a remote announces.
//!
//! RADIO and DISH also exchange [datagrams](datagram::Datagram), which need none of this. A
//! subscription is a command, or a [message](subscription) for remotes of ZMTP 3.0. The address of a
//! socket is an [`Endpoint`](endpoint::Endpoint), which is parsed from its text. A proxy may send a
//! [header](proxy_header) before the first byte of a connection. The parts of a message can be an
//! [envelope](request_envelope) and a body, and bodies can be [requests and replies](rpc).
//!
//! Decoders take complete items from a buffer that the caller fills, and leave incomplete ones in
//! place.
//!
//! Input from the network results in a value or in a typed error, never in a panic. Sizes are
//! checked before memory is reserved for them.
//!
//! # Examples
//!
//! This example performs a handshake between two ends, and sends a message from one to the other. A
//! real connection moves the bytes over its stream:
//!
//! ```
//! use bytes::BytesMut;
//! use zmtp_proto::frame::put_message_header;
//! use zmtp_proto::handshake::{Handshake, HandshakeConfig};
//! use zmtp_proto::mechanism::HandshakeMechanism;
//! use zmtp_proto::mechanism::curve::Seed;
//! use zmtp_proto::metadata::Metadata;
//! use zmtp_proto::socket_type::SocketType;
//! use zmtp_proto::traffic::{Traffic, TrafficDecoder};
//!
//! let start = |socket_type| {
//!     let config = HandshakeConfig { socket_type, metadata: Metadata::default() };
//!     // Only CURVE uses the seed, which must be random.
//!     Handshake::new(&config, HandshakeMechanism::Null, false, Seed::new(&[0x55; Seed::LEN]))
//! };
//! let (mut client, mut server) = (start(SocketType::Client), start(SocketType::Server));
//! let (mut to_client, mut to_server) = (BytesMut::new(), BytesMut::new());
//! let (mut remote_of_client, mut remote_of_server) = (None, None);
//! while remote_of_client.is_none() || remote_of_server.is_none() {
//!     while let Some(output) = client.poll_output() {
//!         to_server.extend_from_slice(&output);
//!     }
//!     while let Some(output) = server.poll_output() {
//!         to_client.extend_from_slice(&output);
//!     }
//!     remote_of_client = remote_of_client.or(client.handle_input(&mut to_client)?);
//!     remote_of_server = remote_of_server.or(server.handle_input(&mut to_server)?);
//! }
//! assert_eq!(remote_of_server.unwrap().socket_type, Some(SocketType::Client));
//!
//! put_message_header(&mut to_server, 5);
//! to_server.extend_from_slice(b"hello");
//! let mut decoder = TrafficDecoder::new(None, None);
//! let Some(Traffic::Messages(mut batch)) = decoder.decode(&mut to_server)? else { panic!() };
//! assert_eq!(batch.pop().unwrap(), "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [RFC 37]: https://rfc.zeromq.org/spec/37/
//! [`tokio-zmtp`]: https://docs.rs/tokio-zmtp

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod batch;
pub mod command;
pub mod datagram;
pub mod endpoint;
pub mod error_reason;
pub mod foreign_protocol;
pub mod frame;
pub mod greeting;
pub mod group;
pub mod handshake;
pub mod heartbeat;
pub mod identity;
pub mod mechanism;
pub mod message_shape;
pub mod metadata;
pub mod ping_pong;
pub mod probe;
pub mod proxy_header;
pub mod request_envelope;
pub mod rpc;
mod short_bytes;
pub mod socket_type;
pub mod subscription;
pub mod topic;
pub mod traffic;
mod write_rate;

#[cfg(test)]
mod tests;
