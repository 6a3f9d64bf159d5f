//! The dashboard as a process, shown in Chromium.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod process;

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::{get, post};
use support::chromium::Chromium;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time;

use self::process::Process;

#[tokio::test]
async fn the_page_shows_statistics_and_makes_calls() {
    let mut process = Process::start(env!("CARGO_BIN_EXE_dashboard"), &[]).await;
    let (reports_tx, mut reports) = mpsc::channel(10);
    let router = Router::new()
        .route("/", get(async || Html(include_str!("dashboard.html"))))
        .route("/report", post(report).with_state(reports_tx));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/?{}", listener.local_addr().unwrap(), process.address);
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    // The page of the test examines that of the dashboard, which has another origin.
    let flags = ["--disable-web-security"];
    let Some(chromium) = Chromium::open(env!("CARGO_TARGET_TMPDIR"), &flags, &url) else { return };
    let Ok(report) = time::timeout(LIMIT, reports.recv()).await else {
        panic!("the page hangs:\n{}", chromium.log());
    };
    assert_eq!(report.unwrap(), "done");
    drop(chromium);
    process.signal("INT").await;
    process.finish().await;
    serving.abort();
}

async fn report(State(reports): State<mpsc::Sender<String>>, body: String) {
    // Fails if the test has ended.
    let _ = reports.send(body).await;
}

/// About twenty times the duration of the test.
const LIMIT: Duration = Duration::from_secs(60);
