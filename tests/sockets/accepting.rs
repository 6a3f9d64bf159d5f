//! Accepting connections at the file limit of the process.

use std::env;
use std::fs::File;
use std::io;
use std::iter;
use std::process::Command;

use tokio_zmtp::monitor::EventKind;
use tokio_zmtp::{Client, Server};

use crate::events::{self, NO_CONNECTION};
use crate::remote::{self, Remote};
use crate::watchdog::Watchdog;

#[tokio::test(start_paused = true)]
async fn a_process_that_runs_out_of_file_descriptors_accepts_again_later() {
    let _watchdog = Watchdog::start();
    if env::var_os(LIMITED).is_none() {
        return in_a_separate_process(
            "a_process_that_runs_out_of_file_descriptors_accepts_again_later",
        );
    }
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut monitor = server.monitor();
    let socket = remote::socket();
    let files: Vec<File> =
        iter::repeat_with(|| File::open("/dev/null")).map_while(io::Result::ok).collect();
    assert!((1..FILES).contains(&files.len()));

    // The system establishes the connection, but the server cannot accept it.
    let stream = socket.connect(remote::address(&endpoint)).await.unwrap();
    let mut remote = Remote::new(stream);
    for _ in 0..3 {
        let failed = events::next(&mut monitor).await;
        assert_eq!((&failed.endpoint, events::about(&failed)), (&endpoint, NO_CONNECTION));
        let EventKind::AcceptFailed { error } = failed.kind else { panic!("{:?}", failed.kind) };
        assert_eq!(error.raw_os_error(), Some(EMFILE));
    }

    drop(files);
    remote.shake_hands("CLIENT").await;
    remote.write(&remote::message(b"patience")).await;
    assert_eq!(server.recv().await.unwrap(), "patience");
    let accepted = events::until(&mut monitor, |kind| matches!(kind, EventKind::Accepted)).await;
    assert_eq!(accepted.address, Some(remote.address()));
}

#[tokio::test]
async fn silent_connections_do_not_keep_clients_out_when_file_descriptors_run_out() {
    let _watchdog = Watchdog::start();
    if env::var_os(LIMITED).is_none() {
        return in_a_separate_process(
            "silent_connections_do_not_keep_clients_out_when_file_descriptors_run_out",
        );
    }
    let server =
        Server::builder().handshake_interval(None).bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let client = Client::new();
    client.connect(&endpoint).await.unwrap();
    client.send("first").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "first");
    // Both ends are in this process, which does not have as many file descriptors left.
    let sockets: Vec<_> = (0..FILES / 2).map(|_| remote::socket()).collect();
    let mut silent = Vec::new();
    for socket in sockets {
        silent.push(socket.connect(remote::address(&endpoint)).await.unwrap());
    }
    let mut late = Remote::new(silent.pop().unwrap());
    late.shake_hands("CLIENT").await;
    late.write(&remote::message(b"late")).await;
    assert_eq!(server.recv().await.unwrap(), "late");
    client.send("last").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "last");
}

/// Runs a test of this file in a separate process, because it uses all file descriptors.
fn in_a_separate_process(test: &str) {
    let script = format!("ulimit -n {FILES} && exec \"$0\" --exact accepting::{test}");
    let child = Command::new("sh")
        .args(["-c", &script])
        .arg(env::current_exe().unwrap())
        .env(LIMITED, "")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}

/// The environment variable that is set in the separate process of a test.
const LIMITED: &str = "TOKIO_ZMTP_LIMITED";

/// The number of files that a test process needs to start.
const FILES: usize = 64;

/// Too many open files (Linux, errno).
const EMFILE: i32 = 24;
