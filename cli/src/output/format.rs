//! The forms in which received messages are written.

use std::path::PathBuf;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::dump::Dump;
use crate::exit::Failure;
use crate::socket::{Origin, Received};

/// The form of messages on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    /// One line for each message, its parts separated by the delimiter. On a terminal, control
    /// characters are escaped.
    #[default]
    Text,
    /// The bytes, with nothing in between.
    Raw,
    /// One line of hexadecimal digits for each message.
    Hex,
    /// One line of Base64 for each message.
    Base64,
    /// One JSON object for each message.
    Json,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct FormatArguments {
    /// Form of received messages
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    output: Encoding,
    /// Short for `--output json`: one JSON object per line, which `--input json` reads
    #[arg(long, conflicts_with_all = ["raw", "hex", "output"])]
    json: bool,
    /// Short for `--output raw`: the bytes, with nothing in between
    #[arg(long, conflicts_with_all = ["hex", "output"])]
    raw: bool,
    /// Short for `--output hex`
    #[arg(long, conflicts_with = "output")]
    hex: bool,
    /// Short for `--output base64`
    #[arg(long, conflicts_with_all = ["output", "json", "raw", "hex"])]
    base64: bool,
    /// Add the UTC time of arrival to each message
    #[arg(long)]
    timestamps: bool,
    /// Also write each message as JSON to a file of its own in DIR. Send the messages again with
    /// `cat DIR/* | zmtp push .. --input json`
    #[arg(long, value_name = "DIR")]
    dump: Option<PathBuf>,
}

/// The separator of parts, of commands that send, receive or do both.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DelimiterArguments {
    /// Separator of the parts of a message in a line; \t is a tab. By default, a line that is sent
    /// is one part, and a tab separates the parts of received messages
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    delimiter: Option<String>,
}

impl DelimiterArguments {
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        let text = self.delimiter.as_ref()?;
        Some(text.replace("\\t", "\t").replace("\\n", "\n").replace("\\0", "\0").into_bytes())
    }
}

impl FormatArguments {
    pub(crate) fn format(
        &self,
        delimiter: &DelimiterArguments,
        is_terminal: bool,
    ) -> Result<Format, Failure> {
        let encoding = match self {
            Self { json: true, .. } => Encoding::Json,
            Self { raw: true, .. } => Encoding::Raw,
            Self { hex: true, .. } => Encoding::Hex,
            Self { base64: true, .. } => Encoding::Base64,
            Self { output, .. } => *output,
        };
        let delimiter = delimiter.bytes().unwrap_or_else(|| b"\t".to_vec());
        let dump = self.dump.as_deref().map(Dump::open).transpose()?;
        Ok(Format { encoding, timestamps: self.timestamps, delimiter, is_terminal, dump })
    }
}

/// Writes messages in one form.
#[derive(Debug)]
pub(crate) struct Format {
    encoding: Encoding,
    timestamps: bool,
    delimiter: Vec<u8>,
    /// Whether control characters are escaped.
    is_terminal: bool,
    dump: Option<Dump>,
}

impl Format {
    /// Appends a message to the output, and writes its file.
    pub(crate) fn write(&mut self, message: &Received, line: &mut Vec<u8>) -> Result<(), Failure> {
        if let Some(dump) = &mut self.dump {
            dump.write(&to_json(message, true))?;
        }
        self.append(message, line);
        Ok(())
    }

    fn append(&self, message: &Received, line: &mut Vec<u8>) {
        if self.encoding == Encoding::Json {
            line.extend_from_slice(to_json(message, self.timestamps).as_bytes());
            return;
        }
        if self.encoding == Encoding::Raw {
            return message.parts().for_each(|part| line.extend_from_slice(part));
        }
        if self.timestamps {
            line.extend_from_slice(now().as_bytes());
            line.push(b' ');
        }
        if let Some(origin) = message.origin.text() {
            line.extend_from_slice(origin.as_bytes());
            line.extend_from_slice(&self.delimiter);
        }
        for (at, part) in message.parts().enumerate() {
            if at > 0 {
                line.extend_from_slice(&self.delimiter);
            }
            match self.encoding {
                Encoding::Hex => part.iter().for_each(|byte| {
                    line.extend([byte >> 4, byte & 0xf].map(|digit| DIGITS[usize::from(digit)]));
                }),
                Encoding::Base64 => line.extend_from_slice(BASE64.encode(part).as_bytes()),
                _ if self.is_terminal => line.extend_from_slice(escaped(part).as_bytes()),
                _ => line.extend_from_slice(part),
            }
        }
        line.push(b'\n');
    }
}

/// A line that `--input json` reads.
fn to_json(message: &Received, has_time: bool) -> String {
    let parts: Vec<Value> = message.parts().map(json_part).collect();
    let mut object = json!({ "parts": parts });
    if let Some((key, value)) = message.origin.json() {
        object[key] = value;
    }
    if has_time {
        object["time"] = now().into();
    }
    let mut line = object.to_string();
    line.push('\n');
    line
}

impl Origin {
    fn text(&self) -> Option<String> {
        match self {
            Self::Unnamed => None,
            Self::Group(group) => Some(group.to_string()),
            Self::Identity(identity) => Some(identity.to_string()),
            Self::RoutingId(id) => Some(id.to_string()),
            Self::Notice(notice) => Some((*notice).into()),
        }
    }

    fn json(&self) -> Option<(&'static str, Value)> {
        match self {
            Self::Unnamed => None,
            Self::Group(group) => Some(("group", group.to_string().into())),
            Self::Identity(identity) => Some(("identity", json_part(identity.as_bytes()))),
            Self::RoutingId(id) => Some(("routing_id", u32::from(*id).into())),
            Self::Notice(notice) => Some(("notice", (*notice).into())),
        }
    }
}

/// Text as a string, other bytes as `{"base64": ".."}`.
pub(crate) fn json_part(part: &[u8]) -> Value {
    match std::str::from_utf8(part) {
        Ok(text) => text.into(),
        Err(_) => json!({ "base64": BASE64.encode(part) }),
    }
}

/// Text without control characters, which could change a terminal.
pub(crate) fn escaped(part: &[u8]) -> String {
    let mut text = String::with_capacity(part.len());
    for chunk in part.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() && character != '\t' {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

pub(crate) fn now() -> String {
    humantime::format_rfc3339_micros(SystemTime::now()).to_string()
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use tokio_zmtp::Multipart;

    use super::*;

    #[test]
    fn a_message_is_written_in_each_form() {
        let form = |encoding, is_terminal| {
            let delimiter = b"\t".to_vec();
            let mut format =
                Format { encoding, timestamps: false, delimiter, is_terminal, dump: None };
            let message = Multipart::from_iter([b"a\x1b".as_slice(), b"\xff"]).into();
            let mut line = Vec::new();
            format.write(&message, &mut line).unwrap();
            line
        };
        assert_eq!(form(Encoding::Text, false), b"a\x1b\t\xff\n");
        assert_eq!(form(Encoding::Text, true), b"a\\u{1b}\t\\xff\n");
        assert_eq!(form(Encoding::Raw, false), b"a\x1b\xff");
        assert_eq!(form(Encoding::Hex, false), b"611b\tff\n");
        assert_eq!(form(Encoding::Base64, false), b"YRs=\t/w==\n");
        let json = form(Encoding::Json, false);
        assert_eq!(json, b"{\"parts\":[\"a\\u001b\",{\"base64\":\"/w==\"}]}\n");
    }
}
