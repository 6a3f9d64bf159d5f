//! The metrics of sockets.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use super::Metered;
use super::series::{AllSeries, Key, Meters, Published};
use crate::socket::Socket;
use crate::stats::Stats;

impl<S: Socket> Metered for S {}

impl<S: Socket> Meters for S {
    fn add_to(&self, series: &mut AllSeries, name: String) {
        series.sockets.add(Key::new::<S>(name), self.control().meter());
    }
}

impl Published for Stats {
    fn add(&mut self, other: &Self) {
        Self::add(self, other);
    }

    fn describe() {
        describe_counter!(SENT_MESSAGES, Unit::Count, "Messages handed to the transport");
        describe_counter!(SENT_BYTES, Unit::Bytes, "Bytes of the messages handed to the transport");
        describe_counter!(RECEIVED_MESSAGES, Unit::Count, "Messages read from remotes");
        describe_counter!(RECEIVED_BYTES, Unit::Bytes, "Bytes of the messages read from remotes");
        describe_counter!(
            DROPPED_MESSAGES,
            Unit::Count,
            "Messages that were not delivered, by cause"
        );
        describe_counter!(
            RECONNECTS,
            Unit::Count,
            "Connections re-established after a previous one had ended"
        );
        describe_counter!(
            REDIRECTED_MESSAGES,
            Unit::Count,
            "Messages that one remote has left and that were queued for another"
        );
        describe_counter!(
            RETURNED_MESSAGES,
            Unit::Count,
            "Messages that a remote has left and that the application has received"
        );
        describe_counter!(
            REFUSED_REMOTES,
            Unit::Count,
            "Connections that the socket refused, by cause"
        );
        describe_gauge!(CONNECTED_REMOTES, Unit::Count, "Remotes that are connected");
        describe_gauge!(
            ENDED_REMOTES,
            Unit::Count,
            "Ended remotes whose messages have not been received"
        );
        describe_gauge!(
            ENDED_MESSAGES,
            Unit::Count,
            "Messages of ended remotes that have not been received"
        );
        describe_gauge!(
            ENDED_BYTES,
            Unit::Bytes,
            "Memory that the messages of ended remotes occupy"
        );
        describe_gauge!(QUEUED_MESSAGES, Unit::Count, "Messages in queues, by direction");
    }

    fn publish(&self, key: &Key) {
        // Absolute values, so that no counts are missing if a recorder is installed late.
        let Self {
            sent,
            received,
            dropped,
            queued,
            ended,
            connected,
            reconnects,
            refused,
            redirected,
            returned,
        } = *self;
        counter!(SENT_MESSAGES, key.labels(None)).absolute(sent.messages);
        counter!(SENT_BYTES, key.labels(None)).absolute(sent.bytes);
        counter!(RECEIVED_MESSAGES, key.labels(None)).absolute(received.messages);
        counter!(RECEIVED_BYTES, key.labels(None)).absolute(received.bytes);
        for (cause, messages) in [
            ("undelivered", dropped.undelivered),
            ("refused", dropped.refused),
            ("unread", dropped.unread),
            ("missed", dropped.missed),
            ("replaced", dropped.replaced),
            ("unroutable", dropped.unroutable),
            ("malformed_request", dropped.malformed_requests),
            ("unanswered_request", dropped.unanswered_requests),
            ("malformed_reply", dropped.malformed_replies),
            ("stray_reply", dropped.stray_replies),
            ("multipart", dropped.multipart),
            ("lost", dropped.datagrams.lost),
            ("malformed", dropped.datagrams.malformed),
            ("overflowed", dropped.datagrams.overflowed),
        ] {
            counter!(DROPPED_MESSAGES, key.labels(Some(("cause", cause)))).absolute(messages);
        }
        counter!(RECONNECTS, key.labels(None)).absolute(reconnects);
        counter!(REDIRECTED_MESSAGES, key.labels(None)).absolute(redirected);
        counter!(RETURNED_MESSAGES, key.labels(None)).absolute(returned);
        for (cause, remotes) in [
            ("denied", refused.denied),
            ("identity", refused.identity),
            ("incompatible", refused.incompatible),
            ("occupied", refused.occupied),
            ("security", refused.security),
            ("too_many_groups", refused.too_many_groups),
            ("too_many_topics", refused.too_many_topics),
            ("too_slow", refused.too_slow),
        ] {
            counter!(REFUSED_REMOTES, key.labels(Some(("cause", cause)))).absolute(remotes);
        }
        gauge!(CONNECTED_REMOTES, key.labels(None)).set(connected as f64);
        for (direction, messages) in [
            ("outgoing", queued.outgoing),
            ("incoming", queued.incoming),
            ("returned", queued.returned),
        ] {
            gauge!(QUEUED_MESSAGES, key.labels(Some(("direction", direction))))
                .set(messages as f64);
        }
        gauge!(ENDED_REMOTES, key.labels(None)).set(ended.remotes as f64);
        gauge!(ENDED_MESSAGES, key.labels(None)).set(ended.messages as f64);
        gauge!(ENDED_BYTES, key.labels(None)).set(ended.bytes as f64);
    }
}

const SENT_MESSAGES: &str = "zmtp_sent_messages_total";
const SENT_BYTES: &str = "zmtp_sent_bytes_total";
const RECEIVED_MESSAGES: &str = "zmtp_received_messages_total";
const RECEIVED_BYTES: &str = "zmtp_received_bytes_total";
const DROPPED_MESSAGES: &str = "zmtp_dropped_messages_total";
const RECONNECTS: &str = "zmtp_reconnects_total";
const REDIRECTED_MESSAGES: &str = "zmtp_redirected_messages_total";
const RETURNED_MESSAGES: &str = "zmtp_returned_messages_total";
const REFUSED_REMOTES: &str = "zmtp_refused_remotes_total";
const ENDED_REMOTES: &str = "zmtp_ended_remotes";
const ENDED_MESSAGES: &str = "zmtp_ended_messages";
const ENDED_BYTES: &str = "zmtp_ended_bytes";
const CONNECTED_REMOTES: &str = "zmtp_connected_remotes";
const QUEUED_MESSAGES: &str = "zmtp_queued_messages";
