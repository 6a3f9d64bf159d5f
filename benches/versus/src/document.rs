//! Writes `docs/benchmarks.md` and its charts from the results that are kept.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::Failure;
use crate::case::Section;
use crate::results::Results;
use crate::{chart, machine, table, target};

/// Draws everything anew.
pub(crate) fn redraw() -> Result<(), Failure> {
    let mut results = Results::default();
    for &section in Section::value_variants() {
        results.add(Results::read(&kept(), section)?);
    }
    if results.measured.is_empty() {
        return Err("nothing was measured yet: run without `redraw` first".into());
    }
    let docs = root().join("docs");
    fs::create_dir_all(docs.join("benchmarks"))?;
    for chart in chart::ALL {
        if let Some(svg) = chart.draw(&results)? {
            fs::write(docs.join(format!("benchmarks/{}.svg", chart.name)), svg)?;
        }
    }
    Ok(fs::write(docs.join("benchmarks.md"), page(&results))?)
}

/// Where results are kept.
pub(crate) fn kept() -> PathBuf {
    root().join("target/versus")
}

/// The targets, for a terminal.
pub(crate) fn targets_as_text(results: &Results) -> String {
    let mut text = String::new();
    for verdict in target::all().iter().filter_map(|target| target.judge(results)) {
        let reached = if verdict.reached { "reached" } else { "NOT REACHED" };
        let _ = writeln!(
            text,
            "{:<44} {:<34} {:<24} {reached}",
            verdict.what, verdict.wanted, verdict.measured
        );
    }
    text
}

fn page(results: &Results) -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## What it was measured on\n\n| | |\n|---|---|\n");
    for (name, value) in machine::facts().into_iter().chain(machine::versions()) {
        let _ = writeln!(page, "| {name} | {value} |");
    }
    page.push_str(PARTICIPANTS);
    page.push_str("\n## Targets\n\n| Work | Target | Measured | |\n|---|---|--:|---|\n");
    for verdict in target::all().iter().filter_map(|target| target.judge(results)) {
        let reached = if verdict.reached { "reached" } else { "**not reached**" };
        let _ = writeln!(
            page,
            "| {} | {} | {} | {reached} |",
            verdict.what, verdict.wanted, verdict.measured
        );
    }
    page.push_str(LIMITS);
    for &section in Section::value_variants() {
        let tables = table::of_section(results, section);
        if tables.is_empty() {
            continue;
        }
        let _ = write!(page, "\n## {}\n\n{}\n", section.title(), about(section));
        for chart in chart::ALL.iter().filter(|chart| chart.section == section) {
            let _ = write!(page, "\n![{}](benchmarks/{}.svg)\n", chart.title, chart.name);
        }
        for table in tables {
            let _ = write!(page, "\n{}", table.to_markdown());
        }
    }
    page
}

