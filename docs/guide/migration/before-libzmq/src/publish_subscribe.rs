use std::error::Error;
use std::thread;
use std::time::Duration;

use libzmq::prelude::*;
use libzmq::{DishBuilder, Group, RadioBuilder, TcpAddr};

/// Publishes a number at every tick.
pub fn publish(address: &str, every: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
    let address: TcpAddr = address.try_into()?;
    let radio = RadioBuilder::new().bind(address).build()?;
    let group: Group = "oslo".try_into()?;
    for number in 0_u64.. {
        radio.transmit(number.to_string(), &group)?;
        thread::sleep(every);
    }
    Ok(())
}

/// Receives `count` messages of a group.
pub fn subscribe(address: &str, count: usize) -> Result<Vec<u64>, Box<dyn Error + Send + Sync>> {
    let address: TcpAddr = address.try_into()?;
    let group: Group = "oslo".try_into()?;
    let dish = DishBuilder::new().connect(address).join(group).build()?;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        numbers.push(dish.recv_msg()?.to_str()?.parse()?);
    }
    Ok(numbers)
}
