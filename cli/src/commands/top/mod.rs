//! `zmtp top`: a live table of the sockets, remotes and proxies of programs.

mod programs;
mod screen;
mod table;

use std::time::Duration;

use clap::Args;
use tokio::time::{self, Instant, MissedTickBehavior};
use tokio_zmtp::config::AnySocket;
use tokio_zmtp::snapshot::Snapshot;
use tokio_zmtp::{Multipart, SocketType, Sub};

use self::programs::Programs;
use self::screen::{Key, Screen};
use self::table::Table;
use crate::arguments::SocketArguments;
use crate::exit::{Exit, Failure, with_sources};
use crate::output::{Stdout, notice};
use crate::signals;
use crate::socket::{Open, finish};

#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct TopArguments {
    #[command(flatten)]
    socket: SocketArguments,
    /// Endpoints at which programs publish their statistics
    #[arg(value_name = "ENDPOINT")]
    endpoints: Vec<String>,
    /// Print the table for each snapshot, even on a terminal
    #[arg(long)]
    plain: bool,
    /// Print each snapshot as one line of JSON
    #[arg(long)]
    json: bool,
    /// End after this number of snapshots
    #[arg(short = 'n', long, value_name = "NUMBER")]
    count: Option<u64>,
    /// Omit the remotes of sockets
    #[arg(long)]
    no_remotes: bool,
}

const EXAMPLES: &str = "\
Examples:
  zmtp proxy xsub=@tcp://*:5555 xpub=@tcp://*:5556 --stats @tcp://*:5559
  zmtp top tcp://localhost:5559                  watch it; q ends, s sorts, r hides remotes
  zmtp top tcp://a:5559 tcp://b:5559             two programs
  zmtp top tcp://localhost:5559 --json -n 1 | jq .sockets[0].stats

A program publishes its statistics as messages of two parts over a PUB: \"zmtp.stats\", and the JSON
that the module `snapshot` of the crate tokio-zmtp describes.

In the row of a proxy, SENT/s and OUT/s count what it forwards to the backend, and RECV/s and IN/s
what it forwards to the frontend. Bytes of a proxy exclude the headers of frames; bytes of sockets
include them.";

pub(crate) async fn run(mut arguments: TopArguments) -> Result<(), Failure> {
    let mut endpoints = std::mem::take(&mut arguments.endpoints);
    arguments.socket.take_endpoint(&mut endpoints)?;
    for endpoint in endpoints {
        arguments.socket.connect_to(endpoint);
    }
    arguments.socket.subscribe_to([Snapshot::TOPIC.to_owned()]);
    let mut open = arguments.socket.open(SocketType::Sub).await?;
    let AnySocket::Sub(sub) = open.socket.clone() else {
        return Err(Failure::usage("the options do not describe a SUB"));
    };
    let stdout = Stdout::open()?;
    let is_live = stdout.is_terminal() && !arguments.plain && !arguments.json;
    let shown = if is_live {
        let watching = watch(&arguments, &sub);
        open.unless_refused(watching).await
    } else {
        let other = open.sender();
        open.unless_unread(print(&arguments, &other, &sub, stdout)).await
    };
    finish(open, shown).await
}

/// Prints snapshots as they arrive.
async fn print(
    arguments: &TopArguments,
    open: &Open,
    sub: &Sub,
    mut stdout: Stdout,
) -> Result<(), Failure> {
    let mut programs = Programs::default();
    let mut left = arguments.count.unwrap_or(u64::MAX);
    while left > 0 {
        let received = async {
            sub.recv().await.map_err(|error| Failure::new(Exit::Failure, with_sources(&error)))
        };
        let message = arguments.socket.in_time(open, "snapshot", received).await?;
        let snapshot = match read(&message) {
            Ok(snapshot) => snapshot,
            Err(reason) => {
                notice::warning(&reason);
                continue;
            }
        };
        left -= 1;
        let text = if arguments.json {
            serde_json::to_string(&snapshot).unwrap_or_default() + "\n"
        } else {
            programs.update(snapshot, Instant::now());
            Table::new(&programs, Instant::now(), !arguments.no_remotes).to_string()
        };
        stdout.append(|buffer| buffer.extend_from_slice(text.as_bytes()))?;
        stdout.flush()?;
    }
    Ok(())
}

/// Displays the table until the user ends it.
async fn watch(arguments: &TopArguments, sub: &Sub) -> Result<(), Failure> {
    let mut screen = Screen::open()?;
    let mut programs = Programs::default();
    let mut remotes = !arguments.no_remotes;
    let mut left = arguments.count.unwrap_or(u64::MAX);
    let mut ticks = time::interval(REDRAW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while left > 0 {
        tokio::select! {
            biased;
            exit = signals::interrupted() => return Err(Failure::quiet(exit)),
            key = screen.key() => match key {
                Some(Key::End) | None => return Ok(()),
                Some(Key::Sort) => programs.sort_differently(),
                Some(Key::Remotes) => remotes = !remotes,
                Some(Key::Redraw) => {}
            },
            received = sub.recv() => {
                let message = received
                    .map_err(|error| Failure::new(Exit::Failure, with_sources(&error)))?;
                match read(&message) {
                    Ok(snapshot) => {
                        programs.update(snapshot, Instant::now());
                        left -= 1;
                    }
                    Err(_) => programs.count_malformed(),
                }
                // Drawn with the next tick, or at the end.
                if left > 0 {
                    continue;
                }
            }
            _ = ticks.tick() => programs.forget(Instant::now()),
        }
        let table = Table::new(&programs, Instant::now(), remotes);
        screen.draw(&table, &programs)?;
    }
    Ok(())
}

/// Reads a message, or describes why it is not a snapshot.
fn read(message: &Multipart) -> Result<Snapshot, String> {
    let mut parts = message.iter();
    match (parts.next(), parts.next(), parts.next()) {
        (Some(topic), Some(json), None) if topic == Snapshot::TOPIC.as_bytes() => {
            serde_json::from_slice(json).map_err(|error| format!("not a snapshot: {error}"))
        }
        _ => Err(format!("not a snapshot: a message of {} parts", message.iter().count())),
    }
}

const REDRAW: Duration = Duration::from_millis(250);
