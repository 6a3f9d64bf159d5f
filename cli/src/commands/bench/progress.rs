//! The progress of a measurement, on terminals.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{self, Instant};

/// Shows a bar for the time of a measurement. It is hidden if standard error is not a terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn start(duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let bar = ProgressBar::new(millis);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Updates the bar until a time. `text` describes the state.
    pub(super) async fn until(&self, end: Instant, mut text: impl FnMut() -> String) {
        let start = Instant::now();
        loop {
            let now = Instant::now();
            if now >= end {
                return;
            }
            let passed = u64::try_from((now - start).as_millis()).unwrap_or(u64::MAX);
            self.0.set_position(passed);
            self.0.set_message(text());
            time::sleep_until(end.min(now + INTERVAL)).await;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

const INTERVAL: Duration = Duration::from_millis(100);
