//! Messages and calls of every type.

use std::future;
use std::iter;
use std::sync::Arc;

use axum::Router;
use futures::stream;
use tokio::sync::mpsc;
use tokio_zmtp::auth::Users;
use tokio_zmtp::rpc::{Failure, Request, Responder, Response, service_fn};
use tokio_zmtp::{Mechanism, Pub, Rep, Router as RouterSocket, Server};

use crate::page::Page;
use crate::route::{attached, attached_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_exchanges_messages_and_makes_calls() {
    let (echo, router, publisher) = (Server::new(), RouterSocket::new(), Pub::new());
    let (server, rep) = (Server::new(), Rep::new());
    let users = Users::new();
    users.insert("ada", "secret");
    let plain = Server::builder().mechanism(Mechanism::PlainServer).authenticator(users).build();
    let routes = Router::new()
        .route("/echo", attached(&echo))
        .route("/router", attached(&router))
        .route("/publisher", attached(&publisher))
        .route("/responder", attached(&server))
        .route("/rep", attached(&rep))
        .route("/plain", attached_with(&plain, &Mechanism::PlainServer));
    let Some(mut page) = Page::open("exchange.mjs", routes).await else { return };

    tokio::spawn(async move {
        while let Ok(request) = echo.recv().await {
            let _ = echo.reply(&request, request.clone()).await;
        }
    });
    tokio::spawn(async move {
        while let Ok(request) = router.recv().await {
            let parts = request.iter().map(|part| part.to_vec());
            let reply = iter::once(request.identity().as_bytes().to_vec()).chain(parts);
            let reply: Vec<_> = reply.collect();
            let _ = router.reply(&request, reply).await;
        }
    });
    tokio::spawn(async move {
        while let Ok((request, remote)) = plain.recv_from().await {
            let user = remote.user_id().unwrap();
            let reply = format!("{} {user}", request.to_str().unwrap());
            let _ = plain.reply(&request, reply).await;
        }
    });
    let (sleeping_tx, mut sleeping) = mpsc::unbounded_channel();
    let answer = move |request| answer(request, sleeping_tx.clone());
    tokio::spawn(Responder::new(server).serve(service_fn(answer.clone())));
    tokio::spawn(Responder::new(rep).serve(service_fn(answer)));

    for _kind in ["stream", "socket"] {
        let subscribed = page.step("subscribed").await;
        for topic in ["before", "after"] {
            publisher.subscribed(topic).await.unwrap();
        }
        publisher.send(["never", "0"]).await.unwrap();
        publisher.send(["before", "1"]).await.unwrap();
        publisher.send(["after that", "2"]).await.unwrap();
        subscribed.answer("");
        for _requester in ["client", "dealer"] {
            let step = page.step("sleeping").await;
            let cancelled: Arc<()> = sleeping.recv().await.unwrap();
            step.answer("");
            let step = page.step("cancelled").await;
            // The handler holds the other reference until it is dropped.
            while Arc::strong_count(&cancelled) > 1 {
                tokio::task::yield_now().await;
            }
            step.answer("");
        }
    }
    page.finish().await;
}

async fn answer(
    request: Request,
    sleeping: mpsc::UnboundedSender<Arc<()>>,
) -> Result<Response, Failure> {
    let body = request.body().to_str().unwrap();
    let (verb, object) = body.split_once(' ').unwrap_or((body, ""));
    match verb {
        "fail" => Err(Failure::application(42, "as you wish")),
        "trace" => {
            let context = request.trace_context().unwrap();
            Ok(Response::new(format!("{context} {}", context.state())))
        }
        "time" => Ok(Response::new(request.remaining().unwrap().as_millis().to_string())),
        "sleep" => {
            let asleep = Arc::new(());
            if object == "until cancelled" {
                sleeping.send(Arc::clone(&asleep)).unwrap();
            }
            future::pending::<()>().await;
            drop(asleep);
            Ok(Response::new(""))
        }
        "count" => {
            let numbers = 0..object.parse::<u32>().unwrap();
            let numbers = numbers.map(|number| Ok::<_, Failure>(number.to_string()));
            Ok(Response::stream(stream::iter(numbers)))
        }
        _ => Ok(Response::new(request.into_body())),
    }
}
