//! The module for browsers, with sockets of libzmq as its remotes.
//!
//! Browsers refuse the subprotocols with a mechanism, so that both exchange identities only.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::Html;
use axum::routing::{get, post};
use interop::SocketType;
use support::chromium::Chromium;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time;

use crate::theirs;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_exchanges_messages_with_libzmq() {
    let [router, xpub, publisher] =
        [SocketType::Router, SocketType::XPub, SocketType::Pub].map(theirs::socket);
    let sockets = [&router, &xpub, &publisher];
    let endpoints = sockets.map(|socket| {
        socket.bind("ws://127.0.0.1:*/zmq").unwrap();
        socket.last_endpoint().unwrap()
    });
    let (reports_tx, mut reports) = mpsc::channel(10);
    let site = axum::Router::new()
        .route("/", get(async || Html(PAGE)))
        .route(
            "/module/{name}",
            get(async |Path(name): Path<String>| {
                ([(CONTENT_TYPE, "text/javascript")], browser::file(&name).unwrap())
            }),
        )
        .route("/report", post(report).with_state(reports_tx));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/?{}", listener.local_addr().unwrap(), endpoints.join("&"));
    let serving = tokio::spawn(async move { axum::serve(listener, site).await.unwrap() });
    let Some(chromium) = Chromium::open(env!("CARGO_TARGET_TMPDIR"), &[], &url) else { return };

    let exchange = async {
        for _kind in ["stream", "socket"] {
            let mut request = theirs::recv(&router).await;
            assert_eq!(request[1..], [&b"to the router"[..], b"and more"]);
            request[1] = b"to the dealer".to_vec();
            theirs::send(&router, &request).await;

            assert_eq!(theirs::recv(&xpub).await, [b"\x01news".to_vec()]);
            theirs::send(&xpub, &[b"other".to_vec()]).await;
            theirs::send(&xpub, &[b"news".to_vec(), b"of today".to_vec()]).await;
            assert_eq!(theirs::recv(&xpub).await, [b"\x00news".to_vec()]);
            // A PUB does not report its subscribers.
            while reports.is_empty() {
                theirs::send(&publisher, &[b"weather".to_vec()]).await;
                time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(reports.recv().await.unwrap(), "weather");
        }
        assert_eq!(reports.recv().await.unwrap(), "done");
    };
    if time::timeout(LIMIT, exchange).await.is_err() {
        panic!("the page hangs: {:?}\n{}", reports.try_recv(), chromium.log());
    }
    serving.abort();
}

async fn report(State(reports): State<mpsc::Sender<String>>, body: String) {
    // Fails if the test has ended.
    let _ = reports.send(body).await;
}

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>test</title>
<script type="module">
  import { Dealer, Sub, text } from "/module/zmtp.mjs";

  const report = (text) => fetch("/report", { method: "POST", body: text });
  addEventListener("error", ({ message }) => report(message));
  addEventListener("unhandledrejection", ({ reason }) => report(`${reason?.stack ?? reason}`));
  const [router, xpub, publisher] = location.search.slice(1).split("&");
  const equal = (actual, expected) => {
    if (JSON.stringify(actual) !== JSON.stringify(expected)) throw new Error(JSON.stringify(actual));
  };
  for (const useWebSocketStream of [true, false]) {
    const dealer = new Dealer({ useWebSocketStream });
    dealer.connect(router);
    await dealer.send(["to the router", "and more"]);
    equal((await dealer.recv()).map(text), ["to the dealer", "and more"]);
    equal(dealer.remotes.map(({ socketType }) => socketType), [undefined]);

    const sub = new Sub({ useWebSocketStream });
    sub.subscribe("news");
    sub.connect(xpub);
    equal((await sub.recv()).map(text), ["news", "of today"]);
    sub.unsubscribe("news");
    const other = new Sub({ useWebSocketStream });
    other.subscribe("weather");
    other.connect(publisher);
    await report(text((await other.recv())[0]));

    // Without an answer to the close frame.
    for (const socket of [dealer, sub, other]) {
      equal(await socket.close({ linger: Infinity }), { undelivered: 0 });
    }
  }
  await report("done");
</script>
"#;

/// About twenty times the duration of the test.
const LIMIT: Duration = Duration::from_secs(30);
