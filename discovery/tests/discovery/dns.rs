//! Records of a real name server.

use std::fmt::Write;
use std::time::Duration;

use hickory_resolver::config::NameServerConfig;
use support::watchdog::Watchdog;
use tokio::net::UdpSocket;
use tokio::runtime::Handle;
use tokio::task;
use tokio_zmtp::{Client, Endpoint, Resolver, Server};
use tokio_zmtp_discovery::{Discover, Dns, LookupError, Records, connect_all};

use crate::name_server::NameServer;

#[tokio::test]
async fn records_are_looked_up_again() {
    let _watchdog = Watchdog::start();
    let records = "_w._tcp SRV 1 0 5555 one\n_w._tcp SRV 1 9 5556 Two\n_w._tcp SRV 2 0 5557 three";
    let Some(mut server) = NameServer::start("records", records).await else { return };
    let mut services = frequent(server.dns().srv("_w._tcp.example.test"));
    let both = ["tcp://one.example.test:5555", "tcp://two.example.test:5556"];
    assert_eq!(next(&mut services).await, endpoints(&both));

    server.replace("_w._tcp SRV 2 0 5557 three").await;
    assert_eq!(next(&mut services).await, endpoints(&["tcp://three.example.test:5557"]));

    server.replace("_w._tcp SRV 0 0 0 .").await;
    assert_eq!(next(&mut services).await, endpoints(&[]));
    // The name exists without such records, does not exist, or is an alias of one that does not.
    for records in ["_w._tcp A 192.0.2.1", "", "_w._tcp CNAME _v._tcp"] {
        server.replace(records).await;
        assert_eq!(next(&mut services).await, endpoints(&[]));
    }

    server.replace("_w._tcp CNAME _v._tcp\n_v._tcp SRV 0 0 5558 four").await;
    assert_eq!(next(&mut services).await, endpoints(&["tcp://four.example.test:5558"]));
}

#[tokio::test]
async fn addresses_of_both_families_are_looked_up() {
    let _watchdog = Watchdog::start();
    let records = "w A 192.0.2.1\nw A 192.0.2.2\nw AAAA 2001:db8::1\nv A 192.0.2.3";
    let Some(server) = NameServer::start("addresses", records).await else { return };
    let mut addresses = frequent(server.dns().addresses("w.example.test", 5555));
    let all = ["tcp://192.0.2.1:5555", "tcp://192.0.2.2:5555", "tcp://[2001:db8::1]:5555"];
    assert_eq!(next(&mut addresses).await, endpoints(&all));

    let resolved = server.dns().resolve("w.example.test", 1).await.unwrap();
    assert_eq!(resolved[0], "[2001:db8::1]:1".parse().unwrap());
    assert_eq!(resolved.len(), 3);
    let resolved = server.dns().resolve("v.example.test", 1).await.unwrap();
    assert_eq!(resolved, ["192.0.2.3:1".parse().unwrap()]);
    assert_eq!(server.dns().resolve("u.example.test", 1).await.unwrap(), []);
}

#[tokio::test]
async fn a_choice_of_endpoints_is_stable_while_other_records_change() {
    let _watchdog = Watchdog::start();
    let zone = |ports: &[u16]| {
        let record = |port: &u16| format!("_w._tcp SRV 0 {} {port} one\n", port % 7);
        ports.iter().map(record).collect::<String>()
    };
    let port = |endpoint: &Endpoint| {
        let Endpoint::Tcp(tcp) = endpoint else { panic!("{endpoint}") };
        tcp.port()
    };
    let all: Vec<u16> = (5000..5010).collect();
    let Some(mut server) = NameServer::start("choice", &zone(&all)).await else { return };
    let mut services = frequent(server.dns().srv("_w._tcp.example.test").at_most(3));
    let chosen: Vec<u16> = next(&mut services).await.iter().map(port).collect();
    assert_eq!(chosen.len(), 3);
    // The others are removed one by one.
    let mut left = all.clone();
    for removed in all.iter().filter(|port| !chosen.contains(port)) {
        left.retain(|port| port != removed);
        server.replace(&zone(&left)).await;
        let found: Vec<u16> = next(&mut services).await.iter().map(port).collect();
        assert_eq!(found, chosen);
    }
    server.replace(&zone(&all)).await;
    let found: Vec<u16> = next(&mut services).await.iter().map(port).collect();
    assert_eq!(found, chosen);
    // One that is chosen is replaced.
    left.clone_from(&all);
    left.retain(|port| *port != chosen[0]);
    server.replace(&zone(&left)).await;
    let found: Vec<u16> = next(&mut services).await.iter().map(port).collect();
    assert_eq!(found.len(), 3);
    assert!(chosen[1..].iter().all(|port| found.contains(port)) && !found.contains(&chosen[0]));
}

