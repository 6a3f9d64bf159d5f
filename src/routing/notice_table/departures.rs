//! The subscriptions of connections that have ended.

use std::collections::VecDeque;

use super::NoticedRemote;
use crate::message::subscription_notice;
use crate::routing::FairQueue;
use crate::routing::subscription_table::RELEASED;
use crate::routing::subscriptions::Subscriptions;
use crate::sync::Wakes;

/// The ended connections that have subscriptions left. The notices of their end are queued in
/// portions, while there is room: one remote can have a million subscriptions.
#[derive(Debug, Default)]
pub(super) struct Departures(VecDeque<Departure>);

#[derive(Debug)]
struct Departure {
    /// The number of the subscriber.
    number: u32,
    noticed: NoticedRemote,
}

impl Departures {
    /// Adds the subscriptions of a connection that has ended.
    pub(super) fn add(&mut self, number: u32, noticed: NoticedRemote) {
        self.0.push_back(Departure { number, noticed });
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
        let (mut steps, mut waiting) = (0, 0);
        while let Some(departure) = self.0.front().filter(|_| waiting < self.0.len()) {
            if steps >= RELEASED {
                return true;
            }
            let Departure { number, noticed: NoticedRemote { remote, inbound } } = departure;
            if !notices.has_departure_room(*inbound) {
                waiting += 1;
                self.0.rotate_left(1);
                continue;
            }
            if let Some((topic, is_last)) = subscriptions.next_left(*number) {
                if is_last || announces_each {
                    let notice = subscription_notice(false, &topic);
                    notices.push_notice(*inbound, notice, is_last, remote, wakes);
                }
            }
            match subscriptions.release_one(*number) {
                Some(taken) => steps += taken,
                None => drop(self.0.pop_front()),
            }
        }
        false
    }
}
