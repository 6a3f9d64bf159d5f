//! `zmtp proxy`: forwards messages between two sockets.

mod pairs;
mod publishing;

use std::time::Duration;

use clap::Args;
use tokio_zmtp::proxy::{ProxyEnd, ProxyHandle, ProxyStats};
use tokio_zmtp::stats::Volume;

use self::publishing::Publishing;
use crate::arguments::{SocketSpec, time};
use crate::exit::Failure;
use crate::output::notice;
use crate::signals;
use crate::socket::{Open, finish};

#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ProxyArguments {
    /// Socket that faces the clients: its type, and its endpoints, of which those after @ are bound
    #[arg(value_name = "TYPE=[@]ENDPOINT,..")]
    frontend: SocketSpec,
    /// Socket that faces the services
    #[arg(value_name = "TYPE=[@]ENDPOINT,..")]
    backend: SocketSpec,
    /// Socket that sends a copy of each message, such as pub=@tcp://*:5557. It never delays the
    /// other sockets: copies that exceed its queue capacity are dropped and counted
    #[arg(long, value_name = "TYPE=[@]ENDPOINT,..")]
    capture: Option<SocketSpec>,
    /// Set an option of the frontend, such as send_hwm=100. Any number of times
    #[arg(short, long, value_name = "NAME=VALUE")]
    frontend_option: Vec<String>,
    /// Set an option of the backend. Any number of times
    #[arg(short, long, value_name = "NAME=VALUE")]
    backend_option: Vec<String>,
    /// Set an option of the capture. Any number of times
    #[arg(long, value_name = "NAME=VALUE", requires = "capture")]
    capture_option: Vec<String>,
    /// Write the statistics to standard error at this interval, such as 10s
    #[arg(short, long, value_name = "TIME", value_parser = time)]
    report: Option<Duration>,
    /// Publish the statistics once a second for `zmtp top`: connect to this endpoint, or bind it if
    /// prefixed with @
    #[arg(long, value_name = "[@]ENDPOINT")]
    stats: Option<String>,
    /// Name of this proxy in the statistics
    #[arg(long, value_name = "NAME", default_value = "zmtp proxy", requires = "stats")]
    name: String,
}

const EXAMPLES: &str = "\
Examples:
  zmtp proxy xsub=@tcp://*:5555 xpub=@tcp://*:5556        a broker for publishers and subscribers
  zmtp proxy router=@tcp://*:5555 dealer=@tcp://*:5556    a broker for clients and services
  zmtp proxy pull=@ipc:///tmp/jobs push=tcp://host:5555   from a Unix domain socket to TCP
  zmtp proxy sub=tcp://host:5555 pub=@tcp://*:5555 -f 'subscribe=\"weather.\"'
  zmtp proxy router=@tcp://*:5555 dealer=tcp://host:5555 --capture pub=@tcp://*:5557
  zmtp proxy xsub=@tcp://*:5555 xpub=@tcp://*:5556 --stats @tcp://*:5559
  zmtp top tcp://localhost:5559";

pub(crate) async fn run(arguments: ProxyArguments) -> Result<(), Failure> {
    let frontend = arguments.frontend.config(&arguments.frontend_option)?;
    let backend = arguments.backend.config(&arguments.backend_option)?;
    let capture = arguments.capture.as_ref();
    let capture = capture.map(|spec| spec.config(&arguments.capture_option)).transpose()?;

    let frontend = Open::start(&frontend).await?;
    let opened = async {
        let backend = Open::start(&backend).await?;
        let capture = match &capture {
            Some(capture) => Some(Open::start(capture).await?),
            None => None,
        };
        Ok::<_, Failure>((backend, capture))
    };
    let (backend, capture) = match opened.await {
        Ok(opened) => opened,
        Err(failure) => return finish(frontend, Err(failure)).await,
    };
    let forwarded = forward(&arguments, &frontend, &backend, capture.as_ref()).await;
    let mut ended = finish(frontend, forwarded).await;
    ended = finish(backend, ended).await;
    match capture {
        Some(capture) => finish(capture, ended).await,
        None => ended,
    }
}

async fn forward(
    arguments: &ProxyArguments,
    frontend: &Open,
    backend: &Open,
    capture: Option<&Open>,
) -> Result<(), Failure> {
    let capture = capture.map(|open| &open.socket);
    let joined = pairs::join(&frontend.socket, &backend.socket, capture)?;
    let handle = joined.handle;
    let publishing = match &arguments.stats {
        Some(endpoint) => Some(Publishing::start(&arguments.name, endpoint).await?),
        None => None,
    };
    let mut forwarding = tokio::spawn(joined.proxy);
    let ended = tokio::select! {
        biased;
        exit = signals::interrupted() => {
            handle.stop();
            Err(Failure::quiet(exit))
        }
        report = &mut forwarding => Ok(report),
        () = report(&handle, arguments.report) => Ok(forwarding.await),
        () = publish(publishing.as_ref(), frontend, backend, &handle) => Ok(forwarding.await),
    };
    notice::info(&describe(&handle.stats()));
    // They are lost with the sockets.
    let unread = |open: &Open| open.socket.stats().queued.incoming;
    match unread(frontend) + unread(backend) {
        0 => {}
        unread => notice::warning(&format!("messages received, but not forwarded: {unread}")),
    }
    let report = ended?.map_err(|error| Failure::from(std::io::Error::other(error)))?;
    match report.end {
        ProxyEnd::Stopped => Ok(()),
        ProxyEnd::FrontendClosed => {
            Err(Failure::from(std::io::Error::other("the frontend is closed")))
        }
        _ => Err(Failure::from(std::io::Error::other("the backend is closed"))),
    }
}

/// Writes the statistics at an interval.
async fn report(handle: &ProxyHandle, interval: Option<Duration>) {
    let Some(interval) = interval else { return std::future::pending().await };
    loop {
        tokio::time::sleep(interval).await;
        notice::info(&describe(&handle.stats()));
    }
}

/// Publishes the statistics.
async fn publish(
    publishing: Option<&Publishing>,
    frontend: &Open,
    backend: &Open,
    handle: &ProxyHandle,
) {
    match publishing {
        Some(publishing) => publishing.run(&frontend.socket, &backend.socket, handle).await,
        None => std::future::pending().await,
    }
}

/// Describes the statistics in one line.
fn describe(stats: &ProxyStats) -> String {
    let shown = |Volume { messages, bytes, .. }: Volume| format!("{messages} ({bytes} bytes)");
    let mut text = format!(
        "forwarded {} to the backend, {} to the frontend",
        shown(stats.to_backend),
        shown(stats.to_frontend)
    );
    for (name, volume) in [
        ("captured", stats.captured),
        ("not captured", stats.capture_dropped),
        ("unroutable", stats.unroutable),
        ("too long", stats.too_long),
    ] {
        if volume.messages > 0 {
            text.push_str(&format!("; {name}: {}", shown(volume)));
        }
    }
    text
}
