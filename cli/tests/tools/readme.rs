//! The examples of the README.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use support::transports::own_loopback;
use support::watchdog::Watchdog;
use tokio::task;
use tokio_zmtp::Server;
use tokio_zmtp::rpc::{Failure, Request, Responder, service_fn};

use crate::process::directory;

/// The commands run as they are, except for their ports and times.
#[tokio::test]
async fn the_examples_of_the_readme_run() {
    let _watchdog = Watchdog::start();
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, section) = readme.split_once("## Examining").unwrap();
    let block = section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    // Other tests do not use the address, on which every port is therefore free.
    let host = own_loopback();
    let server = Server::builder().bind(format!("tcp://{host}:5557")).await.unwrap();
    let echo = service_fn(|request: Request| async move { Ok::<_, Failure>(request.into_body()) });
    tokio::spawn(Responder::new(server).serve(echo));

    let script = block
        .replace("tcp://*", &format!("tcp://{host}"))
        .replace("localhost", &host.to_string())
        .replace("10s", "200ms --warm-up 0s");
    // What runs in the background ends when an example fails as well: it holds the pipes.
    let script = format!("set -e\ntrap 'kill $(jobs -p)' EXIT\n{script}");
    let directory = directory("readme");
    symlink(env!("CARGO_BIN_EXE_zmtp"), directory.join("zmtp")).unwrap();
    let path = format!("{}:{}", directory.display(), env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).env("PATH", path).env_remove("TRACEPARENT");
    shell.current_dir(&directory).stdin(Stdio::null());
    let output = task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();

    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{stdout}\n{stderr}");
    for shown in ["XPUB", "\"type\":", "{\"name\": \"Ada\"}", "p99.9", "received ", "sent "] {
        assert!(stdout.contains(shown), "{shown}: {stdout}\n{stderr}");
    }
    for file in ["latency.svg", "server.cert_secret"] {
        assert!(directory.join(file).exists(), "{file}: {stderr}");
    }
}
