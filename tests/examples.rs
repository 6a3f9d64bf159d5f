//! The examples end by themselves and print the expected output.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use std::collections::BTreeMap;
use std::env::{self, consts};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use support::example::Example;
use support::python;
use support::remote::RemoteListener;
use support::script::ScriptRemote;
use tokio::task;

#[test]
fn backpressure_loses_nothing() {
    let shown = start("backpressure").finish();
    assert!(shown.contains(" messages were queued, the next one was returned\n"));
    let (sent, received) = shown.lines().last().unwrap().split_once(" messages were sent").unwrap();
    assert_eq!(received, format!(", and {sent} received"));
}

/// The messages are those of Bitcoin Core for the first blocks of the chain.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn bitcoin_prints_the_blocks_of_a_node_and_counts_those_that_it_misses() {
    let listener = RemoteListener::bind();
    let program = start_with("bitcoin", &[&listener.endpoint().to_string(), "3"]);
    let mut node = listener.accept_as("PUB").await;
    assert_eq!(node.read_frame().await.1, b"\x09SUBSCRIBEhashblock");
    let blocks = [
        ("00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048", 7_u32),
        ("000000006a625f06636b8bb6ac7b960a8d03705d1ace08b1a19da3fdcc99ddbd", 8),
        ("0000000082b5015589a3fdf2d4baff403e6f0be035a5d9742c1cae6295464449", 10),
    ];
    let mut frames = Vec::new();
    for (hash, number) in blocks {
        frames.extend_from_slice(b"\x01\x09hashblock\x01\x20");
        let digits = hash.as_bytes().chunks(2).map(|digits| str::from_utf8(digits).unwrap());
        frames.extend(digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()));
        frames.extend_from_slice(b"\x00\x04");
        frames.extend_from_slice(&number.to_le_bytes());
    }
    // A node with the topic `hashblock2` does not exist, but a topic is a prefix.
    node.write(&[b"\x01\x0Ahashblock2\x00\x00", &frames[..]].concat()).await;
    let shown = task::spawn_blocking(|| program.finish()).await.unwrap();
    let [first, second, third] = blocks.map(|(hash, _)| hash);
    assert_eq!(
        shown,
        format!(
            "the node is connected\na message is not a block\nblock {first}\nblock {second}\n\
             1 blocks were missed\nblock {third}\n"
        )
    );
}

#[test]
fn clone_gives_all_clients_the_same_table() {
    let shown = start("clone").finish();
    assert!(shown.contains("late: 20 keys after 1 snapshots\n"));
    assert!(shown.ends_with("all tables are equal: true\n"));
}

#[test]
fn espresso_shows_the_subscriptions_and_messages_that_pass() {
    let shown = start("espresso").finish();
    let messages = "A-00001, B-00001, A-00002, B-00002, A-00003, B-00003";
    assert!(shown.contains(&format!("subscriber: received {messages}\n")));
    let passed: Vec<_> = shown.lines().filter_map(|line| line.strip_prefix("listener: ")).collect();
    assert_eq!(passed.len(), 10);
    assert_eq!(passed[..2], ["subscribe A", "subscribe B"]);
    assert_eq!(passed[2..8].join(", "), messages);
    assert!(passed[8..].contains(&"cancel A") && passed[8..].contains(&"cancel B"));
}

#[test]
fn hello_receives_both_replies() {
    let shown = start("hello").finish();
    assert!(shown.contains("client: received it takes 224 bits to store a i32 in java\n"));
    assert!(shown.contains("client: received also don't talk to me\n"));
}

#[test]
fn lazy_pirate_answers_all_requests_of_python_although_it_crashes() {
    let Some(mut python) = guide("lazy_pirate") else { return };
    let mut example = start_with("lazy_pirate", &["server"]);
    let endpoint = example.rest_of_line("server: listening on ");
    python.write_line(&format!("client {endpoint}"));
    assert_eq!(python.finish(), "10 replies after failures\n");
}

#[test]
fn lazy_pirate_asks_a_server_of_python_although_it_crashes() {
    let Some(mut python) = guide("lazy_pirate") else { return };
    python.write_line("server");
    let endpoint = python.line();
    let shown = start_with("lazy_pirate", &["client", &endpoint]).finish();
    assert_eq!(shown, "client: all 10 requests are answered\n");
    assert_eq!(python.finish(), "crashing\noverloaded\n");
}

#[test]
fn lazy_pirate_survives_crashes_and_reports_that_the_server_has_ended() {
    let shown = start("lazy_pirate").finish();
    assert!(shown.contains("server: crashing\nserver: overloaded\n"), "{shown}");
    let (_, failure) = shown.split_once("client: all 10 requests are answered\n").expect(&shown);
    assert!(failure.starts_with("client: "), "{failure}");
}

