//! The greeting: the 64 bytes that each end of a connection sends first (RFC 37, Formal Grammar).

use std::fmt;

use thiserror::Error;

use super::foreign_protocol::ForeignProtocol;

/// The greeting: the version, the mechanism and the role that an end announces.
///
/// ```text
///  FF  padding  7F  major minor  mechanism  as-server  filler
///  0   1 - 8    9   10    11     12 - 31    32         33 - 63
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// The highest version that the remote supports.
    pub version: Version,
    /// The security mechanism that the remote requires.
    pub mechanism: MechanismName,
    /// True if the remote has the server role in the security handshake.
    ///
    /// libzmq always sends zero and never reads the field, so only the value true can be relied
    /// upon.
    pub as_server: bool,
}

impl Greeting {
    /// The size of a greeting in every version from 3.0 on.
    pub const LEN: usize = 0x40;

    /// Creates the greeting of this end, which uses ZMTP 3.1.
    pub fn new(mechanism: MechanismName, as_server: bool) -> Self {
        Self { version: Version::ZMTP_3_1, mechanism, as_server }
    }

    /// Decodes the greeting at the start of `input`. Returns `None` if more bytes are needed.
    ///
    /// Padding, filler and as-server may have any value. Versions above 3.1 "MUST" be accepted.
    /// Version 3.0, which libzmq used up to 4.3.2, is also accepted: only SUBSCRIBE and CANCEL have
    /// [another form](super::subscription) in it.
    ///
    /// # Errors
    ///
    /// The first invalid byte is refused as soon as it arrives, so that a program that speaks
    /// another protocol does not occupy a connection until it has sent 64 bytes.
    pub fn decode(input: &[u8]) -> Result<Option<Self>, GreetingError> {
        if let Some(&byte) = input.first() {
            if byte != SIGNATURE_START {
                return Err(match ForeignProtocol::recognize(input) {
                    Some(protocol) => GreetingError::Foreign { protocol },
                    None => GreetingError::NotZmtp3 { byte },
                });
            }
        }
        if let Some(&byte) = input.get(SIGNATURE_END_AT) {
            // Only the lowest bit distinguishes versions (RFC 37, Detecting ZMTP 1.0 and 2.0
            // Peers).
            if byte & 0x01 == 0x00 {
                return Err(GreetingError::Unversioned);
            }
        }
        if let Some(&major) = input.get(MAJOR_AT) {
            if major < Version::ZMTP_3_1.major {
                return Err(GreetingError::UnsupportedVersion { major });
            }
        }
        if let Some(mechanism) = input.get(MECHANISM_AT..) {
            MechanismName::check(mechanism.get(..MechanismName::LEN).unwrap_or(mechanism))?;
        }

        let Some(&greeting) = input.first_chunk::<{ Self::LEN }>() else {
            return Ok(None);
        };
        let mut mechanism = [0x00; MechanismName::LEN];
        mechanism.copy_from_slice(&greeting[MECHANISM_AT..AS_SERVER_AT]);
        Ok(Some(Self {
            version: Version { major: greeting[MAJOR_AT], minor: greeting[MINOR_AT] },
            mechanism: MechanismName(mechanism),
            as_server: greeting[AS_SERVER_AT] != 0x00,
        }))
    }

    /// Returns the wire form of the greeting. Its padding is zero.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut greeting = [0x00; Self::LEN];
        greeting[0] = SIGNATURE_START;
        greeting[SIGNATURE_END_AT] = SIGNATURE_END;
        greeting[MAJOR_AT] = self.version.major;
        greeting[MINOR_AT] = self.version.minor;
        greeting[MECHANISM_AT..AS_SERVER_AT].copy_from_slice(&self.mechanism.0);
        greeting[AS_SERVER_AT] = u8::from(self.as_server);
        greeting
    }
}

/// A version of ZMTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The major version.
    pub major: u8,
    /// The minor version.
    pub minor: u8,
}

