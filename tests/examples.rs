//! The examples end by themselves, in good time, and show what they are for.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as a test does")]

use std::env::{self, consts};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::Duration;

#[test]
fn authenticator_admits_users_that_are_in_the_database() {
    let shown = Example::start("authenticator").finish();
    let turned_away = "bob: turned away: the remote refuses this socket: 400";
    let expected = [
        "alice: alice, admin",
        turned_away,
        "bob is added",
        "bob: bob, guest",
        "bob is revoked",
        turned_away,
        "alice: alice, admin",
    ];
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn backpressure_loses_nothing() {
    let shown = Example::start("backpressure").finish();
    assert!(shown.contains(" messages were queued, the next one was given back\n"));
    let (sent, received) = shown.lines().last().unwrap().split_once(" messages were sent").unwrap();
    assert_eq!(received, format!(", and {sent} received"));
}

#[test]
fn broker_returns_every_reply_to_its_requester() {
    let shown = Example::start("broker").finish();
    for worker in ["first", "second"] {
        assert!(shown.contains(&format!("clients: 75 replies by {worker}\n")));
    }
    assert!(shown.contains("clients: 150 replies to 150 requests\n"));
    assert!(shown.ends_with("broker: ended, with 0 messages not delivered\n"));
}

#[test]
fn hello_receives_both_replies() {
    let shown = Example::start("hello").finish();
    assert!(shown.contains("client: received Ok(\"it takes 224 bits to store a i32 in java\")\n"));
    assert!(shown.contains("client: received Ok(\"also don't talk to me\")\n"));
}

#[test]
fn load_balancing_does_all_tasks_although_a_server_goes_away() {
    let shown = Example::start("load_balancing").finish();
    assert!(shown.contains("leaving: going away\n"));
    assert!(shown.ends_with("client: all 100 tasks are done\n"));
}

#[test]
fn reliable_request_retries_and_then_fails() {
    let shown = Example::start("reliable_request").finish();
    assert!(shown.contains("lost once:\n  no reply to try 1\n"));
    assert!(shown.contains("  given up: no reply to any of 3 tries\nprompt again:\n"));
    assert_eq!(shown.matches("  reply to try ").count(), 4);
}

#[test]
fn secure_serves_only_known_keys() {
    let shown = Example::start("secure").finish();
    assert!(shown.contains("server: alice sends Ok(\"hello\")\n"));
    assert!(shown.contains("alice: received Ok(\"hello alice\")\n"));
    assert!(
        shown.ends_with("mallory: the handshake failed: the remote refuses this socket: 400\n")
    );
}

#[cfg(unix)]
#[test]
fn select_ends_at_ctrl_c_and_at_sigterm() {
    for signal in ["INT", "TERM"] {
        let mut example = Example::start("select");
        // Between two ticks it has waited for everything, and so for the signal.
        example.skip_line("server: listening on ");
        example.skip_line("server: ");
        example.skip_line("server: ");
        let kill = format!("kill -s {signal} {}", example.child.lock().unwrap().id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let shown = example.finish();
        assert!(shown.contains("server: ending, as it is asked to\n"));
        assert!(shown.ends_with(" requests answered, 0 answers not delivered\n"));
    }
}

#[test]
fn select_ends_when_its_client_has_asked_enough() {
    let shown = Example::start("select").finish();
    assert!(shown.contains("server: ending, as the client has asked enough\n"));
    assert!(shown.ends_with("server: 30 requests answered, 0 answers not delivered\n"));
}

#[test]
fn typed_exchanges_values_and_refuses_invalid_ones() {
    let shown = Example::start("typed").finish();
    assert!(shown.contains("client: received Number(21)\n"));
    assert_eq!(shown.matches("client: received Refused(").count(), 2);
    assert!(shown.ends_with("all answers are right\n"));
}

/// An example that runs. It is killed if it takes too long, or if its test fails.
struct Example {
    child: Arc<Mutex<Child>>,
    stdout: BufReader<ChildStdout>,
    /// Disconnects with the test.
    _alive: Sender<()>,
}

impl Example {
    fn start(name: &str) -> Self {
        let mut child = Command::new(DIRECTORY.join(name).with_extension(consts::EXE_EXTENSION))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let child = Arc::new(Mutex::new(child));
        let (alive, test) = mpsc::channel();
        let guarded = Arc::clone(&child);
        thread::spawn(move || {
            let _ = test.recv_timeout(LIMIT);
            let _ = guarded.lock().unwrap().kill();
        });
        Self { child, stdout, _alive: alive }
    }

    fn skip_line(&mut self, beginning: &str) {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(line.starts_with(beginning), "{line}");
    }

    /// Waits until it has ended, with success; returns what it has shown.
    fn finish(mut self) -> String {
        let mut shown = String::new();
        self.stdout.read_to_string(&mut shown).unwrap();
        let status = self.child.lock().unwrap().wait().unwrap();
        assert!(status.success(), "{status}:\n{shown}");
        shown
    }
}

/// Where the examples are. Builds them, as Cargo does so only when it runs all tests.
static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    // target/debug/deps/examples-0123456789abcdef
    let test = env::current_exe().unwrap();
    let directory = test.ancestors().nth(2).unwrap();
    let profile = match directory.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        name => name,
    };
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "tokio-zmtp", "--examples"])
        .args(["--profile", profile])
        .arg("--target-dir")
        .arg(directory.parent().unwrap())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    directory.join("examples")
});

/// Some fifty times what the slowest example takes.
const LIMIT: Duration = Duration::from_secs(60);
