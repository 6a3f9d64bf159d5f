//! Statistics of sockets, published through the facade [`metrics`](https://docs.rs/metrics), for
//! example to an exporter for Prometheus. With the feature `metrics`.
//!
//! | Name | Kind and unit | Labels besides `socket` and `socket_type` | See |
//! |---|---|---|---|
//! | `zmtp_sent_messages_total` | counter, messages | | [`Stats::sent`] |
//! | `zmtp_sent_bytes_total` | counter, bytes | | [`Stats::sent`] |
//! | `zmtp_received_messages_total` | counter, messages | | [`Stats::received`] |
//! | `zmtp_received_bytes_total` | counter, bytes | | [`Stats::received`] |
//! | `zmtp_dropped_messages_total` | counter, messages | `cause`: `undelivered`, `refused`, `unread`, `missed`, `replaced`, `unroutable`, `malformed_request`, `unanswered_request`, `malformed_reply`, `stray_reply` or `multipart`; of datagrams `lost`, `malformed` or `overflowed` | [`Stats::dropped`] |
//! | `zmtp_reconnects_total` | counter, connections | | [`Stats::reconnects`] |
//! | `zmtp_refused_remotes_total` | counter, connections | `cause`: `denied`, `identity`, `incompatible`, `occupied`, `security`, `too_many_groups`, `too_many_topics` or `too_slow` | [`Stats::refused`] |
//! | `zmtp_connected_remotes` | gauge, remotes | | [`Stats::connected`] |
//! | `zmtp_redirected_messages_total` | counter, messages | | [`Stats::redirected`] |
//! | `zmtp_returned_messages_total` | counter, messages | | [`Stats::returned`] |
//! | `zmtp_queued_messages` | gauge, messages | `direction`: `outgoing`, `incoming` or `returned` | [`Stats::queued`] |
//! | `zmtp_ended_remotes` | gauge, remotes | | [`Stats::ended`] |
//! | `zmtp_ended_messages` | gauge, messages | | [`Stats::ended`] |
//! | `zmtp_ended_bytes` | gauge, bytes | | [`Stats::ended`] |
//!
//! The label `socket` has the name under which a socket was [added](Publisher::add), and
//! `socket_type` its type, such as `CLIENT`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Label, Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::time;

use crate::socket::{Socket, StatsReader, StatsSample};
use crate::stats::Stats;
use crate::sync::Lock;

/// Publishes the statistics of any number of sockets, each under a name.
///
/// Statistics are published on request, and publishing costs nothing per message: the counters that
/// a socket keeps anyway are read by each [`publish`](Self::publish). Call it before a scrape is
/// answered, or use [`run`](Self::run).
///
/// It does not keep a socket alive. Counters are exact: they never go backwards, and the final
/// statistics of a socket are published after its end. Several sockets can have the same name,
/// concurrently or one after another: their statistics are added up. Use few names, because the
/// counters of a name are kept as long as the publisher exists.
///
/// A program should have one publisher for a name. Clones share one publisher.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::metrics::Publisher;
/// use tokio_zmtp::{Client, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new();
/// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
/// let client = Client::new();
/// client.connect(&endpoint).await?;
///
/// let publisher = Publisher::new();
/// publisher.add("orders", &server);
/// publisher.add("upstream", &client);
/// tokio::spawn(publisher.clone().run(Duration::from_secs(10)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a publisher does nothing unless `publish` or `run` is called"]
pub struct Publisher {
    series: Arc<Lock<BTreeMap<Key, Series>>>,
    /// Held during a publication, so that the later of two concurrent publications prevails.
    publication: Arc<Lock<()>>,
}

/// The labels that distinguish one series from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    name: Arc<str>,
    socket_type: &'static str,
}

/// The sockets of one name and type.
#[derive(Debug, Default)]
struct Series {
    readers: Vec<StatsReader>,
    /// The sum of the statistics of ended sockets.
    ended: Stats,
}

impl Publisher {
    /// Creates a publisher without sockets.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::metrics::Publisher;
    ///
    /// let publisher = Publisher::new();
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a socket. The publisher removes it when the socket ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::metrics::Publisher;
    ///
    /// # async fn example(server: tokio_zmtp::Server) -> Result<(), Box<dyn std::error::Error>> {
    /// let publisher = Publisher::new();
    /// publisher.add("orders", &server);
    /// # Ok(())
    /// # }
    /// ```
    pub fn add<S: Socket>(&self, name: impl Into<String>, socket: &S) {
        let key = Key { name: name.into().into(), socket_type: S::SOCKET_TYPE.as_str() };
        let reader = socket.control().meter();
        let mut series = self.series.lock();
        series.entry(key).or_default().readers.push(reader);
    }

