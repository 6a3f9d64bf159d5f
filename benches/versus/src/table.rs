//! Tables of results, for a terminal and for Markdown.

use std::fmt::Write;

use crate::case::{Case, Flood, FloodKind, Load, Metric, Runtime, Section, in_words};
use crate::implementation::Implementation;
use crate::results::Results;
use crate::statistics::Spread;

/// Cells of one or two lines. The first row is the heading.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    rows: Vec<Vec<[String; 2]>>,
    notes: Vec<String>,
}

/// Returns the tables of a section, for cases with results.
pub(crate) fn of_section(results: &Results, section: Section) -> Vec<Table> {
    let mut tables: Vec<Vec<(Case, Metric)>> = Vec::new();
    for measured in &results.measured {
        let row = (measured.case, measured.metric);
        if measured.case.section != section || tables.iter().flatten().any(|other| *other == row) {
            continue;
        }
        match tables.iter_mut().find(|rows| title(rows[0]) == title(row)) {
            Some(rows) => rows.push(row),
            None => tables.push(vec![row]),
        }
    }
    tables.iter().map(|rows| Table::new(results, rows)).collect()
}

impl Table {
    fn new(results: &Results, rows: &[(Case, Metric)]) -> Self {
        let columns: Vec<_> = Implementation::ALL
            .into_iter()
            .filter(|&who| {
                rows.iter().any(|&(case, metric)| {
                    !results.rounds(case, metric, who).is_empty()
                        || results.problem(case, who).is_some()
                })
            })
            .collect();
        let mut notes = Vec::new();
        let mut heading = vec![[subject(rows[0].0.section).to_owned(), String::new()]];
        heading.extend(columns.iter().map(|who| [who.title().to_owned(), String::new()]));
        let mut table = vec![heading];
        for &(case, metric) in rows {
            let mut row = vec![[label(case), String::new()]];
            for &who in &columns {
                row.push(cell(results, case, metric, who, &mut notes));
            }
            table.push(row);
        }
        Self { title: title(rows[0]), rows: table, notes }
    }

    /// Formats the table for a terminal.
    pub(crate) fn to_text(&self) -> String {
        let columns = self.rows[0].len();
        let widths: Vec<_> = (0..columns)
            .map(|at| {
                let of = |row: &Vec<[String; 2]>| {
                    row[at].iter().map(|line| line.chars().count()).max().unwrap_or(0)
                };
                self.rows.iter().map(of).max().unwrap_or(0)
            })
            .collect();
        let mut text = format!("{}\n", self.title);
        for row in &self.rows {
            for line in 0..2 {
                if row.iter().all(|cell| cell[line].is_empty()) {
                    continue;
                }
                let mut all = String::new();
                for (cell, width) in row.iter().zip(&widths) {
                    let _ = write!(all, "  {:>width$}", cell[line]);
                }
                let _ = writeln!(text, "{}", all.trim_end());
            }
        }
        for note in &self.notes {
            let _ = writeln!(text, "  {note}");
        }
        text
    }

    /// Formats the table for the documentation.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!("**{}**\n\n", self.title);
        for (at, row) in self.rows.iter().enumerate() {
            let cells: Vec<_> = row
                .iter()
                .map(|[first, second]| match second.as_str() {
                    "" => first.clone(),
                    second => format!("{first}<br>{second}"),
                })
                .collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
            if at == 0 {
                let _ = writeln!(text, "|{}", "--:|".repeat(row.len()));
            }
        }
        for note in &self.notes {
            let _ = write!(text, "\n{note}\n");
        }
        text
    }
}