#[test]
fn load_balancing_broker_answers_every_client_although_a_worker_ends() {
    let shown = start("load_balancing_broker").finish();
    assert!(shown.contains("crashing: ending\n"), "{shown}");
    assert!(shown.contains("clients: 5 replies by crashing\n"), "{shown}");
    assert!(shown.ends_with("clients: 50 requests are answered\n"), "{shown}");
}

#[test]
fn load_balancing_broker_serves_clients_and_workers_of_python() {
    let Some(mut python) = guide("load_balancing_broker") else { return };
    let mut example = start_with("load_balancing_broker", &["broker"]);
    let endpoints = example.rest_of_line("broker: clients connect to ");
    python.write_line(&endpoints.replace(", workers to", ""));
    assert_eq!(python.finish(), "10 replies: OK\n");
}

#[test]
fn load_balancing_performs_all_tasks_although_a_server_disconnects() {
    let shown = start("load_balancing").finish();
    assert!(shown.contains("leaving: disconnecting\n"));
    assert!(shown.ends_with("client: all 100 tasks are done\n"));
}

#[test]
fn majordomo_answers_every_request_although_a_worker_hangs() {
    let shown = start("majordomo").finish();
    for line in [
        "client: the status of upper is 404\n",
        "client: the status of upper is 200\n",
        "worker: hanging\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(shown.ends_with("client: all 20 requests are answered\n"), "{shown}");
}

#[test]
fn majordomo_serves_a_client_and_a_worker_of_python() {
    let Some(mut python) = guide("majordomo") else { return };
    let mut example = start_with("majordomo", &["broker"]);
    python.write_line(&example.rest_of_line("broker: listening on "));
    assert_eq!(python.finish(), "before: 404\nafter: 200\nother: 501\n100 replies\n");
}

#[test]
fn market_data_keeps_late_and_slow_displays_up_to_date() {
    let shown = start("market_data").finish();
    assert!(shown.contains("late: 2 prices, {\"energy.gas\": 997, \"energy.oil\": 997}\n"));
    assert!(shown.contains(" prices, up to date: true\nslow: "));
    assert!(shown.ends_with(" prices, up to date: true\n"));
    let replaced = shown.lines().skip(1).take(3).map(|line| line.split_whitespace().last());
    let replaced: Vec<u32> = replaced.map(|count| count.unwrap().parse().unwrap()).collect();
    assert!(replaced.iter().any(|count| *count > 0), "no display is slow: {shown}");
}

#[test]
fn mesh_agrees_on_one_peer() {
    let shown = start("mesh").finish();
    assert_eq!(shown.matches("; carol has the fewest jobs\n").count(), 4);
    for (name, dialed, sent) in [("alice", 3, 6), ("bob", 2, 5), ("carol", 1, 4), ("dave", 0, 3)] {
        let accepted = 3 - dialed;
        let line = format!(
            "{name}: {dialed} connections dialed, {accepted} accepted, {sent} messages sent;"
        );
        assert!(shown.contains(&line), "{line}");
    }
}

#[test]
fn parts_stores_whole_images() {
    let shown = start("parts").finish();
    for name in ["attic", "cellar", "garden"] {
        assert!(shown.contains(&format!("store: the last image of {name} has 48 rows\n")));
    }
    assert!(shown.ends_with("store: 1440 rows in total\n"));
}

#[test]
fn pipeline_performs_every_task_once() {
    let shown = start("pipeline").finish();
    assert!(shown.starts_with("ventilator: 100 tasks written, 0 not\n"));
    assert!(shown.ends_with("sink: the sum of the squares from 1 to 100 is 338350\n"));
    let results: BTreeMap<_, u32> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("sink: ")?.split_once(" results from "))
        .map(|(count, name)| (name, count.parse().unwrap()))
        .collect();
    assert_eq!(results.values().sum::<u32>(), 100);
    assert!(results["slow"] < results["first"] && results["slow"] < results["second"]);
}

#[test]
fn proxy_forwards_every_task_and_none_while_paused() {
    let shown = start("proxy").finish();
    assert!(
        shown.contains("watcher: 100 tasks have passed the proxy\nproxy: paused after 100 tasks\n")
    );
    assert!(shown.contains("workers: 101 tasks are done\n"));
    assert!(shown.ends_with("proxy: Stopped after 103 messages\n"));
}

#[test]
fn pub_sub_delivers_to_the_reader_and_reports_the_subscriber_that_stalls() {
    let shown = start("pub_sub").finish();
    assert_eq!(
        shown,
        "publisher: 2 subscribers of gold\nreader: received 100 prices\n\
         publisher: the stalled subscriber misses messages\n\
         monitor: the queue of a subscriber is full\n"
    );
}

#[test]
fn push_pull_performs_every_task_although_a_worker_is_killed() {
    let shown = start("push_pull").finish();
    assert!(shown.starts_with("the second worker is killed\n"), "{shown}");
    assert!(shown.ends_with("sink: 300 tasks are done\n"), "{shown}");
}

