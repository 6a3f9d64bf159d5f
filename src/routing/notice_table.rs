//! Routing by subscription, with notices of requests for the application: XPUB.

mod answers;
mod departures;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use slotmap::SecondaryMap;
use zmtp_proto::command::Command;
use zmtp_proto::message_shape::first_part;

pub(crate) use self::answers::AnswerRefusal;
use self::departures::Departures;
use crate::connection_id::ConnectionId;
use crate::message::subscription_notice;
use crate::options::{Options, TopicOptions, Verbosity};
use crate::pipe::PipeKey;
use crate::remote::Remote;
use crate::routing::awaited_topics::AwaitedTopics;
use crate::routing::outgoing_pipe::OutgoingPipe;
use crate::routing::subscriptions::Subscriptions;
use crate::routing::{
    ByFirstPart, Choice, CommandEffect, ExceededLimit, FairQueue, FirstPart, Leftover, ManyPipes,
    OutgoingPipes, Strategy, SubscriptionTable,
};
use crate::sync::Wakes;

/// Sends each message like a [`SubscriptionTable`], and queues notices of requests.
///
/// An application that follows the notices knows which topics have a subscriber. A notice is queued
/// under the lock under which the subscription changes. When a connection ends, its subscriptions
/// no longer match. They end one by one, as there is room for their notices. Until then, their
/// topics have a subscriber.
#[derive(Debug, Default)]
pub(crate) struct NoticeTable {
    table: SubscriptionTable,
    /// Whether the application decides on requests.
    manual: bool,
    verbosity: Verbosity,
    /// Whether a message goes to the remotes that it does not match, instead of those that it does.
    inverts: bool,
    /// The topics that remotes have requested, if the application decides on requests.
    asked: Subscriptions,
    remotes: SecondaryMap<PipeKey, NoticedRemote>,
    keys: HashMap<ConnectionId, PipeKey>,
    departures: Departures,
    /// The pipes that the last look-up did not find, if matching is inverted.
    others: Vec<PipeKey>,
}

/// A connected remote, and the pipe in which it counts its notices.
#[derive(Clone, Debug)]
struct NoticedRemote {
    remote: Remote,
    inbound: PipeKey,
}

impl OutgoingPipes<NoticeTable> {
    /// Sets the options of a new socket.
    pub(crate) const fn set_options(&mut self, options: &Options) {
        let NoticeTable { table, asked, manual, verbosity, inverts, .. } = &mut self.strategy;
        (*manual, *verbosity) = (options.xpub.manual, options.xpub.verbosity);
        *inverts = options.subscriptions.invert_matching;
        table.set_options(options.topics);
        if options.xpub.manual {
            // Limits apply to the requested topics. The accepted ones depend on the application.
            asked.set_limits(options.topics);
            table.subscriptions.set_limits(TopicOptions::UNLIMITED);
        }
    }
}

impl NoticeTable {
    /// Returns the subscriptions that notices report.
    const fn reported(&mut self) -> &mut Subscriptions {
        if self.manual { &mut self.asked } else { &mut self.table.subscriptions }
    }

    /// Ends the connection of a remote.
    fn depart(&mut self, key: PipeKey) {
        let Some(noticed) = self.remotes.remove(key) else { return };
        self.keys.remove(&noticed.remote.connection_id());
        if let Some(number) = self.reported().depart(key) {
            self.departures.add(number, noticed);
        }
        if self.manual {
            self.table.subscriptions.leave(key);
        }
    }

    /// Announces the end of topics of remotes that have left until the limit of all remotes leaves
    /// room for another topic, or until the queue of notices is full.
    fn make_room(&mut self, topic: &[u8], notices: &mut FairQueue, wakes: &mut Wakes) {
        while !self.reported().has_room(topic) && self.announce_departures(notices, wakes) {}
    }

    /// Returns the effect of an applied subscription or cancellation. If the remote now receives
    /// more messages, wakes the tasks that wait for a subscriber.
    fn effect(&mut self, subscribes: bool, topic: &[u8], wakes: &mut Wakes) -> CommandEffect {
        match (subscribes, self.inverts) {
            (true, false) => self.table.awaited.wake(topic, wakes),
            (false, true) => self.table.awaited.wake_all(wakes),
            _ => return CommandEffect::Narrowed,
        }
        CommandEffect::Widened
    }
}

