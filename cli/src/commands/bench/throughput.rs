//! How many messages a socket sends or receives.

use std::cell::Cell;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::time::Instant;
use tokio_zmtp::stats::Volume;
use tokio_zmtp::{Group, SocketType};

use super::ThroughputArguments;
use super::progress::Progress;
use crate::exit::{Exit, Failure};
use crate::output::Stdout;
use crate::socket::{Open, Outgoing, finish, recv_many, send};

pub(super) async fn run(mut arguments: ThroughputArguments) -> Result<(), Failure> {
    arguments.socket.take_endpoint(&mut arguments.endpoint)?;
    if matches!(arguments.socket_type, SocketType::Sub | SocketType::Xsub)
        && !arguments.socket.has_subscriptions()
    {
        arguments.socket.subscribe_to([String::new()]);
    }
    let mut open = arguments.socket.open(arguments.socket_type).await?;
    let measured = arguments.measure(&mut open).await;
    finish(open, measured).await
}

impl ThroughputArguments {
    async fn measure(&self, open: &mut Open) -> Result<(), Failure> {
        let receives = self.receive
            || matches!(
                self.socket_type,
                SocketType::Dish
                    | SocketType::Gather
                    | SocketType::Pull
                    | SocketType::Sub
                    | SocketType::Xsub
            );
        let socket = open.socket.clone();
        let counted = Cell::new(Volume::default());
        let moving = async {
            if receives {
                self.receive(open, &counted).await
            } else {
                self.send(open, &counted).await
            }
        };
        // What is sent counts when it is handed to the transport.
        let volume = || if receives { counted.get() } else { socket.stats().sent };
        let watching = async {
            if self.shared.warm_up > Duration::ZERO {
                tokio::time::sleep(self.shared.warm_up).await;
            }
            let (start, first) = (Instant::now(), volume());
            let progress = Progress::start(self.shared.duration);
            let end = start + self.shared.duration;
            let mut last = (start, first.messages);
            progress
                .until(end, || {
                    let (now, messages) = (Instant::now(), volume().messages);
                    let rate = per_second(messages - last.1, now - last.0);
                    last = (now, messages);
                    format!("{rate:.0} messages/s")
                })
                .await;
            let last = volume();
            let messages = last.messages - first.messages;
            (Volume { messages, bytes: last.bytes - first.bytes }, start.elapsed())
        };
        let (volume, elapsed) = tokio::select! {
            biased;
            ended = moving => {
                ended?;
                return Err(Failure::new(Exit::Failure, "the socket was closed"));
            }
            measured = watching => measured,
        };
        if volume.messages == 0 {
            return Err(Failure::new(Exit::TimedOut, "no message passed")
                .hint("is there a remote of the opposite type?"));
        }
        self.report(receives, volume, elapsed)
    }

    async fn send(&self, open: &mut Open, counted: &Cell<Volume>) -> Result<(), Failure> {
        let group = match (&self.group, self.socket_type) {
            (Some(group), _) => Some(
                Group::try_from(group.as_str())
                    .map_err(|error| Failure::usage(format!("--group: {error}")))?,
            ),
            (None, SocketType::Radio) => {
                return Err(Failure::usage("a RADIO sends to a group").hint("name it with --group"));
            }
            (None, _) => None,
        };
        let outgoing = Outgoing {
            group,
            parts: vec![Bytes::from(vec![b'.'; self.size])],
            ..Outgoing::default()
        };
        let sender = open.sender();
        let sending = async {
            loop {
                send(&sender, outgoing.clone()).await?;
                let Volume { messages, bytes, .. } = counted.get();
                counted.set(Volume { messages: messages + 1, bytes: bytes + self.size as u64 });
            }
        };
        open.unless_refused(sending).await
    }

    async fn receive(&self, open: &mut Open, counted: &Cell<Volume>) -> Result<(), Failure> {
        let socket = open.socket.clone();
        let receiving = async {
            let mut batch = Vec::new();
            while recv_many(&socket, &mut batch, BATCH).await? {
                let Volume { mut messages, mut bytes, .. } = counted.get();
                messages += batch.len() as u64;
                bytes += batch
                    .iter()
                    .flat_map(|one| one.parts())
                    .map(|part| part.len() as u64)
                    .sum::<u64>();
                counted.set(Volume { messages, bytes });
                batch.clear();
            }
            Ok(())
        };
        open.unless_refused(receiving).await
    }

    fn report(&self, receives: bool, volume: Volume, elapsed: Duration) -> Result<(), Failure> {
        let rate = per_second(volume.messages, elapsed);
        let bytes = per_second(volume.bytes, elapsed);
        let text = if self.shared.json {
            json!({
                "direction": if receives { "received" } else { "sent" },
                "messages": volume.messages,
                "bytes": volume.bytes,
                "seconds": elapsed.as_secs_f64(),
                "messages_per_second": rate,
                "bytes_per_second": bytes,
            })
            .to_string()
        } else {
            let direction = if receives { "received" } else { "sent" };
            format!(
                "{direction} {} messages in {:.2} s: {rate:.0} messages/s, {:.1} MB/s",
                volume.messages,
                elapsed.as_secs_f64(),
                bytes / 1e6
            )
        };
        let mut stdout = Stdout::open()?;
        stdout.append(|buffer| buffer.extend_from_slice(format!("{text}\n").as_bytes()))?;
        Ok(stdout.flush()?)
    }
}

fn per_second(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64().max(f64::EPSILON)
}

/// The number of messages that are received at a time.
const BATCH: usize = 1000;