#[test]
fn reliable_request_retries_and_then_fails() {
    let shown = start("reliable_request").finish();
    assert!(shown.contains("lost once:\n  no reply to attempt 1\n"));
    assert!(shown.contains("  failed: no reply to any of 3 attempts\nprompt again:\n"));
    assert_eq!(shown.matches("  reply to attempt ").count(), 4);
}

#[test]
fn secure_admits_only_known_keys() {
    let shown = start("secure").finish();
    assert!(shown.contains("server: alice sends hello\n"));
    assert!(shown.contains("alice: received hello alice\n"));
    assert!(
        shown.ends_with(
            "mallory: the handshake failed: the remote refuses this socket: 400 denied\n"
        )
    );
}

#[cfg(unix)]
#[test]
fn select_ends_after_ctrl_c_and_after_sigterm() {
    for signal in ["INT", "TERM"] {
        let mut example = start("select");
        // Between two ticks, the example has polled every branch, and thereby the signal.
        example.skip_line("server: listening on ");
        example.skip_line("server: ");
        example.skip_line("server: ");
        let kill = format!("kill -s {signal} {}", example.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let shown = example.finish();
        assert!(shown.contains("server: shutting down on a signal\n"));
        assert!(shown.ends_with(" requests answered, 0 answers not delivered\n"));
    }
}

#[test]
fn select_ends_after_the_last_request() {
    let shown = start("select").finish();
    assert!(shown.contains("server: shutting down after the last request\n"));
    assert!(shown.ends_with("server: 30 requests answered, 0 answers not delivered\n"));
}

#[test]
fn standby_takes_over_when_the_worker_leaves() {
    let shown = start("standby").finish();
    let expected = "\
        standby: the remote refuses this socket: occupied\n\
        supervisor: worker is ready\n\
        supervisor: worker has done job 1 and is ready\n\
        supervisor: worker has done job 2 and is ready\n\
        supervisor: worker has done job 3 and is leaving\n\
        supervisor: standby is ready\n\
        supervisor: standby has done job 4 and is ready\n\
        supervisor: standby has done job 5 and is ready\n\
        supervisor: standby has done job 6 and is leaving\n\
        supervisor: connections refused: ";
    let refused = shown.strip_prefix(expected).expect(&shown);
    assert!(refused.trim_end().parse::<u64>().unwrap() > 0);
}

#[test]
fn telemetry_shows_each_display_the_groups_that_it_has_joined() {
    if support::multicast::endpoints().first().is_none_or(|[first, _]| !first.contains(';')) {
        return;
    }
    let shown = start("telemetry").finish();
    for name in ["north", "south"] {
        assert!(shown.contains(&format!("{name}: sent 9 readings\n")), "{shown}");
    }
    assert!(shown.contains("mast: wind        south 5 m/s\n"), "{shown}");
    assert!(shown.contains("hall: showed 6 readings, 0 dropped\n"), "{shown}");
    assert!(shown.contains("mast: showed 12 readings, 0 dropped\n"), "{shown}");
}

#[test]
#[cfg(unix)]
fn tunnel_starts_another_worker_whenever_one_has_ended() {
    let shown = start("tunnel").finish();
    assert!(shown.starts_with("client: starting a worker\nclient: task 1 is done\n"), "{shown}");
    assert!(shown.ends_with("client: 5 tasks are done by 3 workers\n"), "{shown}");
}

/// Starts a program of the ZeroMQ guide, in Python.
fn guide(name: &str) -> Option<ScriptRemote> {
    python::start(env!("CARGO_TARGET_TMPDIR"), &format!("tests/guide/{name}.py"))
}

fn start(name: &str) -> Example {
    start_with(name, &[])
}

fn start_with(name: &str, arguments: &[&str]) -> Example {
    // target/debug/deps/examples-0123456789abcdef
    let test = env::current_exe().unwrap();
    let directory = test.ancestors().nth(2).unwrap();
    let program = directory.join("examples").join(name).with_extension(consts::EXE_EXTENSION);
    static BUILD: Mutex<()> = Mutex::new(());
    let _build = BUILD.lock();
    if !is_fresh(&program) {
        build(directory);
    }
    Example::spawn(Command::new(program).args(arguments).stdin(Stdio::null()))
}

/// Returns whether a program is newer than all its sources, which holds if Cargo runs all tests.
fn is_fresh(program: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let sources = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let mut sources = sources.split_whitespace().skip(1).peekable();
    sources.peek().is_some() && sources.all(|source| modified(source.as_ref()) <= modified(program))
}

/// Builds the examples, because Cargo does not build them if it runs only this test.
fn build(directory: &Path) {
    let profile = match directory.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        name => name,
    };
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "examples", "--examples"])
        .args(["--profile", profile])
        .arg("--target-dir")
        .arg(directory.parent().unwrap())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}
