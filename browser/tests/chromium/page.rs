//! A page of a test: the site that it belongs to, and the steps that it reports.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, path};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time;

use support::chromium::Chromium;

/// A page that is open in Chromium. The site ends with it.
pub(crate) struct Page {
    chromium: Chromium,
    steps: mpsc::UnboundedReceiver<Step>,
    console: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

/// A step of a page, which waits for an answer.
pub(crate) struct Step {
    name: String,
    body: String,
    answer: oneshot::Sender<String>,
}

impl Page {
    /// Opens `pages/{script}` on a site with further routes. Returns `None` without Chromium.
    pub(crate) async fn open(script: &'static str, routes: Router) -> Option<Self> {
        let (steps_tx, steps) = mpsc::unbounded_channel();
        let console = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&console);
        let router = Router::new()
            .route("/", get(async || Html(PAGE)))
            .route("/page.mjs", get(async move || page_file(script)))
            .route("/page/{name}", get(async |Path(name): Path<String>| page_file(&name)))
            .route(
                "/module/{name}",
                get(async |Path(name): Path<String>| javascript(browser::file(&name))),
            )
            .route("/console", post(async move |line: String| lines.lock().unwrap().push(line)))
            .route("/step/{name}", post(step).with_state(steps_tx))
            .merge(routes);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let chromium =
            Chromium::open(env!("CARGO_TARGET_TMPDIR"), &[], &format!("http://{address}/"))?;
        Some(Self { chromium, steps, console, serving })
    }

    /// Waits for the next step, which must have this name.
    pub(crate) async fn step(&mut self, name: &str) -> Step {
        let Ok(step) = time::timeout(LIMIT, self.steps.recv()).await else {
            panic!("the page hangs before the step {name}:\n{}", self.diagnosis());
        };
        let step = step.unwrap();
        assert_eq!(step.name, name, "{}\n{}", step.body, self.diagnosis());
        step
    }

    /// Waits until the page has succeeded; returns its report.
    pub(crate) async fn finish(mut self) -> String {
        self.step("done").await.body
    }

    /// Returns what the page and Chromium have logged.
    fn diagnosis(&self) -> String {
        let console = self.console.lock().unwrap().join("\n");
        format!("console of the page:\n{console}\nlog of Chromium:\n{}", self.chromium.log())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Step {
    pub(crate) fn body(&self) -> &str {
        &self.body
    }

    /// Lets the page continue.
    pub(crate) fn answer(self, answer: impl Into<String>) {
        // Fails if the page has crashed, which the next step reports.
        let _ = self.answer.send(answer.into());
    }
}

async fn step(
    State(steps): State<mpsc::UnboundedSender<Step>>,
    Path(name): Path<String>,
    body: String,
) -> Result<String, StatusCode> {
    let (answer, answered) = oneshot::channel();
    steps.send(Step { name, body, answer }).map_err(|_| StatusCode::GONE)?;
    answered.await.map_err(|_| StatusCode::GONE)
}

/// Returns a file of the tests.
fn page_file(name: &str) -> Response {
    let pages = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chromium/pages");
    javascript(fs::read_to_string(path::Path::new(pages).join(name)).ok())
}

fn javascript(content: Option<impl Into<Body>>) -> Response {
    let status = if content.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let response = Response::builder().status(status).header(CONTENT_TYPE, "text/javascript");
    response.body(content.map_or_else(Body::empty, Into::into)).unwrap()
}

const PAGE: &str = include_str!("pages/page.html");

/// About twenty times the duration of the slowest step.
const LIMIT: Duration = Duration::from_secs(60);
