//! Every async method, dropped at every point where it waits, while others use the same sockets.
//!
//! One case is an operation, a number of polls and a seed: the operation is polled so many times,
//! with turns of all other tasks between, and dropped. The number goes up from zero until the
//! operation is ready before. Whatever becomes of it, at the end every message that was sent has been
//! received, handed back or counted; none twice, and none that was not sent.
//!
//! All of it runs on one thread, so that a seed leads to the same order of turns, as far as the
//! kernel, where it carries the messages, has no say in it.

mod coverage;
#[cfg(feature = "serde")]
mod described;
mod operations;
mod scene;
mod threads;

use std::collections::BTreeMap;
use std::env;

use fastrand::Rng;
use futures::future::LocalBoxFuture;
use tokio::task;

use self::operations::{OPERATIONS, Operation};
use self::scene::Scene;
use crate::seed::seed;
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

over_every_transport!(every_operation_can_be_dropped_wherever_it_waits);

async fn every_operation_can_be_dropped_wherever_it_waits(transport: Transport) {
    let mut rng = Rng::with_seed(seed());
    let mut polls = BTreeMap::<&str, usize>::new();
    for _ in 0..rounds() {
        let _watchdog = Watchdog::start();
        for operation in OPERATIONS {
            let most = polls.entry(operation.name).or_default();
            *most = drop_wherever_it_waits(transport, operation, &mut rng).await.max(*most);
        }
    }
    eprintln!("polls: {polls:?}");
    assert!(polls.values().all(|polls| *polls > 1), "some never had to wait");
}

/// Drops an operation at one point after another. Returns how many polls made it ready, at most
/// [`POLLS`].
async fn drop_wherever_it_waits(
    transport: Transport,
    operation: &Operation,
    rng: &mut Rng,
) -> usize {
    for polls in 0..POLLS {
        let seed = rng.u64(..);
        // What the sockets leave to chance.
        fastrand::seed(seed);
        let mut rng = Rng::with_seed(seed);
        let case = format!("{} after {polls} polls", operation.name);
        let scene = Scene::start(transport, &mut rng).await;
        let ready = drive((operation.start)(scene.cast(&mut rng)), polls, &mut rng).await;
        scene.end(operation.effect, &case).await;
        if ready {
            return polls;
        }
    }
    POLLS
}

/// Polls so many times and drops. Returns whether it was ready before.
async fn drive(operation: LocalBoxFuture<'static, ()>, polls: usize, rng: &mut Rng) -> bool {
    let mut operation = tokio_test::task::spawn(operation);
    for poll in 0..polls {
        turns(rng.u32(..4)).await;
        // It is polled when it is woken, or after a while in spite.
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

/// Lets other tasks have so many turns.
async fn turns(turns: u32) {
    for _ in 0..turns {
        task::yield_now().await;
    }
}

/// How often to go through all operations: the environment's `ROUNDS`, or a few times.
fn rounds() -> usize {
    env::var("ROUNDS").map_or(4, |rounds| rounds.parse().unwrap())
}

/// An operation that is not ready after so many polls waits for what may never come.
const POLLS: usize = 16;

/// How many turns the others may have before an operation is polled that was not woken.
const PATIENCE: u32 = 60;
