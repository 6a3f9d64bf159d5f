//! When messages are sent.

use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep_until};

use crate::arguments::time;

#[derive(Clone, Debug, Args)]
pub(crate) struct ScheduleArguments {
    /// Send one message per interval, such as 1s. Parts are repeated indefinitely, unless the
    /// number of messages is given
    #[arg(short, long, value_name = "TIME", value_parser = time)]
    interval: Option<Duration>,
    /// Send this number of messages per second. Parts are repeated indefinitely, unless the number
    /// of messages is given
    #[arg(long, value_name = "NUMBER", conflicts_with = "interval", value_parser = rate)]
    rate: Option<f64>,
}

/// The time of the next message. Messages that are late follow without a pause, so that the rate is
/// kept on average.
#[derive(Debug)]
pub(crate) struct Schedule {
    interval: Option<Duration>,
    next: Option<Instant>,
}

impl Schedule {
    pub(crate) fn new(arguments: &ScheduleArguments) -> Self {
        let of_rate = arguments.rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
        Self { interval: arguments.interval.or(of_rate), next: None }
    }

    /// Returns whether parts are sent repeatedly.
    pub(crate) const fn repeats(&self) -> bool {
        self.interval.is_some()
    }

    /// Waits until the next message is due.
    pub(crate) async fn wait(&self) {
        if let Some(next) = self.next {
            sleep_until(next).await;
        }
    }

    /// Sets the time of the message after the one that is due.
    pub(crate) fn advance(&mut self) {
        if let Some(interval) = self.interval {
            self.next = Some(self.next.unwrap_or_else(Instant::now) + interval);
        }
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (1e-6..=1e9).contains(&rate) => Ok(rate),
        _ => Err("it is not a number of messages a second".to_owned()),
    }
}
