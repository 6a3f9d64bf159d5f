//! Parts of messages with `{{count}}`, `{{time}}`, `{{uuid}}` and `{{line}}`.

use std::fs;
use std::io::{self, Read};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use super::Encoding;
use crate::exit::{Exit, Failure};

/// An argument, which yields a part for each message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Bytes(Bytes),
    Count,
    Line,
    Time,
    Uuid,
}

impl Template {
    /// Reads an argument, or the file that it names.
    pub(crate) fn read(
        argument: &str,
        encoding: Encoding,
        is_template: bool,
    ) -> Result<Self, Failure> {
        let whole = |bytes: Bytes| Self(vec![Piece::Bytes(bytes)]);
        match argument.strip_prefix('@') {
            Some(path) if !path.starts_with('@') => content(path).map(whole),
            escaped => {
                let text = escaped.unwrap_or(argument);
                if encoding == Encoding::Text && is_template {
                    return Ok(Self::parse(text));
                }
                encoding.decode(Bytes::copy_from_slice(text.as_bytes())).map(whole)
            }
        }
    }

    fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let (mut literal, mut rest) = (String::new(), text);
        while let Some(at) = rest.find("{{") {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            match Piece::named(rest) {
                Some((piece, after)) => {
                    pieces.push(Piece::Bytes(std::mem::take(&mut literal).into()));
                    pieces.push(piece);
                    rest = after;
                }
                None => {
                    literal.push('{');
                    rest = &rest["{".len()..];
                }
            }
        }
        literal.push_str(rest);
        pieces.push(Piece::Bytes(literal.into()));
        Self(pieces)
    }

    /// Returns whether it needs a line of standard input.
    pub(crate) fn has_line(&self) -> bool {
        self.0.contains(&Piece::Line)
    }

    /// Returns the part of a message.
    pub(crate) fn fill(&self, count: u64, line: &[u8]) -> Bytes {
        if let [Piece::Bytes(bytes)] = &*self.0 {
            return bytes.clone();
        }
        let mut part = BytesMut::new();
        for piece in &self.0 {
            match piece {
                Piece::Bytes(bytes) => part.extend_from_slice(bytes),
                Piece::Count => part.extend_from_slice(count.to_string().as_bytes()),
                Piece::Line => part.extend_from_slice(line),
                Piece::Time => {
                    let time = humantime::format_rfc3339_micros(SystemTime::now());
                    part.extend_from_slice(time.to_string().as_bytes());
                }
                Piece::Uuid => part.extend_from_slice(Uuid::new_v4().to_string().as_bytes()),
            }
        }
        part.freeze()
    }
}

impl Piece {
    /// Returns the piece whose name the text begins with, and the rest of the text.
    fn named(text: &str) -> Option<(Self, &str)> {
        let names = [
            ("{{count}}", Self::Count),
            ("{{line}}", Self::Line),
            ("{{time}}", Self::Time),
            ("{{uuid}}", Self::Uuid),
        ];
        names.into_iter().find_map(|(name, piece)| Some((piece, text.strip_prefix(name)?)))
    }
}

/// Reads a file, or the whole standard input.
fn content(path: &str) -> Result<Bytes, Failure> {
    let read = if path == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    read.map(Bytes::from).map_err(|error| {
        Failure::new(Exit::Usage, format!("{path}: {error}"))
            .hint("write @@ for text that begins with @")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_replaced() {
        let template = Template::parse("{{{count}}/{{line}}: {{other}} {{");
        assert!(template.has_line());
        assert_eq!(template.fill(7, b"text"), "{7/text: {{other}} {{");
        let uuid = Template::parse("{{uuid}}");
        assert_eq!(uuid.fill(1, b"").len(), 36);
        assert_ne!(uuid.fill(1, b""), uuid.fill(1, b""));
    }

    #[test]
    fn a_text_may_begin_with_an_at_sign() {
        let template = Template::read("@@home", Encoding::Text, true).unwrap();
        assert_eq!(template.fill(1, b""), "@home");
        assert!(Template::read("@/no/such/file", Encoding::Text, true).is_err());
    }
}
