//! Queries and answers on the wire (RFC 1035, section 4), without IO.
//!
//! Only the records that this crate uses are parsed; others are skipped by their length.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

/// The types of records that can be queried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordType {
    /// IPv4 addresses (RFC 1035, section 3.4.1).
    A,
    /// IPv6 addresses (RFC 3596, section 2.1).
    Aaaa,
    /// Locations of a service (RFC 2782).
    Srv,
}

impl RecordType {
    const fn code(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
            Self::Srv => 33,
        }
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Srv => "SRV",
        })
    }
}

/// The data of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Address(IpAddr),
    Service { priority: u16, port: u16, target: Name },
}

/// An absolute name: its labels in lower case, each behind its length, without the final zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name(Vec<u8>);

impl Name {
    /// Parses a name such as `_zmtp._tcp.example.org`, with or without a dot at its end.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut name = Self::default();
        let text = text.strip_suffix('.').unwrap_or(text);
        for label in text.split('.').filter(|_| !text.is_empty()) {
            name.push(label.as_bytes())?;
        }
        Some(name)
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends a label, unless it is empty or too long.
    fn push(&mut self, label: &[u8]) -> Option<()> {
        let len = u8::try_from(label.len()).ok().filter(|len| (1..=LABEL_MAX).contains(len))?;
        // With the length of the label and the final zero.
        if self.0.len() + label.len() + 2 > NAME_MAX {
            return None;
        }
        self.0.push(len);
        self.0.extend(label.iter().map(u8::to_ascii_lowercase));
        Some(())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = &*self.0;
        while let Some((len, after)) = rest.split_first() {
            let (label, after) = after.split_at(usize::from(*len).min(after.len()));
            write!(f, "{}", label.escape_ascii())?;
            if !after.is_empty() {
                f.write_str(".")?;
            }
            rest = after;
        }
        Ok(())
    }
}

/// Returns a recursive query that accepts answers of up to 1,232 bytes in one datagram.
pub(crate) fn query(id: u16, name: &Name, record_type: RecordType) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER_LEN + name.0.len() + 16);
    message.extend(id.to_be_bytes());
    message.extend(RECURSION_DESIRED.to_be_bytes());
    // One question, and one additional record.
    message.extend([0, 1, 0, 0, 0, 0, 0, 1]);
    message.extend(&name.0);
    message.push(0);
    message.extend(record_type.code().to_be_bytes());
    message.extend(INTERNET.to_be_bytes());
    // EDNS: the root name, the type, the size of datagrams, and no options (RFC 6891, 6.1.2).
    message.push(0);
    message.extend(OPT.to_be_bytes());
    message.extend(DATAGRAM_MAX.to_be_bytes());
    message.extend([0; 6]);
    message
}

/// The answer of a name server to a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The records, and the number of seconds for which they may be cached.
    Records { records: Vec<Record>, ttl: u32 },
    /// The name does not exist or has no record of the type. This may be cached for `ttl` seconds
    /// (RFC 2308, section 5).
    Negative { ttl: u32 },
    /// The answer does not fit into a datagram.
    Truncated,
}

/// Parses the answer to a query with this id, name and type.
///
/// # Errors
///
/// [`AnswerError`]. A message that is [`AnswerError::Unrelated`] or [`AnswerError::Malformed`] may
/// come from another sender, and the answer may still follow.
pub(crate) fn answer(
    message: &[u8],
    id: u16,
    name: &Name,
    record_type: RecordType,
) -> Result<Answer, AnswerError> {
    let mut reader = Reader { message, at: 0 };
    let (answered, flags) = (reader.u16()?, reader.u16()?);
    let [questions, answers, authorities, _] =
        [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
    let is_response = flags & RESPONSE != 0 && flags & OPCODE == 0;
    if answered != id || !is_response || questions != 1 {
        return Err(AnswerError::Unrelated);
    }
    let question = (reader.name()?, reader.u16()?, reader.u16()?);
    if question != (name.clone(), record_type.code(), INTERNET) {
        return Err(AnswerError::Unrelated);
    }
    match flags & RESPONSE_CODE {
        NO_ERROR | NAME_ERROR => {}
        code => return Err(AnswerError::Refused { code }),
    }
    if flags & TRUNCATED != 0 {
        return Ok(Answer::Truncated);
    }
    let found = Section::read(&mut reader, answers)?;
    let (owner, alias_ttl) = found.follow_aliases(name)?;
    let mut ttl = alias_ttl;
    let mut records = Vec::new();
    for one in found.records.iter().filter(|one| one.owner == owner) {
        if let (code, Data::Record(record)) = (one.code, &one.data) {
            if code == record_type.code() {
                ttl = ttl.min(one.ttl);
                records.push(record.clone());
            }
        }
    }
    if !records.is_empty() {
        return Ok(Answer::Records { records, ttl });
    }
    let authority = Section::read(&mut reader, authorities)?;
    let mut is_referral = false;
    for one in &authority.records {
        match one.data {
            Data::Authority { minimum } => {
                return Ok(Answer::Negative { ttl: one.ttl.min(minimum).min(alias_ttl) });
            }
            _ => is_referral |= one.code == NS,
        }
    }
    // A server that does not know the name refers to another one, which is not an answer.
    if is_referral && flags & RESPONSE_CODE == NO_ERROR {
        return Err(AnswerError::Referral);
    }
    Ok(Answer::Negative { ttl: 0 })
}

/// The reason why a message is not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum AnswerError {
    #[error("the answer is malformed")]
    Malformed,
    #[error("the name server refers to another one")]
    Referral,
    #[error("the name server answered with the response code {code}")]
    Refused { code: u16 },
    #[error("the message answers another query")]
    Unrelated,
}

