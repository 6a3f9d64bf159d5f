//! Every option at its limits, over every transport: it works, or an error names the option.

mod table;
mod trial;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use tokio_zmtp::{Client, Message, Server};

use self::table::{Row, rows};
use self::trial::{PATHS, Side, try_out};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn every_option_works_at_its_limits_or_an_error_names_it() {
    let _watchdog = Watchdog::start();
    let mut failures = String::new();
    for row in rows() {
        let cases = PATHS.iter().flat_map(|path| [(*path, Side::Client), (*path, Side::Server)]);
        let row = &row;
        let outcomes = cases.map(|(path, side)| async move {
            (path, side, row.check(path, try_out(row, path, side).await))
        });
        for (path, side, outcome) in join_all(outcomes).await {
            if let Err(error) = outcome {
                let Row { option, value, .. } = row;
                writeln!(failures, "{option}({value}) of the {side:?} over {path:?}: {error}")
                    .unwrap();
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[test]
fn every_option_is_in_the_table() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/socket");
    let files = fs::read_dir(source.join("builder")).unwrap().map(|entry| entry.unwrap().path());
    let mut setters = BTreeSet::new();
    // The setters of notices belong to some types only.
    for file in files.chain([source.join("verbs/notices.rs")]) {
        let text = fs::read_to_string(file).unwrap();
        for function in text.split("pub fn ").skip(1) {
            let head = function.split_once(')').unwrap().0;
            if head.contains("mut self") {
                let end = head.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap();
                setters.insert(head[..end].to_owned());
            }
        }
    }
    // These options have no limits. The setter of `metadata` checks its own.
    for other in [
        "audit",
        "authenticator",
        "metadata",
        "resolver",
        "security_of",
        "socks_proxy",
        "tls_client",
        "tls_server",
        "websocket_headers",
        "websocket_origins",
    ] {
        assert!(setters.remove(other), "{other}");
    }
    let table: BTreeSet<_> = rows().iter().map(|row| row.option.to_owned()).collect();
    assert_eq!(table, setters);
}

#[tokio::test]
async fn every_setter_of_a_live_socket_works_at_its_limits() {
    let _watchdog = Watchdog::start();
    type Setters = &'static [(&'static str, fn(&Client), fn(&Server))];
    macro_rules! setters {
        ($($setter:ident: $($value:expr),+;)+) => {
            &[$($((
                stringify!($setter),
                |client| client.$setter($value),
                |server| server.$setter($value),
            ),)+)+]
        };
    }
    let setters: Setters = setters! {
        set_ended_hwm_bytes: 0, 1, usize::MAX;
        set_linger: None, ZERO, LEAST, MAX;
        set_recv_hwm: 0, 1, usize::MAX;
        set_recv_hwm_bytes: 0, 1, usize::MAX;
        set_send_hwm: 0, 1, usize::MAX;
        set_send_hwm_bytes: 0, 1, usize::MAX;
    };
    let table: BTreeSet<_> = setters.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let is_setter = |name: &str, _: &str| name.starts_with("set_");
    assert_eq!(table, functions("src/socket/bounds.rs", is_setter));

    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    for (_, of_client, of_server) in setters {
        of_client(&client);
        of_server(&server);
        for _ in 0..3 {
            client.send("request").await.unwrap();
            let request = server.recv().await.unwrap();
            server.reply(&request, "reply").await.unwrap();
            client.recv().await.unwrap();
        }
    }
    futures::join!(client.close(), server.close());
}

#[tokio::test]
async fn every_limit_of_one_call_works_at_its_limits() {
    let _watchdog = Watchdog::start();
    let takes_limit = |_: &str, head: &str| {
        head.contains("timeout: ") && head.contains("Duration") || head.contains("limit: usize")
    };
    let mut methods = functions("src/socket/verbs/receive.rs", takes_limit);
    methods.extend(functions("src/socket/verbs/route.rs", takes_limit));
    methods.extend(functions("src/socket/verbs/send.rs", takes_limit));
    methods.extend(functions("src/socket/remotes.rs", takes_limit));
    let tried = [
        "connected_timeout",
        "recv_many",
        "recv_timeout",
        "reply_timeout",
        "route_timeout",
        "send_timeout",
    ];
    assert_eq!(methods, tried.map(str::to_owned).into());

    for timeout in [ZERO, LEAST, MAX] {
        let server = Server::builder().send_hwm(1).bind("tcp://127.0.0.1:*").await.unwrap();
        let client = Client::builder().build();
        if timeout < MAX {
            client.remotes().connected_timeout(timeout).await.unwrap_err();
            client.send_timeout("x", timeout).await.unwrap_err();
            client.recv_timeout(timeout).await.unwrap_err();
        }
        client.connect(server.last_endpoint().unwrap()).await.unwrap();
        client.remotes().connected_timeout(MAX).await.unwrap();
        client.remotes().connected_timeout(timeout).await.unwrap();
        client.send_timeout("request", timeout).await.unwrap();
        let id = server.recv_timeout(MAX).await.unwrap().routing_id().unwrap();
        {
            let _slot = server.reserve_route(id).await.unwrap();
            if timeout < MAX {
                server.route_timeout(id, "reply", timeout).await.unwrap_err();
                let request = Message::from("x").with_routing_id(id);
                server.reply_timeout(&request, "reply", timeout).await.unwrap_err();
            }
        }
        server.route_timeout(id, "reply", timeout).await.unwrap();
        client.recv_timeout(MAX).await.unwrap();

        let mut buffer = Vec::new();
        assert_eq!(client.recv_many(&mut buffer, 0).await, Ok(0));
        for limit in [1, usize::MAX] {
            server.route_timeout(id, "reply", MAX).await.unwrap();
            assert_eq!(client.recv_many(&mut buffer, limit).await, Ok(1));
        }
    }
}

/// Returns the names of the functions of a file that match a predicate on name and arguments.
fn functions(file: &str, is_wanted: impl Fn(&str, &str) -> bool) -> BTreeSet<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let heads = code.split(" fn ").skip(1).filter_map(|function| {
        let (head, _) = function.split_once(')')?;
        let (name, arguments) = head.split_once(['<', '('])?;
        is_wanted(name, arguments).then(|| name.to_owned())
    });
    heads.collect()
}

const ZERO: Duration = Duration::ZERO;

const LEAST: Duration = Duration::from_nanos(1);

const MAX: Duration = Duration::MAX;
