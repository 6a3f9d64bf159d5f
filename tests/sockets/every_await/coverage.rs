//! Checks that every operation is tested.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tokio_zmtp::{Channel, Dealer, Pair, Pub, Push, Scatter, XPub};

use super::groups::GROUP_OPERATIONS;
use super::operations;
use super::pairs::PairScene;
use super::replies::REPLY_OPERATIONS;
use super::requests::REQUEST_OPERATIONS;
use super::router::ROUTER_OPERATIONS;
use super::subscribers::SubscriberScene;
use crate::one_way::{Receiver, Sender};
use crate::publishing::Publisher;

#[test]
fn every_async_method_is_among_the_operations() {
    let mut sources = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    let sockets = sockets(&sources);
    let mut methods: BTreeSet<_> =
        sources.iter().flat_map(|source| async_methods(source, &sockets)).collect();
    count_once(&mut methods, &sockets);
    let names = operations().map(|operation| operation.name);
    let names = names.chain(GROUP_OPERATIONS.iter().map(|operation| operation.name));
    let names = names.chain(REPLY_OPERATIONS.iter().map(|operation| operation.name));
    let names = names.chain(REQUEST_OPERATIONS.iter().map(|operation| operation.name));
    let names = names.chain(ROUTER_OPERATIONS.iter().map(|operation| operation.name));
    // The methods of `LockStep<Rep>` have the same names.
    let names = names.filter(|name| !name.starts_with("LockStep<Req>"));
    let names = names.map(str::to_owned);
    let names = names.chain(names_of_pair::<Channel>());
    let names = names.chain(names_of_pair::<Dealer>());
    let names = names.chain(names_of_pair::<Pair>());
    let names = names.chain(names_of_pair::<Push>());
    let names = names.chain(names_of_pair::<Scatter>());
    let of_subs = SubscriberScene::<Pub>::SUB_OPERATIONS.iter();
    let names = names.chain(of_subs.map(|operation| operation.name.to_owned()));
    let names = names.chain(names_of_publisher::<Pub>());
    let names = names.chain(names_of_publisher::<XPub>());
    let names: Vec<_> = names.collect();
    let operations: BTreeSet<_> = names.iter().cloned().collect();
    count_once_for_each_strategy(&mut methods, &operations, &sockets);
    // Applications implement these traits, and sockets await them.
    assert!(methods.remove("Authenticator::authenticate"));
    assert!(methods.remove("Dialer::dial"));
    // They own a stream that no socket has yet. Dropping them drops it.
    for method in ["TlsClient::connect", "TlsServer::accept"] {
        assert!(methods.remove(method));
    }
    for method in ["WebSocketAcceptor::accept", "WebSocketConnector::connect"] {
        assert!(methods.remove(method));
    }
    // The method never ends, and waits only for the clock.
    assert!(methods.remove("Publisher::run"));
    // An XSUB does not wait for its remotes. `xsub/user_messages.rs` drops a send that yields.
    for method in ["XSub::send", "XSub::send_many"] {
        assert!(methods.remove(method));
    }
    for method in ["Sink for XSub::poll_ready", "Sink for XSub::poll_flush"] {
        assert!(methods.remove(method));
    }
    assert!(methods.remove("Sink for XSub::poll_close"));

    assert_eq!(operations, methods);
    assert_eq!(operations.len(), names.len(), "an operation is listed twice");
}

/// Returns the operations of a type that sends and of the type that receives from it.
fn names_of_pair<S: Sender>() -> impl Iterator<Item = String> {
    PairScene::<S>::OPERATIONS.iter().map(|operation| {
        operation.name.replace("Sender", S::NAME).replace("Receiver", S::Receiver::NAME)
    })
}

/// Returns the operations of a type that publishes.
fn names_of_publisher<P: Publisher>() -> impl Iterator<Item = String> {
    let operations = SubscriberScene::<P>::OPERATIONS.iter();
    operations.map(|operation| operation.name.replace("Publisher", P::NAME))
}

