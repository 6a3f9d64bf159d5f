//! The bytes of docs/rpc.md on the connections of each pair of socket types.

use std::fs;

use support::remote::{Remote, RemoteListener};
use tokio_zmtp::rpc::{Failure, Request, Requester, RequestingSocket, Responder, service_fn};
use tokio_zmtp::{Client, Dealer, Endpoint, Message, Server};

use super::{endpoint, serve};

#[tokio::test]
async fn a_responder_answers_with_the_documented_bytes() {
    let (classic, _) = serve("tcp://127.0.0.1:*", answer).await;
    let server = Server::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let server_endpoint = server.last_endpoint().unwrap();
    tokio::spawn(Responder::new(server).serve(service_fn(answer)));
    is_answered(&server_endpoint, "CLIENT", CLIENT_AND_SERVER).await;
    for (socket_type, bytes) in
        [("DEALER", CLASSIC), ("REQ", CLASSIC), ("REQ", CORRELATED), ("DEALER", THROUGH_A_BROKER)]
    {
        is_answered(&endpoint(&classic), socket_type, bytes).await;
    }
}

async fn answer(_: Request) -> Result<Message, Failure> {
    Ok(Message::from("ok"))
}

async fn is_answered(endpoint: &Endpoint, socket_type: &str, exchange: [&str; 2]) {
    let [request, reply] = documented(exchange);
    let mut remote = Remote::dial(endpoint).await;
    remote.shake_hands(socket_type).await;
    remote.write(&request).await;
    assert_eq!(remote.read(reply.len()).await, reply);
}

#[tokio::test]
async fn a_requester_sends_the_documented_bytes() {
    let listener = RemoteListener::bind();
    let client = Client::builder().connect(listener.endpoint()).await.unwrap();
    calls(listener, "SERVER", Requester::new(client), CLIENT_AND_SERVER).await;
    for socket_type in ["REP", "ROUTER", "DEALER"] {
        let listener = RemoteListener::bind();
        let dealer = Dealer::builder().connect(listener.endpoint()).await.unwrap();
        calls(listener, socket_type, Requester::new(dealer), CLASSIC).await;
    }
}

async fn calls<S: RequestingSocket>(
    listener: RemoteListener,
    socket_type: &str,
    requester: Requester<S>,
    exchange: [&str; 2],
) {
    // The first call of a requester has the id 0.
    let [request, reply] = documented(exchange).map(|mut bytes| {
        let id = bytes.iter().position(|byte| *byte == 7).unwrap();
        bytes[id] = 0;
        bytes
    });
    let serve = async {
        let mut remote = listener.accept_as(socket_type).await;
        assert_eq!(remote.read(request.len()).await, request);
        remote.write(&reply).await;
        remote
    };
    let (replied, _remote) = tokio::join!(requester.call("hi"), serve);
    assert_eq!(replied.unwrap(), "ok");
}

/// Returns the bytes of a request and its reply, which the page contains.
fn documented(exchange: [&str; 2]) -> [Vec<u8>; 2] {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rpc.md")).unwrap();
    exchange.map(|line| {
        assert!(page.lines().any(|it| it.trim() == line), "{line} is not documented");
        let digits: String = line.split_whitespace().collect();
        let bytes = (0..digits.len()).step_by(2);
        bytes.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    })
}

const CLIENT_AND_SERVER: [&str; 2] =
    ["000c 11 0000000000000007 00 6869", "000b 12 0000000000000007 6f6b"];

const CLASSIC: [&str; 2] =
    ["0100 000c 11 0000000000000007 00 6869", "0100 000b 12 0000000000000007 6f6b"];

const CORRELATED: [&str; 2] = [
    "01044b94e82a 0100 000c 11 0000000000000007 00 6869",
    "01044b94e82a 0100 000b 12 0000000000000007 6f6b",
];

const THROUGH_A_BROKER: [&str; 2] = [
    "01050080000041 0100 000c 11 0000000000000007 00 6869",
    "01050080000041 0100 000b 12 0000000000000007 6f6b",
];
