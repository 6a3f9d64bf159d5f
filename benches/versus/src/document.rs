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
        return Err("nothing was measured yet: cargo run --release -p versus".into());
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
            "Bodies of 64 octets over tcp. A client takes the replies that are there, then makes as \
             many new requests."
        }
        Section::FanIn => {
            "Bodies of 64 octets over tcp. All clients are sockets of one process, where each is \
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
            "Bodies of 64 octets over tcp, users' and system's time of both processes. System calls \
             are counted in runs of their own, by `perf` or `strace`; where there is neither, there \
             is no table of them."
        }
        Section::Rpc => {
            "Bodies of 64 octets, 100 callers that share a connection and each wait for an answer \
             before the next call. tonic carries one message of one field of octets."
        }
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

const INTRODUCTION: &str = "\
# Benchmarks

This page is written by a program that does the same work with this crate, with libzmq, with other
implementations and with bare sockets. On an idle machine with two cores it takes some 20 minutes:

```sh
cargo run --release -p versus
```

`--quick` takes about a minute and only prints; `--sections`, `--implementations`, `--transports`,
`--runtimes`, `--sizes`, `--rounds` and `--seconds` choose, and `--help` tells among what. Results are kept in
`target/versus`, from where `cargo run --release -p versus redraw` writes this page again.

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
Of the sender's 66 ns a message at 64 octets on one thread, by `perf`, the kernel has 42 % (copying into the
socket 18, waking the receiver 7), the way into the queue 47 % and framing 9 %. Half as fast again as monocoque
would be 30 ns, of which the kernel takes 28. Tried and not kept, since nothing changed: messages aligned
and moved in pieces of 16 octets, framing in one pass over what was taken, converting and queueing in one
function. With 10 and with 100 clients this crate is ahead.

**Between 3 and 4 times libzmq and omq** at 16 and 64 octets, and 5 times libzmq over ipc: single rounds lie on
both sides of the target. The profile is the one above.

**4 times libzmq at 1 Ki.** Bare sockets that write 64 KiB at a time come to no more.

**1 Mi.** On one thread the rounds of this crate, of omq and of bare sockets differ by a factor of nearly three. With
two workers, and over ipc, omq is ahead by a fifth to a quarter in all rounds; why has not been found out yet.

**Round trips.** On one core nine tenths of the time are the kernel's. Each end makes one `send`, one `recv` and
one `epoll_wait` for a message, which is the least there can be on Tokio; with 8 % of the time in this crate and
Tokio, in which a message passes from the connection's task to the receiver's, there is next to nothing to be
won. On two cores some 3 µs come on top of the 57 to 59 of bare sockets.

**4 times omq with 1,000 clients.** Most of the work is that of the process which sends from a thousand sockets; it
has not been profiled.

**1.5 times a channel over inproc.** On one thread a message costs as much as in a channel; on two workers, by a
profile, 38 % goes into `send`, 14 % into taking it out and 8 % into waiting for the lock. Where the receiver is in `block_on`, outside of the workers
(`cargo bench --bench inproc`), runs differ by more than that, between 1.2 and 1.8 times.

**8 KiB for an idle connection that was accepted.** Of the heap both ends take less than 8 KiB on average, as a
test checks (`tests/residue/idle.rs`). Resident memory has the slack of the allocator in it, which was not followed.
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
