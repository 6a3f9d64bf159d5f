//! Many clients that connect and leave.

use tokio::task::{self, JoinSet};
use tokio_zmtp::{Client, Endpoint, Server};

use crate::process_usage::{self, ProcessUsage};
use crate::remote::{self, GREETING, Remote};
use crate::watchdog::Watchdog;

#[test]
fn twenty_thousand_clients_leave_nothing_behind() {
    let _alone = process_usage::alone();
    let _watchdog = Watchdog::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::new();
        let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
        let receiving = task::spawn({
            let server = server.clone();
            async move { while server.recv().await.is_ok() {} }
        });
        let idle = process_usage::tasks();
        // Lets all collections grow to their final size.
        churn(&endpoint, 2_000).await;
        process_usage::until_tasks_are(idle).await;

        let before = ProcessUsage::take();
        churn(&endpoint, 20_000).await;
        process_usage::until_tasks_are(idle).await;
        let after = ProcessUsage::take();

        assert!(server.remotes().list().is_empty());
        assert_eq!(after.descriptors, before.descriptors);
        // Less than a byte for each client. The resident size is less exact.
        assert!(after.heap < before.heap + 20_000, "{before:?}, {after:?}");
        assert!(after.resident < before.resident + 0x40_0000, "{before:?}, {after:?}");
        server.close().await;
        receiving.await.unwrap();
        assert_eq!(process_usage::tasks(), 0);
    });
}

/// Connects and disconnects a number of clients, several at a time.
async fn churn(endpoint: &Endpoint, clients: u32) {
    let mut guests = JoinSet::new();
    for guest in 0..AT_A_TIME {
        let endpoint = endpoint.clone();
        guests.spawn(async move {
            for number in (guest..clients).step_by(AT_A_TIME as usize) {
                visit(&endpoint, number).await;
            }
        });
    }
    guests.join_all().await;
}

/// Connects in one of several ways, and leaves.
async fn visit(endpoint: &Endpoint, number: u32) {
    match number / AT_A_TIME % 5 {
        0 => {
            let client = Client::new();
            client.connect(endpoint.clone()).await.unwrap();
            client.send("hello").await.unwrap();
            client.close().await;
        }
        1 => Remote::dial(endpoint).await.reset(),
        2 => {
            let mut remote = Remote::dial(endpoint).await;
            remote.write(&GREETING[..number as usize % GREETING.len()]).await;
            remote.reset();
        }
        3 => Remote::client(endpoint).await.reset(),
        _ => {
            let mut remote = Remote::client(endpoint).await;
            remote.write(&remote::message(&[7; 300])).await;
            remote.sync().await;
            remote.reset();
        }
    }
}

const AT_A_TIME: u32 = 8;
