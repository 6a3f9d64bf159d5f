//! The statistics of the sockets, as messages.

use std::time::Duration;

use tokio::time::{self, MissedTickBehavior};
use tokio_zmtp::stats::Stats;
use tokio_zmtp::{Client, Pub, Server};

/// Publishes the statistics while a page is subscribed, until the publisher is closed. A message
/// has the name of a socket, which is the topic, and the counters as JSON.
pub(crate) async fn publish(publisher: Pub, tasks: Server, caller: Client) {
    let mut interval = time::interval(PERIOD);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while publisher.subscribed("").await.is_ok() {
        interval.tick().await;
        let sockets = [
            ("statistics", publisher.stats()),
            ("tasks", tasks.stats()),
            ("caller", caller.stats()),
        ];
        for (name, stats) in sockets {
            // Full subscribers miss the message, which the statistics show.
            if publisher.send([name.to_owned(), json(&stats)]).await.is_err() {
                return;
            }
        }
    }
}

fn json(stats: &Stats) -> String {
    let Stats { sent, received, dropped, queued, connected, .. } = stats;
    format!(
        r#"{{"sent":{},"received":{},"dropped":{},"queued":{},"connected":{connected}}}"#,
        sent.messages,
        received.messages,
        dropped.missed + dropped.undelivered + dropped.unread,
        queued.outgoing + queued.incoming,
    )
}

const PERIOD: Duration = Duration::from_millis(500);