/// Returns the median with its range, and the ratio of this crate with its range.
fn cell(
    results: &Results,
    case: Case,
    metric: Metric,
    who: Implementation,
    notes: &mut Vec<String>,
) -> [String; 2] {
    let Some(spread) = results.spread(case, metric, who) else {
        let Some(problem) = results.problem(case, who) else {
            if results.is_too_slow(case, who) {
                return ["not sustained".to_owned(), String::new()];
            }
            return ["–".to_owned(), String::new()];
        };
        return [format!("failed {}", marked(problem, who, notes)), String::new()];
    };
    let of = |value| quantity(value, metric);
    let mut first = match spread {
        Spread { median, least, greatest } if least < greatest => {
            format!("{} ({}–{})", of(median), of(least), of(greatest))
        }
        Spread { median, .. } => of(median),
    };
    let sustained = results.rounds(case, metric, who).iter().flatten().count();
    let rounds = results.rounds(case, Metric::Rate, who).len();
    if case.section == Section::Load && sustained < rounds {
        let _ = write!(first, ", in {sustained} of {rounds} rounds");
    }
    if let Some(problem) = results.problem(case, who) {
        let _ = write!(first, " {}", marked(problem, who, notes));
    }
    let second = match results.ratio(case, metric, who) {
        Some(ratio) if who != Implementation::TokioZmtp => {
            let Spread { median, least, greatest } = ratio;
            if least < greatest {
                format!("{median:.2}× ({least:.2}–{greatest:.2})")
            } else {
                format!("{median:.2}×")
            }
        }
        _ => String::new(),
    };
    [first, second]
}

/// Adds a footnote, and returns its mark.
fn marked(problem: &str, who: Implementation, notes: &mut Vec<String>) -> String {
    let note = format!("{}: {problem}", who.title());
    let at = notes.iter().position(|other| other.ends_with(&note)).unwrap_or_else(|| {
        notes.push(format!("[{}] {note}", notes.len() + 1));
        notes.len() - 1
    });
    format!("[{}]", at + 1)
}

/// Returns the parameters that all rows of a table share.
fn title((case, metric): (Case, Metric)) -> String {
    let what = match metric {
        Metric::Rate if case.section == Section::Handshakes => "connections per second",
        Metric::Rate if case.section == Section::Load => "planned requests per second",
        Metric::Rate if case.outstanding > 0 || case.section == Section::Crowd => {
            "answered requests per second"
        }
        Metric::Rate if matches!(case.section, Section::Groups | Section::Topics) => {
            "deliveries per second"
        }
        Metric::Rate if case.section == Section::Datagrams => "received datagrams per second",
        Metric::Rate => "received messages per second",
        Metric::Median => "round trip in µs, median",
        Metric::P99 => "round trip in µs, 99th percentile",
        Metric::WindowP99 => {
            "round trip in µs, 99th percentile of 20 ms (the median of all such windows)"
        }
        Metric::P999 => "round trip in µs, 99.9th percentile",
        Metric::ServerMemory => "KiB per connection in the accepting process",
        Metric::ClientMemory => "KiB per connection in the connecting process",
        Metric::Processor => "seconds of processor time per million messages",
        Metric::Calls => "system calls per million messages",
        Metric::Handshake => "processor time of the server per connection, in µs",
        Metric::Attacks => "connections of the attacker per second",
        Metric::ConnectMedian => "time of a client to the first reply in ms, median",
        Metric::ConnectP99 => "time of a client to the first reply in ms, 99th percentile",
        Metric::Failed => "clients without a reply after 5 s, in percent",
        Metric::EstablishedP99 => "round trip of an established connection in µs, 99th percentile",
        Metric::Connect => "time to connect in ms",
        Metric::Reconnect => "time to reconnect in ms, after 100 ms",
        Metric::Herd => "most connections that return within 100 ms, after 100 ms",
        Metric::LongReconnect => "time to reconnect in ms, after 3 s",
        Metric::LongHerd => "most connections that return within 100 ms, after 3 s",
    };
    let where_to = match (case.section, case.pinned) {
        (Section::Idle | Section::Cost, _) => case.transport.to_string(),
        (_, true) => "both processes on one core".to_owned(),
        (_, false) => match case.runtime {
            Runtime::CurrentThread => format!("{}, one thread", case.transport),
            Runtime::MultiThread => format!("{}, two workers", case.transport),
        },
    };
    let mode = match (case.section, case.no_drop) {
        (Section::Groups | Section::Datagrams, true) => ", without drops by the RADIO",
        (Section::Topics, true) => ", without drops by the PUB",
        (Section::Groups | Section::Datagrams | Section::Topics, false) => ", with drops",
        _ => "",
    };
    format!("{where_to}: {what}{mode}")
}

