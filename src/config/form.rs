//! The forms in which values are written.

#[cfg(unix)]
pub(super) mod optional_mode;

use std::fmt;
use std::marker::PhantomData;
use std::str;
use std::time::Duration;

use bytes::Bytes;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zmtp_proto::group::Group;
use zmtp_proto::identity::Identity;
use zmtp_proto::topic::Topic;

use crate::message::Multipart;

/// A time: `"1m 30s"`.
pub(super) mod time {
    pub(in crate::config) use super::{read_time as deserialize, write_time as serialize};
}

/// A time limit: `"1m 30s"`, or `"infinite"` for none.
pub(super) mod limit {
    pub(in crate::config) use super::{read_limit as deserialize, write_limit as serialize};
}

/// A time that can be absent.
pub(super) mod optional_time {
    pub(in crate::config) use super::{
        read_optional_time as deserialize, write_optional_time as serialize,
    };
}

/// Bytes that can be absent: `"text"`, `[0, 255]`.
pub(super) mod optional_bytes {
    pub(in crate::config) use super::{
        read_optional_bytes as deserialize, write_optional_bytes as serialize,
    };
}

/// An identity: `"text"`, `[0, 255]`.
pub(super) mod identity {
    pub(in crate::config) use super::{read_identity as deserialize, write_identity as serialize};
}

/// The parts of a message, which can be absent: `"text"`, `["text", [0, 255]]`.
pub(super) mod optional_parts {
    pub(in crate::config) use super::{
        read_optional_parts as deserialize, write_optional_parts as serialize,
    };
}

/// The names of groups: `["weather", "traffic"]`. One that is not UTF-8 cannot be written.
pub(super) mod groups {
    pub(in crate::config) use super::{read_groups as deserialize, write_groups as serialize};
}

/// The topics of subscriptions: texts, or lists of bytes.
pub(super) mod topics {
    pub(in crate::config) use super::{read_topics as deserialize, write_topics as serialize};
}

/// Reads a list. A single value can stand alone if it is text, such as `"tcp://*:5555"`.
pub(super) fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct OneOrMany<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string or a list of strings")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
            T::deserialize(text.into_deserializer()).map(|one| vec![one])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, many: A) -> Result<Vec<T>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(many))
        }
    }

    deserializer.deserialize_any(OneOrMany(PhantomData))
}

/// Reads a list that can be absent, like [`one_or_many`].
#[cfg(feature = "ws")]
pub(super) fn optional_one_or_many<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(transparent, bound = "T: Deserialize<'de>")]
    struct Many<T>(#[serde(deserialize_with = "one_or_many")] Vec<T>);

    let many: Option<Many<T>> = Option::deserialize(deserializer)?;
    Ok(many.map(|Many(many)| many))
}

pub(super) fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let expected = "a time such as \"1m 30s\"";
    deserializer.deserialize_str(Text { expected, read: humantime::parse_duration })
}

pub(super) fn write_time<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(*time))
}

pub(super) fn read_limit<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let expected = "a time such as \"1m 30s\", or \"infinite\"";
    let read = |text: &str| match text {
        INFINITE => Ok(None),
        _ => humantime::parse_duration(text).map(Some),
    };
    deserializer.deserialize_str(Text { expected, read })
}

pub(super) fn write_limit<S: Serializer>(
    limit: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match limit {
        Some(limit) => write_time(limit, serializer),
        None => serializer.serialize_str(INFINITE),
    }
}

pub(super) fn read_optional_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let time: Option<Time> = Option::deserialize(deserializer)?;
    Ok(time.map(|Time(time)| time))
}

pub(super) fn write_optional_time<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(Time).serialize(serializer)
}

pub(super) fn read_groups<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Group>, D::Error> {
    let names: Vec<String> = one_or_many(deserializer)?;
    names.into_iter().map(|name| Group::try_from(name).map_err(Error::custom)).collect()
}

pub(super) fn write_groups<S: Serializer>(
    groups: &[Group],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let names: Result<Vec<_>, _> = groups.iter().map(Group::to_str).collect();
    names.map_err(serde::ser::Error::custom)?.serialize(serializer)
}

pub(super) fn read_topics<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Topic>, D::Error> {
    let topics: Vec<TextOrBytes> = one_or_many(deserializer)?;
    topics.into_iter().map(|topic| Topic::try_from(topic.0).map_err(Error::custom)).collect()
}

pub(super) fn write_topics<S: Serializer>(
    topics: &[Topic],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let bytes = |topic: &Topic| TextOrBytes(Bytes::copy_from_slice(topic.as_bytes()));
    serializer.collect_seq(topics.iter().map(bytes))
}

pub(super) fn read_optional_bytes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Bytes>, D::Error> {
    let bytes: Option<TextOrBytes> = Option::deserialize(deserializer)?;
    Ok(bytes.map(|TextOrBytes(bytes)| bytes))
}

pub(super) fn write_optional_bytes<S: Serializer>(
    bytes: &Option<Bytes>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    bytes.clone().map(TextOrBytes).serialize(serializer)
}

pub(super) fn read_identity<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Identity, D::Error> {
    let TextOrBytes(bytes) = TextOrBytes::deserialize(deserializer)?;
    Identity::try_from(bytes).map_err(Error::custom)
}

pub(super) fn write_identity<S: Serializer>(
    identity: &Identity,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    TextOrBytes(identity.clone().into()).serialize(serializer)
}

pub(super) fn read_optional_parts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Multipart>, D::Error> {
    let parts: Option<Parts> = Option::deserialize(deserializer)?;
    Ok(parts.map(|Parts(parts)| parts.into_iter().map(|TextOrBytes(part)| part).collect()))
}

pub(super) fn write_optional_parts<S: Serializer>(
    message: &Option<Multipart>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let parts = message.clone().map(Multipart::into_parts);
    let parts = parts.map(|parts| parts.into_iter().map(TextOrBytes).collect());
    parts.map(Parts).serialize(serializer)
}

/// Stands for `None` where `None` means that there is no limit.
const INFINITE: &str = "infinite";

#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Time(#[serde(with = "time")] Duration);

#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Parts(#[serde(deserialize_with = "one_or_many")] Vec<TextOrBytes>);

/// Bytes, written as text if they are UTF-8, otherwise as a list.
struct TextOrBytes(Bytes);

impl<'de> Deserialize<'de> for TextOrBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrBytesVisitor;

        impl<'de> Visitor<'de> for TextOrBytesVisitor {
            type Value = TextOrBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a list of bytes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<TextOrBytes, E> {
                Ok(TextOrBytes(Bytes::copy_from_slice(text.as_bytes())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, bytes: A) -> Result<TextOrBytes, A::Error> {
                let bytes: Vec<u8> = Vec::deserialize(SeqAccessDeserializer::new(bytes))?;
                Ok(TextOrBytes(bytes.into()))
            }
        }

        deserializer.deserialize_any(TextOrBytesVisitor)
    }
}

impl Serialize for TextOrBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_seq(&self.0),
        }
    }
}

/// Reads a value from text by a function.
struct Text<F> {
    expected: &'static str,
    read: F,
}

impl<T, F, R> Visitor<'_> for Text<F>
where
    F: FnOnce(&str) -> Result<T, R>,
    R: fmt::Display,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).map_err(|error| {
            E::custom(format_args!("`{}` is not {}: {error}", text.escape_debug(), self.expected))
        })
    }
}
