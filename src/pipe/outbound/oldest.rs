//! Removing the oldest messages of a queue to free room for a new one.

use zmtp_proto::frame::LONG_LENGTH;

use super::Outbound;
use crate::pipe::delivery::bytes;
use crate::pipe::pack::without_first;

impl Outbound {
    /// Removes the oldest messages until there is room for a new one, and returns their number.
    /// Returns `None` if the queue accepts no message.
    #[cold]
    pub(crate) fn remove_oldest(&mut self) -> Option<u64> {
        let mut messages = 0;
        while !self.retired && !self.has_room() {
            if self.queue.is_empty() {
                self.seal();
            }
            let oldest = self.queue.front_mut()?;
            let later = if self.packed > 0 { without_first(oldest) } else { None };
            if let Some(later) = later {
                self.bytes -= oldest.len() - later.len() + LONG_LENGTH;
                self.packed -= 1;
                *oldest = later;
            } else {
                self.bytes -= bytes(oldest);
                self.queue.pop_front();
            }
            messages += 1;
        }
        (!self.retired).then_some(messages)
    }
}
