//! A publisher with many topics, and with many subscribers, which are other processes.
//!
//! `cargo bench --bench subscribers [-- [xpub] TOPICS [SUBSCRIBERS]]`. The publisher is a PUB, or an
//! XPUB whose requests are received. It prints:
//!
//! - the memory of random topics of 32 bytes, the time of publishing a message that matches one of
//!   them, and the longest time between two messages while the subscriber with all of them leaves;
//! - with subscribers of which a tenth never reads: the messages per second when the publisher
//!   waits for the others, what each misses at 80 % of this rate without waiting, the memory, and
//!   the longest time between two messages while all subscribers leave at the same time.
//!
//! The subscribers of an XPUB have left when all cancellations are received.
//!
//! Queues can use memory that the topics have released: `1` as the number of topics shows theirs.
//! The memory of the subscribers that read is included.
//!
//! Longest times include those in which the system runs other threads. They are therefore also
//! printed for a publisher whose subscribers stay.

#![expect(clippy::print_stdout, reason = "the printed output is the result")]
#![expect(dead_code, reason = "the processes measure other things as well")]

mod processes;

use std::env;
use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures::future;
use support::publisher::Publisher;
use support::remote::{Remote, command};
use tokio::runtime::{self, Runtime};
use tokio_zmtp::{Builder, Multipart, Pub, RecvError, Sub, Upstream, XPub};

use crate::processes::{Child, ROUNDS, median};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [role, endpoint, count, _] = arguments.as_slice() {
        let count = count.parse().expect("the measuring process passes numbers");
        match role.as_str() {
            "readers" => return processes::run(read(endpoint, count)),
            "stuck" => return processes::run(never_read(endpoint, count)),
            "topics" => return processes::run(subscribe(endpoint, count)),
            _ => {}
        }
    }
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse().ok());
    let (topics, subscribers) = (numbers.next().unwrap_or(TOPICS), numbers.next());
    let subscribers = subscribers.unwrap_or(SUBSCRIBERS);
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if arguments.iter().any(|argument| argument == "xpub") {
        measure::<XPub>(&runtime, topics, subscribers)
    } else {
        measure::<Pub>(&runtime, topics, subscribers)
    }
}

fn measure<P: Requested>(
    runtime: &Runtime,
    topics: usize,
    subscribers: usize,
) -> Result<(), Box<dyn Error>> {
    measure_topics::<P>(runtime, topics)?;
    measure_subscribers::<P>(runtime, subscribers)
}

