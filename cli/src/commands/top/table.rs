//! The table of programs, as text.

use std::fmt;

use tokio::time::Instant;

use super::programs::{Measured, Programs, Rates};
use crate::output::format::escaped;

/// The rows of the table. Everything that a program publishes is made printable.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) kind: RowKind,
    pub(super) cells: [String; COLUMNS.len()],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    Program,
    Stale,
    Proxy,
    Socket,
    Remote,
}

/// The titles of the columns.
pub(super) const COLUMNS: [&str; 9] =
    ["NAME", "TYPE", "REMOTES", "SENT/s", "RECV/s", "OUT/s", "IN/s", "QUEUED", "DROPPED"];

impl Table {
    pub(super) fn new(programs: &Programs, now: Instant, remotes: bool) -> Self {
        let mut rows = Vec::new();
        let order = programs.order();
        for program in programs.iter() {
            let snapshot = program.snapshot();
            let stale = program.is_stale(now);
            let mut name = escaped(snapshot.program.as_bytes());
            if snapshot.pid > 0 {
                name.push_str(&format!(" ({})", snapshot.pid));
            }
            if stale {
                name.push_str(", no statistics for some time");
            }
            let kind = if stale { RowKind::Stale } else { RowKind::Program };
            rows.push(Row::titled(kind, name));
            for (proxy, measured) in program.proxies() {
                let name = format!("  {}", escaped(proxy.name.as_bytes()));
                let state = if proxy.is_paused { "paused" } else { "proxy" };
                rows.push(Row::new(RowKind::Proxy, name, state, String::new(), &measured));
            }
            for (socket, measured) in program.sockets(order) {
                let name = format!("  {}", escaped(socket.name.as_bytes()));
                let connected = socket.stats.connected.to_string();
                let socket_type = escaped(socket.socket_type.as_bytes());
                rows.push(Row::new(RowKind::Socket, name, &socket_type, connected, &measured));
                if !remotes {
                    continue;
                }
                for (remote, measured) in program.remotes(socket, order) {
                    let address = remote.address.as_ref().unwrap_or(&remote.endpoint);
                    let mut name = format!("    {}", escaped(address.as_bytes()));
                    if let Some(identity) = &remote.identity {
                        name.push_str(&format!(" {}", escaped(identity.as_bytes())));
                    }
                    let socket_type = remote.socket_type.as_deref().unwrap_or("?");
                    let socket_type = escaped(socket_type.as_bytes());
                    rows.push(Row::new(
                        RowKind::Remote,
                        name,
                        &socket_type,
                        String::new(),
                        &measured,
                    ));
                }
            }
        }
        Self { rows }
    }
}

impl Row {
    fn titled(kind: RowKind, name: String) -> Self {
        let mut cells = [const { String::new() }; COLUMNS.len()];
        cells[0] = name;
        Self { kind, cells }
    }

    fn new(
        kind: RowKind,
        name: String,
        socket_type: &str,
        remotes: String,
        measured: &Measured,
    ) -> Self {
        let now = measured.now;
        let rate = |of: fn(&Rates) -> f64| {
            measured.rates.as_ref().map_or_else(|| "-".to_owned(), |rates| shown(of(rates)))
        };
        let queued = match kind {
            RowKind::Proxy => String::new(),
            _ => format!("{}/{}", now.queued_out, now.queued_in),
        };
        let cells = [
            name,
            socket_type.to_owned(),
            remotes,
            rate(|rates| rates.sent),
            rate(|rates| rates.received),
            rate(|rates| rates.sent_bytes),
            rate(|rates| rates.received_bytes),
            queued,
            now.dropped.to_string(),
        ];
        Self { kind, cells }
    }
}

/// The table for pipes: columns separated by spaces, and an empty line at the end.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = COLUMNS.map(str::to_owned);
        let rows = || std::iter::once(&titles).chain(self.rows.iter().map(|row| &row.cells));
        let widths: Vec<usize> = (0..COLUMNS.len())
            .map(|column| rows().map(|cells| cells[column].chars().count()).max().unwrap_or(0))
            .collect();
        for cells in rows() {
            let mut line = String::new();
            for (at, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                // Names and types are aligned to the left, numbers to the right.
                if at < 2 {
                    line.push_str(&format!("{cell:<width$}  "));
                } else {
                    line.push_str(&format!("{cell:>width$}  "));
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(f)
    }
}

/// A number with at most four digits, such as `1.25M`.
fn shown(number: f64) -> String {
    let (number, unit) = match number {
        0.0..10_000.0 => (number, ""),
        10_000.0..10_000_000.0 => (number / 1e3, "k"),
        10_000_000.0..10_000_000_000.0 => (number / 1e6, "M"),
        _ => (number / 1e9, "G"),
    };
    if number < 10.0 && number.fract() > 0.05 {
        format!("{number:.1}{unit}")
    } else {
        format!("{number:.0}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_shows_each_program_socket_and_remote() {
        let mut programs = Programs::default();
        let snapshot = serde_json::from_value(json!({
            "program": "orders\u{1b}[2J",
            "sockets": [{
                "name": "frontend",
                "socket_type": "ROUTER",
                "stats": { "connected": 1, "queued": { "outgoing": 2, "incoming": 3 } },
                "remotes": [{ "address": "127.0.0.1:4", "socket_type": "DEALER" }],
            }],
        }));
        programs.update(snapshot.unwrap(), Instant::now());
        let table = Table::new(&programs, Instant::now(), true);
        let kinds: Vec<_> = table.rows.iter().map(|row| row.kind).collect();
        assert_eq!(kinds, [RowKind::Program, RowKind::Socket, RowKind::Remote]);
        assert_eq!(table.rows[1].cells[7], "2/3");
        let text = table.to_string();
        assert!(text.starts_with("NAME") && !text.contains('\u{1b}'), "{text}");
        assert_eq!(Table::new(&programs, Instant::now(), false).rows.len(), 2);
    }

    #[test]
    fn numbers_have_at_most_four_digits() {
        let numbers = [0.0, 2.5, 9_999.0, 12_345.0, 1_234_567.0, 2e7];
        assert_eq!(numbers.map(shown), ["0", "2.5", "9999", "12k", "1235k", "20M"]);
    }
}
