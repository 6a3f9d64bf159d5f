//! The forms in which received messages are written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::socket::{Origin, Received};

/// The form of messages on the standard output.
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
    /// Short for `--output json`: one JSON object a line, which `--input json` reads
    #[arg(long, conflicts_with_all = ["raw", "hex", "output"])]
    json: bool,
    /// Short for `--output raw`: the bytes, with nothing in between
    #[arg(long, conflicts_with_all = ["hex", "output"])]
    raw: bool,
    /// Short for `--output hex`
    #[arg(long, conflicts_with = "output")]
    hex: bool,
    /// Begin each line with the time of its arrival
    #[arg(long)]
    timestamps: bool,
}

impl FormatArguments {
    pub(crate) fn format(&self, is_terminal: bool) -> Format {
        let encoding = match self {
            Self { json: true, .. } => Encoding::Json,
            Self { raw: true, .. } => Encoding::Raw,
            Self { hex: true, .. } => Encoding::Hex,
            Self { output, .. } => *output,
        };
        Format { encoding, timestamps: self.timestamps, delimiter: "\t".into(), is_terminal }
    }
}

/// Writes messages in one form.
#[derive(Clone, Debug)]
pub(crate) struct Format {
    encoding: Encoding,
    timestamps: bool,
    delimiter: String,
    /// Whether control characters are escaped.
    is_terminal: bool,
}

impl Format {
    pub(crate) fn write(&self, message: &Received, line: &mut Vec<u8>) {
        if self.encoding == Encoding::Json {
            return self.write_json(message, line);
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
            line.extend_from_slice(self.delimiter.as_bytes());
        }
        for (at, part) in message.parts().enumerate() {
            if at > 0 {
                line.extend_from_slice(self.delimiter.as_bytes());
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

    fn write_json(&self, message: &Received, line: &mut Vec<u8>) {
        let parts: Vec<Value> = message.parts().map(json_part).collect();
        let mut object = json!({ "parts": parts });
        if let Some((key, value)) = message.origin.json() {
            object[key] = value;
        }
        if self.timestamps {
            object["time"] = now().into();
        }
        line.extend_from_slice(object.to_string().as_bytes());
        line.push(b'\n');
    }
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
    humantime::format_rfc3339_micros(std::time::SystemTime::now()).to_string()
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
