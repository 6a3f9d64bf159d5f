use std::error::Error;

use libzmq::poll::{Events, PollId, Poller, READABLE};
use libzmq::prelude::*;
use libzmq::{Gather, Period, Scatter};

/// Passes tasks on until a message arrives at the control socket. Returns the number of tasks.
pub fn work(
    receiver: &Gather,
    controller: &Gather,
    sender: &Scatter,
) -> Result<u64, Box<dyn Error + Send + Sync>> {
    const TASKS: PollId = PollId(0);
    const CONTROL: PollId = PollId(1);
    let mut poller = Poller::new();
    poller.add(receiver, TASKS, READABLE)?;
    poller.add(controller, CONTROL, READABLE)?;
    let mut events = Events::new();
    let mut done = 0;
    loop {
        poller.poll(&mut events, Period::Infinite)?;
        for event in &events {
            match event.id() {
                TASKS => {
                    sender.send(receiver.recv_msg()?)?;
                    done += 1;
                }
                _ => {
                    controller.recv_msg()?;
                    return Ok(done);
                }
            }
        }
    }
}
