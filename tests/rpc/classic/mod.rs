//! Calls over the classic sockets: DEALER, ROUTER, REQ and REP.

mod brokers;
mod connections;
mod exchange;
mod lock_step;
mod malformed;
// On other systems, the program python3 has another name.
#[cfg(unix)]
mod python;
mod wire;

use std::future::Future;

use support::remote::{MORE, Remote};
use tokio::task::JoinHandle;
use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, Response, service_fn};
use tokio_zmtp::{Dealer, Endpoint, Multipart, Rep};

/// Starts a responder over a REP.
async fn serve<F, Fut, T>(endpoint: &str, handler: F) -> (Responder<Rep>, JoinHandle<()>)
where
    F: FnMut(Request) -> Fut + Send + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
    T: Into<Response> + 'static,
{
    let responder = Responder::new(Rep::builder().bind(endpoint).await.unwrap());
    let serving = tokio::spawn(responder.serve(service_fn(handler)));
    (responder, serving)
}

/// Creates a requester over a DEALER.
async fn requester(responder: &Responder<Rep>) -> Requester<Dealer> {
    Requester::new(dealer(responder).await)
}

/// Creates a DEALER without a requester.
async fn dealer(responder: &Responder<Rep>) -> Dealer {
    Dealer::builder().connect(endpoint(responder)).await.unwrap()
}

fn endpoint(responder: &Responder<Rep>) -> Endpoint {
    responder.rep().last_endpoint().unwrap()
}

/// Encodes a message of a call behind the delimiter.
fn delimited(message: Vec<u8>) -> Multipart {
    Multipart::from([Vec::new(), message])
}

/// Writes a message of a call behind the delimiter.
async fn write(remote: &mut Remote, message: Vec<u8>) {
    let size = u8::try_from(message.len()).unwrap();
    remote.write(&[&[MORE, 0, 0, size], &message[..]].concat()).await;
}

/// Reads a message of a call behind the delimiter.
async fn read(remote: &mut Remote) -> Vec<u8> {
    assert_eq!(remote.read_frame().await, (MORE, Vec::new()));
    remote.read_message().await
}