/// Returns the name of the parameter that varies among the rows of a section.
fn subject(section: Section) -> &'static str {
    match section {
        Section::Throughput
        | Section::Latency
        | Section::Req
        | Section::Curve
        | Section::Scatter
        | Section::Push
        | Section::Batches
        | Section::Datagrams
        | Section::Websocket => "bytes",
        Section::Parts => "bytes of each part",
        Section::Handshakes => "mechanism",
        Section::Floods => "attack",
        Section::Pipelined | Section::Dealer | Section::Rpc => "outstanding",
        Section::FanIn | Section::Idle => "clients",
        Section::Cost => "work",
        Section::Groups => "dishes",
        Section::Topics => "subs",
        Section::Load => "load",
        Section::Crowd => "connections",
        Section::Lto => "link-time optimization",
    }
}

fn label(case: Case) -> String {
    match case.section {
        Section::Latency | Section::Req if case.pinned => {
            format!("{}, {}", case.transport, in_words(case.size))
        }
        Section::Throughput
        | Section::Latency
        | Section::Req
        | Section::Curve
        | Section::Scatter
        | Section::Push
        | Section::Batches
        | Section::Parts
        | Section::Datagrams
        | Section::Websocket => in_words(case.size),
        Section::Handshakes => if case.curve { "CURVE" } else { "NULL" }.to_owned(),
        Section::Floods => case.flood.map_or_else(|| "none".to_owned(), in_short),
        Section::Pipelined | Section::Dealer | Section::Rpc => case.outstanding.to_string(),
        Section::Topics if case.topics > 1 => {
            format!("{}, {} topics", case.clients, case.topics)
        }
        Section::Topics if case.proxied => format!("{}, through a proxy", case.clients),
        Section::FanIn | Section::Idle | Section::Groups | Section::Topics => {
            case.clients.to_string()
        }
        Section::Load => case.load.map_or_else(String::new, load_in_words),
        Section::Crowd => case.clients.to_string(),
        Section::Lto => if case.lto { "fat" } else { "none" }.to_owned(),
        Section::Cost if case.outstanding == 0 => "one way".to_owned(),
        Section::Cost => format!("{} outstanding", case.outstanding),
    }
}

/// Describes an attack in a few words.
pub(crate) fn in_short(Flood { kind, addresses, rate }: Flood) -> String {
    let kind = match kind {
        FloodKind::Garbage => "garbage",
        FloodKind::Leave => "HELLO, leaves",
        FloodKind::Stay => "HELLO, stays",
    };
    let addresses = match addresses {
        0 => "the client's address".to_owned(),
        1 => "1 address".to_owned(),
        many => format!("{many} addresses"),
    };
    let rate = if rate == 0 { "full speed".to_owned() } else { format!("{rate} per second") };
    format!("{kind}; {addresses}; {rate}")
}

/// Describes a rate of requests.
pub(crate) fn load_in_words(load: Load) -> String {
    match load {
        Load::Percent(percent) => format!("{percent} % of its maximum"),
        Load::PerSecond(rate) => format!("{} per second", quantity(rate as f64, Metric::Rate)),
    }
}

/// Formats three digits with a unit prefix.
pub(crate) fn quantity(value: f64, metric: Metric) -> String {
    match metric {
        Metric::Median
        | Metric::P99
        | Metric::P999
        | Metric::WindowP99
        | Metric::Connect
        | Metric::Reconnect
        | Metric::Herd
        | Metric::LongReconnect
        | Metric::LongHerd
        | Metric::Processor
        | Metric::Handshake
        | Metric::ConnectMedian
        | Metric::ConnectP99
        | Metric::Failed
        | Metric::EstablishedP99 => digits(value),
        Metric::ServerMemory | Metric::ClientMemory => digits(value / 1_024.0),
        Metric::Attacks | Metric::Calls | Metric::Rate => match value {
            value if value >= 1e6 => format!("{} M", digits(value / 1e6)),
            value if value >= 1e3 => format!("{} k", digits(value / 1e3)),
            value => digits(value),
        },
    }
}

fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
