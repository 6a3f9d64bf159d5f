//! Drops every async method at every await point, while other tasks use the same sockets.
//!
//! A case is an operation, a number of polls and a seed. The operation is polled this number of
//! times, with turns of all other tasks between the polls, and then dropped. The number increases
//! from zero until the operation is ready. At the end, every accepted message has been received,
//! returned or counted exactly once, and no other message has been received.
//!
//! All tasks run on one thread, so that the seed determines the order of turns, except where it
//! depends on the kernel.

mod batches;
mod coverage;
#[cfg(feature = "serde")]
mod described;
mod fan_out;
mod groups;
mod operation;
mod operations;
mod pairs;
mod replies;
mod requests;
mod router;
mod scene;
mod subscribers;
mod threads;

use std::collections::BTreeMap;
use std::env;

use fastrand::Rng;
use futures::future::LocalBoxFuture;
use tokio::task;
use tokio_zmtp::{Pub, XPub};

use self::batches::BATCH_OPERATIONS;
use self::groups::{GROUP_OPERATIONS, GroupScene};
use self::operation::Operation;
use self::operations::OPERATIONS;
use self::pairs::PairScene;
use self::replies::{REPLY_OPERATIONS, ReplyScene};
use self::requests::{REQUEST_OPERATIONS, RequestScene};
use self::router::{ROUTER_OPERATIONS, RouterScene};
use self::scene::{Effect, Scene};
use self::subscribers::SubscriberScene;
use crate::one_way::{Sender, for_every_pair, for_pairs};
use crate::seed::seed;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(every_operation_can_be_dropped_wherever_it_waits);

async fn every_operation_can_be_dropped_wherever_it_waits(transport: Transport) {
    drop_each::<Scene>(transport, operations()).await;
}

for_pairs!(
    every_operation_of_a_channel_can_be_dropped_wherever_it_waits [over every transport and streams]
    channel: Channel,
    pair: Pair,
);

async fn every_operation_of_a_channel_can_be_dropped_wherever_it_waits<S: Sender>(
    transport: Transport,
) {
    drop_each::<PairScene<S>>(transport, PairScene::<S>::OPERATIONS).await;
}

for_every_pair!(every_operation_of_a_pair_can_be_dropped_wherever_it_waits, over every transport and streams);

async fn every_operation_of_a_pair_can_be_dropped_wherever_it_waits<S: Sender>(
    transport: Transport,
) {
    drop_each::<PairScene<S>>(transport, PairScene::<S>::OPERATIONS).await;
}

over_every_transport_and_streams!(every_operation_of_a_router_can_be_dropped_wherever_it_waits);

async fn every_operation_of_a_router_can_be_dropped_wherever_it_waits(transport: Transport) {
    drop_each::<RouterScene>(transport, ROUTER_OPERATIONS).await;
}

over_every_transport_and_streams!(every_operation_with_groups_can_be_dropped_wherever_it_waits);

async fn every_operation_with_groups_can_be_dropped_wherever_it_waits(transport: Transport) {
    drop_each::<GroupScene>(transport, GROUP_OPERATIONS).await;
}

over_every_transport_and_streams!(every_operation_with_replies_can_be_dropped_wherever_it_waits);

async fn every_operation_with_replies_can_be_dropped_wherever_it_waits(transport: Transport) {
    drop_each::<ReplyScene>(transport, REPLY_OPERATIONS).await;
}

over_every_transport_and_streams!(every_request_can_be_dropped_wherever_it_waits);

async fn every_request_can_be_dropped_wherever_it_waits(transport: Transport) {
    drop_each::<RequestScene>(transport, REQUEST_OPERATIONS).await;
}

over_every_transport_and_streams!(
    every_operation_with_subscribers_can_be_dropped_wherever_it_waits
);

