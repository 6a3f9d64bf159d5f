//! Traffic under CURVE: every frame is a MESSAGE command (RFC 26, The MESSAGE Command).
//!
//! ```text
//!  frame header   07 "MESSAGE"   nonce   tag      flags   body
//!  2 or 9         8              8       16       1       0 - 2^63
//!                                                 └─ sealed ──┘
//! ```
//!
//! libzmq sends it in frames without the COMMAND flag, and takes what comes with it for a command
//! inside; so we send it without, and ignore it. Inside, the flag that tells a command from a message is
//! libzmq's own, as the specification has none.

use std::fmt;

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use super::super::super::frame;
use super::secret_box::{NonceKey, SPACE, SharedKey, TAG};

/// Encrypts the frames that are sent over one connection.
#[cfg_attr(test, derive(Clone))]
pub struct Sealer {
    key: NonceKey,
    /// That of the last command that was sealed.
    nonce: u64,
}

/// Decrypts the frames that are received over one connection.
#[cfg_attr(test, derive(Clone))]
pub struct Opener {
    key: NonceKey,
    /// That of the last command that was opened.
    nonce: u64,
}

/// Both directions of one connection.
#[derive(Debug)]
pub struct Session {
    /// Encrypts what is sent.
    pub sealer: Sealer,
    /// Decrypts what is received.
    pub opener: Opener,
}

/// What is inside of a MESSAGE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inside {
    /// Another part of the same message follows.
    pub more: bool,
    /// The body is a command.
    pub command: bool,
}

/// Why a MESSAGE is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// The frame is too short, or holds something else.
    #[error("frame without a MESSAGE")]
    NoMessage,
    /// The nonce is not above that of the command before: a replay, or a wrong order.
    #[error("nonce {nonce} after nonce {last}")]
    StaleNonce {
        /// What came.
        nonce: u64,
        /// What had come.
        last: u64,
    },
    /// It was changed on its way, or does not come from the remote.
    #[error("the box does not open")]
    Unopened,
    /// The flags inside set bits that are reserved, or announce a command in parts.
    #[error("flags {flags:#04x} inside of a MESSAGE")]
    Flags {
        /// The whole byte.
        flags: u8,
    },
}

impl Session {
    /// Begins traffic after a handshake, in which each side has used some nonces.
    pub(super) fn new(shared: &SharedKey, role: Role, sent: u64, received: u64) -> Self {
        let (client, server) = (shared.with_prefix(FROM_CLIENT), shared.with_prefix(FROM_SERVER));
        let (seals, opens) = match role {
            Role::Client => (client, server),
            Role::Server => (server, client),
        };
        Self {
            sealer: Sealer { key: seals, nonce: sent },
            opener: Opener { key: opens, nonce: received },
        }
    }
}

/// On which side of the handshake a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

impl Sealer {
    /// Appends the frame of a message's only part.
    #[inline]
    pub fn put_message(&mut self, dst: &mut BytesMut, body: &[u8]) {
        self.put(dst, 0x00, body);
    }

    /// Appends the frame of a command, given its name and data.
    pub fn put_command(&mut self, dst: &mut BytesMut, body: &[u8]) {
        self.put(dst, COMMAND, body);
    }

    /// Appends a frame with any flags inside: 1 is MORE, 2 is a command.
    pub fn put(&mut self, dst: &mut BytesMut, flags: u8, body: &[u8]) {
        // "SHALL NOT send more than 2^64-1 commands": at a thousand million each second, that takes
        // 585 years.
        self.nonce += 1;
        let nonce = self.nonce.to_be_bytes();
        frame::put_message_header(dst, OVERHEAD + body.len());
        let start = dst.len();
        // What the box needs free before the text is as long as what stands there in the end.
        dst.put_slice(&[0x00; SPACE]);
        dst.put_u8(flags);
        dst.put_slice(body);
        let command = &mut dst[start..];
        let tag = self.key.seal(&nonce, command);
        command[..NONCE_AT].copy_from_slice(NAME);
        command[NONCE_AT..TAG_AT].copy_from_slice(&nonce);
        command[TAG_AT..SPACE].copy_from_slice(&tag);
    }
}

impl Opener {
    /// Opens the body of a frame where it is: behind the first [`OVERHEAD`] bytes stands what was sent.
    ///
    /// # Errors
    ///
    /// The frame is malformed, or was changed in transit. Then nothing is changed here.
    #[inline]
    pub fn open(&mut self, command: &mut [u8]) -> Result<Inside, SealError> {
        let (head, sealed) =
            command.split_first_chunk_mut::<SPACE>().ok_or(SealError::NoMessage)?;
        let (name, rest) = head.split_first_chunk::<8>().ok_or(SealError::NoMessage)?;
        let (nonce, tag) = rest.split_first_chunk::<8>().ok_or(SealError::NoMessage)?;
        let tag = tag.first_chunk().ok_or(SealError::NoMessage)?;
        if name != NAME || sealed.is_empty() {
            return Err(SealError::NoMessage);
        }
        let number = u64::from_be_bytes(*nonce);
        if number <= self.nonce {
            return Err(SealError::StaleNonce { nonce: number, last: self.nonce });
        }
        self.key.open(nonce, tag, sealed).map_err(|_| SealError::Unopened)?;
        self.nonce = number;
        match sealed[0] {
            flags @ 0x00..=COMMAND => {
                Ok(Inside { more: flags & MORE != 0x00, command: flags & COMMAND != 0x00 })
            }
            flags => Err(SealError::Flags { flags }),
        }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("nonce", &self.nonce).finish_non_exhaustive()
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("nonce", &self.nonce).finish_non_exhaustive()
    }
}

/// What stands between the header of a frame and the body.
pub const OVERHEAD: usize = SPACE + 1;

const NAME: &[u8; 8] = b"\x07MESSAGE";
const NONCE_AT: usize = 8;
const TAG_AT: usize = SPACE - TAG;

const FROM_CLIENT: &[u8; 16] = b"CurveZMQMESSAGEC";
const FROM_SERVER: &[u8; 16] = b"CurveZMQMESSAGES";

/// RFC 26, The MESSAGE Command.
const MORE: u8 = 0x01;
/// libzmq's flag of its own messages, which it sends as it is.
const COMMAND: u8 = 0x02;
