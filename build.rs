//! Sets the flags of `cfg`: the properties of platforms, so that each list of systems exists only
//! once, and `micro` for the copy of the library that is measured.

use std::env;

/// The flags for `cfg`, each with the systems that have it, by `target_os`.
const FLAGS: &[(&str, &[&str])] = &[
    // The kernel is Linux, with its socket options and `/proc`.
    ("linux_kernel", &["android", "linux"]),
    // Sockets can share a port, so that each receives the datagrams of a multicast address.
    (
        "reuse_port",
        &[
            "android",
            "dragonfly",
            "freebsd",
            "ios",
            "linux",
            "macos",
            "netbsd",
            "openbsd",
            "tvos",
            "visionos",
            "watchos",
        ],
    ),
    // TCP keep-alive has an interval and a number of probes.
    (
        "tcp_keepalive_details",
        &[
            "android",
            "dragonfly",
            "freebsd",
            "illumos",
            "ios",
            "linux",
            "macos",
            "netbsd",
            "tvos",
            "visionos",
            "watchos",
            "windows",
        ],
    ),
    // Packets have a type of service in IPv4 and in IPv6.
    (
        "type_of_service",
        &["android", "dragonfly", "freebsd", "illumos", "linux", "macos", "netbsd", "openbsd"],
    ),
];

/// The features of the library, which `benches/micro` does not have.
const LIBRARY_FEATURES: &str = r#""http", "metrics", "rpc", "serde", "socks", "tls", "ws""#;

fn main() {
    // It depends on nothing else. Without this line, a change of any file of the package would run
    // it again.
    println!("cargo::rerun-if-env-changed=CARGO_CFG_TARGET_OS");
    // `benches/micro` builds a copy of the library with the module `benchmarks`.
    println!("cargo::rustc-check-cfg=cfg(micro)");
    if env::var("CARGO_PKG_NAME").is_ok_and(|package| package == "micro") {
        println!("cargo::rustc-cfg=micro");
        println!("cargo::rustc-check-cfg=cfg(feature, values({LIBRARY_FEATURES}))");
    }
    let system = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    for (flag, systems) in FLAGS {
        println!("cargo::rustc-check-cfg=cfg({flag})");
        if systems.contains(&system.as_str()) {
            println!("cargo::rustc-cfg={flag}");
        }
    }
}
