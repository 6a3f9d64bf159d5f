//! Frames that are changed in transit under CURVE do not disturb a responder.

use tokio_zmtp::auth::CurveKeypair;
use tokio_zmtp::rpc::{Requester, Responder, service_fn};
use tokio_zmtp::{Client, Mechanism, Message, Server};

use crate::relay::{mark_messages, relay};
use crate::wire::echo;

#[tokio::test]
async fn a_responder_answers_calls_whether_or_not_their_frames_are_marked_as_commands() {
    let keypair = CurveKeypair::generate();
    let server_key = keypair.public_key();
    let server = Server::builder().mechanism(Mechanism::curve_server(keypair));
    let responder = Responder::new(server.bind("tcp://127.0.0.1:*").await.unwrap());
    let endpoint = responder.server().last_endpoint().unwrap();
    let serving = tokio::spawn(responder.serve(service_fn(echo)));
    let client = || Client::builder().mechanism(Mechanism::curve_client(server_key));
    let marked = client().connect(relay(&endpoint, mark_messages).await).await.unwrap();
    let honest = client().connect(endpoint).await.unwrap();
    // The messages are shorter than an envelope, and therefore not calls.
    for len in 0..3 {
        marked.send(vec![0x11; len]).await.unwrap();
    }
    let (marked, honest) = (Requester::new(marked), Requester::new(honest));
    for len in [0, 1, 60, 70, 300, 100_000] {
        let body = Message::from(vec![7; len]);
        for requester in [&marked, &honest] {
            assert_eq!(requester.call(&body).await.unwrap(), body);
        }
    }
    assert!(!serving.is_finished());
}
