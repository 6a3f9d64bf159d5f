//! Messages to send: from arguments, files and standard input.

mod encoding;
mod json;
mod lines;
mod schedule;
mod template;

use bytes::Bytes;
use clap::Args;

use self::encoding::Encoding;
use self::lines::Lines;
use self::schedule::{Schedule, ScheduleArguments};
use self::template::Template;
use crate::exit::Failure;
use crate::socket::Outgoing;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct InputArguments {
    /// Parts of the message, one for each argument
    ///
    /// Before the parts comes the endpoint to connect to, or to bind if prefixed with `@`, unless
    /// --bind, --connect or a context names one. `@FILE` is the content of a file, `@-` that of the
    /// standard input, and `@@` begins text with @. In text, {{count}} is replaced by the number of
    /// the message, {{time}} by the time, {{uuid}} by a random UUID, and {{line}} by a line of the
    /// standard input. Without parts, each line of standard input is a message
    #[arg(value_name = "PART")]
    pub(crate) parts: Vec<String>,
    /// Form of parts and lines; json reads the objects that `--output json` writes. The content of
    /// @FILE is always sent unchanged
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    input: Encoding,
    /// Send {{count}} and the other placeholders unchanged
    #[arg(long)]
    no_template: bool,
    #[command(flatten)]
    schedule: ScheduleArguments,
}

/// The messages to send, one after the other.
#[derive(Debug)]
pub(crate) struct Input {
    /// The remote or the group of all messages, and no parts.
    target: Outgoing,
    parts: Vec<Template>,
    /// The lines of standard input, unless the parts are all there is.
    lines: Option<Lines>,
    encoding: Encoding,
    delimiter: Option<Vec<u8>>,
    /// The number of messages that are left.
    left: Option<u64>,
    /// The number of the last message.
    count: u64,
    schedule: Schedule,
}

impl InputArguments {
    /// Opens the input. Without a `count`, parts are sent once, and all lines.
    pub(crate) fn open(
        &self,
        target: Outgoing,
        delimiter: Option<Vec<u8>>,
        count: Option<u64>,
    ) -> Result<Input, Failure> {
        if self.input == Encoding::Json && !self.parts.is_empty() {
            let failure = Failure::usage("with `--input json`, messages are lines of the input");
            return Err(failure.hint("pass them by `<FILE`"));
        }
        let read = |part: &String| Template::read(part, self.input, !self.no_template);
        let parts = self.parts.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let reads_lines = parts.is_empty() || parts.iter().any(Template::has_line);
        let schedule = Schedule::new(&self.schedule);
        let default = if reads_lines || schedule.repeats() { None } else { Some(1) };
        Ok(Input {
            target,
            parts,
            lines: reads_lines.then(Lines::start),
            encoding: self.input,
            delimiter,
            left: count.map_or(default, |count| (count > 0).then_some(count)),
            count: 0,
            schedule,
        })
    }
}

impl Input {
    /// Returns whether the messages are known, instead of lines that may still arrive.
    pub(crate) const fn is_finite(&self) -> bool {
        self.lines.is_none() && self.left.is_some()
    }

    /// Waits for the next message, and returns `None` at the end. Dropping the future loses no
    /// line.
    pub(crate) async fn next(&mut self) -> Result<Option<Outgoing>, Failure> {
        if self.left == Some(0) {
            return Ok(None);
        }
        self.schedule.wait().await;
        let line = match &mut self.lines {
            None => None,
            Some(lines) => match lines.next().await? {
                None => return Ok(None),
                line => line,
            },
        };
        self.schedule.advance();
        self.left = self.left.map(|left| left - 1);
        self.count += 1;
        let mut outgoing = self.target.clone();
        match line {
            Some(line) if self.parts.is_empty() => {
                let read = self.encoding.read_line(line, self.delimiter.as_deref(), &mut outgoing);
                read.map_err(|failure| failure.at(&format!("line {}", self.count)))?;
            }
            line => {
                let line = line.unwrap_or_default();
                outgoing.parts =
                    self.parts.iter().map(|part| part.fill(self.count, &line)).collect();
            }
        }
        Ok(Some(outgoing))
    }
}

/// Returns the bytes of an argument: its text, or the content of a file after `@`.
pub(crate) fn part(argument: &str) -> Result<Bytes, Failure> {
    Ok(Template::read(argument, Encoding::Text, false)?.fill(1, b""))
}
