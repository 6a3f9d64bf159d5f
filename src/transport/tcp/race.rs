//! Concurrent attempts, of which the first success wins.

use std::future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time;

/// Runs attempts until the first success. Each is started when an earlier one has failed, or when
/// [`ATTEMPT_DELAY`] has passed since the last start (RFC 8305, Connection Attempts).
///
/// Dropping the future drops all attempts.
pub(super) async fn race<T, F>(
    addresses: Vec<SocketAddr>,
    attempt: impl Fn(SocketAddr) -> F,
) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    let mut waiting = addresses.into_iter();
    let mut running = Vec::new();
    let mut failure = None;
    loop {
        running.extend(waiting.next().map(|address| Box::pin(attempt(address))));
        if running.is_empty() {
            return Err(failure.unwrap_or_else(|| io::ErrorKind::NotFound.into()));
        }
        tokio::select! {
            biased;
            outcome = first_to_end(&mut running) => match outcome {
                Ok(success) => return Ok(success),
                Err(error) => failure = Some(more_telling(failure, error)),
            },
            () = time::sleep(ATTEMPT_DELAY), if waiting.len() > 0 => {}
        }
    }
}

/// Waits until one of the futures ends, and removes it.
///
/// All are polled on every wake-up: there are only as many as a name has addresses.
async fn first_to_end<F: Future>(running: &mut Vec<Pin<Box<F>>>) -> F::Output {
    future::poll_fn(|cx| {
        for (index, attempt) in running.iter_mut().enumerate() {
            if let Poll::Ready(outcome) = attempt.as_mut().poll(cx) {
                drop(running.swap_remove(index));
                return Poll::Ready(outcome);
            }
        }
        Poll::Pending
    })
    .await
}

/// Keeps the later error, unless only the earlier one comes from the remote.
fn more_telling(earlier: Option<io::Error>, later: io::Error) -> io::Error {
    match earlier {
        Some(earlier) if is_answer(&earlier) && !is_answer(&later) => earlier,
        _ => later,
    }
}

/// Returns whether the error comes from the remote, rather than from the network.
fn is_answer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::TimedOut
    )
}

/// RFC 8305, Summary of Configurable Values: the recommended Connection Attempt Delay.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_next_attempt_does_not_wait_for_a_slow_one() {
        let start = Instant::now();
        let winner = race(vec![loopback(1), loopback(2)], |address| async move {
            match address.port() {
                1 => time::sleep(Duration::from_secs(100)).await,
                _ => time::sleep(Duration::from_millis(50)).await,
            }
            Ok(address)
        });
        assert_eq!(winner.await.unwrap(), loopback(2));
        assert_eq!(start.elapsed(), Duration::from_millis(300));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_attempt_can_still_win() {
        let winner = race(vec![loopback(1), loopback(2)], |address| async move {
            match address.port() {
                1 => time::sleep(Duration::from_millis(400)).await,
                _ => time::sleep(Duration::from_secs(100)).await,
            }
            Ok(address)
        });
        assert_eq!(winner.await.unwrap(), loopback(1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_attempt_starts_immediately_after_a_failure() {
        let start = Instant::now();
        let winner = race(vec![loopback(1), loopback(2)], |address| async move {
            match address.port() {
                1 => Err(io::ErrorKind::ConnectionRefused.into()),
                _ => Ok(address),
            }
        });
        assert_eq!(winner.await.unwrap(), loopback(2));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_error_is_that_of_the_remote_if_one_answered() {
        for refusing in [1, 2] {
            let outcome = race(vec![loopback(1), loopback(2)], |address| async move {
                Err::<(), _>(io::Error::from(if address.port() == refusing {
                    io::ErrorKind::ConnectionRefused
                } else {
                    io::ErrorKind::NetworkUnreachable
                }))
            });
            let error = outcome.await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_race_drops_every_attempt() {
        let alive = Arc::new(());
        let race = race(vec![loopback(1), loopback(2)], |_| {
            let alive = Arc::clone(&alive);
            async move {
                let () = future::pending().await;
                drop(alive);
                Ok(())
            }
        });
        time::timeout(ATTEMPT_DELAY * 2, race).await.unwrap_err();
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    fn loopback(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }
}
