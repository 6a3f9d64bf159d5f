//! The group of a message of RADIO and DISH (RFC 48).

use thiserror::Error;

use super::short_bytes::{ShortBytes, impl_short_bytes};

/// The name of a group: up to 255 bytes without a NUL. The empty name is a group like any other.
///
/// A RADIO sends each message to one group, and a DISH receives the messages of the groups that it
/// has joined. Names are compared byte by byte; no name is a prefix or a pattern of another.
///
/// libzmq before 4.3.3 supports names of up to 15 bytes.
///
/// Cloning a group is cheap: a name of up to 22 bytes is stored inline, and a longer one is shared.
///
/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::group::*; }
/// use tokio_zmtp::Group;
///
/// let weather: Group = "weather".parse()?;
/// assert_eq!(weather, "weather");
/// assert_eq!(weather, Group::try_from(&b"weather"[..])?);
/// # Ok::<(), tokio_zmtp::GroupError>(())
/// ```
#[derive(Clone)]
pub struct Group(ShortBytes);

/// # Examples
///
/// ```
/// # mod tokio_zmtp { pub use zmtp_proto::group::*; }
/// use tokio_zmtp::Group;
///
/// assert!(Group::check(b"with a NUL: \0").is_err());
/// let weather = Group::try_from("weather")?;
/// assert_eq!(weather.as_bytes(), b"weather");
/// assert_eq!(weather.to_str(), Ok("weather"));
/// # Ok::<(), tokio_zmtp::GroupError>(())
/// ```
impl Group {
    /// The length of the longest name in bytes.
    pub const LEN_MAX: usize = 0xFF;

    /// Checks a name without creating a group.
    ///
    /// # Errors
    ///
    /// The name is too long or contains a NUL.
    pub fn check(name: &[u8]) -> Result<(), GroupError> {
        if name.len() > Self::LEN_MAX {
            return Err(GroupError::TooLong { len: name.len() });
        }
        match name.iter().position(|&byte| byte == 0x00) {
            Some(at) => Err(GroupError::ContainsNul { at }),
            None => Ok(()),
        }
    }

    /// Returns the name.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Returns the name as text if it is UTF-8.
    ///
    /// # Errors
    ///
    /// The position of the first byte that is not UTF-8.
    pub fn to_str(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(self.as_bytes())
    }
}

impl TryFrom<&[u8]> for Group {
    type Error = GroupError;

    fn try_from(name: &[u8]) -> Result<Self, GroupError> {
        Self::check(name)?;
        Ok(Self(ShortBytes::new(name)))
    }
}

impl_short_bytes!(Group, GroupError);

/// The reason why a name is not the name of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GroupError {
    /// The name is longer than 255 bytes (RFC 48, Group).
    #[error("a group name of {len} bytes exceeds the limit of {}", Group::LEN_MAX)]
    TooLong {
        /// The length of the name in bytes.
        len: usize,
    },
    /// The name contains a NUL, which ends a name in libzmq.
    #[error("a group name contains a NUL at byte {at}")]
    ContainsNul {
        /// The position of the first NUL.
        at: usize,
    },
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_has_up_to_255_bytes() {
        for len in [0, 1, 22, 23, 255] {
            let name = vec![b'x'; len];
            assert_eq!(Group::try_from(&name[..]).unwrap(), name);
        }
        let long = "x".repeat(256);
        assert_eq!(Group::try_from(long), Err(GroupError::TooLong { len: 256 }));
    }

    #[test]
    fn a_name_contains_no_nul() {
        assert_eq!(Group::try_from("a\0b"), Err(GroupError::ContainsNul { at: 1 }));
    }

    #[test]
    fn a_group_is_found_by_its_name() {
        let names = ["weather", "", "a name of more bytes than are stored inline"];
        let groups: HashSet<Group> = names.iter().map(|name| name.parse().unwrap()).collect();
        assert!(names.iter().all(|name| groups.contains(name.as_bytes())));
        assert!(!groups.contains(&b"weathe"[..]));
    }

    #[test]
    fn control_characters_are_not_displayed() {
        let group = Group::try_from("go\x1B[2J").unwrap();
        assert_eq!(group.to_string(), "go\\x1b[2J");
        assert_eq!(format!("{group:?}"), "\"go\\x1b[2J\"");
    }

    #[test]
    fn a_short_name_takes_no_more_memory_than_documented() {
        assert_eq!(size_of::<Group>(), 24);
    }

    proptest! {
        #[test]
        fn groups_are_ordered_like_their_names(
            a in prop::collection::vec(1..=255_u8, 0..40),
            b in prop::collection::vec(1..=255_u8, 0..40),
        ) {
            let [first, second] = [&a, &b].map(|name| Group::try_from(&name[..]).unwrap());
            prop_assert_eq!(first.cmp(&second), a.cmp(&b));
            prop_assert_eq!(first == second, a == b);
        }
    }
}
