//! Writes `docs/benchmarks.md` and its charts from stored results.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::Failure;
use crate::case::Section;
use crate::results::Results;
use crate::{chart, machine, table, target};

/// Writes the page and all charts.
pub(crate) fn redraw() -> Result<(), Failure> {
    let mut results = Results::default();
    for &section in Section::value_variants() {
        results.add(Results::read(&kept(), section)?);
    }
    if results.measured.is_empty() {
        return Err("there are no results: run without `redraw` first".into());
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

/// Returns the directory of the results.
pub(crate) fn kept() -> PathBuf {
    root().join("target/versus")
}

/// Formats the targets for a terminal.
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
    page.push_str("\n## The machine\n\n| | |\n|---|---|\n");
    for (name, value) in machine::facts().into_iter().chain(machine::versions()) {
        let _ = writeln!(page, "| {name} | {value} |");
    }
    if let Some((least, most)) = rounds(results) {
        let range = if least < most { format!("{least} to {most}") } else { most.to_string() };
        let _ = writeln!(page, "| rounds of a measurement | {range} |");
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

/// Returns the least and the greatest number of rounds.
fn rounds(results: &Results) -> Option<(usize, usize)> {
    let rounds = || results.measured.iter().map(|measured| measured.rounds.len());
    Some((rounds().min()?, rounds().max()?))
}

/// Returns the introduction of a section.
fn about(section: Section) -> &'static str {
    match section {
        Section::Throughput => {
            "The time runs from the first message sent to the last one received. Over `inproc`, both ends are \
             tasks (for libzmq, threads) of one process, and a bounded `tokio::sync::mpsc` \
             channel of 1,000 messages replaces bare sockets. zmq.rs has no `inproc`, nor do \
             PUSH, PULL, DEALER and ROUTER of monocoque."
        }
        Section::Latency => {
            "Requests are sent one at a time, and each is timed. Bare sockets are a Tokio stream without \
             Nagle's delay. On one core, both processes are pinned to the same core, so that \
             no wake-up of another core is measured."
        }
        Section::Pipelined => {
            "Bodies of 64 bytes over tcp. A client receives all available replies, then sends \
             as many new requests."
        }
        Section::FanIn => {
            "Bodies of 64 bytes over tcp. All clients are sockets of one process, each with \
             its own sending future. The blocking sockets of libzmq take turns, with a \
             hundred messages each. Bare sockets are not measured."
        }
        Section::Curve => {
            "One way, and with 10 outstanding requests, which each end both encrypts and decrypts. This \
             crate encrypts in Rust, and libzmq with libsodium."
        }
        Section::Handshakes => {
            "Over tcp, ten clients connect concurrently, exchange one message of 64 bytes with the server and \
             disconnect. The processor time is the user and system time of the server's process for one \
             connection, from accepting to closing it. libzmq has one I/O thread, and its server has another \
             thread."
        }
        Section::Floods => {
            "A server with CURVE is pinned to one core, and everything else to another one: the attacker, which \
             establishes connections and never completes a handshake; a client with an open connection; and \
             clients that connect one after the other, each for one request. These clients have sockets of this \
             crate and, unless the table states otherwise, another address than the attacker. *HELLO, stays*: \
             the attacker sends a copy of a valid HELLO over each connection, and keeps it open. *HELLO, \
             leaves*: it closes each connection after the WELCOME. *Garbage*: the HELLO has random bytes \
             instead of a box. [security.md](security.md#floods) explains the results."
        }
        Section::Idle => {
            "Growth of resident memory for each of the last nine tenths of the connections, \
             after one message over each. If a socket can have many connections, one client \
             establishes all of them; monocoque, zmq.rs and rzmq have a socket for each. Bare \
             sockets are not measured."
        }
        Section::Cost => {
            "Bodies of 64 bytes over tcp; user and system time of both processes. System \
             calls are counted in separate runs by `perf` or `strace`; without either, their \
             table is missing."
        }
        Section::Rpc => {
            "Bodies of 64 bytes. 100 callers share a connection, and each waits for a reply \
             before its next call. tonic carries a message with one field of bytes."
        }
        Section::Scatter => {
            "This is one-way throughput with the socket types that are made for it. libzmq and omq-tokio \
             have them as well; PUSH and PULL of the others are measured above."
        }
        Section::Dealer => {
            "As requests and replies above, from a DEALER to a ROUTER, with 100 outstanding requests over \
             tcp. A ROUTER returns the parts that it receives."
        }
        Section::Req => "As round trips above, from a REQ to a REP over tcp.",
        Section::Push => {
            "This is one-way throughput with PUSH and PULL in every implementation. A message has one part."
        }
        Section::Batches => {
            "As PUSH to PULL above, with calls for up to 64 messages where an implementation has them: \
             `send_many` and `recv_many`, in omq-tokio `try_send_many` and `recv_many_into`. monocoque \
             collects messages by write coalescing, which is faster than its `send_batch` of a `Vec` for \
             each message; libzmq has no such calls."
        }
        Section::Parts => "From PUSH to PULL over tcp. Each of the three parts has 64 bytes.",
        Section::Groups => {
            "Bodies of 64 bytes over tcp to one group, which all DISHes have joined: sockets of one \
             process, each with its own task. With libzmq, one thread reads from all of them \
             in turn. A message counts once for each DISH that receives it, from the first message \
             to the end at the last DISH. The end is another message, which the RADIO \
             repeats until every DISH has received it.\n\n\
             By default, a RADIO drops messages for a DISH whose queue is full. A sender at full \
             speed then spends most of its time on messages that are dropped, and the number of \
             deliveries depends on which thread the system schedules. The targets are therefore for a \
             RADIO that waits (`no_drop`, in libzmq `ZMQ_XPUB_NODROP`): every DISH receives each \
             message, and the slowest part determines the rate of deliveries. The tables show both."
        }
        Section::Datagrams => {
            "From a RADIO to one DISH over the loopback interface. Datagrams that the system drops because \
             the DISH reads too slowly are not counted. Without drops by the RADIO, its queue never \
             overflows, but the buffer of the receiving socket may."
        }
        Section::Topics => {
            "As with RADIO and DISHes above. A message has two parts: a topic of four bytes, to which all \
             SUBs have subscribed, and a body of 64 bytes. In the last row, the SUB has subscribed to 10,000 \
             topics, of which one matches. A proxy is an XSUB and an XPUB of the implementation in a third \
             process (in libzmq `zmq_proxy`), and its XPUB waits as well."
        }
        Section::Websocket => {
            "From a CLIENT to a SERVER over `ws`. A client masks its frames (RFC 6455). In the last column, this \
             crate transfers the same messages over tcp."
        }
        Section::Load => {
            "Requests of 64 bytes over tcp at a rate that does not depend on the replies. The client plans them for \
             the ticks of a kernel timer (`timerfd`), every 100 µs, and sleeps between ticks unless replies arrive; \
             Tokio's own timers have a resolution of a millisecond. At 100,000 requests per second, ten are planned \
             for each tick. Latency counts from the planned time until the client has received the reply, even if \
             the client could not send in time: otherwise a pause would hide the latency of the requests that it \
             delays (\"coordinated omission\"). At most 500 requests are outstanding, and further ones wait at the \
             client. The histogram (`hdrhistogram`) keeps three digits.\n\n\
             The first loads are percentages of the maximum of each implementation, which the same client measures \
             immediately before, with all requests due at the start. The other loads are equal for all \
             implementations. A load is *not sustained* if more than 2 % of the replies are missing 5 ms after the \
             last planned time, or more than half in the warm-up.\n\n\
             In every implementation, one task sends and receives. libzmq and monocoque use DEALER and \
             ROUTER. With libzmq, the task is a thread that waits with `zmq_poll`. With tonic, each call is a task. \
             Bare sockets are a Tokio stream whose server writes the bytes that it reads: the least that a \
             library on Tokio can reach.\n\n\
             **What the machine adds.** On the virtual machine of these results, a loop that only waits for the same \
             timer and does nothing else is late by 50 µs (median), 0.15–1.7 ms (99th percentile) and up to 10 ms. \
             The hypervisor takes about 50 µs to resume a halted core, and interrupts a running one 400 times a \
             second, usually for 40 µs and for up to 6 ms. Therefore, for all implementations, a process of the lowest priority (`SCHED_IDLE`) keeps each core from \
             halting, as `idle=poll` does. The same loop is then late by 32 µs and by 50–120 µs (99th percentile), \
             but the longer pauses remain, and determine the percentiles of a whole second. The targets are \
             therefore about the 99th percentile of 20 ms: of all windows of 20 ms in a round, the median. An \
             implementation cannot hide regular delays in this way, because they affect most windows, and rare ones \
             are contained in the percentiles of the whole round, which are shown as well."
        }
        Section::Lto => {
            "Bodies of 64 bytes over tcp, one way and with 100 outstanding requests. *None* is Cargo's release profile, \
             as everywhere else on this page; *fat* is `lto = \"fat\"` with `codegen-units = 1`, for all crates of \
             both processes. libzmq is not rebuilt."
        }
        Section::Crowd => {
            "One socket in one process establishes all connections to one server over tcp. For the server, they are \
             as many clients. Each connection has another address of the loopback interface, because a DEALER of \
             libzmq ignores an endpoint that it is connected to, and omq-tokio then reconnects only one of several \
             connections. libzmq uses DEALER and ROUTER.\n\n\
             The time to connect ends when a message has passed over every connection and back. Half a second \
             later, memory is the growth of resident memory for each connection. Requests of 64 bytes then use all \
             connections in turn: with 500 outstanding for their number per second, and at a rate of 10,000 per \
             second for their latency, as above. Finally, the server's process is killed, and after 100 ms another \
             one binds the same port. The time to reconnect starts at this moment, and ends when a message has \
             passed over every connection and back again. The same is repeated with an outage of 3 s. The most \
             connections that return within 100 ms show how evenly the server is used meanwhile. Each implementation \
             has its default delays between attempts: 50 to 100 ms in this crate, doubling up to 10 s, 100 to 200 ms \
             in libzmq, and 100 ms in omq-tokio."
        }
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

const INTRODUCTION: &str = "\
# Benchmarks

A program writes this page. It runs the same work on this crate, on libzmq, on other implementations, and on
bare sockets. On an idle machine with two cores it takes about 40 minutes:

```sh
cargo build --profile lto --manifest-path benches/versus/Cargo.toml
cargo run --release --manifest-path benches/versus/Cargo.toml
```

Only the section on link-time optimization needs the first command.

`--quick` takes about a minute and only prints its results. `--sections`, `--implementations`, `--transports`,
`--runtimes`, `--sizes`, `--rounds` and `--seconds` select a part; `--help` lists their values. Results are
stored in `target/versus`, and the same command followed by `redraw` writes this page from them.

Each end of a connection is a separate process. Implementations take turns within each round. A cell shows the
median of the rounds, and in parentheses the minimum and the maximum. Below it is the ratio of this crate: its
value divided by that of the other implementation in the same round, also as the median, the minimum and the
maximum. For messages and requests per second, more is better; for everything else, less is better.

Warm-up and measurement together take about half a second; with bodies of 1 MiB and with a thousand clients,
whose queues hold two million messages, almost three seconds. The length of every body is checked. An
implementation that crashes, hangs or loses messages is reported as failed.
";

/// This text is written by hand from profiles. Revise it when results change.
const LIMITS: &str = "
### Targets that are not reached

All results are from one machine, with an AMD EPYC. Profiles and experiments are from an Intel Xeon (Sapphire
Rapids), where some ratios differ, unless the text states that they are from this machine.

**monocoque, one way and PUSH.** A socket of monocoque belongs to one task, which frames a message in its write
buffer and takes a message out of its read buffer. It has no queue, no lock and no second task. A handle of this
crate can be cloned and used anywhere: a message is moved into a queue under a lock, and the connection takes it
from there. According to `perf` on this machine, the sender of 64-byte messages is the slower end. The kernel takes
44 % of its time, and this crate 52 %. Changes that were tried and not kept: bodies aligned and moved in pieces of
16 bytes (the receiver gains what the sender loses), a separate clone function for long bodies, passing messages by
reference, framing in one pass over the taken messages, and converting and queuing in one function.

**16 bytes against libzmq.** Single rounds of CLIENT on two workers, of PUSH and of SCATTER lie on both sides of the
targets. The profile is the one above.

**monocoque, batches on one thread.** At 16 bytes, single rounds lie on both sides of the target. At 64 bytes,
according to `perf` on this machine, the kernel takes 48 % of the sender's time, 20 of 41 ns for a message, and this
crate 45 %. Bare sockets take 15 ns. On an Intel Xeon, the target is reached (1.88).

**monocoque, batches on two workers.** With both runtimes, a write of 16-byte messages has a thousand of them, the
high-water mark. With two workers in each process, four threads share two cores. A task whose budget is exhausted
yields; its worker finds no other task, polls the driver and wakes the other worker. Since a batch costs a quarter
of the budget, a thousand messages take 0.9 `epoll_wait` at both ends instead of 1.5, and batches pass 1.23 times as
fast at 16 bytes and 1.13 times at 64, in five pairs of runs. Changes that were tried and not kept: a connection
that does not yield after a long write (1.0), and single messages that cost a third of the budget (1.12 at 16 bytes,
1.00 at 64).

**A queue without a lock** was measured by itself: messages of 80 bytes, a thousand at a time. On one thread,
queuing and taking a message costs 24 ns under a mutex, 18 ns with a spinning flag, and 10 ns in a ring for one
sender, which is the same as without any lock; in batches of 64, a mutex costs 11 ns. Between two threads, a mutex
for each message costs 214 ns, a ring 126 ns, and a mutex for 64 messages 62 ns. A ring can therefore save at most
14 ns of a message that is sent by itself, and nothing of a batch. A ring permits only one sender, although handles
can be cloned, and needs `unsafe` code.

**1 KiB and 16 KiB.** Single rounds lie on both sides of the targets against libzmq. Bare sockets, which write
messages that were framed in advance and never copy what they read, are no faster. At 1 KiB, the kernel takes 35 %
of the sender's time, and copies into the write buffer take 14 %. Without these copies, bodies of 16 KiB pass at
half the rate.

**1 MiB.** This crate passes as many messages as bare sockets, which write 64 KiB at a time, and writes 60 KiB at a
time. omq-tokio writes 450 to 600 KiB at a time, and passes up to 1.7 times as many on one thread. Single rounds of
CLIENT against zmq.rs, the best rival, lie on both sides of the target. Longer writes were tried and not kept: those
of 64 KiB and of 256 KiB had 0.7 and 0.8 times the rate. The kernel takes 97 % of the sender's time and 89 % of the
receiver's, of which copying takes 42 % and 56 %.

**Round trips.** For each message, each end executes one `send`, one `recv` and one `epoll_wait`, the minimum on
Tokio. According to `perf`, the kernel takes 70 % of the time on one core, and no other function takes more than
2.3 %. The difference is the handover from the connection's task to the receiver's task and back, which bare sockets
and monocoque do not have. A program that measures only this handover shows its cost, in seven rounds: if one task
at each end reads and writes, a round trip takes 7.5 µs; if a second task receives from the first and hands its
reply back, 8.7 µs, 1.15 times as long; and if the second task writes the reply itself, 8.75 µs. Writing from the
sender's task therefore gains nothing, and no socket whose connection has a task of its own can reach 1.10×.
According to `callgrind`, each end of a round trip takes 8,100 instructions outside the kernel in three polls of
tasks. Bare sockets take 2,500 in one. Two of the three are polls of the connection, with 5,700 instructions: 3,200
for reading and delivering, 1,100 for writing, and 900 for checking the queue, which is empty twice. A change that
was tried and not kept saves 5 % of the instructions, but no measurable time (equal medians of six rounds): a
connection that its queue wakes does not poll a stream that has nothing to read, and one that takes a single message
waits for the next one under the same lock. With two workers, other implementations spend most of the time waking
the other core, about 100 µs. Most round trips of this crate stay on one core.

**Calls with two workers** reach 0.37 times the rate of one thread. A connection yields while messages follow a
short write, and writes 9.5 calls at a time; before, it wrote 2.4, and the rate was a third. Both processes together
have four threads for two cores. They switch threads once for 20 calls, and with one thread each once for 190. The
client calls `futex` about once for each read, presumably because the replies wake several callers, and Tokio wakes
the other worker to share them. Changes that were tried and not kept: a connection that waits for other callers
(1.01, with rounds from 0.95 to 1.25; on one thread, a third fewer calls), and requests that arrive together and are
delivered in one part, so that the tasks of the server wake each other less often (0.96, 0.83–0.96, and half the
rate on one thread: 0.52, 0.41–0.59).

**SCATTER against omq on one thread.** SCATTER and GATHER take the path of CLIENT and SERVER, and are as fast.
omq-tokio transfers more messages from a SCATTER than from a CLIENT. According to `perf` on this machine, its
receiver is the slower end: a SERVER spends 31 % of its time taking messages from the queues of its remotes and
adding their routing ids, and a GATHER 13 %.

**inproc against mpsc.** Single rounds of SCATTER lie on both sides of the target. According to `perf` on this
machine, sending takes 37 % of the time of both workers, receiving 16 %, and waiting for the lock of the queue,
which both ends share, 9 %. The channel of Tokio has no such lock. The ring above, which has none either, was not
adopted.

**Latency under load, one thread.** Against monocoque, the medians are 1.20 to 1.36 at 10 %, 50 % and 80 % of the
maximum. At equal rates they are 1.50, 0.88 and 1.19, and single rounds lie on both sides of the target at each of
them. A round trip of this crate needs two tasks at each end, as described above for round trips. At 10,000 requests
per second, according to `perf`, the server executes one `recv`, one `send` and one `epoll_wait` for a request, and
the client these, another `epoll_wait` and two reads of its timer: the minimum on Tokio, and as many as omq-tokio
and monocoque execute. The server writes the reply 6 µs after its thread resumes, of which the two calls take 4 µs.
A thread on the other core takes 10 to 60 µs to resume, at each end.

**Latency under load, two workers.** Both ends of this crate, of omq-tokio and of tonic use both of their workers,
which are four threads on two cores. monocoque has one thread at each end, and bare sockets have one task. `perf
sched` on this machine shows how long threads that are ready to run wait for a core, in one run of 0.6 s. At 500,000
requests per second, a wait of 0.2 ms delays 100 requests, 1 % of a window of 20 ms. With this crate, 72 % of the
windows contain such a wait, and 48 % one of more than 1 ms, of up to 4 ms, the time slice of the system; with
monocoque, 24 % and 17 % do. The median of the windows is therefore above 1 ms with two workers, but not with one
thread. At 10,000 requests per second, 21 % of the windows contain a wait of 0.2 ms, and 24 % of those of monocoque.

### Other results

**Reconnecting after 3 s.** The delays of this crate double, up to `reconnect_interval_max`, and by then, most are
between 1.6 and 3.2 s. A thousand connections return within 3.1 s, at most 76 of them within 100 ms. With the
constant delays of libzmq and omq-tokio, they return within 1.1 s and 0.29 s, and about 510 and 450 of them within
the same 100 ms.

**Fan-in of 1,000 clients.** According to `perf`, the process that sends from a thousand sockets spends 16 % of its
time queuing messages, 11 % in `send`, 20 % in the benchmark's own futures and their wake-ups, and 4 % in page
faults. The receiving process spends 45 % in `recv`.

**REQ.** The system calls are the minimum, as for round trips above. A round trip takes 7,500 instructions outside
the kernel at each end, 1,150 more than one of CLIENT and SERVER: for the table of pending requests, the envelope
and its allocation.

**CURVE with ten requests of 4 KiB.** Both ends take turns: a connection seals and writes ten messages together, and
its remote opens all of them before it replies. libzmq writes after 8 KiB, so that sealing and opening overlap. If
it is written after 16 KiB, these requests pass 1.6 times as fast, but bodies of 64 bytes pass one way at 0.93 times
the rate.

**Handshakes.** With CURVE, X25519 takes most of the server's time: three key agreements and the generation of a key
pair, the fewest that CurveZMQ permits. libzmq computes two more agreements, because it derives the key of the HELLO
again for the WELCOME, and the key of the INITIATE again for the READY. The rest is the time of a connection under
NULL.

**RADIO to 10 and 100 DISHes.** The process of the DISHes is the slower one. According to `perf`, `recv` takes half
of its time, and half of that is an uncontended lock; copying from the system takes 13 %, and finding messages 25 %.
With 100 DISHes, the read buffers do not fit into the caches. A message is received inline if its body, its group
and four bytes of headers have at most 72 bytes together. A longer one is a slice of the read buffer, whose
reference count changes twice.

**PUB and XPUB with a million topics and a thousand subscribers** (`cargo bench --bench subscribers`). A random
topic of 32 bytes takes 106 bytes beyond itself with a PUB and 107 with an XPUB whose requests have been received,
and a message that matches one of a million takes 1.7 µs and 1.2–2.0 µs. While the subscriber with all topics
leaves, and an XPUB receives a million cancellations, the longest time between two messages is 8 ms with a PUB, and
6–45 ms in five runs with an XPUB: the publisher, the connection that has ended and the receiver use the two cores
at the same time. Of 1,000 subscribers, 100 never read, and the 900 others receive every message at 80 % of the full
rate; when all leave together, the longest time is 12 ms with a PUB and 5 ms with an XPUB.

**WebSockets.** According to `perf`, masking at the sender and unmasking at the receiver take 14 % of the time of
both processes, with vector instructions. Each end copies a message once more than over tcp, between the frames of
ZMTP and those of the WebSocket.

**TLS** (`cargo bench --bench tls --features tls`). Messages of 16 KiB pass from a PUSH to a PULL at 1.2 times the
rate of a bare stream of `tokio-rustls` with writes of the same size, and messages of 1 KiB at 1.8 times the rate,
because a write contains many of them.

**Unused `stats` and `monitor`** have no measurable cost. Without the counters, a message takes the same number of
instructions to within 0.1 (`cargo run --release -p micro`: send, recv, batch and inproc). Nine pairs of runs with
and without counters have a ratio of 1.02 (0.82–1.18), and with two workers 1.03 (0.95–1.25), which is the noise of
the machine. A connection counts once for each batch and publishes nothing for a message.
";

const PARTICIPANTS: &str = "
## How each implementation is used

Each implementation is used as its authors intend: with default options, which include high-water marks of 1,000
messages where they exist, and with the techniques of its own benchmarks.

| | Sockets | |
|---|---|---|
| tokio-zmtp | CLIENT, SERVER; SCATTER, GATHER; PUSH, PULL; DEALER, ROUTER; REQ, REP; RADIO, DISH; PUB, SUB | `send`, `recv`, `reply` |
| libzmq | CLIENT, SERVER; SCATTER, GATHER; PUSH, PULL; DEALER, ROUTER; REQ, REP; RADIO, DISH; PUB, SUB | as its own tools: blocking calls, one I/O thread |
| omq-tokio | CLIENT, SERVER; SCATTER, GATHER; PUSH, PULL; DEALER, ROUTER; REQ, REP; RADIO, DISH; PUB, SUB | on the caller's runtime; non-blocking calls first |
| monocoque | PUSH, PULL; DEALER, ROUTER; REQ, REP | Tokio; write coalescing; `recv_into`; `PullFanIn` for many clients; always one thread |
| zmq.rs | PUSH, PULL; DEALER, ROUTER | Tokio |
| rzmq | PUSH, PULL; DEALER, ROUTER | Tokio, without io_uring |
| tonic | | unary calls over HTTP/2, protobuf |
| bare sockets | | one way: blocking writes and reads of 64 KiB, of messages framed in advance; requests: a stream of Tokio |

In each process, the Tokio runtime has *one thread* or *two workers*, and the work is one of its tasks. libzmq has
its own threads, one-way bare sockets block their threads, and monocoque stays on one thread. They are measured
with each of the two runtimes.
";