impl Version {
    /// The version that this crate implements.
    pub const ZMTP_3_1: Self = Self { major: 0x03, minor: 0x01 };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The name of a security mechanism, such as `NULL`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MechanismName([u8; Self::LEN]);

impl MechanismName {
    /// The name of NULL (RFC 37, The NULL Security Mechanism).
    pub const NULL: Self = Self(*b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

    /// The name of PLAIN (RFC 24).
    pub const PLAIN: Self = Self(*b"PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

    /// The name of CURVE (RFC 25).
    pub const CURVE: Self = Self(*b"CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

    const LEN: usize = 0x14;

    /// Returns the name without its padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let name = self.0.split(|&byte| byte == 0x00).next();
        name.and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }

    /// Checks the bytes of a name. The last bytes may not have arrived yet.
    fn check(bytes: &[u8]) -> Result<(), GreetingError> {
        let is_name_char = |byte: u8| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_.+".contains(&byte)
        };
        let mut padding = false;
        for &byte in bytes {
            match byte {
                0x00 => padding = true,
                _ if padding || !is_name_char(byte) => {
                    return Err(GreetingError::InvalidMechanism { byte });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl fmt::Debug for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MechanismName").field(&self.as_str()).finish()
    }
}

impl fmt::Display for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The reason why a greeting is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GreetingError {
    /// The first bytes are those of another protocol.
    #[error("the greeting belongs to {protocol}")]
    Foreign {
        /// The protocol.
        protocol: ForeignProtocol,
    },
    /// The first byte does not start a greeting: the remote uses ZMTP 1.0 or an unknown protocol.
    #[error("byte {byte:#04x} does not start a ZMTP 3 greeting")]
    NotZmtp3 {
        /// The byte at the position of `0xFF`.
        byte: u8,
    },
    /// The signature has no end: the remote uses ZMTP 1.0, which has no versions.
    #[error("the greeting has no version")]
    Unversioned,
    /// The remote uses a version of ZMTP below 3.
    #[error("unsupported ZMTP version {major}")]
    UnsupportedVersion {
        /// The major version, which is 1 or 2 in ZMTP 2.0.
        major: u8,
    },
    /// The mechanism's name contains a byte other than an upper-case letter, a digit and `-_.+`, or
    /// continues after its padding.
    #[error("the mechanism name contains byte {byte:#04x}")]
    InvalidMechanism {
        /// The first byte that is not valid.
        byte: u8,
    },
}

impl GreetingError {
    /// Returns the protocol of the remote, if known.
    pub const fn protocol(&self) -> Option<ForeignProtocol> {
        match *self {
            Self::Foreign { protocol } => Some(protocol),
            Self::Unversioned => Some(ForeignProtocol::Zmtp1),
            // ZMTP 2.0 sends its revision, which is 1.
            Self::UnsupportedVersion { major: 0x00..=0x02 } => Some(ForeignProtocol::Zmtp2),
            _ => None,
        }
    }
}

// signature = %xFF padding %x7F (RFC 37, Formal Grammar)
const SIGNATURE_START: u8 = 0xFF;
const SIGNATURE_END: u8 = 0x7F;

const SIGNATURE_END_AT: usize = 9;
const MAJOR_AT: usize = 10;
const MINOR_AT: usize = 11;
const MECHANISM_AT: usize = 12;
const AS_SERVER_AT: usize = MECHANISM_AT + MechanismName::LEN;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_local_greeting_has_64_bytes_with_zero_padding() {
        let greeting = Greeting::new(MechanismName::NULL, false).encode();

        let mut expected = [0x00; 64];
        expected[..16].copy_from_slice(b"\xFF\0\0\0\0\0\0\0\0\x7F\x03\x01NULL");
        assert_eq!(greeting, expected);
    }

    #[test]
    fn as_server_is_byte_32() {
        let greeting = Greeting::new(MechanismName::NULL, true).encode();

        assert_eq!(greeting[32], 0x01);
        assert!(Greeting::decode(&greeting).unwrap().unwrap().as_server);
    }

    #[test]
    fn the_greeting_of_libzmq_is_accepted() {
        // libzmq writes the length of its identity plus one into the padding.
        let mut greeting = Greeting::new(MechanismName::NULL, false).encode();
        greeting[8] = 0x01;
        // libzmq up to 4.3.2 uses version 3.0.
        greeting[11] = 0x00;

        let greeting = Greeting::decode(&greeting).unwrap().unwrap();
        assert_eq!(greeting.version, Version { major: 3, minor: 0 });
        assert_eq!(greeting.mechanism.as_str(), "NULL");
    }

    #[test]
    fn padding_and_filler_may_have_any_value() {
        let mut greeting = Greeting::new(MechanismName::NULL, true).encode();
        greeting[1..9].fill(0xAA);
        // Only the lowest bit of the signature's last byte has a meaning.
        greeting[9] = 0x01;
        greeting[32..].fill(0xAA);

        assert_eq!(Greeting::decode(&greeting), Ok(Some(Greeting::new(MechanismName::NULL, true))));
    }

    #[test]
    fn higher_versions_are_accepted() {
        for (major, minor) in [(3, 2), (3, 255), (4, 0), (255, 255)] {
            let mut greeting = Greeting::new(MechanismName::NULL, false).encode();
            greeting[10] = major;
            greeting[11] = minor;

            let greeting = Greeting::decode(&greeting).unwrap().unwrap();
            assert_eq!(greeting.version, Version { major, minor });
        }
    }

    #[test]
    fn lower_versions_are_refused_at_the_version_byte() {
        for major in 0..3 {
            let greeting = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, major];

            assert_eq!(Greeting::decode(&greeting[..10]), Ok(None));
            assert_eq!(
                Greeting::decode(&greeting),
                Err(GreetingError::UnsupportedVersion { major })
            );
        }
    }

    #[test]
    fn a_remote_without_versions_is_refused_at_byte_9() {
        let greeting = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x00];

        assert_eq!(Greeting::decode(&greeting[..9]), Ok(None));
        assert_eq!(Greeting::decode(&greeting), Err(GreetingError::Unversioned));
    }

    #[test]
    fn another_protocol_is_refused_at_its_first_byte() {
        assert_eq!(Greeting::decode(b"G"), Err(GreetingError::NotZmtp3 { byte: b'G' }));
        assert_eq!(
            Greeting::decode(b"GET / HTTP/1.1\r\n"),
            Err(GreetingError::Foreign { protocol: ForeignProtocol::Http })
        );
    }

    #[test]
    fn a_malformed_mechanism_is_refused_at_its_first_invalid_byte() {
        let mut greeting = Greeting::new(MechanismName::NULL, false).encode();
        greeting[15] = b'l';
        assert_eq!(Greeting::decode(&greeting[..15]), Ok(None));
        assert_eq!(
            Greeting::decode(&greeting[..16]),
            Err(GreetingError::InvalidMechanism { byte: b'l' })
        );

        let mut greeting = Greeting::new(MechanismName::NULL, false).encode();
        greeting[31] = b'X';
        assert_eq!(
            Greeting::decode(&greeting),
            Err(GreetingError::InvalidMechanism { byte: b'X' })
        );
    }

    #[test]
    fn a_mechanism_name_may_fill_its_field() {
        let mut greeting = Greeting::new(MechanismName::NULL, false).encode();
        greeting[12..32].copy_from_slice(b"ABCDEFGHIJ0123456-_+");

        let mechanism = Greeting::decode(&greeting).unwrap().unwrap().mechanism;
        assert_eq!(mechanism.to_string(), "ABCDEFGHIJ0123456-_+");
    }

    proptest! {
        #[test]
        fn decoding_reverses_encoding(
            major in 3_u8..,
            minor: u8,
            name in "[A-Z0-9_.+-]{0,20}",
            as_server: bool,
            after in prop::collection::vec(any::<u8>(), 0..8),
        ) {
            let mut mechanism = [0x00; 20];
            mechanism[..name.len()].copy_from_slice(name.as_bytes());
            let greeting = Greeting {
                version: Version { major, minor },
                mechanism: MechanismName(mechanism),
                as_server,
            };
            let encoded = greeting.encode();

            prop_assert_eq!(Greeting::decode(&encoded), Ok(Some(greeting)));
            prop_assert_eq!(
                Greeting::decode(&[&encoded, after.as_slice()].concat()),
                Ok(Some(greeting))
            );
            prop_assert_eq!(greeting.mechanism.as_str(), name);
            for end in 0..encoded.len() {
                prop_assert_eq!(Greeting::decode(&encoded[..end]), Ok(None));
            }
        }

        #[test]
        fn a_refusal_does_not_depend_on_later_bytes(
            start in prop::sample::select(vec![0, 10, 11, 12, 16]),
            garbage in prop::collection::vec(any::<u8>(), 64),
        ) {
            let mut greeting = Greeting::new(MechanismName::NULL, false).encode();
            greeting[start..].copy_from_slice(&garbage[start..]);

            let mut refused = None;
            for end in 0..=greeting.len() {
                // The name of another protocol depends on how many of its bytes have arrived.
                let error = Greeting::decode(&greeting[..end]).err().map(|error| match error {
                    GreetingError::Foreign { .. } => GreetingError::NotZmtp3 { byte: greeting[0] },
                    error => error,
                });
                if refused.is_some() {
                    prop_assert_eq!(error, refused);
                } else {
                    refused = error;
                }
            }
        }
    }
}
