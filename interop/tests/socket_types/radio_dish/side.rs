//! The operations of a test on a RADIO or DISH of either library.

use interop::{Socket, SocketType};
use support::transports::Transport;
use tokio::time;
use tokio_zmtp::{Dish, Group, Radio};

use crate::pairing::{
    POLL_INTERVAL, bind_ours, bind_theirs, own_endpoint, reconnecting, socket, until_some,
    would_not_block,
};

/// A RADIO of either library.
pub(super) trait RadioSide {
    fn new() -> Self;
    async fn bind(&self, endpoint: &str) -> String;
    async fn connect(&self, endpoint: &str);
    async fn send(&self, group: &str, body: &[u8]);
}

/// A DISH of either library.
pub(super) trait DishSide {
    fn new() -> Self;
    async fn bind(&self, endpoint: &str) -> String;
    async fn connect(&self, endpoint: &str);
    fn join(&self, group: &str);
    fn leave(&self, group: &str);
    async fn recv(&self) -> (String, Vec<u8>);
    fn try_recv(&self) -> Option<(String, Vec<u8>)>;

    async fn expect(&self, group: &str, body: &[u8]) {
        let (received_group, received) = self.recv().await;
        assert_eq!(received_group, group);
        assert!(received == body, "{} bytes instead of {}", received.len(), body.len());
    }
}

pub(super) struct TheirRadio(pub(super) Socket);

pub(super) struct TheirDish(pub(super) Socket);

impl RadioSide for Radio {
    fn new() -> Self {
        reconnecting(Self::builder()).build()
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_ours(self, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.connect(endpoint).await.unwrap();
    }

    async fn send(&self, group: &str, body: &[u8]) {
        self.send(&name(group), body).await.unwrap();
    }
}

impl RadioSide for TheirRadio {
    fn new() -> Self {
        Self(socket(SocketType::Radio))
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_theirs(&self.0, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.0.connect(endpoint).unwrap();
    }

    async fn send(&self, group: &str, body: &[u8]) {
        self.0.send_to_group(group.as_bytes(), body).unwrap();
    }
}

impl DishSide for Dish {
    fn new() -> Self {
        reconnecting(Self::builder()).build()
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_ours(self, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.connect(endpoint).await.unwrap();
    }

    fn join(&self, group: &str) {
        assert!(self.join(&name(group)));
    }

    fn leave(&self, group: &str) {
        assert!(self.leave(&name(group)));
    }

    async fn recv(&self) -> (String, Vec<u8>) {
        let message = self.recv().await.unwrap();
        (message.group().to_string(), message.to_vec())
    }

    fn try_recv(&self) -> Option<(String, Vec<u8>)> {
        let message = self.try_recv().ok()?;
        Some((message.group().to_string(), message.to_vec()))
    }
}

impl DishSide for TheirDish {
    fn new() -> Self {
        Self(socket(SocketType::Dish))
    }

    async fn bind(&self, endpoint: &str) -> String {
        bind_theirs(&self.0, endpoint).await
    }

    async fn connect(&self, endpoint: &str) {
        self.0.connect(endpoint).unwrap();
    }

    fn join(&self, group: &str) {
        self.0.join(group.as_bytes()).unwrap();
    }

    fn leave(&self, group: &str) {
        self.0.leave(group.as_bytes()).unwrap();
    }

    async fn recv(&self) -> (String, Vec<u8>) {
        until_some(|| self.try_recv()).await
    }

    fn try_recv(&self) -> Option<(String, Vec<u8>)> {
        let (group, body) = would_not_block(self.0.try_recv_of_group())?;
        Some((String::from_utf8(group).unwrap(), body))
    }
}

/// The side that binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binds {
    Radio,
    Dish,
}

impl Binds {
    pub(super) const EITHER: [Self; 2] = [Self::Radio, Self::Dish];
}

/// Connects the two sides, and waits until the radio has received the JOIN for `group`.
pub(super) async fn join<R: RadioSide, D: DishSide>(
    radio: &R,
    dish: &D,
    group: &str,
    binds: Binds,
    transport: Transport,
) {
    dish.join(group);
    match binds {
        Binds::Radio => dish.connect(&radio.bind(&own_endpoint(transport)).await).await,
        Binds::Dish => radio.connect(&dish.bind(&own_endpoint(transport)).await).await,
    }
    until_member(radio, dish, group).await;
}

/// Sends messages until one arrives, and receives all of them.
pub(super) async fn until_member<R: RadioSide, D: DishSide>(radio: &R, dish: &D, group: &str) {
    let mut last = 0_u32;
    loop {
        last += 1;
        radio.send(group, &last.to_be_bytes()).await;
        time::sleep(POLL_INTERVAL).await;
        if let Some(first) = dish.try_recv() {
            let mut received = first.1;
            while received != last.to_be_bytes() {
                received = dish.recv().await.1;
            }
            return;
        }
    }
}

fn name(group: &str) -> Group {
    group.parse().unwrap()
}

/// Runs a test with a RADIO and a DISH of different libraries.
macro_rules! from_radio_to_dish {
    ($test:ident) => {
        crate::pairing::both_ways!(
            $test,
            from_ours: <tokio_zmtp::Radio, crate::radio_dish::side::TheirDish>,
            to_ours: <crate::radio_dish::side::TheirRadio, tokio_zmtp::Dish>
        );
    };
}
pub(super) use from_radio_to_dish;