fn measure_topics<P: Requested>(runtime: &Runtime, topics: usize) -> Result<(), Box<dyn Error>> {
    let builder = P::limited(usize::MAX, usize::MAX).send_hwm(0).send_hwm_bytes(16 << 20);
    let publisher = runtime.block_on(builder.bind(processes::endpoint()))?;
    let requests = Requests::receive(runtime, &publisher);
    let stay = || Multipart::from([STAYING, &[7; TOPIC_LEN]].concat());
    let staying = start("topics", &publisher, 0)?;
    longest_stall(&publisher, stay, OBSERVED, || true)?;
    let before = resident()?;
    let (leaving, while_subscribing) = thread::scope(|scope| {
        let starting = scope.spawn(|| {
            start("topics", &publisher, topics).expect("a process of this program subscribes")
        });
        let stall = longest_stall(&publisher, stay, OBSERVED, || starting.is_finished());
        (starting.join().expect("the process subscribes"), stall)
    });
    while P::RECEIVES && requests.subscribed() <= topics {
        thread::yield_now();
    }
    let bytes = resident()?.saturating_sub(before) as f64 / topics as f64;
    println!("topics of {TOPIC_LEN} bytes:        {topics:>10}");
    println!("memory beyond a topic:     {:>10.0} bytes", bytes - TOPIC_LEN as f64);
    println!("longest stall, subscribing:   {:>7.1?}", while_subscribing?);

    let mut times = Vec::new();
    let mut rng = Rng::with_seed(1);
    for _ in 0..ROUNDS {
        let number = |_| topic(rng.usize(..topics.max(1)));
        let messages: Vec<_> = (0..PUBLISHED).map(number).map(Multipart::from).collect();
        let start = Instant::now();
        for message in messages {
            publisher.try_send(message)?;
        }
        times.push(start.elapsed().as_nanos() as f64 / PUBLISHED as f64);
        while publisher.stats().queued.outgoing > 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    println!("publish with one match:    {:>10.0} ns", median(&mut times));
    print_stalls(&publisher, stay, [leaving], || {
        publisher.remotes().len() == 1 && (!P::RECEIVES || requests.cancelled() == topics)
    })?;
    staying.kill()
}

fn measure_subscribers<P: Requested>(
    runtime: &Runtime,
    subscribers: usize,
) -> Result<(), Box<dyn Error>> {
    let stuck = subscribers / 10;
    let reading = subscribers - stuck;
    let bound = |builder: Builder<P>| {
        let builder = builder.send_hwm(0).send_hwm_bytes(HWM_BYTES).backlog(4_096);
        runtime.block_on(builder.bind(processes::endpoint()))
    };
    let until_subscribed = |publisher: &P, count| {
        while publisher.subscribers("") < count {
            thread::yield_now();
        }
    };

    // Nothing is lost at this rate.
    let publisher = bound(P::patient())?;
    Requests::receive(runtime, &publisher);
    let mut readers = start("readers", &publisher, reading)?;
    until_subscribed(&publisher, reading);
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let count = (10 * PUBLISHED / reading.max(1)).min(5_000);
        let start = Instant::now();
        runtime.block_on(async {
            for _ in 0..count {
                publisher.send(published()).await?;
            }
            publisher.send(LAST).await
        })?;
        readers.line()?;
        rates.push(count as f64 / start.elapsed().as_secs_f64());
    }
    let rate = median(&mut rates);
    println!("subscribers that read:     {reading:>10}");
    println!("messages to all of them:   {rate:>10.0} /s");
    readers.kill()?;
    runtime.block_on(publisher.close());

    let publisher = bound(P::builder())?;
    let requests = Requests::receive(runtime, &publisher);
    let mut readers = start("readers", &publisher, reading)?;
    until_subscribed(&publisher, reading);
    publish_at(&publisher, rate * 0.8)?;
    let before = resident()?;
    let stuck_process = start("stuck", &publisher, stuck)?;
    until_subscribed(&publisher, subscribers);
    let messages = 2 * publish_at(&publisher, rate * 0.8)?;
    let memory = resident()?.saturating_sub(before);
    println!("subscribers that never read: {stuck:>8}");
    println!("messages at 80 %, twice:   {messages:>10} in {PACED:?} each");
    let mut missed = 0;
    for remote in publisher.remotes() {
        if let Some(stats) = publisher.remotes().stats(remote.connection_id()) {
            missed += stats.missed;
        }
    }
    assert_eq!(missed, publisher.stats().dropped.missed, "the sum is that of the subscribers");
    let received = thread::scope(|scope| {
        let receiving = scope.spawn(|| readers.line().map_err(|error| error.to_string()));
        // Repeated, because a subscriber whose queue is full misses it.
        while !receiving.is_finished() {
            thread::sleep(Duration::from_millis(100));
            publisher.try_send(LAST.into())?;
        }
        Ok::<_, Box<dyn Error>>(receiving.join().expect("a line is read without a panic")?)
    })?;
    println!("received by those that read: {received}");
    println!("missed by all:             {missed:>10}");
    println!(
        "memory per full queue:     {:>10.0} bytes of {HWM_BYTES}",
        memory as f64 / stuck as f64
    );
    print_stalls(&publisher, published, [readers, stuck_process], || {
        publisher.remotes().is_empty() && (!P::RECEIVES || requests.cancelled() == 1)
    })
}

