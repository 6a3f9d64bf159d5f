//! A live dashboard: a web page that subscribes to statistics and calls a `Responder`.
//!
//! `cargo run -p services --bin dashboard`, and open <http://localhost:8080>.
//!
//! The page, the ES module of `browser/` and two sockets share one HTTP port. A `Pub` publishes the
//! statistics of all sockets of the process twice a second, as long as a page is subscribed. A
//! `Responder` performs the tasks that the pages enter, and those of a `Requester` in this process,
//! whose rate the pages set. The environment variable `LISTEN` sets the address.
//!
//! A page that falls behind misses statistics, which are counted, and delays no other page.
//! Connections are accepted only from the pages of this program (`origin_is_own`).

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod load;
mod statistics;

use std::env;
use std::error::Error;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Router, serve};
use hyper_util::rt::TokioIo;
use services::shutdown_signal;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_zmtp::rpc::{Requester, Responder, service_fn};
use tokio_zmtp::ws::WebSocketAcceptor;
use tokio_zmtp::{Client, Mechanism, Pub, Server, Socket};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let tasks = Server::builder().bind("inproc://tasks").await?;
    let publisher = Pub::builder().send_hwm(100).build();
    let caller = Client::builder().connect("inproc://tasks").await?;
    tokio::spawn(statistics::publish(publisher.clone(), tasks.clone(), caller.clone()));
    let rate = watch::Sender::new(10);
    tokio::spawn(load::call(Requester::new(caller), rate.subscribe()));
    let service = service_fn(move |request| load::perform(request, rate.clone()));
    tokio::spawn(Responder::new(tasks.clone()).serve(service));

    let router = Router::new()
        .route("/", get(async || Html(include_str!("page.html"))))
        .route("/zmtp/{file}", get(module))
        .route("/statistics", attached(publisher.clone()))
        .route("/tasks", attached(tasks.clone()));
    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    tokio::select! {
        served = serve(listener, router) => served?,
        signaled = shutdown_signal() => signaled?,
    }
    println!("ending");
    let (tasks, publisher) = tokio::join!(tasks.close(), publisher.close());
    let undelivered = tasks.undelivered + publisher.undelivered;
    println!("ended with {undelivered} undelivered requests");
    Ok(())
}

/// Returns a file of the ES module.
async fn module(Path(file): Path<String>) -> Response {
    match browser::file(&file) {
        Some(content) => ([(CONTENT_TYPE, "text/javascript")], content).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Upgrades the requests of a route, and attaches the WebSockets to a socket.
fn attached<S: Socket>(socket: S) -> MethodRouter {
    // Detects within 20 seconds that a page has failed silently.
    let acceptor = WebSocketAcceptor::new(&Mechanism::Null).heartbeat(INTERVAL, INTERVAL);
    get(async move |mut request: Request| {
        if !origin_is_own(request.headers()) {
            return StatusCode::FORBIDDEN.into_response();
        }
        let response = match acceptor.respond(&request) {
            Ok(response) => response,
            Err(error) => return error.response().map(|()| Body::empty()),
        };
        let upgrading = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            if let Ok(upgraded) = upgrading.await {
                // Fails only if the socket is closed.
                let _ = socket.attach(acceptor.upgraded(TokioIo::new(upgraded))).await;
            }
        });
        response.map(|()| Body::empty())
    })
}

/// Returns whether a request is from a page of this program. Otherwise any page that a user visits
/// could connect. Programs that are not browsers send no origin.
fn origin_is_own(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|it| it.1);
    host.is_some() && host == headers.get(HOST).and_then(|host| host.to_str().ok())
}

const INTERVAL: Duration = Duration::from_secs(10);
