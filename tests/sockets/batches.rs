//! Many messages that are sent together by the types whose messages determine their remotes.

use std::collections::VecDeque;

use futures::SinkExt;
use tokio::task;
use tokio_test::assert_pending;
use tokio_zmtp::{
    Client, Dealer, Dish, Group, GroupMessage, Identity, InprocEndpoint, Message, Multipart, Pub,
    Radio, RouteError, Router, RouterMessage, RoutingId, SendError, Server, SlowSubscriber, Sub,
    TryRouteError, TrySendError, Unroutable, XSub,
};

use crate::over_transport::OverTransport;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(each_message_of_a_batch_goes_to_the_remote_that_it_names);

async fn each_message_of_a_batch_goes_to_the_remote_that_it_names(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).build();
    let endpoint = server.bind(transport.any()).await.unwrap();
    let clients = [(); 2].map(|()| Client::builder().over(transport).build());
    let mut ids = Vec::new();
    for client in &clients {
        transport.connect(client, &server, endpoint.clone()).await;
        client.send("hello").await.unwrap();
        ids.push(server.recv().await.unwrap().routing_id().unwrap());
    }
    let unaddressed = Message::from("unaddressed");
    let replies = (0..20_u8)
        .map(|number| Message::from([number]).with_routing_id(ids[usize::from(number % 3 == 0)]));
    let mut messages: VecDeque<_> = replies.collect();
    messages.insert(15, unaddressed.clone());

    assert_eq!(server.try_route_many(&mut messages), Err(TryRouteError::HostUnreachable(())));
    assert_eq!((messages.len(), &messages[0]), (6, &unaddressed));
    assert_eq!(server.route_many(&mut messages).await, Err(RouteError::HostUnreachable(())));
    assert_eq!((messages.len(), &messages[0]), (6, &unaddressed));
    messages.pop_front();
    server.route_many(&mut messages).await.unwrap();

    assert!(messages.is_empty());
    for number in 0..20_u8 {
        let client = &clients[usize::from(number % 3 == 0)];
        assert_eq!(client.recv().await.unwrap(), [number]);
    }
}

#[tokio::test]
async fn a_batch_waits_for_the_full_remote_of_its_next_message() {
    let _watchdog = Watchdog::start();
    let (server, [(full, full_id), (other, other_id)]) = with_two_clients(2).await;
    let to_full = (0..5_u8).map(|number| Message::from([number]).with_routing_id(full_id));
    let last = Message::from("last").with_routing_id(other_id);
    let mut messages: VecDeque<_> = to_full.chain([last]).collect();

    assert_eq!(server.try_route_many(&mut messages), Err(TryRouteError::Full(())));
    let left = messages.len();
    assert!((1..6).contains(&left));
    let mut routing = tokio_test::task::spawn(server.route_many(&mut messages));
    assert_pending!(routing.poll());
    drop(routing);
    // The client may have queued a message in the meantime.
    assert!((1..=left).contains(&messages.len()));
    let receiving = async {
        for number in 0..5_u8 {
            assert_eq!(full.recv().await.unwrap(), [number]);
        }
        assert_eq!(other.recv().await.unwrap(), "last");
    };
    let (sent, ()) = tokio::join!(server.route_many(&mut messages), receiving);
    sent.unwrap();
    assert!(messages.is_empty());
}

#[tokio::test]
async fn a_router_returns_or_drops_messages_to_unknown_remotes() {
    let _watchdog = Watchdog::start();
    for unroutable in [Unroutable::Fail, Unroutable::Drop] {
        let router = Router::builder().unroutable(unroutable).bind(InprocEndpoint::unique());
        let router = router.await.unwrap();
        let known: Identity = "known".parse().unwrap();
        let unknown: Identity = "unknown".parse().unwrap();
        let dealer = Dealer::builder().identity(known.clone());
        let dealer = dealer.connect(router.last_endpoint().unwrap()).await.unwrap();
        dealer.send("hello").await.unwrap();
        router.recv().await.unwrap();

        let messages = [(&known, "1"), (&unknown, "2"), (&known, "3")];
        let mut messages = messages.map(|(to, body)| RouterMessage::new(to, body)).into();
        let sent = router.route_many(&mut messages).await;
        if unroutable == Unroutable::Fail {
            assert_eq!(sent, Err(RouteError::HostUnreachable(())));
            assert_eq!(messages[0], RouterMessage::new(&unknown, "2"));
            messages.pop_front();
            router.try_route_many(&mut messages).unwrap();
        } else {
            sent.unwrap();
            assert_eq!(router.stats().dropped.unroutable, 1);
        }
        assert!(messages.is_empty());
        assert_eq!(dealer.recv().await.unwrap(), ["1"]);
        assert_eq!(dealer.recv().await.unwrap(), ["3"]);
    }
}

over_every_transport_and_streams!(each_message_of_a_batch_goes_to_its_subscribers);

