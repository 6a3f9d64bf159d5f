//! How much the system's buffer of a connection holds that is not under way yet.

use tokio::net::TcpStream;

/// Limits what the system takes beyond what it can send, so that a write that goes on shows that the
/// remote takes bytes: the buffer by itself is some megabytes on a loopback interface and on fast
/// networks, and Linux reports room in it only after a third is free, which takes seconds over a slow
/// link. A smaller buffer also means that less is lost when a connection ends, and that a command waits
/// behind less.
///
/// What is under way is not limited, so that long and fast links are used in full. Throughput over the
/// loopback interface is the same with it, or better.
pub(super) fn limit(stream: &TcpStream) {
    // A system that cannot do this does without it; then progress shows less often.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT);
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = stream;
}

/// In bytes: two writes, so that there is one to go on with while the other is made.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNSENT: u32 = 0x2_0000;
