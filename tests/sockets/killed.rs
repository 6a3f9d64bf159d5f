//! A SCATTER, and GATHERs in separate processes, one of which is killed and restarted repeatedly.

use std::collections::BTreeSet;
use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::mem;
use std::process::{self, Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task;
use tokio_zmtp::monitor::{Event, EventKind, Monitor};
use tokio_zmtp::{ConnectionId, Gather, Message, Scatter};

use crate::events;
use crate::transports::Transport;
use crate::watchdog::Watchdog;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_received_returned_or_counted_if_the_scatter_binds() {
    account(Binds::Scatter).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_received_returned_or_counted_if_the_gathers_bind() {
    account(Binds::Gather).await;
}

/// Runs as a process with a GATHER. Does nothing when it runs as a test.
#[tokio::test]
async fn gather() {
    let Ok(role) = env::var(ROLE) else { return };
    thread::spawn(|| {
        // The test has ended.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        process::exit(0);
    });
    let (name, endpoint) = role.split_once(' ').unwrap();
    let builder = Gather::builder().recv_hwm(HWM).metadata("X-Name", name).unwrap();
    let gather = builder.build();
    match endpoint.strip_prefix("bind ") {
        Some(endpoint) => println(&format!("bound {}", gather.bind(endpoint).await.unwrap())),
        None => gather.connect(endpoint).await.unwrap(),
    }
    loop {
        let message = gather.recv().await.unwrap();
        let number = number(&message).expect("a message is damaged");
        println(&format!("received {number}"));
    }
}

/// The end that binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binds {
    Gather,
    Scatter,
}

async fn account(binds: Binds) {
    let _watchdog = Watchdog::start();
    let scatter = Scatter::builder()
        .send_hwm(HWM)
        .reconnect_interval(Duration::from_millis(5))
        .reconnect_interval_max(Duration::from_millis(5))
        .build();
    let mut monitor = scatter.monitor();
    let endpoint = match binds {
        Binds::Scatter => Some(scatter.bind("tcp://127.0.0.1:*").await.unwrap().to_string()),
        Binds::Gather => None,
    };
    let mut live = Vec::new();
    for name in ["one", "two", VICTIM] {
        live.push(Process::join(name, &scatter, endpoint.as_deref()).await);
    }
    let stop = AtomicBool::new(false);
    let mut killed = Vec::new();
    let mut undelivered = 0;
    let sending = async {
        let mut accepted = 0;
        while !stop.load(Ordering::Relaxed) {
            scatter.send(numbered(accepted)).await.unwrap();
            accepted += 1;
        }
        accepted
    };
    let killing = async {
        for _ in 0..kills() {
            live[2].until_received(1).await;
            let victim = live.pop().unwrap();
            let endpoint = victim.endpoint.clone();
            undelivered += kill(victim, &scatter, &mut monitor, &mut killed).await;
            live.push(Process::rejoin(VICTIM, &endpoint));
        }
        live[2].until_received(1).await;
        stop.store(true, Ordering::Relaxed);
    };
    let (accepted, ()) = tokio::join!(sending, killing);

    all_received(&scatter, &mut live, accepted, 0).await;

    // The queue of a remote that the scatter dialed remains. Its messages are returned at the end.
    undelivered += kill(live.pop().unwrap(), &scatter, &mut monitor, &mut killed).await;
    for number in accepted..accepted + LAST {
        scatter.send(numbered(number)).await.unwrap();
    }
    let accepted = accepted + LAST;
    let kept = if binds == Binds::Gather { LAST / 3 } else { 0 };
    all_received(&scatter, &mut live, accepted, kept).await;
    scatter.set_linger(Duration::ZERO);
    let (report, returned) = scatter.close_with_undelivered().await;
    undelivered += events::rest(monitor).await.iter().map(dropped).sum::<u64>();

    let mut received = BTreeSet::new();
    for process in &killed {
        extend(&mut received, &process.received);
    }
    for process in live {
        extend(&mut received, &process.kill().await);
    }
    let returned: BTreeSet<u64> = returned.iter().map(|message| number(message).unwrap()).collect();
    match binds {
        Binds::Gather => assert_eq!(returned.len() as u64, kept),
        // The queue of a remote is removed shortly after the event of its end.
        Binds::Scatter => assert!(returned.len() as u64 <= LAST / 3),
    }
    assert!(received.is_disjoint(&returned));
    assert_eq!(accepted, report.written + report.undelivered);
    assert_eq!(report.undelivered, undelivered);
    let is_missing = |number: &u64| !received.contains(number) && !returned.contains(number);
    let missing: BTreeSet<u64> = (0..accepted).filter(is_missing).collect();
    let mut lost = 0;
    for (at, process) in killed.iter().enumerate() {
        // The queue keeps the order: the lost messages follow those that the process has received.
        let last = *process.received.last().unwrap();
        let next = killed.get(at + 1).map_or(accepted, |next| next.received[0]);
        let missing = missing.range(last..next).count() as u64;
        assert!(process.lost() <= missing, "{} of {missing} messages", process.lost());
        lost += process.lost();
    }
    let dropped = report.undelivered - returned.len() as u64;
    assert_eq!(missing.len() as u64, lost + dropped, "{report:?}");
}

/// Kills a process, and adds it to `killed`. Returns the number of messages that were dropped
/// before the end of its connection was reported.
async fn kill(
    process: Process,
    scatter: &Scatter,
    monitor: &mut Monitor,
    killed: &mut Vec<Killed>,
) -> u64 {
    let received = process.kill().await;
    let (connection, dropped) = until_disconnected(monitor).await;
    let earlier: u64 = killed.iter().map(|process| process.written).sum();
    let written = written_to_ended(scatter, connection).await - earlier;
    assert!(received.len() as u64 <= written, "received {} of {written}", received.len());
    killed.push(Killed { received, written });
    dropped
}

/// Waits until the statistics of a connection are final. Returns the number of messages that were
/// written to all ended connections.
async fn written_to_ended(scatter: &Scatter, ended: ConnectionId) -> u64 {
    let sent = || -> Vec<_> {
        let remotes = scatter.remotes();
        let ids = remotes.iter().map(|remote| remote.connection_id());
        ids.map(|id| (id, remotes.stats(id).map_or(0, |stats| stats.sent.messages))).collect()
    };
    loop {
        // If no other connection has written in between, the sums are from the same moment.
        let (before, all, after) = (sent(), scatter.stats().sent.messages, sent());
        if before == after && before.iter().all(|(id, _)| *id != ended) {
            return all - before.iter().map(|(_, messages)| messages).sum::<u64>();
        }
        task::yield_now().await;
    }
}

/// Waits until `kept` of the accepted messages are queued, and the processes have received all
/// others, except those that were dropped or written to a killed process.
async fn all_received(scatter: &Scatter, processes: &mut [Process], accepted: u64, kept: u64) {
    // A message that a connection has taken is neither queued nor sent until it is written.
    let are_written = || {
        let stats = scatter.stats();
        stats.sent.messages + stats.dropped.undelivered + kept == accepted
    };
    while !are_written() || scatter.remotes().len() != processes.len() {
        task::yield_now().await;
    }
    for remote in scatter.remotes().iter() {
        let sent = scatter.remotes().stats(remote.connection_id()).unwrap().sent.messages;
        let name = remote.property("X-Name").unwrap();
        let process = processes.iter_mut().find(|process| process.name.as_bytes() == name).unwrap();
        process.until_received(sent).await;
        assert_eq!(process.received.len() as u64, sent);
    }
}

/// Adds messages that no other process has received.
fn extend(all: &mut BTreeSet<u64>, received: &[u64]) {
    for number in received {
        assert!(all.insert(*number), "message {number} was received twice");
    }
}

/// Waits for the end of a connection. Returns its id, and the number of messages that were dropped
/// before.
async fn until_disconnected(monitor: &mut Monitor) -> (ConnectionId, u64) {
    let mut messages = 0;
    loop {
        let event = events::next(monitor).await;
        messages += dropped(&event);
        if matches!(event.kind, EventKind::Disconnected { .. }) {
            return (event.connection_id.unwrap(), messages);
        }
    }
}

fn dropped(event: &Event) -> u64 {
    match event.kind {
        EventKind::MessagesDropped { messages, .. } => messages,
        _ => 0,
    }
}

/// A process that was killed.
struct Killed {
    received: Vec<u64>,
    /// The number of messages that were written to it, according to the statistics of the scatter.
    written: u64,
}

impl Killed {
    /// Returns the number of messages that were written to it, and that it has not acknowledged.
    fn lost(&self) -> u64 {
        self.written - self.received.len() as u64
    }
}

/// A process with a GATHER.
struct Process {
    child: Child,
    name: &'static str,
    endpoint: String,
    /// The lines that it prints.
    lines: UnboundedReceiver<String>,
    /// The messages that it has acknowledged so far.
    received: Vec<u64>,
    /// The process ends when this is closed, or when it is killed.
    _stdin: ChildStdin,
}

impl Process {
    /// Starts a process that connects to `endpoint`. Without an endpoint the process binds one, and
    /// `scatter` connects to it.
    async fn join(name: &'static str, scatter: &Scatter, endpoint: Option<&str>) -> Self {
        if let Some(endpoint) = endpoint {
            return Self::rejoin(name, endpoint);
        }
        let mut process = Self::rejoin(name, &format!("bind {}", Transport::Tcp.any()));
        let endpoint = process.line("bound ").await.unwrap();
        scatter.connect(&*endpoint).await.unwrap();
        process.endpoint = format!("bind {endpoint}");
        process
    }

    /// Starts a process again.
    fn rejoin(name: &'static str, endpoint: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "killed::gather", "--nocapture"])
            .env(ROLE, format!("{name} {endpoint}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tx, lines) = mpsc::unbounded_channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // The receiver may have been dropped.
                let _ = tx.send(line);
            }
        });
        let stdin = child.stdin.take().unwrap();
        Self { child, name, endpoint: endpoint.into(), lines, received: Vec::new(), _stdin: stdin }
    }

    /// Returns the text after `beginning` in the next line that contains it, or `None` if the
    /// process has ended.
    async fn line(&mut self, beginning: &str) -> Option<String> {
        loop {
            let line = self.lines.recv().await?;
            // The test harness prints the name of the test without a line break.
            if let Some((_, rest)) = line.split_once(beginning) {
                return Some(rest.to_owned());
            }
        }
    }

    /// Waits until the process has acknowledged `count` messages.
    async fn until_received(&mut self, count: u64) {
        while (self.received.len() as u64) < count {
            let number = self.line("received ").await.expect("the process is running");
            self.received.push(number.parse().unwrap());
        }
    }

    /// Kills the process. Returns all messages that it has acknowledged.
    async fn kill(mut self) -> Vec<u64> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        while let Some(number) = self.line("received ").await {
            self.received.push(number.parse().unwrap());
        }
        mem::take(&mut self.received)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a line with one call, which bypasses the output capture of the test harness.
fn println(line: &str) {
    io::stdout().lock().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn numbered(number: u64) -> Message {
    let mut body = vec![number as u8; SIZE];
    body[..8].copy_from_slice(&number.to_be_bytes());
    body.into()
}

/// Returns the number of a message that is not damaged.
fn number(message: &Message) -> Option<u64> {
    let (number, rest) = message.split_first_chunk()?;
    let number = u64::from_be_bytes(*number);
    (message.len() == SIZE && rest.iter().all(|byte| *byte == number as u8)).then_some(number)
}

fn kills() -> u64 {
    env::var("KILLS").map_or(10, |kills| kills.parse().unwrap())
}

/// The environment variable that contains the role of a child process: a name, and an endpoint.
const ROLE: &str = "TOKIO_ZMTP_KILLED";

const VICTIM: &str = "victim";

const HWM: usize = 10;

/// The size of a body. It is large, so that the system's buffers are soon full.
const SIZE: usize = 16 << 10;

/// The number of messages in the last round.
const LAST: u64 = 12;