async fn each_message_of_a_batch_goes_to_its_subscribers(transport: Transport) {
    let _watchdog = Watchdog::start();
    let builder = Pub::builder().over(transport).slow_subscriber(SlowSubscriber::Wait);
    let publisher = builder.send_hwm(3).build();
    let endpoint = publisher.bind(transport.any()).await.unwrap();
    let subs = [(); 2].map(|()| Sub::builder().over(transport).recv_hwm(3).build());
    for (sub, topic) in subs.iter().zip(["a", "b"]) {
        transport.connect(sub, &publisher, endpoint.clone()).await;
        sub.subscribe(topic).unwrap();
        sub.subscribe("every").unwrap();
        publisher.subscribed(topic).await.unwrap();
    }
    while publisher.subscribers("every") < 2 {
        task::yield_now().await;
    }
    let topics = ["a", "every", "none", "b"];
    let numbered = |number: u32| (topics[number as usize % 4], number.to_be_bytes());
    let mut messages: VecDeque<_> = (0..600).map(numbered).map(Multipart::from).collect();
    let receiving = subs.iter().zip([0, 3]).map(|(sub, own)| async move {
        for number in (0..600_u32).filter(|number| [own, 1].contains(&(number % 4))) {
            assert_eq!(sub.recv().await.unwrap()[1], number.to_be_bytes());
        }
    });
    let receiving = futures::future::join_all(receiving);
    let (sent, _) = tokio::join!(publisher.send_many(&mut messages), receiving);
    sent.unwrap();
    assert!(messages.is_empty());
    assert_eq!(publisher.stats().dropped.missed, 0);
}

#[tokio::test]
async fn a_batch_stops_before_a_message_that_fits_no_datagram() {
    let _watchdog = Watchdog::start();
    let group = Group::try_from("g").unwrap();
    let dish = Dish::builder().join(&group).build();
    let endpoint = dish.bind("udp://127.0.0.1:*").await.unwrap();
    let radio = Radio::new();
    radio.connect(endpoint).await.unwrap();
    let bodies = [vec![1], vec![2; 10_000], vec![3]];
    let mut messages: VecDeque<_> =
        bodies.iter().map(|body| GroupMessage::new(&group, body)).collect();

    assert_eq!(radio.send_many(&mut messages).await, Err(SendError::TooLong(())));
    assert_eq!(messages.len(), 2);
    assert_eq!(radio.try_send_many(&mut messages), Err(TrySendError::TooLong(())));
    assert_eq!(messages.len(), 2);
    messages.pop_front();
    radio.send_many(&mut messages).await.unwrap();

    assert_eq!(dish.recv().await.unwrap()[..], [1]);
    assert_eq!(dish.recv().await.unwrap()[..], [3]);
}

#[tokio::test]
async fn a_batch_of_an_xsub_subscribes_and_sends() {
    let _watchdog = Watchdog::start();
    let xsub = XSub::new();
    let too_long = [b"\x01".to_vec(), vec![b'x'; 0x1_0000]].concat();
    let bodies = [b"\x01a".to_vec(), b"message".to_vec(), too_long, b"\x01b".to_vec()];
    let mut messages: VecDeque<_> = bodies.into_iter().map(Multipart::from).collect();
    assert_eq!(xsub.send_many(&mut messages).await, Err(SendError::TooLong(())));
    assert_eq!((messages.len(), xsub.subscriptions().len()), (2, 1));
    messages.pop_front();
    xsub.try_send_many(&mut messages).unwrap();
    assert_eq!((messages.len(), xsub.subscriptions().len()), (0, 2));
}

#[tokio::test]
async fn a_long_batch_yields_and_keeps_the_rest_when_it_is_dropped() {
    let _watchdog = Watchdog::start();
    let xsub = XSub::new();
    let mut messages: VecDeque<_> =
        (0..10_000).map(|number: u32| Multipart::from(number.to_be_bytes())).collect();
    assert_pending!(futures::poll!(Box::pin(xsub.send_many(&mut messages))));
    let left = messages.len();
    assert!((1..10_000).contains(&left));
    assert_eq!(messages[0], [(10_000 - left as u32).to_be_bytes()]);
    xsub.send_many(&mut messages).await.unwrap();
    assert!(messages.is_empty());
}

#[tokio::test]
async fn a_sink_that_returns_a_refused_message_keeps_the_one_that_is_fed() {
    let _watchdog = Watchdog::start();
    let (server, [(_full, full_id), (other, other_id)]) = with_two_clients(1).await;
    while server.try_route(full_id, "fills the queues").is_ok() {}
    let mut sink = server.clone();
    let refused = Message::from("refused").with_routing_id(full_id);
    sink.feed(refused.clone()).await.unwrap();
    assert!(server.remotes().disconnect(full_id));

    let fed = Message::from("fed").with_routing_id(other_id);
    assert_eq!(sink.feed(fed).await, Err(RouteError::HostUnreachable(refused)));
    SinkExt::<Message>::flush(&mut sink).await.unwrap();
    server.route(other_id, "later").await.unwrap();
    assert_eq!(other.recv().await.unwrap(), "fed");
}

/// Returns a server with this high-water mark, and two clients whose queues hold one message each,
/// with their routing ids.
async fn with_two_clients(send_hwm: usize) -> (Server, [(Client, RoutingId); 2]) {
    let builder = Server::builder().send_hwm(send_hwm);
    let server = builder.bind(InprocEndpoint::unique()).await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..2 {
        let endpoint = server.last_endpoint().unwrap();
        let client = Client::builder().recv_hwm(1).connect(endpoint).await.unwrap();
        client.send("hello").await.unwrap();
        let id = server.recv().await.unwrap().routing_id().unwrap();
        clients.push((client, id));
    }
    (server, clients.try_into().unwrap())
}
