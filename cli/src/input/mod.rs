//! Messages to send: from arguments, files and the standard input.

mod lines;

use std::fs;

use bytes::Bytes;
use clap::Args;

use self::lines::Lines;
use crate::exit::{Exit, Failure};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct InputArguments {
    /// Parts of the message, one for each argument; @FILE is the content of a file. Without parts,
    /// each line of the standard input is a message
    #[arg(value_name = "PART")]
    pub(crate) parts: Vec<String>,
    /// Separates the parts of a line of the standard input
    #[arg(short, long, value_name = "TEXT")]
    delimiter: Option<String>,
    /// Number of messages to send; 0 for any number. Default: one, or all lines
    #[arg(short = 'n', long, value_name = "NUMBER")]
    count: Option<u64>,
}

/// The messages to send, one after the other.
#[derive(Debug)]
pub(crate) enum Input {
    /// The same message, a number of times.
    Repeated { parts: Vec<Bytes>, left: Option<u64> },
    /// Lines of the standard input.
    Lines { lines: Lines, delimiter: Option<String>, left: Option<u64> },
}

impl InputArguments {
    pub(crate) fn open(&self) -> Result<Input, Failure> {
        let left = self.count.filter(|count| *count > 0);
        if self.parts.is_empty() {
            let delimiter = self.delimiter.clone();
            return Ok(Input::Lines { lines: Lines::start(), delimiter, left });
        }
        let parts = self.parts.iter().map(|one| part(one)).collect::<Result<_, _>>()?;
        let left = if self.count == Some(0) { None } else { left.or(Some(1)) };
        Ok(Input::Repeated { parts, left })
    }
}

impl Input {
    /// Returns the parts of the next message, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Bytes>>, Failure> {
        let (Self::Repeated { left, .. } | Self::Lines { left, .. }) = self;
        if let Some(left) = left {
            if *left == 0 {
                return Ok(None);
            }
            *left -= 1;
        }
        match self {
            Self::Repeated { parts, .. } => Ok(Some(parts.clone())),
            Self::Lines { lines, delimiter, .. } => {
                let Some(line) = lines.next().await? else { return Ok(None) };
                Ok(Some(split(line, delimiter.as_deref())))
            }
        }
    }
}

fn split(line: Vec<u8>, delimiter: Option<&str>) -> Vec<Bytes> {
    let Some(delimiter) = delimiter.filter(|delimiter| !delimiter.is_empty()) else {
        return vec![line.into()];
    };
    let line = Bytes::from(line);
    let mut parts = Vec::new();
    let mut start = 0;
    while let Some(at) =
        line[start..].windows(delimiter.len()).position(|window| window == delimiter.as_bytes())
    {
        parts.push(line.slice(start..start + at));
        start += at + delimiter.len();
    }
    parts.push(line.slice(start..));
    parts
}

/// Returns the bytes of an argument: its text, or the content of a file after `@`.
pub(crate) fn part(argument: &str) -> Result<Bytes, Failure> {
    match argument.strip_prefix('@') {
        None => Ok(Bytes::copy_from_slice(argument.as_bytes())),
        Some(text) if text.starts_with('@') => Ok(Bytes::copy_from_slice(text.as_bytes())),
        Some(path) => fs::read(path).map(Bytes::from).map_err(|error| {
            Failure::new(Exit::Usage, format!("{path}: {error}"))
                .hint("write @@ for text that begins with @")
        }),
    }
}
