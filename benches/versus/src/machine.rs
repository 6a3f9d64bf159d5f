//! The machine of a measurement.

use std::fs;
use std::process::Command;
use std::thread;

/// Returns the facts that a result depends on, without names of hosts or users.
pub(crate) fn facts() -> Vec<(&'static str, String)> {
    let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu_info.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map(|model| model.trim_start_matches([' ', '\t', ':']).to_owned());
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    vec![
        ("processor", model.unwrap_or_else(|| "unknown".to_owned())),
        ("cores", cores.to_string()),
        ("kernel", format!("{} {}", std::env::consts::OS, kernel.trim())),
        ("rustc", compiler()),
        ("profile", profile().to_owned()),
    ]
}

/// Returns the versions of the implementations, from the lock file.
pub(crate) fn versions() -> Vec<(&'static str, String)> {
    let (major, minor, patch) = interop::version();
    let mut versions = vec![("libzmq", format!("{major}.{minor}.{patch}"))];
    for name in CRATES {
        let found = LOCK_FILE
            .split("[[package]]")
            .filter(|package| package.contains(&format!("\nname = \"{name}\"\n")))
            .find_map(|package| package.lines().find_map(|line| line.strip_prefix("version = ")));
        let version = found.unwrap_or("unknown").trim_matches('"');
        versions.push((name, version.to_owned()));
    }
    versions
}

fn profile() -> &'static str {
    match env!("CARGO_PROFILE_NAME") {
        "release" => "Cargo's release profile",
        "lto" => "release, with fat LTO and one codegen unit",
        other => other,
    }
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let output = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = output.ok().and_then(|output| output.split(' ').nth(1).map(str::to_owned));
    version.unwrap_or_else(|| "unknown".to_owned())
}

const LOCK_FILE: &str = include_str!("../Cargo.lock");

const CRATES: [&str; 7] =
    ["tokio-zmtp", "tokio", "omq-tokio", "monocoque-rs", "zeromq", "rzmq", "tonic"];
