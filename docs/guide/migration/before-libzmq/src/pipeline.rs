use std::error::Error;

use libzmq::prelude::*;
use libzmq::{GatherBuilder, ScatterBuilder, TcpAddr};

/// Squares numbers.
pub fn work(tasks: &str, results: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let tasks: TcpAddr = tasks.try_into()?;
    let results: TcpAddr = results.try_into()?;
    let receiver = GatherBuilder::new().connect(tasks).build()?;
    let sender = ScatterBuilder::new().connect(results).build()?;
    loop {
        let number: u64 = receiver.recv_msg()?.to_str()?.parse()?;
        sender.send((number * number).to_string())?;
    }
}
