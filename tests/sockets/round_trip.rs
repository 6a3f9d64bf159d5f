//! Messages that one end sends are received by the other.

use std::error::Error;

use bytes::{Bytes, BytesMut};
use futures::{Sink, SinkExt, StreamExt};
use tokio_zmtp::{Client, Endpoint, Message, RouteError, RoutingId, SendError, Server};

use crate::over_transport::OverTransport;
use crate::skipped::has_ipv6;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn the_introductory_example_works() -> Result<(), Box<dyn Error>> {
    let _watchdog = Watchdog::start();

    // Use a port that the system assigns.
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await?;

    // Retrieve the address that was assigned.
    let bound = server.last_endpoint().ok_or("nothing is bound")?;

    let client = Client::new();
    client.connect(bound).await?;

    // Send a string request.
    client.send("tell me something").await?;

    // Receive the client request.
    let msg = server.recv().await?;
    assert_eq!(msg.to_str()?, "tell me something");
    let id = msg.routing_id().ok_or("the request has no routing id")?;

    // Reply to the client.
    server.route(id, "it takes 224 bits to store a i32 in java").await?;

    // Any number of replies can be sent.
    server.route(id, "also don't talk to me").await?;

    // Retrieve the first reply.
    let msg = client.recv().await?;
    assert_eq!(msg, "it takes 224 bits to store a i32 in java");
    assert_eq!(msg.routing_id(), None);
    // And the second.
    assert_eq!(client.recv().await?, "also don't talk to me");
    Ok(())
}

over_every_transport_and_streams!(bodies_of_every_frame_size_pass_both_ways);

async fn bodies_of_every_frame_size_pass_both_ways(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (server, client) = pair(transport).await;
    let lens = (0..600).chain([32_767, 32_768, 65_535, 65_536, 0x10_0000, 0xA0_0000]);
    for len in lens {
        let body = pattern(len);
        client.send(body.clone()).await.unwrap();
        let request = server.recv().await.unwrap();
        assert!(request == body, "a request of {len} bytes");
        server.reply(&request, &request).await.unwrap();
        assert!(client.recv().await.unwrap() == body, "a reply of {len} bytes");
    }
}

over_every_transport_and_streams!(long_and_short_bodies_keep_their_order);

async fn long_and_short_bodies_keep_their_order(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (server, client) = pair(transport).await;
    let bodies: Vec<_> = [3, 40_000, 0, 32_767, 32_768, 200_000, 1, 300, 65_536, 2]
        .iter()
        .cycle()
        .take(200)
        .map(|len| Message::from(pattern(*len)))
        .collect();
    let send = async {
        for body in &bodies {
            client.send(body).await.unwrap();
        }
    };
    let receive = async {
        for (at, body) in bodies.iter().enumerate() {
            assert!(server.recv().await.unwrap() == *body, "message {at}");
        }
    };
    tokio::join!(send, receive);
}

#[tokio::test]
async fn an_ipv6_address_is_bound_and_connected_to() {
    let _watchdog = Watchdog::start();
    if !has_ipv6() {
        return;
    }
    let (server, client) = joined(Transport::Tcp, "tcp://[::1]:*".parse().unwrap()).await;
    assert!(server.last_endpoint().unwrap().to_string().starts_with("tcp://[::1]:"));
    assert_round_trip(&client, &server).await;
}

#[tokio::test]
async fn a_host_name_is_bound_and_connected_to() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    let endpoint = server.bind("tcp://localhost:*").await.unwrap();
    let client = Client::new();
    client.connect(by_name(&endpoint)).await.unwrap();
    assert_round_trip(&client, &server).await;
}

over_every_transport_and_streams!(a_server_connects_to_a_client_that_is_bound);

async fn a_server_connects_to_a_client_that_is_bound(transport: Transport) {
    let _watchdog = Watchdog::start();
    let client = Client::builder().over(transport).build();
    let endpoint = client.bind(transport.any()).await.unwrap();
    let server = Server::builder().over(transport).build();
    transport.connect(&server, &client, endpoint).await;
    assert_round_trip(&client, &server).await;
}

over_every_transport_and_streams!(
    a_hundred_thousand_messages_arrive_in_order_each_way,
    flavor = "multi_thread",
    worker_threads = 2
);

