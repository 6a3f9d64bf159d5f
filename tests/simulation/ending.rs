//! Sockets that close during a partition.

use std::time::Duration;

use tokio::time::{self, Instant};
use tokio_zmtp::{Client, Server};

use crate::scenario::run;

#[test]
fn close_ends_with_linger_and_counts_what_was_not_written() {
    run(1, async |network| {
        let [here, there] = [network.host(), network.host()];
        let linger = Duration::from_secs(7);
        let (server, client) = (Server::new(), Client::builder().linger(linger).build());
        there.listen(&server);
        here.connect(&client, &there).await;
        client.remotes().connected().await.unwrap();
        network.cut(&here, &there);
        for _ in 0..10 {
            client.send(vec![7; 40_000]).await.unwrap();
        }
        let begun = Instant::now();
        let (report, undelivered) = client.close_with_undelivered().await;
        let waited = begun.elapsed();
        assert!(linger <= waited && waited <= linger + SLACK, "{waited:?}");
        assert_eq!(report.written + report.undelivered, 10, "{report:?}");
        assert_eq!(undelivered.len() as u64, report.undelivered);
        assert!(report.undelivered >= 8, "the network takes 64 KiB: {report:?}");

        // What was written arrives, although the socket does not exist.
        network.repair(&here, &there);
        for _ in 0..report.written {
            assert_eq!(server.recv().await.unwrap().len(), 40_000);
        }
        time::sleep(Duration::from_secs(1)).await;
        assert!(server.remotes().is_empty());
        assert!(server.try_recv().is_err());
    });
}

#[test]
fn close_writes_everything_after_the_repair() {
    for is_connected in [false, true] {
        run(2, async |network| {
            let [here, there] = [network.host(), network.host()];
            let (server, client) = (Server::new(), Client::builder().linger(None).build());
            there.listen(&server);
            if !is_connected {
                network.cut(&here, &there);
            }
            here.connect(&client, &there).await;
            if is_connected {
                client.remotes().connected().await.unwrap();
                network.cut(&here, &there);
            }
            for number in 0..10_u8 {
                client.send(vec![number; 40_000]).await.unwrap();
            }
            let closing = tokio::spawn(async move { client.close().await });
            time::sleep(Duration::from_secs(3_600)).await;
            assert!(!closing.is_finished());
            network.repair(&here, &there);
            for number in 0..10_u8 {
                assert!(server.recv().await.unwrap() == vec![number; 40_000]);
            }
            let report = closing.await.unwrap();
            assert_eq!((report.written, report.undelivered), (10, 0));
        });
    }
}

#[test]
fn an_accepted_remote_behind_a_partition_does_not_delay_a_close_without_messages() {
    run(3, async |network| {
        let [here, there] = [network.host(), network.host()];
        let (server, client) = (Server::new(), Client::new());
        there.listen(&server);
        here.connect(&client, &there).await;
        client.send("hello").await.unwrap();
        server.recv().await.unwrap();
        network.cut(&here, &there);
        let begun = Instant::now();
        server.close().await;
        assert!(begun.elapsed() <= SLACK, "{:?}", begun.elapsed());
    });
}

/// The time for the remote to end its side of a stream, and the resolution of timers.
const SLACK: Duration = Duration::from_millis(2_010);
