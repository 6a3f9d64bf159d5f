//! The messages of the envelope, byte by byte.

use bytes::BufMut;
use thiserror::Error;

use super::code::ErrorCode;
use super::trace_context::TraceContext;

/// One message: the id of a call, and the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The id of the call, which its requester chooses.
    pub id: u64,
    /// Everything after the id.
    pub content: Content<'a>,
}

/// The content of a message, by its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// The request of a call.
    Request(RequestFields<'a>),
    /// A whole reply, or the last part of a stream.
    Reply(&'a [u8]),
    /// A part of a stream that others follow.
    Part(&'a [u8]),
    /// The reason why a request has no reply.
    Error {
        /// The kind of reason.
        code: ErrorCode,
        /// The application's own number; zero for every other code.
        detail: u32,
        /// A description for people.
        text: &'a str,
    },
    /// The requester no longer waits for a reply.
    Cancel,
    /// The number of further parts that may be sent.
    Credit(u32),
    /// The end of a stream: the previous part was the last.
    End,
    /// The responder is shutting down. It accepts no more requests over this connection.
    Drain,
    /// The requester acknowledges a `Drain`: no more requests follow.
    Drained,
}

/// The fields of a REQUEST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestFields<'a> {
    /// The remaining time of the call, in milliseconds.
    pub timeout: Option<u32>,
    /// The texts of `traceparent` and `tracestate` (W3C Trace Context), of up to 65,535 bytes each;
    /// the second may be empty.
    pub trace: Option<(&'a str, &'a str)>,
    /// The number of parts that may be sent at first; `None` if the reply must not be a stream.
    pub credit: Option<u32>,
    /// The body of the request.
    pub body: &'a [u8],
}

/// The error of decoding a message that is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// It is too short to hold the id of a call.
    #[error("a message of {len} bytes has no envelope")]
    TooShort {
        /// The length of the message in bytes.
        len: usize,
    },
    /// Its kind, its version or one of its flags is unknown.
    #[error("the message has an unknown version, kind or flag")]
    Unsupported {
        /// The id of the call.
        id: u64,
    },
    /// Its length does not match its kind, or a text is not UTF-8.
    #[error("the message is malformed")]
    Malformed {
        /// The id of the call.
        id: u64,
    },
}

impl<'a> Envelope<'a> {
    /// Decodes a message.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError`] if the message is not valid.
    #[inline]
    pub fn decode(message: &'a [u8]) -> Result<Self, EnvelopeError> {
        let too_short = EnvelopeError::TooShort { len: message.len() };
        let (&first, rest) = message.split_first().ok_or(too_short)?;
        let (&id, rest) = rest.split_first_chunk().ok_or(too_short)?;
        let id = u64::from_be_bytes(id);
        let malformed = EnvelopeError::Malformed { id };
        let content = match first {
            REQUEST => Content::Request(RequestFields::decode(id, rest)?),
            REPLY => Content::Reply(rest),
            PART => Content::Part(rest),
            ERROR => {
                let (&code, rest) = rest.split_first().ok_or(malformed)?;
                let (&detail, text) = rest.split_first_chunk().ok_or(malformed)?;
                Content::Error {
                    code: ErrorCode::new(code),
                    detail: u32::from_be_bytes(detail),
                    text: std::str::from_utf8(text).map_err(|_| malformed)?,
                }
            }
            CANCEL if rest.is_empty() => Content::Cancel,
            CREDIT => Content::Credit(u32::from_be_bytes(rest.try_into().map_err(|_| malformed)?)),
            END if rest.is_empty() => Content::End,
            DRAIN if rest.is_empty() => Content::Drain,
            DRAINED if rest.is_empty() => Content::Drained,
            CANCEL | END | DRAIN | DRAINED => return Err(malformed),
            _ => return Err(EnvelopeError::Unsupported { id }),
        };
        Ok(Self { id, content })
    }

    /// Returns the length of the encoded message in bytes.
    #[must_use]
    #[inline]
    pub fn encoded_len(&self) -> usize {
        HEADER
            + match self.content {
                Content::Request(fields) => fields.encoded_len(),
                Content::Reply(body) | Content::Part(body) => body.len(),
                Content::Error { text, .. } => 5 + text.len(),
                Content::Cancel | Content::End | Content::Drain | Content::Drained => 0,
                Content::Credit(_) => 4,
            }
    }

    /// Encodes the message.
    #[inline]
    pub fn encode(&self, dst: &mut impl BufMut) {
        let mut header = [0x00; HEADER];
        header[0] = self.content.first();
        header[ID].copy_from_slice(&self.id.to_be_bytes());
        dst.put_slice(&header);
        match self.content {
            Content::Request(fields) => fields.encode(dst),
            Content::Reply(body) | Content::Part(body) => dst.put_slice(body),
            Content::Error { code, detail, text } => {
                dst.put_u8(code.byte());
                dst.put_u32(detail);
                dst.put_slice(text.as_bytes());
            }
            Content::Cancel | Content::End | Content::Drain | Content::Drained => {}
            Content::Credit(parts) => dst.put_u32(parts),
        }
    }
}

