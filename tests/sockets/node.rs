//! Sockets of Node.js as remotes, over each transport and under each mechanism in both roles.

use std::net::UdpSocket;
use std::time::Duration;

use support::node;
use support::script::ScriptRemote;
use tokio::{task, time};
use tokio_zmtp::{
    Client, Dealer, Dish, Gather, Group, GroupMessage, Pair, Pull, Push, Radio, Rep, Req, Router,
    Scatter, Server,
};

use crate::scripts::topics::{
    patient_pub, patient_xpub, publish_each, publish_each_after_a_reconnect,
    receive_each_after_a_reconnect, receive_published, receive_published_after_a_reconnect,
    sub_to_numbers, xsub_to_numbers,
};
use crate::scripts::{
    COUNT, ROUND_TRIPS, Security, describe, exchange_by_identity, exchange_each, in_every_pairing,
    receive_each, reply_to_each, request_each, send_each,
};
use crate::transports::own_loopback;
use crate::watchdog::Watchdog;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_node_answers_our_client() {
    in_every_pairing(start(), "server", ROUND_TRIPS, Client::builder, async |client, remote| {
        for number in 0..ROUND_TRIPS {
            client.send(number.to_string()).await.unwrap();
            assert_eq!(client.recv().await.unwrap(), number.to_string());
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_server_answers_a_client_of_node() {
    in_every_pairing(start(), "client", ROUND_TRIPS, Server::builder, async |server, remote| {
        for number in 0..ROUND_TRIPS {
            let request = server.recv().await.unwrap();
            assert_eq!(request, number.to_string());
            server.reply(&request, number.to_string()).await.unwrap();
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gather_of_node_receives_from_our_scatter() {
    in_every_pairing(start(), "gather", COUNT, Scatter::builder, async |scatter, remote| {
        for number in 0..COUNT {
            scatter.send(number.to_string()).await.unwrap();
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_gather_receives_from_a_scatter_of_node() {
    in_every_pairing(start(), "scatter", COUNT, Gather::builder, async |gather, remote| {
        for number in 0..COUNT {
            assert_eq!(gather.recv().await.unwrap(), number.to_string());
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_of_node_receives_from_our_push() {
    in_every_pairing(start(), "pull", COUNT, Push::builder, send_each).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sub_of_node_receives_from_our_pub() {
    in_every_pairing(start(), "sub", COUNT, patient_pub, publish_each).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_sub_receives_from_an_xpub_of_node() {
    in_every_pairing(start(), "xpub", COUNT, sub_to_numbers, receive_each).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_sub_receives_from_a_pub_of_node() {
    in_every_pairing(start(), "pub", COUNT, sub_to_numbers, async |sub, _| {
        receive_published(sub).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_xpub_publishes_to_a_sub_and_an_xsub_of_node_that_reconnect() {
    for their_type in ["sub", "xsub"] {
        in_every_pairing(start(), their_type, COUNT, patient_xpub, async |xpub, remote| {
            publish_each_after_a_reconnect(xpub, remote, their_type).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_xsub_receives_from_an_xpub_of_node_after_a_reconnect() {
    let exchange = receive_each_after_a_reconnect;
    in_every_pairing(start(), "prompted_xpub", COUNT, xsub_to_numbers, exchange).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_xsub_receives_from_a_pub_of_node_after_a_reconnect() {
    in_every_pairing(start(), "pub", COUNT, xsub_to_numbers, async |xsub, _| {
        receive_published_after_a_reconnect(xsub).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_pull_receives_from_a_push_of_node() {
    in_every_pairing(start(), "push", COUNT, Pull::builder, receive_each).await;
}

/// All messages are outstanding: a ROUTER drops replies above its high-water mark.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dealer_and_a_router_of_node_answer_our_dealer() {
    for their_type in ["dealer", "router"] {
        in_every_pairing(
            start(),
            their_type,
            ROUND_TRIPS,
            Dealer::builder,
            async |dealer, remote| {
                exchange_each(dealer, remote, ROUND_TRIPS).await;
            },
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dealer_and_a_router_of_node_answer_our_router() {
    for their_type in ["dealer", "router"] {
        in_every_pairing(start(), their_type, ROUND_TRIPS, Router::builder, exchange_by_identity)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_of_node_answers_our_pair() {
    in_every_pairing(start(), "pair", COUNT, Pair::builder, async |pair, remote| {
        exchange_each(pair, remote, COUNT).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_rep_replies_to_a_req_and_a_dealer_of_node() {
    for their_type in ["req", "asking_dealer"] {
        in_every_pairing(start(), their_type, ROUND_TRIPS, Rep::builder, reply_to_each).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rep_and_a_router_of_node_answer_our_req() {
    for their_type in ["rep", "router"] {
        in_every_pairing(start(), their_type, ROUND_TRIPS, Req::builder, request_each).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dish_of_node_receives_from_our_radio() {
    let builder = || Radio::builder().no_drop(true);
    in_every_pairing(start(), "dish", COUNT, builder, async |radio, remote| {
        while radio.members(&group("a")).is_empty() {
            task::yield_now().await;
        }
        for number in 0..COUNT {
            radio.send(&group("b"), "not joined").await.unwrap();
            radio.send(&group("a"), number.to_string()).await.unwrap();
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_dish_receives_from_a_radio_of_node() {
    let builder = || Dish::builder().join(&group("a"));
    in_every_pairing(start(), "radio", COUNT, builder, async |dish, _| {
        let first = number_in(&dish.recv().await.unwrap());
        for number in first + 1..first + COUNT {
            assert_eq!(number_in(&dish.recv().await.unwrap()), number);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dish_of_node_receives_datagrams_of_our_radio() {
    let _watchdog = Watchdog::start();
    let Some(mut remote) = start() else { return };
    let endpoint = free_udp_endpoint();
    describe(&mut remote, "dish", ("bind", &endpoint), DATAGRAMS, &Security::null());
    let radio = Radio::builder().connect(&*endpoint).await.unwrap();
    // The DISH binds in the background, and the system discards datagrams until then.
    let sending = tokio::spawn(async move {
        for number in 0_u32.. {
            radio.send(&group("b"), "not joined").await.unwrap();
            radio.send(&group("a"), number.to_string()).await.unwrap();
            time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert_eq!(remote.line(), "done");
    sending.abort();
    assert_eq!(remote.finish(), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_dish_receives_datagrams_of_a_radio_of_node() {
    let _watchdog = Watchdog::start();
    let Some(mut remote) = start() else { return };
    let dish = Dish::builder().join(&group("a")).bind("udp://127.0.0.1:*").await.unwrap();
    let endpoint = dish.last_endpoint().unwrap().to_string();
    describe(&mut remote, "radio", ("connect", &endpoint), DATAGRAMS, &Security::null());
    let mut last = None;
    for _ in 0..DATAGRAMS {
        let number = Some(number_in(&dish.recv().await.unwrap()));
        assert!(number > last);
        last = number;
    }
    assert_eq!(remote.finish(), "");
}

fn start() -> Option<ScriptRemote> {
    let script = "tests/sockets/socket_remote.mjs";
    node::start(env!("CARGO_TARGET_TMPDIR"), script, &[])
}

fn free_udp_endpoint() -> String {
    let address = UdpSocket::bind((own_loopback(), 0)).unwrap().local_addr().unwrap();
    format!("udp://{address}")
}

fn number_in(message: &GroupMessage) -> u32 {
    assert_eq!(message.group(), group("a"));
    message.to_str().unwrap().parse().unwrap()
}

fn group(name: &str) -> Group {
    name.parse().unwrap()
}

/// The number of datagrams that arrive.
const DATAGRAMS: u32 = 20;