/// Removes the methods of the types to which a method of the trait `Socket` forwards. For `close`,
/// removes the method of the trait instead.
fn count_once(methods: &mut BTreeSet<String>, sockets: &[SocketRow]) {
    let generic = methods.iter().filter_map(|method| method.strip_prefix("Socket::"));
    for name in generic.map(str::to_owned).collect::<Vec<_>>() {
        if name.starts_with("close") {
            assert!(methods.remove(&format!("Socket::{name}")));
            continue;
        }
        for SocketRow { socket, .. } in sockets {
            assert!(methods.remove(&format!("{socket}::{name}")), "{socket} has no method {name}");
        }
    }
}

/// Removes the methods that another type's operation covers. A verb is implemented once for all
/// types. A verb that sends uses the strategy of its type, and one that receives uses it if the
/// strategy filters. An operation therefore covers the same verb of every type with the same
/// strategy, and of every other type if the verb does not use the strategy of either.
fn count_once_for_each_strategy(
    methods: &mut BTreeSet<String>,
    operations: &BTreeSet<String>,
    sockets: &[SocketRow],
) {
    methods.retain(|method| {
        let row = sockets.iter().find(|row| split(method, &row.socket).is_some());
        let Some(row) = row.filter(|_| !operations.contains(method)) else { return true };
        let sends = ["Sink", "::send", "::reserve", "::route", "::reply"];
        let sends = sends.iter().any(|verb| method.contains(verb));
        let receives = ["Stream", "::recv"].iter().any(|verb| method.contains(verb));
        let uses_strategy = |socket: &SocketRow| sends || receives && socket.filters;
        let mut others = sockets.iter().filter(|other| {
            other.strategy == row.strategy || !uses_strategy(row) && !uses_strategy(other)
        });
        !others.any(|other| {
            split(method, &row.socket).is_some_and(|(of, verb)| {
                operations.contains(&format!("{of}{}{verb}", other.socket))
            })
        })
    });
}

/// Splits the name of a method at the type: `Sink for Server::poll_ready`, `Server::route`.
fn split<'a>(method: &'a str, socket: &str) -> Option<(&'a str, &'a str)> {
    let (of, verb) = method.split_once("::")?;
    let of = of.strip_suffix(socket).filter(|of| of.is_empty() || of.ends_with(' '))?;
    Some((of, &method[method.len() - verb.len() - 2..]))
}

/// A source file: its name without the extension, and its text.
struct Source {
    name: String,
    text: String,
}

/// A socket type and the capabilities that `verbs!` gives it.
struct SocketRow {
    socket: String,
    /// The outgoing strategy, without a parameter.
    strategy: String,
    /// Whether the strategy discards received messages that are not wanted.
    filters: bool,
    capabilities: String,
}

fn collect(path: &Path, sources: &mut Vec<Source>) {
    if path.is_dir() {
        // tests/rpc/every_await.rs tests calls.
        let is_elsewhere = path.ends_with("rpc");
        if (cfg!(feature = "serde") || !path.ends_with("config")) && !is_elsewhere {
            for entry in fs::read_dir(path).unwrap() {
                collect(&entry.unwrap().path(), sources);
            }
        }
    } else {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        sources.push(Source { name, text: fs::read_to_string(path).unwrap() });
    }
}

fn sockets(sources: &[Source]) -> Vec<SocketRow> {
    let rows = sources.iter().flat_map(|source| {
        source.text.match_indices("\nverbs!(").filter_map(|(at, start)| {
            let (row, _) = source.text[at + start.len()..].split_once(");")?;
            let (head, capabilities) = row.split_once(':')?;
            let socket = head.split(',').next()?.trim().to_owned();
            // The `Kind` of a type precedes its verbs.
            let (_, strategy) = source.text[..at].rsplit_once("type Outgoing = ")?;
            let strategy = strategy.split([';', '<']).next()?.to_owned();
            // Converts the names of capabilities to the names of their files.
            let capabilities = capabilities.replace("ConnectPeer", "connect_peer");
            let capabilities = capabilities.replace("ConnectIdentity", "connect_identity");
            let capabilities = capabilities.to_lowercase();
            let filters = filters(sources, &strategy);
            Some(SocketRow { socket, strategy, filters, capabilities })
        })
    });
    rows.collect()
}

