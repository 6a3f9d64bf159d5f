//! Requests of a connection that has ended.

use std::mem;

use super::{RequestOutcome, Requests, envelope};
use crate::message::Message;
use crate::routing::{QueuePosition, RequestEnd};
use crate::sync::Wakes;

impl Requests {
    /// Ends the requests that the connection has written, and returns the others to their callers.
    /// Returns the messages of callers that no longer wait.
    pub(in crate::routing) fn end(&mut self, end: RequestEnd, wakes: &mut Wakes) -> Vec<Message> {
        let RequestEnd { pipe, written, mut unwritten, is_interrupted, gone } = end;
        let Some(asked) = self.asked.get_mut(pipe) else { return unwritten.into() };
        asked.owes_reply = false;
        asked.is_straying = false;
        let waiting = mem::take(&mut asked.waiting);
        let mut taken_back = 0;
        for key in waiting.into_values() {
            let Some(request) = self.requests.get(key) else { continue };
            let QueuePosition { number, .. } = request.position;
            let index = number.checked_sub(written).and_then(|index| usize::try_from(index).ok());
            let message = index.and_then(|index| unwritten.get_mut(index).map(|it| (index, it)));
            let outcome = match message {
                Some((index, message)) => {
                    taken_back += 1;
                    let message = envelope::body(self.is_correlated, &mem::take(message));
                    RequestOutcome::Unwritten {
                        message,
                        is_interrupted: is_interrupted && index == 0,
                    }
                }
                None => RequestOutcome::Lost,
            };
            self.settle(key, outcome, wakes);
        }
        if gone {
            self.asked.remove(pipe);
        }
        if taken_back == unwritten.len() {
            return Vec::new();
        }
        // The messages that were taken back are empty. A request is never empty.
        let abandoned = unwritten.iter().filter(|message| !message.is_empty());
        abandoned.map(|message| envelope::body(self.is_correlated, message)).collect()
    }
}
