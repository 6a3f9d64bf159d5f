//! Traffic continues after either end has restarted.

use interop::RemoteProcess;
use tokio::{task, time};
use tokio_zmtp::{Client, Server};

use crate::pairing::{
    ANY_PORT, Binds, DEFAULT_HWM, POLL_INTERVAL, Routed, ServerSide, Side, ask_until_answered,
    echo, guarded, join_at, own_address,
};
use crate::{ours, theirs};

#[tokio::test]
async fn our_client_that_connects_outlives_a_killed_server() {
    let client = ours::client(DEFAULT_HWM);
    guarded(async {
        let server = start(["server", "bind", &own_address(), "echo"]);
        let endpoint = bound(&server).await;
        client.connect(&endpoint).await;
        ask_until_answered(&client, "before").await;
        kill(server).await;
        let _server = start(["server", "bind", &endpoint, "echo"]);
        ask_until_answered(&client, "after").await;
    })
    .await;
}

#[tokio::test]
async fn our_client_that_binds_outlives_a_killed_server() {
    let client = ours::client(DEFAULT_HWM);
    guarded(async {
        let endpoint = client.bind(ANY_PORT).await;
        let server = start(["server", "connect", &endpoint, "echo"]);
        ask_until_answered(&client, "before").await;
        kill(server).await;
        let _server = start(["server", "connect", &endpoint, "echo"]);
        ask_until_answered(&client, "after").await;
    })
    .await;
}

#[tokio::test]
async fn our_server_that_binds_outlives_a_killed_client() {
    let server = ours::server(DEFAULT_HWM);
    guarded(async {
        let endpoint = server.bind(ANY_PORT).await;
        let client = start(["client", "connect", &endpoint, "ask", MANY, "16"]);
        let killed = serve(&server, REQUESTS).await;
        kill(client).await;
        while server.try_route(killed, b"anyone there?") != Routed::Unreachable {
            time::sleep(POLL_INTERVAL).await;
        }
        let client = start(["client", "connect", &endpoint, "ask", "10", "16"]);
        tokio::select! {
            () = echo(&server) => {}
            () = done(&client) => {}
        }
    })
    .await;
}

#[tokio::test]
async fn our_server_that_connects_outlives_a_killed_client() {
    let server = ours::server(DEFAULT_HWM);
    guarded(async {
        let client = start(["client", "bind", &own_address(), "ask", MANY, "16"]);
        let endpoint = bound(&client).await;
        server.connect(&endpoint).await;
        serve(&server, REQUESTS).await;
        kill(client).await;
        let client = start(["client", "bind", &endpoint, "ask", "10", "16"]);
        assert_eq!(bound(&client).await, endpoint);
        tokio::select! {
            () = echo(&server) => {}
            () = done(&client) => {}
        }
    })
    .await;
}

#[tokio::test]
async fn their_server_outlives_our_client() {
    for (binds, ending) in EVERY_END {
        guarded(async {
            let server = theirs::server(DEFAULT_HWM);
            let client = ours::client(DEFAULT_HWM);
            let endpoint = join_at(&own_address(), &client, &server, binds).await;
            let traffic = async {
                ask_until_answered(&client, "before").await;
                ending.of_client(client.0).await;
                let client = ours::client(DEFAULT_HWM);
                match binds {
                    Binds::Client => assert_eq!(client.bind(&endpoint).await, endpoint),
                    Binds::Server => client.connect(&endpoint).await,
                }
                ask_until_answered(&client, "after").await;
            };
            tokio::select! {
                () = echo(&server) => {}
                () = traffic => {}
            }
        })
        .await;
    }
}

#[tokio::test]
async fn their_client_outlives_our_server() {
    for (binds, ending) in EVERY_END {
        guarded(async {
            let client = theirs::client(DEFAULT_HWM);
            let server = ours::server(DEFAULT_HWM);
            let endpoint = join_at(&own_address(), &client, &server, binds).await;
            tokio::select! {
                () = echo(&server) => {}
                () = ask_until_answered(&client, "before") => {}
            }
            ending.of_server(server.0).await;
            let server = ours::server(DEFAULT_HWM);
            match binds {
                Binds::Client => server.connect(&endpoint).await,
                Binds::Server => assert_eq!(server.bind(&endpoint).await, endpoint),
            }
            tokio::select! {
                () = echo(&server) => {}
                () = ask_until_answered(&client, "after") => {}
            }
        })
        .await;
    }
}

/// How our socket ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Close,
    Drop,
}

impl Ending {
    async fn of_client(self, client: Client) {
        match self {
            Self::Close => drop(client.close().await),
            Self::Drop => drop(client),
        }
    }

    async fn of_server(self, server: Server) {
        match self {
            Self::Close => drop(server.close().await),
            Self::Drop => drop(server),
        }
    }
}

/// Answers a number of requests and returns the sender of the last one.
async fn serve<S: ServerSide>(server: &S, requests: usize) -> S::Id {
    let mut last = None;
    for _ in 0..requests {
        let (request, id) = server.recv().await;
        server.route(id, &request).await;
        last = Some(id);
    }
    last.expect("`requests` is not zero")
}

fn start<const N: usize>(arguments: [&str; N]) -> RemoteProcess {
    RemoteProcess::start(env!("CARGO_BIN_EXE_libzmq-remote"), arguments).unwrap()
}

async fn bound(remote: &RemoteProcess) -> String {
    let line = line(remote).await;
    line.strip_prefix("bound ").expect("a remote first reports its endpoint").to_owned()
}

async fn done(remote: &RemoteProcess) {
    let line = line(remote).await;
    assert!(line.starts_with("done "), "{line}");
}

async fn line(remote: &RemoteProcess) -> String {
    loop {
        if let Some(line) = remote.try_line() {
            return line;
        }
        time::sleep(POLL_INTERVAL).await;
    }
}

async fn kill(remote: RemoteProcess) {
    task::spawn_blocking(|| remote.kill()).await.unwrap();
}

const EVERY_END: [(Binds, Ending); 4] = [
    (Binds::Client, Ending::Close),
    (Binds::Client, Ending::Drop),
    (Binds::Server, Ending::Close),
    (Binds::Server, Ending::Drop),
];

/// A number of requests that ensures traffic.
const REQUESTS: usize = 10;

/// More requests than are answered before the process is killed.
const MANY: &str = "1000000000";
