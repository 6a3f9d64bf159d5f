//! Traffic under CURVE: every frame is a MESSAGE command (RFC 26, The MESSAGE Command).
//!
//! ```text
//!  frame header   07 "MESSAGE"   nonce   tag      flags   body
//!  2 or 9         8              8       16       1       0 - 2^63
//!                                                 └─ sealed ──┘
//! ```
//!
//! libzmq sends MESSAGE in frames without the COMMAND flag, and treats the content of a frame with
//! the flag as a command. This crate therefore sends frames without the flag, and ignores it in
//! received frames. The encrypted flag that distinguishes commands from messages is an extension of
//! libzmq.

use std::fmt;

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use super::super::super::frame;
use super::authenticator::TAG;
use super::secret_box::{NonceKey, SPACE, SharedKey};

/// Encrypts the frames that are sent over one connection.
#[cfg_attr(test, derive(Clone))]
pub struct Sealer {
    key: NonceKey,
    /// The nonce of the last encrypted frame.
    nonce: u64,
}

/// Decrypts the frames that are received over one connection.
#[cfg_attr(test, derive(Clone))]
pub struct Opener {
    key: NonceKey,
    /// The nonce of the last decrypted frame.
    nonce: u64,
}

/// The encryption of both directions of one connection.
#[derive(Debug)]
pub struct Session {
    /// Encrypts sent frames.
    pub sealer: Sealer,
    /// Decrypts received frames.
    pub opener: Opener,
}

/// The encrypted flags of a MESSAGE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageFlags {
    /// Another part of the same message follows.
    pub more: bool,
    /// The body is a command.
    pub command: bool,
}

/// The reason why a MESSAGE is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// The frame is too short, or contains something else.
    #[error("frame is not a MESSAGE")]
    NoMessage,
    /// The nonce is not greater than that of the previous frame: a replay, or a wrong order.
    #[error("nonce {nonce} after nonce {last}")]
    StaleNonce {
        /// The nonce of this frame.
        nonce: u64,
        /// The nonce of the previous frame.
        last: u64,
    },
    /// The frame was changed in transit, or was not sent by the remote.
    #[error("the box cannot be decrypted")]
    Unopened,
    /// The encrypted flags set reserved bits, or announce a multipart command.
    #[error("flags {flags:#04x} in a MESSAGE")]
    Flags {
        /// The whole flags byte.
        flags: u8,
    },
}

impl Session {
    /// Starts traffic after a handshake. `sent` and `received` are the last nonces of the two
    /// directions.
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

/// The role of a socket in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

impl Sealer {
    /// Appends the frame of a single-part message.
    #[inline]
    pub fn put_message(&mut self, dst: &mut BytesMut, body: &[u8]) {
        self.put(dst, 0x00, body);
    }

    /// Appends the frame of a part that others of the same message follow.
    pub fn put_part(&mut self, dst: &mut BytesMut, body: &[u8]) {
        self.put(dst, MORE, body);
    }

    /// Appends the frame of a command. `body` contains its name and data.
    pub fn put_command(&mut self, dst: &mut BytesMut, body: &[u8]) {
        self.put(dst, COMMAND, body);
    }

    /// Appends a frame with any encrypted flags: 1 is MORE, 2 is a command.
    pub fn put(&mut self, dst: &mut BytesMut, flags: u8, body: &[u8]) {
        // "SHALL NOT send more than 2^64-1 commands": at a billion per second, this takes 585
        // years.
        self.nonce += 1;
        let nonce = self.nonce.to_be_bytes();
        frame::put_message_header(dst, OVERHEAD + body.len());
        let start = dst.len();
        // The bytes that the box needs before the text have the length of the name, the nonce and
        // the tag.
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
    /// Decrypts the body of a frame in place. The content follows the first [`OVERHEAD`] bytes.
    ///
    /// # Errors
    ///
    /// Fails if the frame is malformed or was changed in transit. A frame that cannot be decrypted
    /// is not modified.
    #[inline]
    pub fn open(&mut self, command: &mut [u8]) -> Result<MessageFlags, SealError> {
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
                Ok(MessageFlags { more: flags & MORE != 0x00, command: flags & COMMAND != 0x00 })
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

/// The number of bytes between the header of a frame and its content.
pub const OVERHEAD: usize = SPACE + 1;

const NAME: &[u8; 8] = b"\x07MESSAGE";
const NONCE_AT: usize = 8;
const TAG_AT: usize = SPACE - TAG;

const FROM_CLIENT: &[u8; 16] = b"CurveZMQMESSAGEC";
const FROM_SERVER: &[u8; 16] = b"CurveZMQMESSAGES";

/// RFC 26, The MESSAGE Command.
const MORE: u8 = 0x01;
/// libzmq's internal flag for commands, which it sends on the wire.
const COMMAND: u8 = 0x02;
