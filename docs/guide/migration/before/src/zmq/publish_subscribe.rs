use std::error::Error;
use std::thread;
use std::time::Duration;

use zmq::Context;

/// Publishes a number at every tick.
pub fn publish(endpoint: &str, every: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
    let context = Context::new();
    let publisher = context.socket(zmq::PUB)?;
    publisher.bind(endpoint)?;
    for number in 0_u64.. {
        publisher.send_multipart(["weather.oslo", &number.to_string()], 0)?;
        thread::sleep(every);
    }
    Ok(())
}

/// Receives `count` messages from topics that begin with `weather.`.
pub fn subscribe(endpoint: &str, count: usize) -> Result<Vec<u64>, Box<dyn Error + Send + Sync>> {
    let context = Context::new();
    let subscriber = context.socket(zmq::SUB)?;
    subscriber.set_subscribe(b"weather.")?;
    subscriber.connect(endpoint)?;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let parts = subscriber.recv_multipart(0)?;
        numbers.push(std::str::from_utf8(&parts[1])?.parse()?);
    }
    Ok(numbers)
}
