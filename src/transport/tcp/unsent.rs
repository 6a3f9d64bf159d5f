//! Limits the unsent bytes in the system's buffer of a connection.

use socket2::SockRef;
use tokio::net::TcpStream;

use crate::platform::sockets;

/// Limits the bytes that the system accepts beyond those that it can send, so that a write that
/// continues proves that the remote accepts bytes. Without the limit, the buffer holds some
/// megabytes on a loopback interface and on fast networks. Linux reports free capacity only after a
/// third of the buffer is free, which takes seconds over a slow network. With a smaller buffer,
/// fewer bytes are lost when a connection ends, and a command waits behind fewer bytes.
///
/// Bytes in transit are not limited: long and fast networks are fully used. Throughput over
/// the loopback interface is the same with it, or better. A system without this option shows progress
/// less often.
pub(super) fn limit(stream: &TcpStream) {
    sockets::limit_unsent(&SockRef::from(stream), UNSENT);
}

/// In bytes: two writes, so that the system can send one while the other is prepared.
const UNSENT: u32 = 0x2_0000;
