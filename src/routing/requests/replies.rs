//! Messages that arrive at a REQ.

use std::mem;

use zmtp_proto::request_envelope::ReqEnvelope;

use super::{RequestKey, RequestOutcome, Requests, envelope};
use crate::message::Message;
use crate::pipe::{DeliveredMessages, PipeKey};
use crate::routing::DiscardedReplies;
use crate::sync::Wakes;

/// The reason why a message is discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoReply {
    Malformed,
    Stray,
}

impl Requests {
    /// Passes messages of a remote to the requests that wait for them, a bounded number at a time.
    /// `taken` messages of its queue were taken. The others are dropped: messages of several parts
    /// have no owners outside of this crate.
    pub(super) fn settle_replies(
        &mut self,
        pipe: PipeKey,
        taken: u64,
        arrived: &mut DeliveredMessages,
        wakes: &mut Wakes,
    ) -> DiscardedReplies {
        let mut discarded = DiscardedReplies::default();
        for _ in 0..MATCHED_TOGETHER {
            let Some(message) = arrived.pop(None) else { break };
            let found = self.match_reply(pipe, taken, &message);
            let is_straying = match found {
                Ok((key, body)) => {
                    self.settle(key, RequestOutcome::Reply(message.tail(body)), wakes);
                    false
                }
                Err(NoReply::Malformed) => {
                    discarded.malformed += 1;
                    true
                }
                Err(NoReply::Stray) => {
                    discarded.stray += 1;
                    true
                }
            };
            if let Some(asked) = self.asked.get_mut(pipe) {
                asked.owes_reply &= found.is_err();
                let was_straying = mem::replace(&mut asked.is_straying, is_straying);
                discarded.begins |= is_straying && !was_straying;
            }
        }
        discarded
    }

    /// Finds the request that a message replies to, and the position of the body. The request must
    /// have been sent to this remote (RFC 28, For processing incoming messages), and `taken`
    /// messages of its queue were taken.
    #[inline]
    fn match_reply(
        &mut self,
        pipe: PipeKey,
        taken: u64,
        message: &Message,
    ) -> Result<(RequestKey, usize), NoReply> {
        let (envelope, body) = envelope::split(message).ok_or(NoReply::Malformed)?;
        let asked = self.asked.get_mut(pipe);
        match envelope {
            ReqEnvelope::Correlated(id) if self.is_correlated => {
                let id = u32::from_be_bytes(id);
                let key = asked.and_then(|asked| asked.waiting.remove(&id));
                key.map(|key| (key, body)).ok_or(NoReply::Stray)
            }
            ReqEnvelope::Plain if !self.is_correlated => {
                let asked = asked.ok_or(NoReply::Stray)?;
                let Some((&id, &key)) = asked.waiting.iter().next() else {
                    // The late reply of an abandoned request, or a message without a request.
                    return Err(NoReply::Stray);
                };
                // A message that arrives before the request is sent cannot reply to it.
                let is_sent = self.requests.get(key).is_some_and(|it| it.position.number < taken);
                if !is_sent {
                    return Err(NoReply::Stray);
                }
                asked.waiting.remove(&id);
                Ok((key, body))
            }
            // A program that does not return the id is asked without one: `Builder::correlate`.
            ReqEnvelope::Correlated(_) | ReqEnvelope::Plain => Err(NoReply::Malformed),
        }
    }
}

/// The number of messages that are matched under one lock: a few microseconds.
const MATCHED_TOGETHER: usize = 32;
