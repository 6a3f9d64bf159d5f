use std::error::Error;

use zmq::Context;

/// Distributes tasks among workers. The context waits until all of them are written when it ends.
pub fn distribute(endpoint: &str, tasks: u64) -> Result<(), Box<dyn Error + Send + Sync>> {
    let context = Context::new();
    let ventilator = context.socket(zmq::PUSH)?;
    ventilator.bind(endpoint)?;
    for task in 1..=tasks {
        ventilator.send(&task.to_string(), 0)?;
    }
    Ok(())
}

/// Squares numbers.
pub fn work(tasks: &str, results: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let context = Context::new();
    let receiver = context.socket(zmq::PULL)?;
    receiver.connect(tasks)?;
    let sender = context.socket(zmq::PUSH)?;
    sender.connect(results)?;
    loop {
        let task = receiver.recv_bytes(0)?;
        let number: u64 = std::str::from_utf8(&task)?.parse()?;
        sender.send(&(number * number).to_string(), 0)?;
    }
}

/// Adds up results.
pub fn collect(endpoint: &str, results: u64) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let context = Context::new();
    let sink = context.socket(zmq::PULL)?;
    sink.bind(endpoint)?;
    let mut sum = 0;
    for _ in 0..results {
        let result = sink.recv_bytes(0)?;
        sum += std::str::from_utf8(&result)?.parse::<u64>()?;
    }
    Ok(sum)
}
