//! The metrics of requesters and responders.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use super::Metered;
use super::series::{AllSeries, Key, Meters, Published};
use crate::rpc::stats::{RequesterStats, ResponderStats};
use crate::rpc::{Requester, RequestingSocket, Responder, RespondingSocket};

impl<S: RequestingSocket> Metered for Requester<S> {}

impl<S: RequestingSocket> Meters for Requester<S> {
    fn add_to(&self, series: &mut AllSeries, name: String) {
        series.requesters.add(Key::new::<S>(name), self.meter());
    }
}

impl<S: RespondingSocket> Metered for Responder<S> {}

impl<S: RespondingSocket> Meters for Responder<S> {
    fn add_to(&self, series: &mut AllSeries, name: String) {
        series.responders.add(Key::new::<S>(name), self.meter());
    }
}

impl Published for RequesterStats {
    fn add(&mut self, other: &Self) {
        let Self {
            never_sent,
            sent,
            outstanding,
            answered,
            failed,
            bad_replies,
            deadline_exceeded,
            connection_lost,
            refused,
            undelivered,
            closed,
            cancelled,
            cancels_unsent,
            late,
            duplicate,
            unknown,
            malformed,
        } = self;
        for (sum, more) in [
            (never_sent, other.never_sent),
            (sent, other.sent),
            (outstanding, other.outstanding),
            (answered, other.answered),
            (failed, other.failed),
            (bad_replies, other.bad_replies),
            (deadline_exceeded, other.deadline_exceeded),
            (connection_lost, other.connection_lost),
            (refused, other.refused),
            (undelivered, other.undelivered),
            (closed, other.closed),
            (cancelled, other.cancelled),
            (cancels_unsent, other.cancels_unsent),
            (late, other.late),
            (duplicate, other.duplicate),
            (unknown, other.unknown),
            (malformed, other.malformed),
        ] {
            *sum = sum.saturating_add(more);
        }
    }

    fn describe() {
        describe_counter!(CALLS, Unit::Count, "Calls that have ended, by outcome");
        describe_gauge!(OUTSTANDING_CALLS, Unit::Count, "Calls that have no outcome yet");
        describe_counter!(
            UNSENT_CANCELLATIONS,
            Unit::Count,
            "Cancellations of calls that could not be sent"
        );
        describe_unexpected();
    }

    fn publish(&self, key: &Key) {
        for (outcome, calls) in [
            ("answered", self.answered),
            ("bad_reply", self.bad_replies),
            ("cancelled", self.cancelled),
            ("closed", self.closed),
            ("connection_lost", self.connection_lost),
            ("deadline_exceeded", self.deadline_exceeded),
            ("failed", self.failed),
            ("never_sent", self.never_sent),
            ("refused", self.refused),
            ("undelivered", self.undelivered),
        ] {
            counter!(CALLS, key.labels(Some(("outcome", outcome)))).absolute(calls);
        }
        gauge!(OUTSTANDING_CALLS, key.labels(None)).set(self.outstanding as f64);
        counter!(UNSENT_CANCELLATIONS, key.labels(None)).absolute(self.cancels_unsent);
        publish_unexpected(
            key,
            &[
                ("duplicate", self.duplicate),
                ("late", self.late),
                ("malformed", self.malformed),
                ("unknown", self.unknown),
            ],
        );
    }
}

impl Published for ResponderStats {
    fn add(&mut self, other: &Self) {
        let Self {
            received,
            waiting,
            running,
            answered,
            failed,
            panicked,
            overloaded,
            shutting_down,
            deadline_exceeded,
            cancelled,
            disconnected,
            unread,
            duplicate,
            malformed,
            unknown,
            unanswered,
        } = self;
        for (sum, more) in [
            (received, other.received),
            (waiting, other.waiting),
            (running, other.running),
            (answered, other.answered),
            (failed, other.failed),
            (panicked, other.panicked),
            (overloaded, other.overloaded),
            (shutting_down, other.shutting_down),
            (deadline_exceeded, other.deadline_exceeded),
            (cancelled, other.cancelled),
            (disconnected, other.disconnected),
            (unread, other.unread),
            (duplicate, other.duplicate),
            (malformed, other.malformed),
            (unknown, other.unknown),
            (unanswered, other.unanswered),
        ] {
            *sum = sum.saturating_add(more);
        }
    }

    fn describe() {
        describe_counter!(REQUESTS, Unit::Count, "Requests that have ended, by outcome");
        describe_gauge!(RUNNING_REQUESTS, Unit::Count, "Requests that the service is handling");
        describe_gauge!(WAITING_REQUESTS, Unit::Count, "Requests that wait for the service");
        describe_counter!(
            UNANSWERED_REQUESTS,
            Unit::Count,
            "Errors whose requester disconnected before they could be sent"
        );
        describe_unexpected();
    }

    fn publish(&self, key: &Key) {
        for (outcome, requests) in [
            ("answered", self.answered),
            ("cancelled", self.cancelled),
            ("deadline_exceeded", self.deadline_exceeded),
            ("disconnected", self.disconnected),
            ("duplicate", self.duplicate),
            ("failed", self.failed),
            ("overloaded", self.overloaded),
            ("panicked", self.panicked),
            ("shutting_down", self.shutting_down),
            ("unread", self.unread),
        ] {
            counter!(REQUESTS, key.labels(Some(("outcome", outcome)))).absolute(requests);
        }
        gauge!(RUNNING_REQUESTS, key.labels(None)).set(self.running as f64);
        gauge!(WAITING_REQUESTS, key.labels(None)).set(self.waiting as f64);
        counter!(UNANSWERED_REQUESTS, key.labels(None)).absolute(self.unanswered);
        publish_unexpected(key, &[("malformed", self.malformed), ("unknown", self.unknown)]);
    }
}

fn describe_unexpected() {
    describe_counter!(
        UNEXPECTED_MESSAGES,
        Unit::Count,
        "Messages of the protocol of calls that belong to no call in progress, by cause"
    );
}

fn publish_unexpected(key: &Key, causes: &[(&'static str, u64)]) {
    for &(cause, messages) in causes {
        counter!(UNEXPECTED_MESSAGES, key.labels(Some(("cause", cause)))).absolute(messages);
    }
}

const CALLS: &str = "zmtp_calls_total";
const OUTSTANDING_CALLS: &str = "zmtp_outstanding_calls";
const UNSENT_CANCELLATIONS: &str = "zmtp_unsent_cancellations_total";
const REQUESTS: &str = "zmtp_requests_total";
const RUNNING_REQUESTS: &str = "zmtp_running_requests";
const WAITING_REQUESTS: &str = "zmtp_waiting_requests";
const UNANSWERED_REQUESTS: &str = "zmtp_unanswered_requests_total";
const UNEXPECTED_MESSAGES: &str = "zmtp_unexpected_messages_total";
