//! The events of a socket that joins.

use std::pin::pin;

use serde_json::json;
use tokio_zmtp::config::AnySocket;
use tokio_zmtp::monitor::{Event, Monitor};

use crate::exit::{Exit, Failure};
use crate::output::{Stdout, format};
use crate::socket::Endpoints;
use crate::{platform, signals};

/// Writes events until the program is interrupted, or until no endpoint is left that could accept
/// the socket.
pub(super) async fn watch(
    socket: &AnySocket,
    mut monitor: Monitor,
    count: Option<u64>,
    json: bool,
) -> Result<(), Failure> {
    let mut stdout = Stdout::open()?;
    let mut left = count.unwrap_or(u64::MAX);
    let mut endpoints = Endpoints::default();
    let mut unread = pin!(platform::reader_closed());
    let ended = loop {
        if let Some(refusal) = endpoints.refusal() {
            break Err(refusal);
        }
        if left == 0 {
            break Ok(());
        }
        let event = tokio::select! {
            biased;
            event = monitor.recv() => event,
            exit = signals::interrupted() => break Err(Failure::quiet(exit)),
            () = &mut unread => break Err(Failure::quiet(Exit::BrokenPipe)),
        };
        let line = match event {
            None => break Ok(()),
            Some(Ok(event)) => {
                endpoints.apply(&event);
                line(&event, json)
            }
            Some(Err(missed)) => format!("{missed}"),
        };
        left -= 1;
        let written = stdout.append(|buffer| {
            buffer.extend_from_slice(line.as_bytes());
            buffer.push(b'\n');
        });
        if let Err(error) = written.and_then(|()| stdout.flush()) {
            break Err(error.into());
        }
    };
    socket.close().await;
    ended
}

fn line(event: &Event, json: bool) -> String {
    let (time, endpoint) = (format::now(), event.endpoint.to_string());
    let address = event.address.map(|address| address.to_string());
    let connection_id = event.connection_id.map(u64::from);
    if json {
        let identity = event.identity.as_ref().map(|identity| identity.to_string());
        return json!({
            "time": time,
            "endpoint": endpoint,
            "address": address,
            "connection_id": connection_id,
            "identity": identity,
            "event": event.kind.to_string(),
        })
        .to_string();
    }
    let connection = connection_id.map(|id| format!(" #{id}")).unwrap_or_default();
    let remote = address.map(|address| format!(" {address}")).unwrap_or_default();
    format!("{time} {endpoint}{connection}{remote} {}", event.kind)
}
