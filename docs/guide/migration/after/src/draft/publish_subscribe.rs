use std::error::Error;
use std::time::Duration;

use tokio::time;
use tokio_zmtp::{Dish, Group, Radio};

/// Publishes a number at every tick.
pub async fn publish(endpoint: &str, every: Duration) -> Result<(), Box<dyn Error + Send + Sync>> {
    let radio = Radio::new();
    radio.bind(endpoint).await?;
    let group = Group::try_from("oslo")?;
    let mut ticks = time::interval(every);
    for number in 0_u64.. {
        ticks.tick().await;
        radio.send(&group, number.to_string()).await?;
    }
    Ok(())
}

/// Receives `count` messages of a group.
pub async fn subscribe(
    endpoint: &str,
    count: usize,
) -> Result<Vec<u64>, Box<dyn Error + Send + Sync>> {
    let dish = Dish::new();
    dish.join(&Group::try_from("oslo")?);
    dish.connect(endpoint).await?;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        numbers.push(dish.recv().await?.to_str()?.parse()?);
    }
    Ok(numbers)
}