    /// Publishes the current statistics of all sockets to the installed recorder.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn example(publisher: tokio_zmtp::metrics::Publisher) {
    /// // Before an exporter answers a scrape:
    /// publisher.publish();
    /// # }
    /// ```
    pub fn publish(&self) {
        describe();
        let _publication = self.publication.lock();
        let mut series = self.series.lock();
        let read: Vec<_> =
            series.iter_mut().map(|(key, series)| (key.clone(), series.read())).collect();
        // A recorder may add a socket.
        drop(series);
        for (key, stats) in read {
            key.publish(&stats);
        }
    }

    /// Publishes immediately, and again after every `interval` of at least a millisecond, while the
    /// future is polled.
    ///
    /// To publish the changes since the last interval, call [`publish`](Self::publish)
    /// before the program ends.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops publishing. No publication is left incomplete.
    ///
    /// # Panics
    ///
    /// Panics outside a Tokio runtime with time enabled.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # async fn example(publisher: tokio_zmtp::metrics::Publisher)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// tokio::spawn(publisher.run(Duration::from_secs(10)));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run(self, interval: Duration) -> Infallible {
        loop {
            self.publish();
            time::sleep(interval.max(SHORTEST_INTERVAL)).await;
        }
    }
}

impl Series {
    /// Adds up all statistics, and removes ended sockets.
    fn read(&mut self) -> Stats {
        let Self { readers, ended } = self;
        let mut live = Stats::default();
        readers.retain(|reader| match reader.read() {
            StatsSample::Final(stats) => {
                ended.add(&stats);
                false
            }
            StatsSample::Live(stats) => {
                live.add(&stats);
                true
            }
        });
        live.add(ended);
        live
    }
}

impl Key {
    fn publish(&self, stats: &Stats) {
        // Absolute values, so that no counts are missing if a recorder is installed late.
        let Stats {
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
        } = *stats;
        counter!(SENT_MESSAGES, self.labels(None)).absolute(sent.messages);
        counter!(SENT_BYTES, self.labels(None)).absolute(sent.bytes);
        counter!(RECEIVED_MESSAGES, self.labels(None)).absolute(received.messages);
        counter!(RECEIVED_BYTES, self.labels(None)).absolute(received.bytes);
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
            counter!(DROPPED_MESSAGES, self.labels(Some(("cause", cause)))).absolute(messages);
        }
        counter!(RECONNECTS, self.labels(None)).absolute(reconnects);
        counter!(REDIRECTED_MESSAGES, self.labels(None)).absolute(redirected);
        counter!(RETURNED_MESSAGES, self.labels(None)).absolute(returned);
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
            counter!(REFUSED_REMOTES, self.labels(Some(("cause", cause)))).absolute(remotes);
        }
        gauge!(CONNECTED_REMOTES, self.labels(None)).set(connected as f64);
        for (direction, messages) in [
            ("outgoing", queued.outgoing),
            ("incoming", queued.incoming),
            ("returned", queued.returned),
        ] {
            gauge!(QUEUED_MESSAGES, self.labels(Some(("direction", direction))))
                .set(messages as f64);
        }
        gauge!(ENDED_REMOTES, self.labels(None)).set(ended.remotes as f64);
        gauge!(ENDED_MESSAGES, self.labels(None)).set(ended.messages as f64);
        gauge!(ENDED_BYTES, self.labels(None)).set(ended.bytes as f64);
    }

    fn labels(&self, more: Option<(&'static str, &'static str)>) -> Vec<Label> {
        let mut labels = vec![
            Label::new("socket", Arc::clone(&self.name)),
            Label::from_static_parts("socket_type", self.socket_type),
        ];
        labels.extend(more.map(|(name, value)| Label::from_static_parts(name, value)));
        labels
    }
}

/// Repeated every time, because the recorder may be installed after the publisher was created.
fn describe() {
    describe_counter!(SENT_MESSAGES, Unit::Count, "Messages handed to the transport");
    describe_counter!(SENT_BYTES, Unit::Bytes, "Bytes of the messages handed to the transport");
    describe_counter!(RECEIVED_MESSAGES, Unit::Count, "Messages read from remotes");
    describe_counter!(RECEIVED_BYTES, Unit::Bytes, "Bytes of the messages read from remotes");
    describe_counter!(DROPPED_MESSAGES, Unit::Count, "Messages that were not delivered, by cause");
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
    describe_gauge!(ENDED_BYTES, Unit::Bytes, "Memory that the messages of ended remotes occupy");
    describe_gauge!(QUEUED_MESSAGES, Unit::Count, "Messages in queues, by direction");
}

/// The resolution of Tokio's clock.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

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
