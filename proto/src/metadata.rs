//! Metadata: the properties that the ends of a connection announce (RFC 37, Connection Metadata).

use std::str;

use bytes::BufMut;
use thiserror::Error;

use super::identity::{Identity, IdentityError};
use super::socket_type::SocketType;

/// A list of named values, in the order in which they were added or sent.
///
/// The properties are stored in their wire form, in one block that is validated once. Thousands of
/// tiny properties therefore occupy no more memory than the bytes that the remote sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    encoded: Vec<u8>,
}

impl Metadata {
    /// The name of the property that contains the socket type of the sender.
    ///
    /// Names are not case-sensitive, but libzmq accepts only this spelling.
    pub const SOCKET_TYPE: &str = "Socket-Type";

    /// The name of the property that selects one of several services at an endpoint (RFC 37, The
    /// Resource Property).
    pub const RESOURCE: &str = "Resource";

    /// The name of the property that contains the identity of the sender (RFC 37, The Identity
    /// Property).
    pub const IDENTITY: &str = "Identity";

    /// Creates metadata with the Socket-Type property.
    pub fn announcing(socket_type: SocketType) -> Self {
        let mut metadata = Self::default();
        metadata
            .push(Self::SOCKET_TYPE, socket_type.as_str().as_bytes())
            .expect("the property and its values are within the limits");
        metadata
    }

    /// Creates metadata with the Resource property.
    ///
    /// # Panics
    ///
    /// Panics if the resource has about 60,000 bytes or more. The resource of an endpoint is
    /// shorter.
    pub fn requesting(resource: &str) -> Self {
        let mut metadata = Self::default();
        metadata
            .push(Self::RESOURCE, resource.as_bytes())
            .expect("the resource of an endpoint is within the limits");
        metadata
    }

    /// Creates metadata with the Identity property, which can be empty.
    ///
    /// # Panics
    ///
    /// Never: an identity is within the limits.
    pub fn identifying(identity: &Identity) -> Self {
        let mut metadata = Self::default();
        metadata
            .push(Self::IDENTITY, identity.as_bytes())
            .expect("an identity is within the limits");
        metadata
    }

    /// Decodes all of `data` as properties.
    ///
    /// The properties are copied, because metadata exists until the end of the connection and would
    /// otherwise keep the read buffer alive.
    ///
    /// # Errors
    ///
    /// Fails if a property is truncated, or if its name or value is not valid.
    pub fn decode(data: &[u8]) -> Result<Self, MetadataError> {
        let mut rest = data;
        while !rest.is_empty() {
            (_, rest) = Property::split_from(rest)?;
        }
        Ok(Self { encoded: data.to_vec() })
    }

    /// Adds a property. The spelling of the name is preserved.
    ///
    /// An existing name is added a second time; [`value`](Self::value) returns the first.
    ///
    /// # Errors
    ///
    /// Fails, and adds nothing, if the name or the value is not valid, or if all properties
    /// together would exceed the limit of remotes.
    pub fn push(&mut self, name: &str, value: &[u8]) -> Result<(), MetadataError> {
        check_name(name.as_bytes())?;
        if self.encoded.len() + name.len() + value.len() > PUSHED_MAX {
            return Err(MetadataError::TooLarge);
        }
        let name_len = u8::try_from(name.len()).map_err(|_| MetadataError::NameTooLong)?;
        let value_len = u32::try_from(value.len())
            .ok()
            .filter(|&len| len <= VALUE_LEN_MAX)
            .ok_or(MetadataError::ValueTooLong)?;
        self.encoded.push(name_len);
        self.encoded.extend_from_slice(name.as_bytes());
        self.encoded.extend_from_slice(&value_len.to_be_bytes());
        self.encoded.extend_from_slice(value);
        Ok(())
    }

    /// Adds all properties of `other`.
    pub fn append(&mut self, other: &Self) {
        self.encoded.extend_from_slice(&other.encoded);
    }

    /// Returns the first value with this name, ignoring case.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|property| property.name.eq_ignore_ascii_case(name))
            .map(|property| property.value)
    }

    /// Returns the identity that the sender announces. It is empty if there is no such property.
    ///
    /// # Errors
    ///
    /// The identity is too long.
    pub fn identity(&self) -> Result<Identity, IdentityError> {
        self.value(Self::IDENTITY).unwrap_or_default().try_into()
    }

    /// Iterates over the properties in their order.
    pub fn iter(&self) -> impl Iterator<Item = Property<'_>> {
        let mut rest = self.encoded.as_slice();
        std::iter::from_fn(move || {
            // Empty at the end. Otherwise well-formed, because `decode` and `push` have checked it.
            let property;
            (property, rest) = Property::split_from(rest).ok()?;
            Some(property)
        })
    }

    /// Appends all properties in their wire form.
    pub fn encode(&self, dst: &mut impl BufMut) {
        dst.put_slice(&self.encoded);
    }

    /// Returns the number of bytes that [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        self.encoded.len()
    }
}

/// One property, borrowed from its [`Metadata`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property<'a> {
    /// The name: 1 to 255 characters, in the spelling of the sender.
    pub name: &'a str,
    /// The value: 0 to 2^31 - 1 bytes.
    pub value: &'a [u8],
}

impl<'a> Property<'a> {
    /// Splits off the first property.
    fn split_from(data: &'a [u8]) -> Result<(Self, &'a [u8]), MetadataError> {
        let (&name_len, data) = data.split_first().ok_or(MetadataError::Truncated)?;
        let (name, data) =
            data.split_at_checked(usize::from(name_len)).ok_or(MetadataError::Truncated)?;
        let name = check_name(name)?;
        let (&value_len, data) = data.split_first_chunk().ok_or(MetadataError::Truncated)?;
        let value_len = u32::from_be_bytes(value_len);
        if value_len > VALUE_LEN_MAX {
            return Err(MetadataError::ValueTooLong);
        }
        let (value, data) = usize::try_from(value_len)
            .ok()
            .and_then(|len| data.split_at_checked(len))
            .ok_or(MetadataError::Truncated)?;
        Ok((Self { name, value }, data))
    }
}