impl Content<'_> {
    #[inline]
    const fn first(&self) -> u8 {
        match self {
            Self::Request(_) => REQUEST,
            Self::Reply(_) => REPLY,
            Self::Part(_) => PART,
            Self::Error { .. } => ERROR,
            Self::Cancel => CANCEL,
            Self::Credit(_) => CREDIT,
            Self::End => END,
            Self::Drain => DRAIN,
            Self::Drained => DRAINED,
        }
    }
}

impl<'a> RequestFields<'a> {
    /// Parses the trace context. Returns `None` if there is none, or if it is not valid.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        let (parent, state) = self.trace?;
        parent.parse::<TraceContext>().ok()?.with_state(state).ok()
    }

    #[inline]
    fn decode(id: u64, rest: &'a [u8]) -> Result<Self, EnvelopeError> {
        let malformed = EnvelopeError::Malformed { id };
        let (&flags, mut rest) = rest.split_first().ok_or(malformed)?;
        if flags == 0x00 {
            return Ok(Self { body: rest, ..Self::default() });
        }
        if flags & !(TIMEOUT | TRACE | CREDITED) != 0x00 {
            return Err(EnvelopeError::Unsupported { id });
        }
        let mut number = || {
            let (&number, after) = rest.split_first_chunk()?;
            rest = after;
            Some(u32::from_be_bytes(number))
        };
        let mut timeout = None;
        if flags & TIMEOUT != 0x00 {
            timeout = Some(number().ok_or(malformed)?);
        }
        let mut credit = None;
        if flags & CREDITED != 0x00 {
            credit = Some(number().ok_or(malformed)?);
        }
        let mut trace = None;
        if flags & TRACE != 0x00 {
            let (parent, after) = text(rest).ok_or(malformed)?;
            let (state, after) = text(after).ok_or(malformed)?;
            trace = Some((parent, state));
            rest = after;
        }
        Ok(Self { timeout, trace, credit, body: rest })
    }

    #[inline]
    fn encoded_len(&self) -> usize {
        let number = |field: Option<u32>| if field.is_some() { 4 } else { 0 };
        let trace = self.trace.map_or(0, |(parent, state)| 4 + parent.len() + state.len());
        1 + number(self.timeout) + number(self.credit) + trace + self.body.len()
    }

    #[inline]
    fn encode(&self, dst: &mut impl BufMut) {
        let flag = |is_set, flag| if is_set { flag } else { 0x00 };
        dst.put_u8(
            flag(self.timeout.is_some(), TIMEOUT)
                | flag(self.trace.is_some(), TRACE)
                | flag(self.credit.is_some(), CREDITED),
        );
        if let Some(timeout) = self.timeout {
            dst.put_u32(timeout);
        }
        if let Some(credit) = self.credit {
            dst.put_u32(credit);
        }
        if let Some((parent, state)) = self.trace {
            for text in [parent, state] {
                // `TraceContext` limits the length.
                dst.put_u16(u16::try_from(text.len()).unwrap_or_default());
                dst.put_slice(text.as_bytes());
            }
        }
        dst.put_slice(self.body);
    }
}

/// Decodes a text that is preceded by its length in two bytes; returns it and the remaining bytes.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (&len, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(len)))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

/// The first byte: the version, 1, in its upper half and the kind in its lower.
const REQUEST: u8 = 0x11;
const REPLY: u8 = 0x12;
const PART: u8 = 0x13;
const ERROR: u8 = 0x14;
const CANCEL: u8 = 0x15;
const CREDIT: u8 = 0x16;
const END: u8 = 0x17;
const DRAIN: u8 = 0x18;
const DRAINED: u8 = 0x19;

/// The flags of a REQUEST.
const TIMEOUT: u8 = 0x01;
const CREDITED: u8 = 0x02;
const TRACE: u8 = 0x04;

/// The length of the header that begins every message in every version: a first byte, and the id.
pub const HEADER: usize = 9;

/// The id of DRAIN and DRAINED, which concern the connection and not a call. No call has it, so
/// that a requester that does not know DRAIN drops it like a late reply.
pub const CONNECTION: u64 = u64::MAX;

