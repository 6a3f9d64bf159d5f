//! The mode of a file, such as `"0660"`. It can be absent.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Text;

pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    let mode: Option<Mode> = Option::deserialize(deserializer)?;
    Ok(mode.map(|Mode(mode)| mode))
}

pub(in crate::config) fn serialize<S: Serializer>(
    mode: &Option<u32>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    mode.map(Mode).serialize(serializer)
}

/// Written as text, because an octal number is easily mistaken for a decimal one.
struct Mode(u32);

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| match u32::from_str_radix(text, 8) {
            Ok(mode) if mode <= 0o777 && text.starts_with(|c: char| c.is_ascii_digit()) => {
                Ok(Self(mode))
            }
            _ => Err("it is not an octal number up to 0777"),
        };
        deserializer.deserialize_str(Text { expected: "a mode such as \"0660\"", read })
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:04o}", self.0))
    }
}