impl ByFirstPart for NoticeTable {
    fn look_up(&mut self, first_part: &[u8]) {
        self.table.look_up(first_part);
        if self.inverts {
            let Self { table, remotes, others, .. } = self;
            others.clear();
            others.extend(remotes.keys().filter(|key| !table.subscriptions.has_found(*key)));
        }
    }

    fn awaited(&mut self) -> &mut AwaitedTopics {
        self.table.awaited()
    }

    fn topics(&self) -> usize {
        self.table.topics()
    }
}

impl Strategy for NoticeTable {
    type Target = FirstPart;

    const FANS_OUT: bool = true;
    const IS_BY_CONNECTION: bool = true;
    const NOTIFIES: bool = true;

    fn address(&mut self, message: &[u8]) {
        self.look_up(first_part(message));
    }

    fn choose(&mut self, to: &FirstPart) -> Choice<'_> {
        if self.inverts {
            Choice::Many(ManyPipes { keys: &self.others, slow: self.table.slow })
        } else {
            self.table.choose(to)
        }
    }

    fn retire(&mut self, key: PipeKey, _pipe: &OutgoingPipe) {
        self.depart(key);
    }

    fn connect(&mut self, key: PipeKey, pipe: &OutgoingPipe, _was_open: bool, wakes: &mut Wakes) {
        let Some(remote) = pipe.remote.clone().filter(|_| pipe.is_open()) else { return };
        self.keys.insert(remote.connection_id(), key);
        self.remotes.insert(key, NoticedRemote { remote, inbound: pipe.inbound });
        if self.inverts {
            self.table.awaited.wake_all(wakes);
        }
    }

    /// The subscriptions of a connection end with it, as their notices report.
    fn disconnect(&mut self, key: PipeKey, _was_open: bool, _gone: bool) -> Leftover {
        self.depart(key);
        Leftover::Stay
    }

    fn request(
        &mut self,
        key: PipeKey,
        command: &Command,
        notices: &mut FairQueue,
        wakes: &mut Wakes,
    ) -> Result<CommandEffect, ExceededLimit> {
        let (subscribes, topic) = match command {
            Command::Subscribe(topic) => (true, topic.as_bytes()),
            Command::Cancel(topic) => (false, topic.as_bytes()),
            _ => return Ok(CommandEffect::Unchanged),
        };
        let (manual, verbosity) = (self.manual, self.verbosity);
        if subscribes {
            self.make_room(topic, notices, wakes);
        }
        let reported = self.reported();
        let topics = reported.topics();
        let has_changed =
            if subscribes { reported.insert(key, topic)? } else { reported.cancel(key, topic) };
        let is_change = reported.topics() != topics;
        let is_reported = is_change
            || match (subscribes, verbosity) {
                (true, _) if manual => true,
                (true, verbosity) => verbosity != Verbosity::Changes,
                (false, verbosity) => has_changed && (manual || verbosity == Verbosity::Verboser),
            };
        if let Some(noticed) = self.remotes.get(key).filter(|_| is_reported) {
            let notice = subscription_notice(subscribes, topic);
            let NoticedRemote { remote, inbound } = noticed;
            notices.push_notice(*inbound, notice, is_change, remote, wakes);
        }
        Ok(match (has_changed, manual) {
            (false, _) => CommandEffect::Unchanged,
            (true, false) => self.effect(subscribes, topic, wakes),
            (true, true) if subscribes => CommandEffect::Widened,
            (true, true) => CommandEffect::Narrowed,
        })
    }

    fn announce_departures(&mut self, notices: &mut FairQueue, wakes: &mut Wakes) -> bool {
        let announces_each = self.manual || self.verbosity == Verbosity::Verboser;
        let Self { table, asked, departures, .. } = self;
        let reported = if self.manual { asked } else { &mut table.subscriptions };
        departures.announce(reported, announces_each, notices, wakes)
    }

    fn reclaim(&mut self) -> bool {
        self.table.reclaim()
    }

    fn wake_unconnected(&mut self, wakes: &mut Wakes) {
        self.table.wake_unconnected(wakes);
    }

    fn close(&mut self, wakes: &mut Wakes) {
        self.table.close(wakes);
    }
}