/// A hundred records take more than a datagram of 1,232 bytes.
#[tokio::test]
async fn an_answer_that_is_too_long_for_a_datagram_is_received_over_tcp() {
    let _watchdog = Watchdog::start();
    let mut records = String::new();
    for number in 0..100 {
        writeln!(records, "_w._tcp SRV 0 0 {} one", 5000 + number).unwrap();
    }
    let Some(server) = NameServer::start("long", &records).await else { return };
    let mut services = frequent(server.dns().srv("_w._tcp.example.test"));
    assert_eq!(next(&mut services).await.len(), 100);
    // The connection ends with the resolver.
    let tasks = || Handle::current().metrics().num_alive_tasks();
    assert!(tasks() > 0);
    drop(services);
    while tasks() > 0 {
        task::yield_now().await;
    }
}

#[tokio::test]
async fn another_name_server_answers_for_one_that_does_not() {
    let _watchdog = Watchdog::start();
    let Some(server) = NameServer::start("another", "w A 192.0.2.1").await else { return };
    let Some(mut dead) = NameServer::start("dead", "").await else { return };
    dead.kill().await;
    let mut addresses = Dns::new([dead.address, server.address]).addresses("w.example.test", 1);
    assert_eq!(next(&mut addresses).await, endpoints(&["tcp://192.0.2.1:1"]));
    // It refuses names outside of its zone.
    let error = server.dns().srv("_w._tcp.example.org").changed().await.unwrap_err();
    assert!(matches!(error, LookupError::Server { .. }), "{error}");
}

#[tokio::test]
async fn another_name_server_answers_for_one_that_refuses_the_query() {
    let _watchdog = Watchdog::start();
    let Some(server) = NameServer::start("refused", "w A 192.0.2.1").await else { return };
    let refusing = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = refusing.local_addr().unwrap();
    tokio::spawn(async move {
        let mut message = [0; 512];
        while let Ok((len, sender)) = refusing.recv_from(&mut message).await {
            // An answer with the response code REFUSED.
            (message[2], message[3]) = (0x81, 0x85);
            refusing.send_to(&message[..len], sender).await.unwrap();
        }
    });
    let mut addresses = Dns::new([address, server.address]).addresses("w.example.test", 1);
    assert_eq!(next(&mut addresses).await, endpoints(&["tcp://192.0.2.1:1"]));
    let error = Dns::new([address]).addresses("w.example.test", 1).changed().await.unwrap_err();
    let LookupError::Server { server, .. } = error else { panic!("{error}") };
    assert_eq!(server, address);
}

#[tokio::test]
async fn a_reference_to_another_name_server_is_not_an_answer() {
    let _watchdog = Watchdog::start();
    let records = "other NS ns.other\nns.other A 192.0.2.53";
    let Some(server) = NameServer::start("referral", records).await else { return };
    let error = server.dns().srv("_w._tcp.other.example.test").changed().await.unwrap_err();
    assert!(matches!(error, LookupError::Server { .. }), "{error}");
}

#[tokio::test]
async fn name_servers_are_queried_over_the_configured_protocol() {
    let _watchdog = Watchdog::start();
    let Some(server) = NameServer::start("protocol", "w A 192.0.2.1").await else { return };
    let mut config = NameServerConfig::tcp(server.address.ip());
    config.connections[0].port = server.address.port();
    let mut addresses = Dns::with_name_servers([config]).addresses("w.example.test", 1);
    assert_eq!(next(&mut addresses).await, endpoints(&["tcp://192.0.2.1:1"]));
}

#[tokio::test]
async fn an_outage_of_dns_keeps_the_endpoints() {
    let _watchdog = Watchdog::start();
    let service = Server::new();
    let Endpoint::Tcp(bound) = service.bind("tcp://127.0.0.1:*").await.unwrap() else { panic!() };
    let records = format!("s A 127.0.0.1\n_w._tcp SRV 0 0 {} s", bound.port());
    let Some(mut server) = NameServer::start("outage", &records).await else { return };
    let client = Client::builder().resolver(server.dns()).build();
    let services = frequent(server.dns().srv("_w._tcp.example.test"));
    let discovery = connect_all(&client, services);
    client.send("before").await.unwrap();
    assert_eq!(service.recv().await.unwrap(), "before");

    server.kill().await;
    let state = discovery.wait_for(|state| state.failure.is_some()).await.unwrap();
    assert_eq!(state.endpoints.len(), 1);
    client.send("during").await.unwrap();
    assert_eq!(service.recv().await.unwrap(), "during");
}

/// Looks up ten times a second, instead of once.
pub(crate) fn frequent(records: Records) -> Records {
    records.interval(Duration::from_millis(100)..=Duration::from_millis(100))
}

async fn next(records: &mut Records) -> Vec<Endpoint> {
    let mut endpoints = records.changed().await.unwrap().unwrap();
    endpoints.sort_by_key(Endpoint::to_string);
    endpoints
}

fn endpoints(endpoints: &[&str]) -> Vec<Endpoint> {
    endpoints.iter().map(|endpoint| endpoint.parse().unwrap()).collect()
}
