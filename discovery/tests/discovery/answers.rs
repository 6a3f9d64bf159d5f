//! Answers that the tests write, and name servers that fail.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use support::transports::own_loopback;
use support::watchdog::Watchdog;
use tokio::net::UdpSocket;
use tokio::runtime;
use tokio_zmtp::Endpoint;
use tokio_zmtp_discovery::{Discover, Dns, LookupError, Records};

#[tokio::test]
async fn a_failure_is_never_an_empty_or_a_partial_set() {
    let _watchdog = Watchdog::start();
    let server = ScriptedServer::start().await;
    let failures: [fn(&mut Message); 5] = [
        |answer| answer.metadata.response_code = ResponseCode::ServFail,
        |answer| answer.metadata.response_code = ResponseCode::FormErr,
        |answer| answer.metadata.response_code = ResponseCode::NotImp,
        |answer| answer.metadata.response_code = ResponseCode::Unknown(12),
        // No server listens at the port of TCP.
        |answer| {
            answer.metadata.truncation = true;
            answer.answers.truncate(1);
        },
    ];
    for fail in failures {
        let mut records = server.records();
        let found = server.answering(&mut records, |_| {}).await.unwrap();
        assert_eq!(found.len(), 2);
        let error = server.answering(&mut records, fail).await.unwrap_err();
        assert!(matches!(error, LookupError::Server { .. }), "{error}");
        assert_eq!(server.answering(&mut records, |_| {}).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_malformed_answer_is_a_failure() {
    let _watchdog = Watchdog::start();
    let server = ScriptedServer::start().await;
    let mut records = server.records();
    let malformed = async {
        loop {
            let (query, client) = server.query().await;
            let mut datagram = answer(&query).to_vec().unwrap();
            datagram.truncate(datagram.len() - 1);
            server.socket.send_to(&datagram, client).await.unwrap();
        }
    };
    let error = tokio::select! {
        changed = records.changed() => changed.unwrap_err(),
        never = malformed => never,
    };
    assert!(matches!(error, LookupError::Server { .. }), "{error}");
}

#[tokio::test]
async fn both_families_are_queried_concurrently() {
    let _watchdog = Watchdog::start();
    let server = ScriptedServer::start().await;
    let mut records = server.dns().addresses("w.example.test", 5555);
    let answering = async {
        let both = [server.query().await, server.query().await];
        for (query, client) in &both {
            server.send(&answer(query), *client).await;
        }
        both.map(|(query, _)| query.queries[0].query_type())
    };
    let (found, mut asked) = tokio::join!(records.changed(), answering);
    asked.sort();
    assert_eq!(asked, [RecordType::A, RecordType::AAAA]);
    assert_eq!(found.unwrap().unwrap().len(), 2);
}

/// The sockets and connections of a resolver belong to the runtime in which they were opened.
#[test]
fn a_resolver_can_be_used_in_one_runtime_after_the_other() {
    let _watchdog = Watchdog::start();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let dns = Dns::new([address]);
    let server = thread::spawn(move || {
        let mut datagram = [0; 512];
        // An empty datagram ends it.
        while let Ok((len @ 1.., client)) = socket.recv_from(&mut datagram) {
            let query = Message::from_vec(&datagram[..len]).unwrap();
            socket.send_to(&answer(&query).to_vec().unwrap(), client).unwrap();
        }
    });
    let mut records = dns.addresses("w.example.test", 5555).interval(ALWAYS);
    for _ in 0..3 {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let found = runtime.block_on(records.changed()).unwrap().unwrap();
        assert_eq!(found.len(), 2);
    }
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&[], address).unwrap();
    server.join().unwrap();
}

/// A name server over UDP, whose answers a test sends.
struct ScriptedServer {
    socket: UdpSocket,
}

impl ScriptedServer {
    async fn start() -> Self {
        Self { socket: UdpSocket::bind((own_loopback(), 0)).await.unwrap() }
    }

    fn dns(&self) -> Dns {
        Dns::new([self.socket.local_addr().unwrap()])
    }

    fn records(&self) -> Records {
        self.dns().srv("_w._tcp.example.test").interval(ALWAYS)
    }

    async fn query(&self) -> (Message, SocketAddr) {
        let mut datagram = [0; 512];
        let (len, client) = self.socket.recv_from(&mut datagram).await.unwrap();
        (Message::from_vec(&datagram[..len]).unwrap(), client)
    }

    async fn send(&self, answer: &Message, client: SocketAddr) {
        self.socket.send_to(&answer.to_vec().unwrap(), client).await.unwrap();
    }

    /// Answers all queries of one lookup, with these changes to the answer.
    async fn answering(
        &self,
        records: &mut Records,
        change: impl Fn(&mut Message),
    ) -> Result<Vec<Endpoint>, LookupError> {
        let answering = async {
            loop {
                let (query, client) = self.query().await;
                let mut answer = answer(&query);
                change(&mut answer);
                self.send(&answer, client).await;
            }
        };
        tokio::select! {
            changed = records.changed() => changed.map(Option::unwrap),
            never = answering => never,
        }
    }
}

/// Returns an answer with two services, or with one address.
fn answer(query: &Message) -> Message {
    let mut answer = Message::response(query.metadata.id, query.metadata.op_code);
    answer.add_queries(query.queries.clone());
    let asked = &query.queries[0];
    let data: Vec<RData> = match asked.query_type() {
        RecordType::A => vec![RData::A(A::new(192, 0, 2, 1))],
        RecordType::AAAA => vec![RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))],
        _ => [5555, 5556]
            .map(|port| RData::SRV(SRV::new(0, 0, port, Name::from_ascii("w.test.").unwrap())))
            .into(),
    };
    let records = data.into_iter().map(|data| Record::from_rdata(asked.name().clone(), 60, data));
    answer.add_answers(records);
    answer
}

/// Lookups that do not wait.
const ALWAYS: RangeInclusive<Duration> = Duration::ZERO..=Duration::ZERO;