/// What a reader has to know of a section's work.
fn about(section: Section) -> &'static str {
    match section {
        Section::Throughput => {
            "From the first message to the last that is received. Over `inproc` both ends are tasks \
             of one process, libzmq's threads, and instead of bare sockets there is a bounded \
             `tokio::sync::mpsc` channel of 1,000. zmq.rs has no `inproc`, and \
             monocoque's PUSH, PULL, DEALER and ROUTER offer none."
        }
        Section::Latency => {
            "One request at a time, and each is timed. Bare sockets are Tokio's: a stream without \
             Nagle's delay. On one core, both processes are kept on the same one, so that no wake-up \
             of another core is measured."
        }
        Section::Pipelined => {
            "Bodies of 64 bytes over tcp. A client takes the replies that are there, then makes as \
             many new requests."
        }
        Section::FanIn => {
            "Bodies of 64 bytes over tcp. All clients are sockets of one process, where each is \
             sent from by a future of its own; libzmq's, whose calls block, take turns with a \
             hundred messages each. Bare sockets have no part in this."
        }
        Section::Curve => "As above, encrypted: by this crate in Rust, by libzmq with libsodium.",
        Section::Idle => {
            "Growth of resident memory for each of the last nine tenths of the connections, one \
             message having passed over each. Where a socket can have many connections one client \
             makes them all; monocoque, zmq.rs and rzmq have a socket for each. Bare sockets have \
             no part in this."
        }
        Section::Cost => {
            "Bodies of 64 bytes over tcp, users' and system's time of both processes. System calls \
             are counted in runs of their own, by `perf` or `strace`; where there is neither, there \
             is no table of them."
        }
        Section::Rpc => {
            "Bodies of 64 bytes, 100 callers that share a connection and each wait for an answer \
             before the next call. tonic carries one message of one field of bytes."
        }
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

const INTRODUCTION: &str = "\
# Benchmarks

This page is written by a program that does the same work with this crate, with libzmq, with other
implementations and with bare sockets. On an idle machine with two cores it takes some 25 minutes:

```sh
cargo run --release --manifest-path benches/versus/Cargo.toml
```

`--quick` takes about a minute and only prints; `--sections`, `--implementations`, `--transports`,
`--runtimes`, `--sizes`, `--rounds` and `--seconds` choose, and `--help` tells among what. Results are kept in
`target/versus`; the same command followed by `redraw` writes this page from them.

Each end of a connection is a process of its own. Implementations take turns within each round. A cell
has the median of the rounds with the least and the greatest; below stands how this crate compares: its
value divided by the other's of the same round, again the median, the least and the greatest. Of
messages and requests in a second more is better, of all else less.

Warm-up and measurement together take about half a second, of as many messages as that takes; with bodies of
1 Mi longer, and with a thousand clients, whose queues hold two million messages, almost three seconds. All
bodies are checked for their length. What crashes, hangs or loses messages is said to have failed.
";

/// By hand, from profiles: to be looked at again when results change.
const LIMITS: &str = "
### What stands in the way

**monocoque, one way.** Its sockets belong to one task, which frames a message in its write buffer and
takes one out of its read buffer: there is no queue, no lock and no second task. A handle here is cloned and
used from anywhere, so a message is moved into a queue under a lock, and a connection takes it from there.
Half as fast again as monocoque would be 60 ns a message at either end. A sender of 64 bytes takes 80, by `perf`
23 of these at the two atomic instructions of a lock that nobody contends for; a receiver takes 75, of these some 20 there.
Tried and not kept: bodies aligned and moved in pieces of 16 bytes (the receiver wins, the sender loses as
much), a clone apart for long bodies, handing a message on by reference, framing in one pass over what was
taken, converting and queueing in one function.

**1 Ki and 4 Ki.** Bare sockets write what was framed beforehand, and leave what they have read where it is. Of the
sender's time at 1 Ki, by `perf`, 35 % are the kernel's, 14 % are copies into the write buffer, and the rest is
the queue's and that of counting references. Without copies, writing bodies from where they are, 16 Ki pass at
half the rate. On an AMD EPYC bare sockets make half as many messages of 1 Ki, and this crate as many as they.
Against libzmq and monocoque single rounds of 1 Ki lie on both sides of the target.

**1 Mi.** By `perf` 97 % of the sender's time and 89 % of the receiver's are the kernel's, 42 % and 56 % in copying
alone. Bare sockets make no more, and against omq single rounds lie on both sides.

**Round trips.** Each end makes one `send`, one `recv` and one `epoll_wait` for a message, which is the least there
can be on Tokio. By `perf` 70 % of the time on one core are the kernel's; of the rest no function has more than
2.3 %. It is the way from the connection's task to the receiver's and back, about a microsecond at each end,
which bare sockets and monocoque do not have. Against monocoque single rounds lie on both sides.

**4 times omq with 1,000 clients.** Single rounds lie on both sides. By `perf` the process that sends from a thousand
sockets spends 16 % in putting a message into its queue, 11 % in `send`, 20 % in the benchmark's own
futures and their wake-ups, and 4 % in page faults; the one that receives spends 45 % in `recv`.

### What else was looked at

**`stats` and `monitor`, when nobody looks,** cost nothing that can be measured. With the counters taken out of
the code a message takes the same number of instructions, to a tenth (`cargo run --release -p micro`: send,
recv, batch and inproc), and nine pairs of runs with and without are 1.02 (0.82–1.18) and, with two workers, 1.03
(0.95–1.25) times as fast: the noise of the machine. A connection counts by the batch, and nothing is
published for a message.

**Calls with two workers** are a third as many as on one thread, although nine times those of tonic: callers on both
workers wake the connection for 2.4 calls a write, on average, while it reads 37 answers at a time. Letting it
wait for the other callers won nothing there (1.01 times, 0.95–1.25) and cost a third on one thread.
";

const PARTICIPANTS: &str = "
## How each is used

Each is used as its author would: with its default options, which are marks of 1,000 messages wherever
there are marks, and with what its own benchmarks do.

| | Sockets | |
|---|---|---|
| tokio-zmtp | CLIENT, SERVER | `send`, `recv`, `reply` |
| libzmq | CLIENT, SERVER | as its own tools do: calls that block, one I/O thread |
| omq-tokio | CLIENT, SERVER | on the caller's runtime; tries before it waits |
| monocoque | PUSH, PULL; DEALER, ROUTER | Tokio; write coalescing; `recv_into`; `PullFanIn` for many clients; one thread always |
| zmq.rs | PUSH, PULL; DEALER, ROUTER | Tokio |
| rzmq | PUSH, PULL; DEALER, ROUTER | Tokio, without io_uring |
| tonic | | unary calls over HTTP/2, protobuf |
| bare sockets | | one way: writes and reads of 64 KiB that block, of messages framed beforehand; requests: a stream of Tokio |

*One thread* and *two workers* are Tokio's runtimes, in each process, and the work is a task of them. libzmq has threads of its own, and
bare sockets that go one way block theirs; monocoque stays on one thread. They are measured next to the
others in both.
";
