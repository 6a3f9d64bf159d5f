//! A supervisor distributes jobs to one worker at a time. A standby takes over when the worker
//! leaves.
//!
//! `cargo run --example standby`
//!
//! A CHANNEL has exactly one remote. While the supervisor has the worker, it refuses the standby,
//! which tries again until it is admitted.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use tokio_zmtp::Channel;
use tokio_zmtp::monitor::EventKind;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let supervisor = Channel::new();
    let endpoint = supervisor.bind("tcp://127.0.0.1:*").await?;

    let worker = Channel::builder().connect(&endpoint).await?;
    worker.remotes().connected().await?;

    let standby = Channel::builder()
        .reconnect_interval(Duration::from_millis(10))
        .reconnect_interval_max(Duration::from_millis(100))
        .build();
    let mut events = standby.monitor();
    standby.connect(&endpoint).await?;
    while let Some(Ok(event)) = events.recv().await {
        if let EventKind::HandshakeFailed { reason } = event.kind {
            println!("standby: {reason}");
            break;
        }
    }

    tokio::spawn(work("worker", worker));
    tokio::spawn(work("standby", standby));
    let mut jobs = 1..;
    for _ in 0..2 {
        loop {
            let report = supervisor.recv().await?;
            let report = report.to_str()?;
            println!("supervisor: {report}");
            // A job for a worker that is about to leave would be lost. The next message is from the
            // standby.
            if report.ends_with("leaving") {
                break;
            }
            let job = jobs.next().unwrap_or_default();
            supervisor.send(format!("job {job}")).await?;
        }
    }
    println!("supervisor: connections refused: {}", supervisor.stats().refused.occupied);
    supervisor.close().await;
    Ok(())
}

/// Does three jobs.
async fn work(name: &str, channel: Channel) -> Option<()> {
    // It is queued until the supervisor admits this socket.
    channel.send(format!("{name} is ready")).await.ok()?;
    for left in (0..3).rev() {
        let job = channel.recv().await.ok()?;
        let next = if left == 0 { "and is leaving" } else { "and is ready" };
        let report = format!("{name} has done {} {next}", job.to_str().ok()?);
        channel.send(report).await.ok()?;
    }
    channel.close().await;
    Some(())
}
