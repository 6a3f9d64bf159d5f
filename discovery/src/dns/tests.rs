//! Tests of the names that are looked up.

use std::net::Ipv4Addr;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::Record;
use tokio::net::UdpSocket;

use super::*;
use crate::discover::Discover;

#[cfg(target_os = "linux")]
fn configured(text: &str) -> Dns {
    let configuration = system::platform::parse(text.as_bytes()).unwrap();
    Dns::from_configuration(configuration, Hosts::default())
}

fn name(text: &str) -> Name {
    Name::from_str_relaxed(text).unwrap()
}

#[cfg(target_os = "linux")]
fn candidates(dns: &Dns, text: &str) -> Vec<String> {
    dns.0.candidates(&name(text)).iter().map(Name::to_ascii).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn the_configuration_of_the_system_is_used() {
    let dns = configured(
        "nameserver 10.96.0.10\nnameserver fe80::1%3\n\
         search default.svc.cluster.local cluster.local\noptions ndots:5 timeout:3 attempts:4\n",
    );
    let servers: Vec<_> = dns.0.servers.iter().map(|server| server.address).collect();
    assert_eq!(servers, ["10.96.0.10:53", "[fe80::1%3]:53"].map(|it| it.parse().unwrap()));
    assert_eq!((dns.0.servers[0].limit, dns.0.attempts), (Duration::from_secs(3), 4));
    assert_eq!(
        candidates(&dns, "workers"),
        ["workers.default.svc.cluster.local.", "workers.cluster.local.", "workers."]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_server_is_reached_over_the_named_interface() {
    let SocketAddr::V6(server) = configured("nameserver fe80::1%lo\n").0.servers[0].address else {
        panic!("the address has version 6");
    };
    assert_ne!(server.scope_id(), 0);
    assert!(system::platform::parse(b"nameserver fe80::1%none\n").is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_with_enough_dots_is_first_looked_up_as_it_is() {
    let dns = configured("nameserver 10.96.0.10\nsearch example.org\noptions ndots:2\n");
    assert_eq!(candidates(&dns, "a.b"), ["a.b.example.org.", "a.b."]);
    assert_eq!(candidates(&dns, "a.b.c"), ["a.b.c.", "a.b.c.example.org."]);
    assert_eq!(candidates(&dns, "a_b."), ["a_b."]);
}

#[tokio::test]
async fn a_name_with_an_address_in_the_hosts_file_is_not_looked_up() {
    let mut hosts = Hosts::default();
    let query = Query::query(name("one."), RecordType::A);
    let address = RData::A(Ipv4Addr::new(192, 0, 2, 1).into());
    hosts.insert(name("one."), RecordType::A, Lookup::from_rdata(query, address.clone()));
    let dns = Dns::configured(Vec::new(), Vec::new(), &explicit(), hosts);
    let [ipv4, ipv6] = &dns.lookup("One", ADDRESSES).await[..] else { panic!("two answers") };
    assert_eq!(ipv4.as_ref().unwrap().records, [address]);
    assert_eq!(ipv6.as_ref().unwrap().records, []);
    assert_eq!(dns.resolve("one", 5).await.unwrap(), ["192.0.2.1:5".parse().unwrap()]);
    for (name, kinds) in [("two", ADDRESSES), ("one", &[RecordType::SRV])] {
        let error = dns.lookup(name, kinds).await.remove(0).unwrap_err();
        assert!(matches!(error, LookupError::NoServer), "{error}");
    }
}

#[tokio::test]
async fn an_address_is_not_looked_up() {
    let dns = Dns::new([]);
    for (text, endpoint) in [("192.0.2.1", "tcp://192.0.2.1:5"), ("::1", "tcp://[::1]:5")] {
        let found = dns.addresses(text, 5).changed().await.unwrap().unwrap();
        assert_eq!(found, [endpoint.parse().unwrap()]);
    }
    for text in ["", ".", "a..b", "a b", "192.0.2.1."] {
        let error = dns.addresses(text, 5).changed().await.unwrap_err();
        let is_name = text == "192.0.2.1.";
        assert_eq!(matches!(error, LookupError::NoServer), is_name, "{error}");
        assert_eq!(matches!(error, LookupError::InvalidName { .. }), !is_name, "{error}");
    }
}

const ADDRESSES: &[RecordType] = &[RecordType::A, RecordType::AAAA];

#[tokio::test]
async fn the_addresses_of_both_families_are_those_of_one_search_domain() {
    let hosts = [("w.a.test.", "192.0.2.1"), ("w.b.test.", "192.0.2.2"), ("w.b.test.", "::2")];
    let dns = searching(&["a.test.", "b.test."], name_server(&hosts, None).await);
    assert_eq!(dns.resolve("w", 5).await.unwrap(), ["192.0.2.1:5".parse().unwrap()]);
    let found = dns.addresses("w", 5).changed().await.unwrap().unwrap();
    assert_eq!(found, ["tcp://192.0.2.1:5".parse().unwrap()]);
    assert_eq!(dns.resolve("w.b.test.", 5).await.unwrap().len(), 2);
}

/// The answer for one family could be that of the unknown host in the first domain.
#[tokio::test]
async fn the_search_ends_at_a_domain_whose_name_server_fails() {
    let failing = Some(("w.a.test.", RecordType::AAAA));
    let dns =
        searching(&["a.test.", "b.test."], name_server(&[("w.b.test.", "::2")], failing).await);
    for answer in dns.lookup("w", ADDRESSES).await {
        let error = answer.unwrap_err();
        assert!(matches!(error, LookupError::Server { .. }), "{error}");
    }
    let found = dns.addresses("w.b.test", 5).changed().await.unwrap().unwrap();
    assert_eq!(found, ["tcp://[::2]:5".parse().unwrap()]);
}

/// Returns a resolver with these search domains, which queries one name server once.
fn searching(domains: &[&str], server: SocketAddr) -> Dns {
    let mut options = explicit();
    options.attempts = 1;
    let mut config = NameServerConfig::udp(server.ip());
    config.connections[0].port = server.port();
    let servers = vec![NameServer::new(config, 0, &options)];
    let domains = domains.iter().map(|domain| name(domain)).collect();
    Dns::configured(servers, domains, &options, Hosts::default())
}

/// Starts a name server that knows these hosts, and fails to answer one question.
async fn name_server(
    hosts: &[(&str, &str)],
    failing: Option<(&'static str, RecordType)>,
) -> SocketAddr {
    let hosts = hosts.iter().map(|(host, address)| (name(host), address.parse().unwrap()));
    let hosts: Vec<(Name, IpAddr)> = hosts.collect();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut datagram = [0; 512];
        while let Ok((len, client)) = socket.recv_from(&mut datagram).await {
            let query = Message::from_vec(&datagram[..len]).unwrap();
            let mut answer = Message::response(query.metadata.id, query.metadata.op_code);
            answer.add_queries(query.queries.clone());
            let asked = &query.queries[0];
            for (host, address) in hosts.iter().filter(|(host, _)| host == asked.name()) {
                let data = RData::from(*address);
                if data.record_type() == asked.query_type() {
                    answer.add_answer(Record::from_rdata(host.clone(), 60, data));
                }
            }
            if failing.is_some_and(|one| one == (&*asked.name().to_ascii(), asked.query_type())) {
                answer.metadata.response_code = ResponseCode::ServFail;
            }
            socket.send_to(&answer.to_vec().unwrap(), client).await.unwrap();
        }
    });
    server
}
