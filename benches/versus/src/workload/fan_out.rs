//! Messages from one RADIO to the DISHes of another process, or from a PUB to SUBs, at full speed.
//!
//! A publisher may drop messages, and udp may lose them, so received messages are counted. A body
//! begins with the number of its round. After the messages of a round, the publisher repeats
//! another message until every subscriber has received it.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time;

use crate::Failure;
use crate::case::{Case, Metric, Transport};
use crate::implementation::{End, FanOut, Mark, Publisher, Subscriber};
use crate::report::{Announce, Done, Report};
use crate::role::{Orders, Part, Role};
use crate::workload::pair::{Pair, adapt};
use crate::workload::{Attempt, Outcome};

/// Returns the number of deliveries per second: messages, each counted for each subscriber.
pub(crate) fn measure(attempt: &Attempt<'_>) -> Result<Outcome, Failure> {
    let case = attempt.case;
    let (bound, connected) = match subscribers_bind(case.transport) {
        true => (Part::Subscribers, Part::Publisher),
        false => (Part::Publisher, Part::Subscribers),
    };
    let mut pair = Pair::start(attempt, bound, connected)?;
    // Every subscriber has announced its groups or topics when it has received the end of a round.
    run(&mut pair, case, 0)?;
    let adapted = adapt(attempt, |count| run(&mut pair, case, count))?;
    Ok(Outcome { values: vec![(Metric::Rate, adapted.rate)], rate: Some(adapted.rate_to_come) })
}

/// Sends the number of messages that `deliveries` requires.
fn run(pair: &mut Pair, case: Case, deliveries: u64) -> Result<Done, Failure> {
    let (publisher, subscribers) = match subscribers_bind(case.transport) {
        true => (&mut pair.connected, &mut pair.bound),
        false => (&mut pair.bound, &mut pair.connected),
    };
    subscribers.order(deliveries)?;
    publisher.order(deliveries / case.clients as u64)?;
    let done = subscribers.done()?;
    publisher.order(0)?;
    publisher.done()?;
    let is_lossless = case.no_drop && case.transport != Transport::Udp;
    match done.received {
        Some(received) if is_lossless && received != deliveries => {
            Err(format!("{received} of {deliveries} messages arrived").into())
        }
        _ => Ok(done),
    }
}

/// Runs the sending role. Every second command ends the round that the previous command began.
pub(crate) async fn send<G: FanOut>(role: &Role, mut orders: Orders) -> Result<(), Failure> {
    let mut publisher = G::publisher(&role.place, end(role, Part::Publisher)).await?;
    ready(role, Part::Publisher);
    for round in 0.. {
        let Some(count) = orders.recv().await else { break };
        publisher.send(&Mark::Within(round).to_body(role.place.size), count).await?;
        let last = Mark::After(round).to_body(role.place.size);
        while orders.is_empty() {
            publisher.send(&last, 1).await?;
            time::sleep(PAUSE).await;
        }
        orders.recv().await;
        Report::Done(Done::default()).send();
    }
    Ok(())
}

/// Runs the receiving role. The clock runs from the first message at any subscriber to the
/// end at the last.
pub(crate) async fn receive<G: FanOut>(role: &Role, mut orders: Orders) -> Result<(), Failure> {
    let mut subscribers = Vec::new();
    for _ in 0..role.place.connections {
        subscribers.push(G::subscriber(&role.place, end(role, Part::Subscribers)).await?);
    }
    ready(role, Part::Subscribers);
    for round in 0.. {
        if orders.recv().await.is_none() {
            break;
        }
        let tally = if G::BLOCKS {
            in_turns(&mut subscribers, round).await?
        } else {
            in_tasks(&mut subscribers, round).await?
        };
        Report::Done(tally.done()).send();
    }
    Ok(())
}

/// Receives with a task for each subscriber.
async fn in_tasks<S: Subscriber>(subscribers: &mut Vec<S>, round: u32) -> Result<Tally, Failure> {
    let mut tasks = JoinSet::new();
    for mut subscriber in subscribers.drain(..) {
        tasks.spawn(async move {
            let mut tally = Tally::default();
            while tally.goes_on(subscriber.recv().await?, round) {}
            Ok::<_, Failure>((subscriber, tally))
        });
    }
    let mut total = Tally::default();
    while let Some(received) = tasks.join_next().await {
        let (subscriber, tally) = received??;
        subscribers.push(subscriber);
        total.add(tally);
    }
    Ok(total)
}

/// Receives from all subscribers in turn, with one thread that each may block.
async fn in_turns<S: Subscriber>(subscribers: &mut [S], round: u32) -> Result<Tally, Failure> {
    let mut total = Tally::default();
    let mut open: Vec<_> = subscribers.iter_mut().map(|one| (one, Tally::default())).collect();
    while let Some((first, tally)) = open.first_mut() {
        // When no subscriber has a message, the next message reaches the first one as early as the
        // others.
        let mut goes_on = tally.goes_on(first.recv().await?, round);
        let mut at = 0;
        while let Some((subscriber, tally)) = open.get_mut(at) {
            let mut burst = BURST;
            while goes_on && burst > 0 {
                let Some(mark) = subscriber.try_recv()? else { break };
                goes_on = tally.goes_on(mark, round);
                burst -= 1;
            }
            if goes_on {
                at += 1;
            } else {
                total.add(open.swap_remove(at).1);
                goes_on = true;
            }
        }
    }
    Ok(total)
}

/// The messages of a round.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    received: u64,
    first: Option<Instant>,
    end: Option<Instant>,
}

impl Tally {
    /// Counts a message. Returns false if it ends the round.
    fn goes_on(&mut self, mark: Mark, round: u32) -> bool {
        if mark == Mark::Within(round) {
            if self.received == 0 {
                self.first = Some(Instant::now());
            }
            self.received += 1;
        } else if mark == Mark::After(round) {
            self.end = Some(Instant::now());
        }
        self.end.is_none()
    }

    fn add(&mut self, other: Self) {
        self.received += other.received;
        self.first = self.first.into_iter().chain(other.first).min();
        self.end = self.end.max(other.end);
    }

    fn done(self) -> Done {
        let between = self.first.zip(self.end).map(|(first, end)| end - first);
        let seconds = between.unwrap_or_default().as_secs_f64();
        Done { seconds, received: Some(self.received), ..Done::default() }
    }
}

fn end(role: &Role, part: Part) -> End<'_> {
    if binds(role, part) { End::Bind(Announce::new()) } else { End::Connect(&role.endpoint) }
}

/// Reports that a connecting process is ready. A binding process reports its endpoint instead.
fn ready(role: &Role, part: Part) {
    if !binds(role, part) {
        Report::Ready.send();
    }
}

fn binds(role: &Role, part: Part) -> bool {
    subscribers_bind(role.place.transport) == matches!(part, Part::Subscribers)
}

/// Returns whether the subscribers bind. Over udp, a DISH can only bind, and a RADIO only connect.
fn subscribers_bind(transport: Transport) -> bool {
    transport == Transport::Udp
}

/// The number of messages that are received from one subscriber before the next.
const BURST: u32 = 100;

/// The interval between the messages that end a round.
const PAUSE: Duration = Duration::from_millis(1);
