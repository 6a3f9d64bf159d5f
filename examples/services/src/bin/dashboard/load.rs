//! The tasks, and calls of them at a rate that the pages set.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{self, MissedTickBehavior};
use tokio_zmtp::rpc::{Failure, Request, Requester, Response};

/// Performs a task of [`services::perform`], or `rate <number>`, which sets the calls per second.
pub(crate) async fn perform(
    request: Request,
    rate: watch::Sender<u32>,
) -> Result<Response, Failure> {
    let number = request.body().to_str().ok().and_then(|body| body.strip_prefix("rate "));
    let Some(number) = number else { return services::perform(request).await };
    match number.parse() {
        Ok(number @ 0..=RATE_MAX) => {
            rate.send_replace(number);
            Ok(format!("{number} calls per second").into())
        }
        _ => Err(Failure::application(400, format!("the rate is not a number up to {RATE_MAX}"))),
    }
}

/// Makes calls at a rate, until the client is closed.
pub(crate) async fn call(requester: Requester, mut rate: watch::Receiver<u32>) {
    loop {
        let per_second = *rate.borrow_and_update();
        let calling = async {
            let Some(period) = Duration::from_secs(1).checked_div(per_second) else {
                return std::future::pending().await;
            };
            let mut interval = time::interval(period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                interval.tick().await;
                if requester.call("upper hello").await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            changed = rate.changed() => if changed.is_err() { return },
            () = calling => return,
        }
    }
}

/// More than one call at a time would be needed above this rate.
const RATE_MAX: u32 = 1_000;
