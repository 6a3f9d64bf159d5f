//! Calls to two servers over one client: concurrent calls, a slow call with a deadline, a stream,
//! and a graceful shutdown.
//!
//! `cargo run -p programs --bin rpc`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_zmtp::rpc::{
    CallError, ErrorCode, Failure, Request, Requester, Responder, Response, service_fn,
};
use tokio_zmtp::{Client, Endpoint, Message, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (first, stop, serving) = start("first").await?;
    let (second, _stop, _serving) = start("second").await?;
    let client = Client::builder().heartbeat_interval(HEARTBEAT).connect(first).await?;
    client.connect(second).await?;
    client.remotes().at_least(2).await?; // otherwise, one server could get all calls
    let requester = Requester::builder(client).timeout(Duration::from_secs(5)).build();

    // Each caller gets its own reply, from either server and in any order.
    let (one, two) = tokio::join!(requester.call("hello"), requester.call("how are you"));
    println!("{} / {}", one?.to_str()?, two?.to_str()?);

    let request = Request::from("sleep").with_timeout(Duration::from_millis(50));
    let error = requester.call(request).await.expect_err("the call exceeds its deadline");
    println!("sleep: {error}");
    // Either timer can expire first: that of the client or that of the server.
    let expired = match &error {
        CallError::DeadlineExceeded | CallError::NotSent => true,
        CallError::Failed(failure) => failure.code() == ErrorCode::DEADLINE_EXCEEDED,
        _ => false,
    };
    assert!(expired);

    let error = requester.call("fail").await.expect_err("the server fails this request");
    println!("fail: {error}");

    let numbers: Vec<Message> = requester.stream("count").try_collect().await?;
    println!("count: {} parts", numbers.len());

    // The first server finishes accepted requests before it ends.
    let last: Vec<_> = (0..10).map(|_| tokio::spawn(requester.call("hello"))).collect();
    for call in last {
        call.await??;
    }
    drop(stop);
    serving.await?;
    println!("all {} calls are accounted for", requester.stats().sent);
    assert!(requester.stats().is_consistent());
    Ok(())
}

/// Starts a server. Returns its endpoint, a sender that stops it when dropped, and its task.
async fn start(
    name: &'static str,
) -> Result<(Endpoint, oneshot::Sender<()>, JoinHandle<()>), Box<dyn Error>> {
    let builder = Server::builder().heartbeat_interval(HEARTBEAT);
    let server = builder.bind("tcp://127.0.0.1:*").await?;
    let endpoint = server.last_endpoint().ok_or("the server is not bound")?;
    let (stop, stopped) = oneshot::channel::<()>();
    let service = service_fn(move |request: Request| answer(name, request));
    let serving = Responder::new(server).serve_with_shutdown(service, async {
        let _ = stopped.await;
    });
    Ok((endpoint, stop, tokio::spawn(serving)))
}

async fn answer(name: &str, request: Request) -> Result<Response, Failure> {
    match request.body().to_str() {
        Ok("sleep") => {
            // The future is dropped at the deadline of the request.
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(Response::new("awake"))
        }
        Ok("fail") => Err(Failure::application(42, "as you wish")),
        Ok("count") => {
            let numbers = stream::iter(0..1_000).map(|number: u32| number.to_string());
            Ok(Response::stream(numbers.map(Ok::<_, Failure>)))
        }
        Ok(text) => Ok(Response::new(format!("{text}, from {name}"))),
        Err(_) => Err(Failure::application(1, "not valid UTF-8")),
    }
}

/// A remote that fails silently is detected within twice this time, and pending calls fail.
const HEARTBEAT: Duration = Duration::from_secs(10);
