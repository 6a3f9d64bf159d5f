//! What connections cost over which nothing passes.

use tokio_zmtp::{Client, Server, Socket};
use tracing::subscriber;
use tracing_subscriber::Registry;

use crate::census::{self, Census};
use crate::watchdog::Watchdog;

#[test]
fn an_idle_connection_costs_little_at_either_end() {
    let _alone = census::alone();
    let _watchdog = Watchdog::start();
    connect_and_idle();
}

#[test]
fn its_span_fits_into_that_when_the_log_is_kept() {
    let _alone = census::alone();
    let _watchdog = Watchdog::start();
    subscriber::with_default(Registry::default(), connect_and_idle);
}

fn connect_and_idle() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        let server = Server::bind("tcp://127.0.0.1:*").await.unwrap();
        let endpoint = server.last_endpoint().unwrap();
        let client = Client::builder().build();
        let mut before = None;
        for number in 0..=CONNECTIONS {
            client.connect(endpoint.clone()).await.unwrap();
            client.send("hello").await.unwrap();
            let hello = server.recv().await.unwrap();
            server.reply(&hello, "hello yourself").await.unwrap();
            client.recv().await.unwrap();
            if number == 0 {
                // What the sockets themselves take is no matter here.
                before = Some(Census::take());
            }
        }
        assert_eq!(server.peers().len(), CONNECTIONS + 1);
        let each = (Census::take().heap - before.unwrap().heap) / (2 * CONNECTIONS);
        assert!(each <= OCTETS_EACH, "{each} octets for each end");
        client.close().await;
        server.close().await;
    });
}

/// As many as the process may have files for, on systems that allow few.
const CONNECTIONS: usize = 200;

const OCTETS_EACH: usize = 8 * 1_024;
