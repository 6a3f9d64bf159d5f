//! Datagrams, the messages of RADIO and DISH over UDP.
//!
//! ```text
//! datagram = group-length group body
//! group-length = %x00-FF
//! ```
//!
//! No RFC describes them: this is the format of libzmq. There is no greeting, no handshake and no
//! command. A RADIO sends every message to every UDP endpoint, and a DISH discards those of groups
//! that it has not joined.

use thiserror::Error;

use crate::group::{Group, GroupError};

/// A message of a group, in one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    group: &'a [u8],
    body: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// The longest datagram in bytes: the size of libzmq's buffers, `MAX_UDP_MSG`.
    pub const LEN_MAX: usize = 8_192;

    /// The longest group that is sent, in bytes. libzmq up to 4.3.5 reads the length as a signed
    /// number, and a longer group makes it read outside of its buffer.
    pub const GROUP_MAX: usize = 127;

    /// Creates a datagram to be sent, with the name of a [`Group`].
    ///
    /// # Errors
    ///
    /// [`DatagramTooLong`] if libzmq could not receive it.
    ///
    /// # Examples
    ///
    /// ```
    /// use zmtp_proto::datagram::Datagram;
    ///
    /// let mut encoded = Vec::new();
    /// Datagram::new(b"TV", b"Friends")?.encode(&mut encoded);
    /// assert_eq!(encoded, b"\x02TVFriends");
    /// # Ok::<(), zmtp_proto::datagram::DatagramTooLong>(())
    /// ```
    pub fn new(group: &'a [u8], body: &'a [u8]) -> Result<Self, DatagramTooLong> {
        Self::check(group.len(), body.len())?;
        Ok(Self { group, body })
    }

    /// Returns whether a group and a body of these lengths fit a datagram.
    ///
    /// # Errors
    ///
    /// [`DatagramTooLong`] if they do not.
    pub const fn check(group: usize, body: usize) -> Result<(), DatagramTooLong> {
        if group > Self::GROUP_MAX {
            return Err(DatagramTooLong::Group { bytes: group });
        }
        let limit = Self::LEN_MAX - 1 - group;
        if body > limit {
            return Err(DatagramTooLong::Body { bytes: body, limit });
        }
        Ok(())
    }

    /// Reads a received datagram. Its group has up to 255 bytes.
    ///
    /// # Errors
    ///
    /// [`DatagramError`] if the datagram is longer than [`LEN_MAX`](Self::LEN_MAX), ends before its
    /// body, or its group is not valid.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, DatagramError> {
        if datagram.len() > Self::LEN_MAX {
            return Err(DatagramError::TooLong { bytes: datagram.len() });
        }
        let (&length, rest) = datagram.split_first().ok_or(DatagramError::Empty)?;
        let (group, body) = rest
            .split_at_checked(length.into())
            .ok_or_else(|| DatagramError::Truncated { group: length.into(), bytes: rest.len() })?;
        Group::check(group)?;
        Ok(Self { group, body })
    }

    /// Appends the encoded datagram.
    pub fn encode(&self, to: &mut Vec<u8>) {
        to.reserve(self.len());
        // A decoded group has up to 255 bytes, and one to be sent up to 127.
        to.push(self.group.len() as u8);
        to.extend_from_slice(self.group);
        to.extend_from_slice(self.body);
    }

    /// Returns the length of the encoded datagram in bytes.
    #[expect(clippy::len_without_is_empty, reason = "an encoded datagram is never empty")]
    pub const fn len(&self) -> usize {
        1 + self.group.len() + self.body.len()
    }

    /// Returns the name of the group.
    pub const fn group(&self) -> &'a [u8] {
        self.group
    }

    /// Returns the body.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }
}

/// The reason why a message does not fit a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DatagramTooLong {
    /// The group is too long.
    #[error("a group of {bytes} bytes is above the limit of 127 of a datagram")]
    Group {
        /// The length of the group.
        bytes: usize,
    },
    /// The body is too long.
    #[error("a body of {bytes} bytes is above the limit of {limit} of a datagram with this group")]
    Body {
        /// The length of the body.
        bytes: usize,
        /// The limit, which depends on the length of the group.
        limit: usize,
    },
}

/// The reason why a received datagram is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DatagramError {
    /// It has no bytes.
    #[error("the datagram is empty")]
    Empty,
    /// Its group is not a valid name.
    #[error("the group of the datagram is not valid")]
    Group(#[from] GroupError),
    /// It is longer than 8,192 bytes.
    #[error("the datagram is longer than 8192 bytes")]
    TooLong {
        /// The bytes that were read.
        bytes: usize,
    },
    /// It ends within its group.
    #[error("the datagram announces a group of {group} bytes and has {bytes}")]
    Truncated {
        /// The announced length of the group.
        group: usize,
        /// The bytes behind the length.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_has_the_form_of_libzmq() {
        assert_eq!(encoded(b"TV", b"Friends"), b"\x02TVFriends");
        assert_eq!(encoded(b"", b""), b"\x00");
        assert_eq!(encoded(b"", b"body"), b"\x00body");
        assert_eq!(encoded(b"a", b"\0"), b"\x01a\0");
    }

    #[test]
    fn nothing_that_libzmq_could_not_receive_is_created() {
        for group in [0, 1, 127] {
            let limit = 8_191 - group;
            assert_eq!(Datagram::check(group, limit), Ok(()));
            let error = DatagramTooLong::Body { bytes: limit + 1, limit };
            assert_eq!(Datagram::check(group, limit + 1), Err(error));
        }
        assert_eq!(Datagram::check(128, 0), Err(DatagramTooLong::Group { bytes: 128 }));
        assert_eq!(encoded(&[b'g'; 127], &[0; 8_064]).len(), Datagram::LEN_MAX);
        Datagram::check(usize::MAX, usize::MAX).unwrap_err();
    }

    #[test]
    fn a_datagram_that_is_not_a_message_is_refused() {
        let truncated = |group, bytes| Err(DatagramError::Truncated { group, bytes });
        assert_eq!(Datagram::decode(b""), Err(DatagramError::Empty));
        assert_eq!(Datagram::decode(b"\x01"), truncated(1, 0));
        assert_eq!(Datagram::decode(b"\x05TV"), truncated(5, 2));
        assert_eq!(Datagram::decode(b"\xffTV"), truncated(255, 2));
        let long = vec![0; Datagram::LEN_MAX + 1];
        assert_eq!(Datagram::decode(&long), Err(DatagramError::TooLong { bytes: 8_193 }));
        Datagram::decode(&long[1..]).unwrap();
        let error = DatagramError::Group(GroupError::ContainsNul { at: 1 });
        assert_eq!(Datagram::decode(b"\x02a\0body"), Err(error));
    }

    #[test]
    fn a_group_of_255_bytes_is_received() {
        let mut datagram = vec![255; 256];
        datagram.push(b'b');
        let decoded = Datagram::decode(&datagram).unwrap();
        assert_eq!((decoded.group().len(), decoded.body()), (255, &b"b"[..]));
    }

    proptest! {
        #[test]
        fn encoding_reverses_decoding(bytes in any::<Vec<u8>>()) {
            if let Ok(datagram) = Datagram::decode(&bytes) {
                let mut encoded = Vec::new();
                datagram.encode(&mut encoded);
                prop_assert_eq!(encoded, bytes);
            }
        }
    }

    fn encoded(group: &[u8], body: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        Datagram::new(group, body).unwrap().encode(&mut encoded);
        assert_eq!(Datagram::decode(&encoded), Ok(Datagram { group, body }));
        encoded
    }
}
