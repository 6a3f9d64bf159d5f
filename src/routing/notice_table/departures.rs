//! The subscriptions of connections that have ended.

use std::collections::{HashMap, VecDeque};

use super::NoticedRemote;
#[cfg(test)]
use super::tests::step;
use crate::message::subscription_notice;
use crate::pipe::PipeKey;
use crate::routing::FairQueue;
use crate::routing::subscription_table::RELEASED;
use crate::routing::subscriptions::Subscriptions;
use crate::sync::Wakes;

/// The ended connections that have subscriptions left. The notices of their end are queued in
/// portions, while there is room: one remote can have a million subscriptions.
#[derive(Debug, Default)]
pub(super) struct Departures {
    /// Those that may have room for a notice.
    ready: VecDeque<Departure>,
    /// Those that wait until half of the notices of their pipe are read. Connections of a dialed
    /// remote have the same pipe, and are ready one after the other.
    waiting: HashMap<PipeKey, VecDeque<Departure>>,
}

#[derive(Debug)]
struct Departure {
    /// The number of the subscriber.
    number: u32,
    noticed: NoticedRemote,
}

impl Departures {
    /// Adds the subscriptions of a connection that has ended.
    pub(super) fn add(&mut self, number: u32, noticed: NoticedRemote) {
        self.ready.push_back(Departure { number, noticed });
    }

    /// Ends some of the subscriptions. Queues a notice of each subscription that was the last one
    /// of its topic, or of every one with `announces_each`. Returns whether there is room for more.
    pub(super) fn announce(
        &mut self,
        subscriptions: &mut Subscriptions,
        announces_each: bool,
        notices: &mut FairQueue,
        wakes: &mut Wakes,
    ) -> bool {
        for pipe in notices.take_released() {
            self.resume(pipe);
        }
        let mut steps = 0;
        while let Some(departure) = self.ready.front() {
            if steps >= RELEASED {
                return true;
            }
            step();
            let Departure { number, noticed: NoticedRemote { remote, inbound } } = departure;
            let pipe = *inbound;
            if !notices.has_departure_room(pipe) {
                self.waiting.entry(pipe).or_default().extend(self.ready.pop_front());
                steps += 1;
                continue;
            }
            if let Some((topic, is_last)) = subscriptions.next_left(*number) {
                if is_last || announces_each {
                    let notice = subscription_notice(false, &topic);
                    notices.push_notice(pipe, notice, is_last, remote, wakes);
                }
            }
            match subscriptions.release_one(*number) {
                Some(taken) => steps += taken,
                None => {
                    self.ready.pop_front();
                    self.resume(pipe);
                }
            }
        }
        false
    }

    /// Makes the next departure that waits for a pipe ready.
    fn resume(&mut self, pipe: PipeKey) {
        let Some(waiting) = self.waiting.get_mut(&pipe) else { return };
        self.ready.extend(waiting.pop_front());
        if waiting.is_empty() {
            self.waiting.remove(&pipe);
        }
    }
}

/// Tests count the steps.
#[cfg(not(test))]
const fn step() {}
