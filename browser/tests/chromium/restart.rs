//! A server that ends and returns.

use std::future;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request as HttpRequest;
use axum::http::StatusCode;
use axum::response::Response as HttpResponse;
use axum::routing::{MethodRouter, get};
use tokio::sync::mpsc;
use tokio_zmtp::rpc::{Failure, Request, Responder, service_fn};
use tokio_zmtp::ws::WebSocketAcceptor;
use tokio_zmtp::{Mechanism, Pub, Server, Socket};

use crate::page::Page;
use crate::route::upgrade;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_reconnects_to_a_server_that_returns() {
    let (publisher, echo, responder) = (Slot::default(), Slot::default(), Slot::default());
    let routes = Router::new()
        .route("/publisher", publisher.route())
        .route("/echo", echo.route())
        .route("/responder", responder.route());
    let (sleeping_tx, mut sleeping) = mpsc::unbounded_channel();
    let start = || {
        publisher.fill(Pub::new());
        tokio::spawn(return_messages(echo.fill(Server::new())));
        let sleeping = sleeping_tx.clone();
        let answer = service_fn(move |request| answer(request, sleeping.clone()));
        tokio::spawn(Responder::new(responder.fill(Server::new())).serve(answer));
    };
    start();
    let Some(mut page) = Page::open("restart.mjs", routes).await else { return };

    for _kind in ["stream", "socket"] {
        let connected = page.step("connected").await;
        sleeping.recv().await.unwrap();
        publisher.take().close().await;
        echo.take().close().await;
        responder.take().close().await;
        connected.answer("");
        let down = page.step("down").await;
        start();
        down.answer("");
        let up = page.step("up").await;
        let returned = publisher.current().unwrap();
        returned.subscribed("news").await.unwrap();
        returned.send(["sport", "not subscribed to"]).await.unwrap();
        returned.send(["news", "again"]).await.unwrap();
        up.answer("");
    }
    page.finish().await;
}

/// The socket of a route, which may be absent. The route answers with 503 meanwhile.
#[derive(Clone)]
struct Slot<S>(Arc<Mutex<Option<S>>>);

impl<S> Default for Slot<S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<S: Socket> Slot<S> {
    fn fill(&self, socket: S) -> S {
        *self.0.lock().unwrap() = Some(socket.clone());
        socket
    }

    fn take(&self) -> S {
        self.0.lock().unwrap().take().unwrap()
    }

    fn current(&self) -> Option<S> {
        self.0.lock().unwrap().clone()
    }

    fn route(&self) -> MethodRouter {
        let slot = self.clone();
        get(async move |request: HttpRequest| match slot.current() {
            Some(socket) => upgrade(&socket, &WebSocketAcceptor::new(&Mechanism::Null), request),
            None => {
                let response = HttpResponse::builder().status(StatusCode::SERVICE_UNAVAILABLE);
                response.body(Body::empty()).unwrap()
            }
        })
    }
}

async fn return_messages(server: Server) {
    while let Ok(request) = server.recv().await {
        let _ = server.reply(&request, request.clone()).await;
    }
}

async fn answer(
    request: Request,
    sleeping: mpsc::UnboundedSender<()>,
) -> Result<tokio_zmtp::Message, Failure> {
    if request.body() == "sleep" {
        sleeping.send(()).unwrap();
        future::pending::<()>().await;
    }
    Ok(request.into_body())
}
