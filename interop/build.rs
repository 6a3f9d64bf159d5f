//! Compiles libzmq 4.3.5 with its draft sockets and CURVE, and links it statically, with libsodium.

use std::env;

use zeromq_src::LibLocation;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        set_linux_definitions();
    }
    let sodium = LibLocation::new(
        env::var("DEP_SODIUM_LIB").expect("libsodium-sys-stable builds the library"),
        env::var("DEP_SODIUM_INCLUDE").expect("libsodium-sys-stable has the headers"),
    );
    zeromq_src::Build::new().enable_draft(true).with_libsodium(Some(sodium)).build();
}

/// Sets the definitions that libzmq's build scripts detect and zeromq-src omits.
///
/// Measurements should use libzmq as it is distributed, which signals its threads through eventfd
/// instead of socket pairs. (The difference was below the noise of two shared cores.) Without the
/// close-on-exec flags, a child process could inherit a listener, and with it a port that a test
/// assumes to be free.
fn set_linux_definitions() {
    const DEFINES: [&str; 7] = [
        "HAVE_ACCEPT4",
        "HAVE_POSIX_MEMALIGN",
        "ZMQ_CACHELINE_SIZE=64",
        "ZMQ_HAVE_EVENTFD",
        "ZMQ_HAVE_EVENTFD_CLOEXEC",
        "ZMQ_HAVE_SOCK_CLOEXEC",
        "ZMQ_IOTHREAD_POLLER_USE_EPOLL_CLOEXEC",
    ];
    let mut flags = env::var("CXXFLAGS").unwrap_or_default();
    for define in DEFINES {
        flags.push_str(" -D");
        flags.push_str(define);
    }
    // SAFETY: this build script has one thread, so the environment is not read concurrently.
    unsafe { env::set_var("CXXFLAGS", flags) };
}
