use std::error::Error;

use zmq::Context;

/// Passes tasks on until a message arrives at the control endpoint. Returns the number of tasks.
pub fn work(
    tasks: &str,
    control: &str,
    results: &str,
) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let context = Context::new();
    let receiver = context.socket(zmq::PULL)?;
    receiver.connect(tasks)?;
    let controller = context.socket(zmq::PULL)?;
    controller.connect(control)?;
    let sender = context.socket(zmq::PUSH)?;
    sender.connect(results)?;

    let mut items = [receiver.as_poll_item(zmq::POLLIN), controller.as_poll_item(zmq::POLLIN)];
    let mut done = 0;
    loop {
        zmq::poll(&mut items, -1)?;
        if items[0].is_readable() {
            sender.send(receiver.recv_bytes(0)?, 0)?;
            done += 1;
        }
        if items[1].is_readable() {
            controller.recv_bytes(0)?;
            break;
        }
    }
    Ok(done)
}