/// A publisher whose requests are received, if its type has them.
trait Requested: Publisher {
    /// Whether it receives requests.
    const RECEIVES: bool;

    /// Receives and counts requests until the socket is closed.
    fn receive(self, requests: Arc<Requests>) -> impl Future<Output = ()> + Send;
}

impl Requested for Pub {
    const RECEIVES: bool = false;

    async fn receive(self, _: Arc<Requests>) {}
}

impl Requested for XPub {
    const RECEIVES: bool = true;

    async fn receive(self, requests: Arc<Requests>) {
        let mut received = Vec::new();
        while self.recv_many(&mut received, 256).await.is_ok() {
            for request in received.drain(..) {
                let count = match request {
                    Upstream::Subscribe(_) => &requests.subscribed,
                    Upstream::Cancel(_) => &requests.cancelled,
                    Upstream::Message(_) => continue,
                };
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// The numbers of requests that an XPUB has received.
#[derive(Default)]
struct Requests {
    subscribed: AtomicUsize,
    cancelled: AtomicUsize,
}

impl Requests {
    fn receive(runtime: &Runtime, publisher: &impl Requested) -> Arc<Self> {
        let requests = Arc::new(Self::default());
        runtime.spawn(publisher.clone().receive(Arc::clone(&requests)));
        requests
    }

    fn subscribed(&self) -> usize {
        self.subscribed.load(Ordering::Relaxed)
    }

    fn cancelled(&self) -> usize {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// Publishes this many messages per second for [`PACED`], without waiting. Returns their number.
fn publish_at(publisher: &impl Publisher, rate: f64) -> Result<u64, Box<dyn Error>> {
    let messages = (rate * PACED.as_secs_f64()) as u64;
    let start = Instant::now();
    for number in 0..messages {
        let due = Duration::from_secs_f64(number as f64 / rate);
        if let Some(early) = due.checked_sub(start.elapsed()) {
            thread::sleep(early);
        }
        publisher.try_send(published())?;
    }
    Ok(messages)
}

/// Prints the longest times between two messages, before and while the subscribers of some
/// processes leave.
fn print_stalls<const N: usize>(
    publisher: &impl Publisher,
    next: impl Fn() -> Multipart,
    leaving: [Child; N],
    left: impl Fn() -> bool,
) -> Result<(), Box<dyn Error>> {
    let before = longest_stall(publisher, &next, OBSERVED, || true)?;
    let start = Instant::now();
    let leaving = leaving.map(|process| {
        thread::spawn(|| process.kill().expect("a process that has subscribed can be killed"))
    });
    let after = longest_stall(publisher, &next, OBSERVED, left)?;
    assert!(leaving.iter().all(JoinHandle::is_finished));
    println!("longest stall, all stay:      {before:>7.1?}");
    println!("longest stall, they leave:    {after:>7.1?} in {:.1?}", start.elapsed());
    Ok(())
}

/// Publishes until a time has passed and `ended` returns true. Returns the longest time between two
/// messages.
fn longest_stall(
    publisher: &impl Publisher,
    next: impl Fn() -> Multipart,
    least: Duration,
    ended: impl Fn() -> bool,
) -> Result<Duration, Box<dyn Error>> {
    let (start, mut longest) = (Instant::now(), Duration::ZERO);
    let mut last = start;
    while last - start < least || !ended() {
        publisher.try_send(next())?;
        let now = Instant::now();
        (longest, last) = (longest.max(now - last), now);
    }
    Ok(longest)
}

/// Starts a process with subscribers, and waits until all have subscribed.
fn start(role: &str, publisher: &impl Publisher, count: usize) -> Result<Child, Box<dyn Error>> {
    let endpoint = publisher.last_endpoint().ok_or("the publisher is not bound")?;
    let mut child = Child::spawn(env::current_exe()?, role, &endpoint.to_string(), count, 0)?;
    let line = child.line()?;
    if line == SUBSCRIBED { Ok(child) } else { Err(format!("{role}: {line}").into()) }
}

/// Subscribes to random topics, or to one that no other process has, and discards the messages.
async fn subscribe(endpoint: &str, topics: usize) -> Result<(), Box<dyn Error>> {
    let mut remote = subscriber(endpoint).await?;
    if topics == 0 {
        remote.write(&command("SUBSCRIBE", STAYING)).await;
    }
    for first in (0..topics).step_by(TOGETHER) {
        let numbers = first..topics.min(first + TOGETHER);
        let commands = numbers.flat_map(|number| command("SUBSCRIBE", &topic(number)));
        remote.write(&commands.collect::<Vec<_>>()).await;
    }
    remote.sync().await;
    println!("{SUBSCRIBED}");
    while remote.read_some().await.is_some() {}
    Ok(())
}

/// Receives through each of many subs up to the last message, and prints how many were before it;
/// repeatedly.
async fn read(endpoint: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let mut subs = Vec::new();
    for _ in 0..count {
        let sub = Sub::builder().connect(endpoint).await?;
        sub.subscribe("")?;
        sub.remotes().connected().await?;
        subs.push(sub);
    }
    println!("{SUBSCRIBED}");
    loop {
        let counts = future::try_join_all(subs.iter().map(count_until_last)).await?;
        println!("{:?} to {:?}", counts.iter().min(), counts.iter().max());
    }
}

async fn count_until_last(sub: &Sub) -> Result<usize, RecvError> {
    let (mut received, mut messages) = (0, Vec::new());
    while !messages.iter().any(|message| *message == [LAST]) {
        messages.clear();
        received += sub.recv_many(&mut messages, 256).await?;
    }
    Ok(received - 1)
}

/// Subscribes with each of many connections, and reads nothing.
async fn never_read(endpoint: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let mut remotes = Vec::new();
    for _ in 0..count {
        let mut remote = subscriber(endpoint).await?;
        remote.write(&command("SUBSCRIBE", b"")).await;
        remote.sync().await;
        remotes.push(remote);
    }
    println!("{SUBSCRIBED}");
    future::pending().await
}

async fn subscriber(endpoint: &str) -> Result<Remote, Box<dyn Error>> {
    let mut remote = Remote::dial(&endpoint.parse()?).await;
    remote.shake_hands("SUB").await;
    Ok(remote)
}

/// Returns the topic with a number.
fn topic(number: usize) -> Vec<u8> {
    let mut rng = Rng::with_seed(number as u64);
    (0..TOPIC_LEN).map(|_| rng.u8(..)).collect()
}

fn published() -> Multipart {
    Multipart::from(&[7; 200])
}

/// Returns the resident memory of this process in bytes.
fn resident() -> Result<usize, Box<dyn Error>> {
    let pages = fs::read_to_string("/proc/self/statm")?;
    Ok(pages.split(' ').nth(1).ok_or("statm has another form")?.parse::<usize>()? * 0x1000)
}

const TOPICS: usize = 1_000_000;
const SUBSCRIBERS: usize = 1_000;

const TOPIC_LEN: usize = 32;

/// The topic of the subscriber that stays.
const STAYING: &[u8] = b"staying";

/// The last message.
const LAST: &str = "last";

/// The number of subscriptions that are written together.
const TOGETHER: usize = 1_000;

/// The number of messages in a round.
const PUBLISHED: usize = 100_000;

/// The duration of publishing at a rate.
const PACED: Duration = Duration::from_secs(2);

/// The least duration of an observation of stalls.
const OBSERVED: Duration = Duration::from_secs(1);

/// The high-water mark of each subscriber.
const HWM_BYTES: usize = 0x4_0000;

/// What a process prints when it has subscribed.
const SUBSCRIBED: &str = "subscribed";
