//! The forms in which messages are read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use clap::ValueEnum;

use super::json;
use crate::exit::Failure;
use crate::socket::Outgoing;

/// The form of parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    #[default]
    Text,
    Hex,
    Base64,
    Json,
}

impl Encoding {
    /// Reads a message from a line.
    pub(crate) fn read_line(
        self,
        line: Vec<u8>,
        delimiter: Option<&[u8]>,
        outgoing: &mut Outgoing,
    ) -> Result<(), Failure> {
        if self == Self::Json {
            return json::read(&line, outgoing);
        }
        let line = Bytes::from(line);
        let Some(delimiter) = delimiter.filter(|delimiter| !delimiter.is_empty()) else {
            outgoing.parts = vec![self.decode(line)?];
            return Ok(());
        };
        let mut start = 0;
        while let Some(at) =
            line[start..].windows(delimiter.len()).position(|window| window == delimiter)
        {
            outgoing.parts.push(self.decode(line.slice(start..start + at))?);
            start += at + delimiter.len();
        }
        outgoing.parts.push(self.decode(line.slice(start..))?);
        Ok(())
    }

    /// Decodes a part.
    pub(crate) fn decode(self, part: Bytes) -> Result<Bytes, Failure> {
        let decoded = match self {
            Self::Text | Self::Json => return Ok(part),
            Self::Hex => from_hex(&part),
            Self::Base64 => BASE64.decode(part.trim_ascii()).ok(),
        };
        let form = if self == Self::Hex { "hexadecimal digits" } else { "Base64" };
        decoded.map(Bytes::from).ok_or_else(|| {
            Failure::usage(format!("`{}` is not {form}", String::from_utf8_lossy(&part)))
        })
    }
}

/// Reads pairs of digits, with or without spaces and colons in between.
fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .iter()
        .filter(|byte| !matches!(byte, b' ' | b':'))
        .map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits?;
    if digits.len() % 2 != 0 {
        return None;
    }
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_at_each_delimiter() {
        let mut outgoing = Outgoing::default();
        Encoding::Text.read_line(b"a, b, , c".to_vec(), Some(b", "), &mut outgoing).unwrap();
        assert_eq!(outgoing.parts, ["a", "b", "", "c"]);
    }

    #[test]
    fn digits_may_be_separated() {
        let decoded = Encoding::Hex.decode(Bytes::from_static(b"00 fF:7a")).unwrap();
        assert_eq!(*decoded, [0x00, 0xff, 0x7a]);
        assert!(Encoding::Hex.decode(Bytes::from_static(b"0")).is_err());
        assert!(Encoding::Base64.decode(Bytes::from_static(b"?")).is_err());
    }
}