async fn a_hundred_thousand_messages_arrive_in_order_each_way(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (server, client) = pair(transport).await;
    client.send("hello").await.unwrap();
    let id = server.recv().await.unwrap().routing_id().unwrap();

    let (from_client, to_server) = (client.clone(), server.clone());
    let requests = tokio::spawn(async move {
        for number in 0..MANY {
            from_client.send(number.to_be_bytes()).await.unwrap();
        }
    });
    let replies = tokio::spawn(async move {
        for number in 0..MANY {
            server.route(id, number.to_be_bytes()).await.unwrap();
        }
    });
    let receive_replies = tokio::spawn(async move {
        for number in 0..MANY {
            assert_eq!(client.recv().await.unwrap(), number.to_be_bytes());
        }
    });
    for number in 0..MANY {
        assert_eq!(to_server.recv().await.unwrap(), number.to_be_bytes());
    }
    tokio::try_join!(requests, replies, receive_replies).unwrap();
}

over_every_transport_and_streams!(types_that_own_bytes_are_sent);

async fn types_that_own_bytes_are_sent(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (server, client) = pair(transport).await;
    let message = Message::from("abc");

    client.send("abc").await.unwrap();
    client.send(String::from("abc")).await.unwrap();
    client.send(b"abc").await.unwrap();
    client.send(*b"abc").await.unwrap();
    client.send(&b"abc"[..]).await.unwrap();
    client.send(b"abc".to_vec()).await.unwrap();
    client.send(b"abc".to_vec().into_boxed_slice()).await.unwrap();
    client.send(Bytes::from_static(b"abc")).await.unwrap();
    client.send(BytesMut::from("abc")).await.unwrap();
    client.send(&message).await.unwrap();
    client.send(message).await.unwrap();
    client.send(()).await.unwrap();

    for _ in 0..11 {
        assert_eq!(server.recv().await.unwrap(), "abc");
    }
    assert!(server.recv().await.unwrap().is_empty());
}

over_every_transport_and_streams!(a_received_message_converts_to_types_that_own_bytes);

async fn a_received_message_converts_to_types_that_own_bytes(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (server, client) = pair(transport).await;
    for _ in 0..3 {
        client.send("abc").await.unwrap();
    }

    let body = Bytes::from(server.recv().await.unwrap());
    assert_eq!(body, "abc");

    let request = server.recv().await.unwrap();
    let id = request.routing_id();
    let detached = request.detach();
    assert_eq!(detached, "abc");
    assert_eq!(detached.routing_id(), id);

    assert_eq!(Vec::from(server.recv().await.unwrap()), b"abc");
}

#[tokio::test]
async fn a_long_body_becomes_bytes_without_a_copy() {
    let _watchdog = Watchdog::start();
    let (server, client) = pair(Transport::Tcp).await;
    client.send(pattern(100_000)).await.unwrap();

    let request = server.recv().await.unwrap();
    let address = request.as_ptr();
    let body = Bytes::from(request);

    assert_eq!(body.as_ptr(), address);
    assert!(body == pattern(100_000));
}

over_every_transport_and_streams!(a_socket_is_a_stream_of_received_messages_until_it_is_closed);

async fn a_socket_is_a_stream_of_received_messages_until_it_is_closed(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (server, client) = pair(transport).await;
    for number in 0..10_u8 {
        client.send([number]).await.unwrap();
    }

    let stream = server.clone();
    let received: Vec<_> = stream.take(10).map(|message| message[0]).collect().await;
    assert_eq!(received, (0..10).collect::<Vec<_>>());

    server.close().await;
    assert_eq!(server.clone().next().await, None);
}

over_every_transport_and_streams!(a_client_is_a_sink_of_messages);

async fn a_client_is_a_sink_of_messages(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (server, mut client) = pair(transport).await;

    SinkExt::send(&mut client, "sent").await.unwrap();
    client.feed(String::from("fed")).await.unwrap();
    SinkExt::<&str>::flush(&mut client).await.unwrap();
    let mut all = futures::stream::iter(["one", "two"]).map(Ok);
    client.send_all(&mut all).await.unwrap();

    for expected in ["sent", "fed", "one", "two"] {
        assert_eq!(server.recv().await.unwrap(), expected);
    }
}

over_every_transport_and_streams!(a_sink_waits_while_its_remote_is_full);

