//! Tests that need what not every machine has.

use std::io::{self, Write};
use std::{env, net};

/// Prints the reason why a test, or a part of it, is skipped. In CI, where nothing may be skipped,
/// it panics. CI sets the environment variable `CI`.
pub fn skip(reason: impl std::fmt::Display) {
    assert!(env::var_os("CI").is_none(), "CI does not skip tests: {reason}");
    // Unlike `eprintln`, this is shown also if the test passes.
    let _ = writeln!(io::stderr(), "skipped: {reason}");
}

/// Returns whether the machine has the loopback address of IPv6. Skips the test otherwise.
pub fn has_ipv6() -> bool {
    let bound = net::UdpSocket::bind("[::1]:0");
    if let Err(error) = &bound {
        skip(format_args!("IPv6 is not available: {error}"));
    }
    bound.is_ok()
}