async fn every_operation_with_subscribers_can_be_dropped_wherever_it_waits(transport: Transport) {
    drop_each::<SubscriberScene<Pub>>(transport, SubscriberScene::<Pub>::OPERATIONS).await;
    drop_each::<SubscriberScene<Pub>>(transport, SubscriberScene::<Pub>::SUB_OPERATIONS).await;
    drop_each::<SubscriberScene<XPub>>(transport, SubscriberScene::<XPub>::OPERATIONS).await;
}

/// Sockets in use, whose messages are recorded.
trait Stage: Sized {
    /// The handles that an operation uses.
    type Cast: 'static;

    /// Connects the sockets, and starts senders and receivers.
    async fn start(transport: Transport, rng: &mut Rng) -> Self;

    fn cast(&self, rng: &mut Rng) -> Self::Cast;

    /// Closes the sockets, and compares their results with the record.
    async fn end(self, effect: Effect, case: &str);
}

/// Returns the operations of a client and a server, and those that are the same for all types.
fn operations() -> impl Iterator<Item = &'static Operation> + Clone {
    let operations = OPERATIONS.iter().chain(BATCH_OPERATIONS);
    #[cfg(feature = "serde")]
    let operations =
        operations.chain(described::DESCRIBED_OPERATIONS).chain(described::ANY_SOCKET_OPERATIONS);
    operations
}

/// Drops each operation at each await point.
async fn drop_each<S: Stage>(
    transport: Transport,
    operations: impl IntoIterator<Item = &'static Operation<S::Cast>> + Clone,
) {
    let mut rng = Rng::with_seed(seed());
    let mut polls = BTreeMap::<&str, usize>::new();
    for _ in 0..rounds() {
        let _watchdog = Watchdog::start();
        for operation in operations.clone() {
            let most = polls.entry(operation.name).or_default();
            *most = drop_wherever_it_waits::<S>(transport, operation, &mut rng).await.max(*most);
        }
    }
    eprintln!("polls: {polls:?}");
    assert!(polls.values().all(|polls| *polls > 1), "some operations never waited");
}

/// Drops an operation at each await point. Returns the number of polls until it was ready, at most
/// [`POLLS`].
async fn drop_wherever_it_waits<S: Stage>(
    transport: Transport,
    operation: &Operation<S::Cast>,
    rng: &mut Rng,
) -> usize {
    for polls in 0..POLLS {
        let seed = rng.u64(..);
        // Determines the random numbers of the sockets.
        fastrand::seed(seed);
        let mut rng = Rng::with_seed(seed);
        let case = format!("{} after {polls} polls", operation.name);
        let scene = S::start(transport, &mut rng).await;
        let ready = drive((operation.start)(scene.cast(&mut rng)), polls, &mut rng).await;
        scene.end(operation.effect, &case).await;
        if ready {
            return polls;
        }
    }
    POLLS
}

/// Polls an operation up to `polls` times and drops it. Returns whether it was ready.
async fn drive(operation: LocalBoxFuture<'static, ()>, polls: usize, rng: &mut Rng) -> bool {
    let mut operation = tokio_test::task::spawn(operation);
    for poll in 0..polls {
        turns(rng.u32(..4)).await;
        // The operation is polled when it is woken, or after some turns without a wake-up.
        let patience = if poll == 0 { 0 } else { rng.u32(..PATIENCE) };
        for _ in 0..patience {
            if operation.is_woken() {
                break;
            }
            turns(1).await;
        }
        if operation.poll().is_ready() {
            return true;
        }
    }
    turns(rng.u32(..4)).await;
    false
}

/// Yields to other tasks `turns` times.
async fn turns(turns: u32) {
    for _ in 0..turns {
        task::yield_now().await;
    }
}

/// Returns the number of rounds through all operations: the environment variable `ROUNDS`, or 4.
fn rounds() -> usize {
    env::var("ROUNDS").map_or(4, |rounds| rounds.parse().unwrap())
}

/// The number of polls after which an operation is assumed to wait indefinitely.
const POLLS: usize = 16;

/// The number of turns of other tasks after which an operation is polled without a wake-up.
const PATIENCE: u32 = 60;