/// The reason why a property is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// The bytes end within a property.
    #[error("the property is truncated")]
    Truncated,
    /// The name has no characters.
    #[error("the property has no name")]
    EmptyName,
    /// The name has more than 255 characters.
    #[error("the property name has more than 255 characters")]
    NameTooLong,
    /// The name contains a byte other than a letter, a digit and `-_.+`.
    #[error("the property name contains byte {byte:#04x}")]
    InvalidName {
        /// The first byte that is not allowed.
        byte: u8,
    },
    /// All properties together exceed 60,000 bytes.
    #[error("the properties have more than 60,000 bytes")]
    TooLarge,
    /// The value has 2^31 bytes or more.
    #[error("the property value has more than 2^31 - 1 bytes")]
    ValueTooLong,
}

fn check_name(name: &[u8]) -> Result<&str, MetadataError> {
    if name.is_empty() {
        return Err(MetadataError::EmptyName);
    }
    let is_name_char = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(byte);
    if let Some(&byte) = name.iter().find(|byte| !is_name_char(byte)) {
        return Err(MetadataError::InvalidName { byte });
    }
    Ok(str::from_utf8(name).expect("name characters are ASCII"))
}

/// The size limit of added properties. The READY command that contains them has to stay below 64
/// KiB, above which remotes refuse it.
const PUSHED_MAX: usize = 60_000;

/// RFC 37, The NULL Security Mechanism: values SHALL be 0 to 2,147,483,647 bytes.
const VALUE_LEN_MAX: u32 = 0x7FFF_FFFF;

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn properties_equal_the_worked_example_of_the_rfc() {
        let mut metadata = Metadata::announcing(SocketType::Dealer);
        metadata.push(Metadata::IDENTITY, b"").unwrap();

        let expected = b"\x0BSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0";
        assert_eq!(encoded(&metadata), expected.as_slice());
    }

    #[test]
    fn names_match_in_any_case_and_keep_their_spelling() {
        let mut metadata = Metadata::default();
        metadata.push("x-CoLour", b"red").unwrap();

        assert_eq!(metadata.value("X-Colour"), Some(b"red".as_slice()));
        assert_eq!(metadata.value("X-Color"), None);
        assert_eq!(metadata.iter().next().unwrap().name, "x-CoLour");
    }

    #[test]
    fn the_first_property_of_equal_names_is_returned() {
        let mut metadata = Metadata::announcing(SocketType::Client);
        metadata.push("socket-type", b"SERVER").unwrap();

        assert_eq!(metadata.value(Metadata::SOCKET_TYPE), Some(b"CLIENT".as_slice()));
        assert_eq!(metadata.iter().count(), 2);
    }

    #[test]
    fn a_name_is_one_to_255_name_characters() {
        let mut metadata = Metadata::default();

        assert_eq!(metadata.push("", b""), Err(MetadataError::EmptyName));
        assert_eq!(metadata.push("X-a b", b""), Err(MetadataError::InvalidName { byte: b' ' }));
        assert_eq!(metadata.push(&"n".repeat(256), b""), Err(MetadataError::NameTooLong));
        assert_eq!(metadata, Metadata::default());

        assert_eq!(metadata.push(&"n".repeat(255), b""), Ok(()));
        assert_eq!(metadata.push("azAZ09-_.+", b""), Ok(()));
    }

    #[test]
    fn malformed_properties_are_refused() {
        assert_eq!(Metadata::decode(b"\x00\0\0\0\0"), Err(MetadataError::EmptyName));
        assert_eq!(
            Metadata::decode(b"\x02a\0\0\0\0\0"),
            Err(MetadataError::InvalidName { byte: 0x00 })
        );
        assert_eq!(Metadata::decode(b"\x01a\x80\0\0\0"), Err(MetadataError::ValueTooLong));
        assert_eq!(Metadata::decode(b"\x01a\x7F\xFF\xFF\xFF"), Err(MetadataError::Truncated));
    }

    proptest! {
        #[test]
        fn decoding_reverses_encoding(properties in prop::collection::vec(
            ("[A-Za-z0-9_.+-]{1,255}", prop::collection::vec(any::<u8>(), 0..300)),
            0..8,
        )) {
            let mut metadata = Metadata::default();
            for (name, value) in &properties {
                metadata.push(name, value).unwrap();
            }
            let data = encoded(&metadata);
            let decoded = Metadata::decode(&data).unwrap();

            prop_assert_eq!(metadata.encoded_len(), data.len());
            prop_assert_eq!(&decoded, &metadata);
            prop_assert_eq!(decoded.iter().count(), properties.len());
            for (property, (name, value)) in decoded.iter().zip(&properties) {
                prop_assert_eq!(property.name, name);
                prop_assert_eq!(property.value, value);
            }
        }

        #[test]
        fn a_truncated_property_is_refused(
            name in "[A-Za-z]{1,20}",
            value in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let mut metadata = Metadata::default();
            metadata.push(&name, &value).unwrap();
            let data = encoded(&metadata);

            for end in 1..data.len() {
                prop_assert_eq!(Metadata::decode(&data[..end]), Err(MetadataError::Truncated));
            }
        }
    }

    fn encoded(metadata: &Metadata) -> BytesMut {
        let mut dst = BytesMut::new();
        metadata.encode(&mut dst);
        dst
    }
}
