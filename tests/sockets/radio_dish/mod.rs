//! RADIO and DISH (RFC 48).

mod cancellation;
mod drops;
mod groups;
mod queues;
mod wire;

use tokio::task;
use tokio_zmtp::{Dish, Group, GroupMessage, Radio};

fn group(name: &str) -> Group {
    name.parse().unwrap()
}

/// Waits until `members` remotes have joined a group.
async fn until_joined(radio: &Radio, name: &str, members: usize) {
    while radio.members(&group(name)).len() != members {
        task::yield_now().await;
    }
}

/// Receives a message, as text.
async fn recv(dish: &Dish) -> (String, String) {
    text(&dish.recv().await.unwrap())
}

fn text(message: &GroupMessage) -> (String, String) {
    (message.group().to_string(), message.to_str().unwrap().to_owned())
}

fn pair(group: &str, body: &str) -> (String, String) {
    (group.to_owned(), body.to_owned())
}
