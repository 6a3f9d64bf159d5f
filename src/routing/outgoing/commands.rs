//! The commands of a remote that are for the strategy.

use zmtp_proto::command::Command;

use super::OutgoingPipes;
use crate::pipe::PipeKey;
use crate::routing::{CommandEffect, ExceededLimit, FairQueue, Strategy};
use crate::sync::Wakes;

impl<S: Strategy> OutgoingPipes<S> {
    /// Passes a command to the strategy, and wakes the senders that need no longer wait for its
    /// remote.
    pub(super) fn handle_command(
        &mut self,
        key: PipeKey,
        command: &Command,
        notices: Option<&mut FairQueue>,
        wakes: &mut Wakes,
    ) -> Result<CommandEffect, ExceededLimit> {
        if self.pipes.get(key).is_none_or(|pipe| pipe.outbound.is_retired()) {
            return Ok(CommandEffect::Unchanged);
        }
        let effect = match notices {
            Some(notices) => self.strategy.request(key, command, notices, wakes)?,
            None => self.strategy.command(key, command, wakes)?,
        };
        if effect == CommandEffect::Narrowed {
            self.release_senders(key, wakes);
        }
        Ok(effect)
    }

    /// Wakes the senders that wait for a remote: as a member of a group that it has left, or as a
    /// subscriber of a topic that it has cancelled.
    pub(crate) fn release_senders(&mut self, key: PipeKey, wakes: &mut Wakes) {
        self.fan_out.held.wake_line(key, wakes);
    }
}
