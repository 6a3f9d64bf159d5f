//! Messages and groups between the two libraries.

use support::transports::Transport;

use super::side::{DishSide, RadioSide, from_radio_to_dish, join, pass_bodies, until_member};
use crate::pairing::{Binds, connect};

from_radio_to_dish!(only_messages_of_joined_groups_arrive);

/// Corresponds to the TCP part of `test_radio_dish` of libzmq.
async fn only_messages_of_joined_groups_arrive<R: RadioSide, D: DishSide>(transport: Transport) {
    for binds in Binds::EITHER {
        let (radio, dish) = (R::new(), D::new());
        join(&radio, &dish, "Movies", binds, transport).await;
        radio.send("TV", b"Friends").await;
        radio.send("Movies", b"Godfather").await;
        dish.expect("Movies", b"Godfather").await;

        dish.join("TV");
        until_member(&radio, &dish, "TV").await;
        radio.send("TV", b"Friends").await;
        dish.expect("TV", b"Friends").await;

        dish.leave("TV");
        radio.send("TV", b"Friends").await;
        radio.send("Movies", b"Godfather").await;
        dish.expect("Movies", b"Godfather").await;
    }
}

from_radio_to_dish!(bodies_of_every_size_arrive_unchanged);

async fn bodies_of_every_size_arrive_unchanged<R: RadioSide, D: DishSide>(transport: Transport) {
    for binds in Binds::EITHER {
        pass_bodies(&R::new(), &D::new(), binds, transport).await;
    }
}

from_radio_to_dish!(a_group_may_have_255_bytes);

/// Corresponds to `test_long_group` of libzmq. The radio has one pipe because of libzmq#4199.
async fn a_group_may_have_255_bytes<R: RadioSide, D: DishSide>(transport: Transport) {
    let group = "x".repeat(255);
    let (radio, dish) = (R::new(), D::new());
    join(&radio, &dish, &group, Binds::First, transport).await;
    radio.send(&group, b"HELLO").await;
    dish.expect(&group, b"HELLO").await;
}

from_radio_to_dish!(groups_are_joined_again_after_a_reconnect);

async fn groups_are_joined_again_after_a_reconnect<R: RadioSide, D: DishSide>(
    transport: Transport,
) {
    let (radio, dish) = (R::new(), D::new());
    dish.join("kept");
    let endpoint = connect(&dish, &radio, transport).await;
    until_member(&radio, &dish, "kept").await;
    drop(radio);
    let radio = R::new();
    radio.bind(&endpoint).await;
    until_member(&radio, &dish, "kept").await;
    radio.send("kept", b"again").await;
    dish.expect("kept", b"again").await;
}