/// Returns whether a strategy has the constant that makes receivers discard messages.
fn filters(sources: &[Source], strategy: &str) -> bool {
    // A strategy with a parameter is implemented for all of its values.
    let starts = ["", "<T>"].map(|parameter| format!(" Strategy for {strategy}{parameter} {{"));
    sources.iter().any(|source| {
        let implementation = starts.iter().find_map(|start| source.text.split_once(start));
        implementation.is_some_and(|(_, code)| {
            code.split("\n}").next().unwrap().contains("const FILTERS: bool = true;")
        })
    })
}

/// Returns the public async methods, each with its type.
fn async_methods(source: &Source, sockets: &[SocketRow]) -> Vec<String> {
    let code: Vec<_> =
        source.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut methods = Vec::new();
    let mut place = "";
    for (at, line) in code.iter().enumerate() {
        let text = line.trim_start();
        if (text.starts_with("impl") || text.starts_with("pub trait")) && text.ends_with('{') {
            place = text;
        }
        let Some((qualifiers, name)) = text.split_once("fn ") else { continue };
        let name = &name[..name.find(['<', '(']).unwrap_or(name.len())];
        // The signature may take several lines.
        let ends = |line: &&str| line.ends_with(['{', ';', '}']);
        let lines = code[at..].iter().position(ends).map_or(1, |lines| lines + 1);
        let signature = code[at..at + lines].concat();
        let waits = qualifiers.contains("async") || signature.contains("-> impl Future");
        let shown = match place.split_once(" for ") {
            Some((of, _)) => {
                (of.contains("Stream") || of.contains("Sink")) && name.starts_with("poll_")
            }
            None => waits && (qualifiers.starts_with("pub ") || place.starts_with("pub trait")),
        };
        if shown {
            let types = types(place, &source.name, sockets);
            methods.extend(types.iter().map(|of| format!("{of}::{name}")));
        }
    }
    methods
}

/// Returns the type of an `impl` or the name of a trait, without parameters; in a macro, the types
/// that use the macro.
fn types(place: &str, file: &str, sockets: &[SocketRow]) -> Vec<String> {
    let mut depth = 0;
    let plain = place.replace("->", "").chars().fold(String::new(), |mut plain, c| {
        depth += i32::from(c == '<');
        if depth == 0 {
            plain.push(c);
        }
        depth -= i32::from(c == '>');
        plain
    });
    let plain = plain.replace("futures_core::", "").replace("futures_sink::", "");
    let name = plain.trim_start_matches("impl").trim_start_matches("pub trait");
    let name = name.trim_end_matches('{').split(':').next().unwrap_or_default().trim();
    if name.ends_with("$config") {
        return sockets.iter().map(|row| format!("{}Config", row.socket)).collect();
    }
    if !name.ends_with("$socket") {
        return vec![name.to_owned()];
    }
    let has_it = |row: &&SocketRow| match file {
        "lifecycle" => true,
        "batch" => ["broadcast", "publish", "send", "transmit"]
            .iter()
            .any(|verb| row.capabilities.contains(verb)),
        "sink" => ["broadcast", "publish", "route", "send", "transmit"]
            .iter()
            .any(|verb| row.capabilities.contains(verb)),
        _ => row.capabilities.contains(file.trim_end_matches('s')),
    };
    let rows = sockets.iter().filter(has_it);
    rows.map(|row| name.replace("$socket", &row.socket)).collect()
}
