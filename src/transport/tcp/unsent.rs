//! Limits the unsent bytes in the system's buffer of a connection.

use tokio::net::TcpStream;

/// Limits the bytes that the system accepts beyond those that it can send, so that a write that
/// continues proves that the remote accepts bytes. Without the limit, the buffer holds some
/// megabytes on a loopback interface and on fast networks. Linux reports free capacity only after a
/// third of the buffer is free, which takes seconds over a slow network. With a smaller buffer,
/// fewer bytes are lost when a connection ends, and a command waits behind fewer bytes.
///
/// Bytes in transit are not limited: long and fast networks are fully used. Throughput over
/// the loopback interface is the same with it, or better.
pub(super) fn limit(stream: &TcpStream) {
    // A system without this option shows progress less often.
    #[cfg(linux_kernel)]
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT);
    #[cfg(not(linux_kernel))]
    let _ = stream;
}

/// In bytes: two writes, so that the system can send one while the other is prepared.
#[cfg(linux_kernel)]
const UNSENT: u32 = 0x2_0000;
