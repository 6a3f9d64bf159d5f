//! RADIO and DISH (RFC 48).

mod cancellation;
mod drops;
mod groups;
mod queues;
mod wire;

use tokio::task;
use tokio_zmtp::{Dish, Endpoint, Group, GroupMessage, Radio};

use crate::remote::ReservedPort;

fn group(name: &str) -> Group {
    name.parse().unwrap()
}

/// Waits until `members` remotes have joined a group.
async fn until_joined(radio: &Radio, name: &str, members: usize) {
    while radio.members(&group(name)).len() != members {
        task::yield_now().await;
    }
}

/// Connects a radio to a DISH that joins a group and closes. Returns its endpoint, which is free.
async fn connect_to_a_member_that_closes(radio: &Radio, name: &str) -> Endpoint {
    let port = ReservedPort::reserve();
    radio.connect(port.endpoint()).await.unwrap();
    let endpoint = port.release();
    let dish = Dish::builder().join(&group(name)).bind(&endpoint).await.unwrap();
    until_joined(radio, name, 1).await;
    close_member(radio, dish).await;
    endpoint
}

/// Closes the only remote of a radio, and waits until the radio has noticed that.
async fn close_member(radio: &Radio, dish: Dish) {
    dish.close().await;
    while !radio.remotes().is_empty() {
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
