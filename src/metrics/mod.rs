//! Statistics of sockets and calls, published through the facade
//! [`metrics`](https://docs.rs/metrics), for example to an exporter for Prometheus. Requires the
//! feature `metrics`.
//!
//! | Name | Kind and unit | Labels besides `socket` and `socket_type` | See |
//! |---|---|---|---|
//! | `zmtp_sent_messages_total` | counter, messages | | [`Stats::sent`] |
//! | `zmtp_sent_bytes_total` | counter, bytes | | [`Stats::sent`] |
//! | `zmtp_received_messages_total` | counter, messages | | [`Stats::received`] |
//! | `zmtp_received_bytes_total` | counter, bytes | | [`Stats::received`] |
//! | `zmtp_dropped_messages_total` | counter, messages | `cause`: `undelivered`, `refused`, `unread`, `missed`, `replaced`, `unroutable`, `malformed_request`, `unanswered_request`, `malformed_reply`, `stray_reply` or `multipart`; for datagrams, `lost`, `malformed` or `overflowed` | [`Stats::dropped`] |
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
//! With the feature `rpc`, a `Requester` has these metrics:
//!
//! | Name | Kind and unit | Other labels | See `rpc::stats::RequesterStats` |
//! |---|---|---|---|
//! | `zmtp_calls_total` | counter, calls that have ended | `outcome`: `answered`, `bad_reply`, `cancelled`, `closed`, `connection_lost`, `deadline_exceeded`, `failed`, `never_sent`, `refused` or `undelivered` | the field of the same name |
//! | `zmtp_outstanding_calls` | gauge, calls | | `outstanding` |
//! | `zmtp_unsent_cancellations_total` | counter, messages | | `cancels_unsent` |
//! | `zmtp_unexpected_messages_total` | counter, messages | `cause`: `duplicate`, `late`, `malformed` or `unknown` | the field of the same name |
//!
//! A `Responder` has these metrics:
//!
//! | Name | Kind and unit | Other labels | See `rpc::stats::ResponderStats` |
//! |---|---|---|---|
//! | `zmtp_requests_total` | counter, requests that have ended | `outcome`: `answered`, `cancelled`, `deadline_exceeded`, `disconnected`, `duplicate`, `failed`, `overloaded`, `panicked`, `shutting_down` or `unread` | the field of the same name |
//! | `zmtp_running_requests` | gauge, requests | | `running` |
//! | `zmtp_waiting_requests` | gauge, requests | | `waiting` |
//! | `zmtp_unanswered_requests_total` | counter, messages | | `unanswered` |
//! | `zmtp_unexpected_messages_total` | counter, messages | `cause`: `malformed` or `unknown` | the field of the same name |
//!
//! The label `socket` contains the name under which a socket, requester or responder was
//! [added](Publisher::add), and `socket_type` contains the type of the socket, such as `CLIENT`.

#[cfg(feature = "rpc")]
mod calls;
mod series;
mod sockets;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time;

use self::series::{AllSeries, Meters};
#[cfg(doc)]
use crate::stats::Stats;
use crate::sync::Lock;

/// Publishes the statistics of any number of sockets, requesters and responders, each under a name.
///
/// Statistics are published on request, and publishing costs nothing per message: the counters that
/// a socket keeps anyway are read by each [`publish`](Self::publish). Call it before a scrape is
/// answered, or use [`run`](Self::run).
///
/// It does not keep a socket, requester or responder alive. Counters are exact: they never
/// decrease, and the final statistics of a socket are published after its end. Several sockets can
/// have the same name, concurrently or one after another: their statistics are added up. Use few
/// names, because the counters of a name are kept while the publisher exists.
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
    series: Arc<Lock<AllSeries>>,
    /// Held during a publication, so that the later of two concurrent publications prevails.
    publication: Arc<Lock<()>>,
}

/// A socket, or with the feature `rpc` a `Requester` or a `Responder`, whose statistics a
/// [`Publisher`] publishes. The trait cannot be implemented outside of this crate.
#[expect(private_bounds, reason = "so that other crates cannot implement it")]
pub trait Metered: Meters {}

impl Publisher {
    /// Creates an empty publisher.
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

    /// Adds a socket, or with the feature `rpc` a `Requester` or `Responder`. The publisher removes
    /// it when it ends. Add it once: clones share their statistics, and what is added twice is
    /// counted twice. The statistics of a requester are those of its calls: to publish also those
    /// of its socket, add its `client()`, under the same name.
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
    pub fn add(&self, name: impl Into<String>, source: &impl Metered) {
        let name = name.into();
        source.add_to(&mut self.series.lock(), name);
    }

    /// Publishes the current statistics of all sockets, requesters and responders to the installed
    /// recorder.
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
        let _publication = self.publication.lock();
        let sample = self.series.lock().read();
        // A recorder may add a socket.
        sample.publish();
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

/// The resolution of Tokio's clock.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);