async fn a_sink_waits_while_its_remote_is_full(transport: Transport) {
    let _watchdog = Watchdog::start();
    let server = Server::builder().over(transport).recv_hwm(1).bind(transport.any()).await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let mut client = Client::builder().over(transport).send_hwm(1).build();
    transport.connect(&client, &server, endpoint).await;
    let numbers = futures::stream::iter(0..1_000_u32).map(|number| Ok(number.to_be_bytes()));
    let send = numbers.forward(&mut client);
    let receive = async {
        for number in 0..1_000_u32 {
            assert_eq!(server.recv().await.unwrap(), number.to_be_bytes());
        }
    };
    let (sent, ()) = tokio::join!(send, receive);
    sent.unwrap();
}

over_every_transport_and_streams!(closing_a_sink_leaves_the_socket_open);

async fn closing_a_sink_leaves_the_socket_open(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (server, mut client) = pair(transport).await;
    client.feed("first").await.unwrap();
    SinkExt::<&str>::close(&mut client).await.unwrap();
    client.send(()).await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "first");
    assert_eq!(server.recv().await.unwrap(), "");
}

over_every_transport_and_streams!(a_server_forwarded_to_itself_is_an_echo);

async fn a_server_forwarded_to_itself_is_an_echo(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (server, client) = pair(transport).await;
    let (sink, stream) = server.clone().split();
    let echo = tokio::spawn(stream.map(Ok).forward(sink));

    let (mut to_server, mut from_server) = client.split();
    let send = async {
        for number in 0..5_000_u32 {
            to_server.send(number.to_be_bytes()).await.unwrap();
        }
    };
    let receive = async {
        for number in 0..5_000_u32 {
            assert_eq!(from_server.next().await.unwrap(), number.to_be_bytes());
        }
    };
    tokio::join!(send, receive);

    server.close().await;
    echo.await.unwrap().unwrap();
}

over_every_transport_and_streams!(a_server_is_a_sink_of_messages_that_name_their_remote);

async fn a_server_is_a_sink_of_messages_that_name_their_remote(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (mut server, client) = pair(transport).await;
    client.send("hello").await.unwrap();
    let id = server.recv().await.unwrap().routing_id().unwrap();

    SinkExt::send(&mut server, Message::from("to you").with_routing_id(id)).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "to you");

    let unroutable = Message::from("unroutable");
    let error = SinkExt::send(&mut server, unroutable.clone()).await.unwrap_err();
    assert_eq!(error, RouteError::HostUnreachable(unroutable.clone()));

    let unknown = RoutingId::new(u32::from(id).wrapping_add(1).max(1)).unwrap();
    let to_unknown = unroutable.with_routing_id(unknown);
    let error = SinkExt::send(&mut server, to_unknown.clone()).await.unwrap_err();
    assert_eq!(error, RouteError::HostUnreachable(to_unknown));
}

#[tokio::test]
async fn a_client_is_a_sink_of_any_type_that_owns_bytes() {
    fn is_sink<M, S: Sink<M, Error = SendError>>(_: &S) {}

    let client = Client::builder().build();
    is_sink::<&str, _>(&client);
    is_sink::<Bytes, _>(&client);
    is_sink::<Message, _>(&client);
}

async fn pair(transport: Transport) -> (Server, Client) {
    joined(transport, transport.any()).await
}

async fn joined(transport: Transport, endpoint: Endpoint) -> (Server, Client) {
    let server = Server::builder().over(transport).build();
    let bound = server.bind(endpoint).await.unwrap();
    let client = Client::builder().over(transport).build();
    transport.connect(&client, &server, bound).await;
    (server, client)
}

async fn assert_round_trip(client: &Client, server: &Server) {
    client.send("request").await.unwrap();
    let request = server.recv().await.unwrap();
    assert_eq!(request, "request");
    server.reply(&request, "reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "reply");
}

/// Returns a body whose period differs from the size of every buffer, which reveals displaced
/// bytes.
fn pattern(len: usize) -> Vec<u8> {
    (0..251).cycle().take(len).collect()
}

fn by_name(endpoint: &Endpoint) -> String {
    let text = endpoint.to_string();
    format!("tcp://localhost:{}", text.rsplit(':').next().unwrap())
}

const MANY: u32 = 100_000;