/// The position of the id in the header.
pub const ID: std::ops::Range<usize> = 1..9;

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_is_a_first_byte_an_id_flags_and_a_body() {
        let request = request(RequestFields { body: b"hi", ..RequestFields::default() });
        assert_eq!(encoded(&request), b"\x11\0\0\0\0\0\0\0\x07\x00hi");
    }

    #[test]
    fn the_fields_of_a_request_follow_its_flags() {
        let request = request(RequestFields {
            timeout: Some(1_500),
            trace: Some(("00-x", "a=b")),
            credit: Some(16),
            body: b"hi",
        });
        let expected = b"\x11\0\0\0\0\0\0\0\x07\x07\0\0\x05\xdc\0\0\0\x10\0\x0400-x\0\x03a=bhi";
        assert_eq!(encoded(&request), expected);
    }

    #[test]
    fn the_other_kinds_have_their_specified_bytes() {
        let kinds: [(Content<'_>, &[u8]); 8] = [
            (Content::Reply(b"ok"), b"\x12\0\0\0\0\0\0\0\x07ok"),
            (Content::Part(b"1"), b"\x13\0\0\0\0\0\0\0\x071"),
            (
                Content::Error { code: ErrorCode::APPLICATION, detail: 404, text: "no" },
                b"\x14\0\0\0\0\0\0\0\x07\x10\0\0\x01\x94no",
            ),
            (Content::Cancel, b"\x15\0\0\0\0\0\0\0\x07"),
            (Content::Credit(8), b"\x16\0\0\0\0\0\0\0\x07\0\0\0\x08"),
            (Content::End, b"\x17\0\0\0\0\0\0\0\x07"),
            (Content::Drain, b"\x18\0\0\0\0\0\0\0\x07"),
            (Content::Drained, b"\x19\0\0\0\0\0\0\0\x07"),
        ];
        for (content, bytes) in kinds {
            assert_eq!(encoded(&Envelope { id: 7, content }), bytes);
            assert_eq!(Envelope::decode(bytes), Ok(Envelope { id: 7, content }));
        }
    }

    #[test]
    fn an_unsupported_message_reports_the_id_of_its_call() {
        for bytes in [&b"\x21\0\0\0\0\0\0\0\x07\0"[..], b"\x1a\0\0\0\0\0\0\0\x07", &UNKNOWN_FLAG] {
            let unsupported = EnvelopeError::Unsupported { id: 7 };
            assert_eq!(Envelope::decode(bytes), Err(unsupported));
        }
        assert_eq!(Envelope::decode(b"\x21\0"), Err(EnvelopeError::TooShort { len: 2 }));
    }

    #[test]
    fn a_truncated_or_overlong_message_is_malformed() {
        let malformed = Err(EnvelopeError::Malformed { id: 7 });
        let bytes: [&[u8]; 8] = [
            b"\x11\0\0\0\0\0\0\0\x07",
            b"\x11\0\0\0\0\0\0\0\x07\x01\0\0\x05",
            b"\x11\0\0\0\0\0\0\0\x07\x04\0\x0400",
            b"\x14\0\0\0\0\0\0\0\x07\x10\0\0\0",
            b"\x14\0\0\0\0\0\0\0\x07\x10\0\0\0\0\xff",
            b"\x15\0\0\0\0\0\0\0\x07!",
            b"\x16\0\0\0\0\0\0\0\x07\0\0\0\0\0",
            b"\x18\0\0\0\0\0\0\0\x07!",
        ];
        for bytes in bytes {
            assert_eq!(Envelope::decode(bytes), malformed);
        }
    }

    proptest! {
        #[test]
        fn decoding_reverses_encoding(
            id: u64,
            timeout in option::of(any::<u32>()),
            credit in option::of(any::<u32>()),
            trace in option::of((".{0,60}", ".{0,60}")),
            body: Vec<u8>,
        ) {
            let trace = trace.as_ref().map(|(parent, state)| (&**parent, &**state));
            let fields = RequestFields { timeout, trace, credit, body: &body };
            let envelope = Envelope { id, content: Content::Request(fields) };
            let bytes = encoded(&envelope);
            prop_assert_eq!(bytes.len(), envelope.encoded_len());
            prop_assert_eq!(Envelope::decode(&bytes), Ok(envelope));
        }

        #[test]
        fn encoding_reverses_decoding(bytes: Vec<u8>) {
            if let Ok(envelope) = Envelope::decode(&bytes) {
                prop_assert_eq!(encoded(&envelope), bytes);
            }
        }

        #[test]
        fn every_error_of_a_message_with_an_id_reports_the_id(kind in 0x10u8..0x1a, id: u64, rest: Vec<u8>) {
            let mut bytes = vec![kind];
            bytes.extend(id.to_be_bytes());
            bytes.extend(rest);
            match Envelope::decode(&bytes) {
                Ok(envelope) => prop_assert_eq!(encoded(&envelope), bytes),
                Err(EnvelopeError::Malformed { id: named } | EnvelopeError::Unsupported { id: named }) => {
                    prop_assert_eq!(named, id);
                }
                Err(EnvelopeError::TooShort { .. }) => prop_assert!(false, "it has an id"),
            }
        }
    }

    const UNKNOWN_FLAG: [u8; 10] = *b"\x11\0\0\0\0\0\0\0\x07\x80";

    fn request(fields: RequestFields<'_>) -> Envelope<'_> {
        Envelope { id: 7, content: Content::Request(fields) }
    }

    fn encoded(envelope: &Envelope<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        envelope.encode(&mut bytes);
        bytes
    }
}