/// The records of one section.
#[derive(Debug)]
struct Section {
    records: Vec<Owned>,
}

#[derive(Debug)]
struct Owned {
    owner: Name,
    code: u16,
    ttl: u32,
    data: Data,
}

#[derive(Debug)]
enum Data {
    Alias(Name),
    Authority { minimum: u32 },
    Record(Record),
    Skipped,
}

impl Section {
    fn read(reader: &mut Reader<'_>, count: u16) -> Result<Self, AnswerError> {
        // The count is not trusted: memory is reserved for what was read.
        let mut records = Vec::new();
        for _ in 0..count {
            let (owner, code, class) = (reader.name()?, reader.u16()?, reader.u16()?);
            let ttl = reader.u32()?;
            let len = usize::from(reader.u16()?);
            let end = reader.at.checked_add(len).filter(|end| *end <= reader.message.len());
            let end = end.ok_or(AnswerError::Malformed)?;
            if class == INTERNET {
                // The sign bit makes a TTL zero (RFC 2181, section 8).
                let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
                let data = Data::read(reader, code, end)?;
                records.push(Owned { owner, code, ttl, data });
            }
            reader.at = end;
        }
        Ok(Self { records })
    }

    /// Returns the name to which the aliases of a name lead, and the shortest TTL of the aliases.
    fn follow_aliases(&self, name: &Name) -> Result<(Name, u32), AnswerError> {
        let (mut name, mut ttl) = (name.clone(), u32::MAX);
        for _ in 0..ALIASES_MAX {
            let alias = self.records.iter().find_map(|one| match &one.data {
                Data::Alias(target) if one.owner == name => Some((target, one.ttl)),
                _ => None,
            });
            let Some((target, alias_ttl)) = alias else { return Ok((name, ttl)) };
            (name, ttl) = (target.clone(), ttl.min(alias_ttl));
        }
        Err(AnswerError::Malformed)
    }
}

impl Data {
    /// Reads the data of a record that ends at `end`.
    fn read(reader: &mut Reader<'_>, code: u16, end: usize) -> Result<Self, AnswerError> {
        let data = match code {
            A => Self::Record(Record::Address(Ipv4Addr::from(reader.bytes()?).into())),
            AAAA => Self::Record(Record::Address(Ipv6Addr::from(reader.bytes()?).into())),
            CNAME => Self::Alias(reader.name()?),
            SOA => {
                // The primary server, the mailbox, and four numbers before the minimum.
                reader.name()?;
                reader.name()?;
                reader.bytes::<16>()?;
                Self::Authority { minimum: reader.u32()? }
            }
            SRV => {
                let (priority, _weight, port) = (reader.u16()?, reader.u16()?, reader.u16()?);
                Self::Record(Record::Service { priority, port, target: reader.name()? })
            }
            _ => return Ok(Self::Skipped),
        };
        if reader.at == end { Ok(data) } else { Err(AnswerError::Malformed) }
    }
}

/// Reads a message from its start to its end.
#[derive(Debug)]
struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], AnswerError> {
        let rest = self.message.get(self.at..).ok_or(AnswerError::Malformed)?;
        let bytes = rest.first_chunk::<N>().ok_or(AnswerError::Malformed)?;
        self.at += N;
        Ok(*bytes)
    }

    fn u16(&mut self) -> Result<u16, AnswerError> {
        self.bytes().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, AnswerError> {
        self.bytes().map(u32::from_be_bytes)
    }

    /// Reads a name, which may end with a pointer to an earlier one (RFC 1035, section 4.1.4).
    fn name(&mut self) -> Result<Name, AnswerError> {
        let mut name = Name::default();
        let mut after = None;
        // Each pointer must lead to an earlier position than the one before: there is no loop.
        let mut start = self.at;
        loop {
            let [len] = self.bytes()?;
            match len {
                0 => break,
                1..=LABEL_MAX => {
                    let end = self.at + usize::from(len);
                    let label = self.message.get(self.at..end).ok_or(AnswerError::Malformed)?;
                    name.push(label).ok_or(AnswerError::Malformed)?;
                    self.at = end;
                }
                POINTER.. => {
                    let [low] = self.bytes()?;
                    after = after.or(Some(self.at));
                    self.at = usize::from(u16::from_be_bytes([len & !POINTER, low]));
                    if self.at >= start {
                        return Err(AnswerError::Malformed);
                    }
                    start = self.at;
                }
                _ => return Err(AnswerError::Malformed),
            }
        }
        self.at = after.unwrap_or(self.at);
        Ok(name)
    }
}

const HEADER_LEN: usize = 12;
/// The longest label (RFC 1035, section 2.3.4).
const LABEL_MAX: u8 = 63;
/// The longest name, with the lengths of its labels and the final zero (RFC 1035, section 2.3.4).
const NAME_MAX: usize = 255;
/// The longest datagram that every IPv6 path carries without fragmentation, the size that DNS
/// operators recommend.
pub(crate) const DATAGRAM_MAX: u16 = 1_232;
/// The longest chain of aliases in an answer, as in glibc.
const ALIASES_MAX: usize = 16;

const POINTER: u8 = 0xC0;
const INTERNET: u16 = 1;
const RESPONSE: u16 = 0x8000;
const OPCODE: u16 = 0x7800;
const TRUNCATED: u16 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const RESPONSE_CODE: u16 = 0x000F;
const NO_ERROR: u16 = 0;
const NAME_ERROR: u16 = 3;

const A: u16 = RecordType::A.code();
const NS: u16 = 2;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const AAAA: u16 = RecordType::Aaaa.code();
const SRV: u16 = RecordType::Srv.code();
const OPT: u16 = 41;

#[cfg(test)]
mod tests;
