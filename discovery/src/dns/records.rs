//! The records of a service, as a set of endpoints that is looked up again when the records expire.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::{RData, RecordType};
use tokio::time::{self, Instant};
use tokio_zmtp::{Endpoint, EndpointError};

use super::choice::{Choice, Weighted};
use super::{Answer, Dns, LookupError};
use crate::discover::Discover;

/// A source of the endpoints in DNS records. Created by [`Dns::srv`] and [`Dns::addresses`].
///
/// The records are looked up again when their TTL expires, within the bounds of
/// [`interval`](Self::interval), and soon after a connection to one of the endpoints has ended.
///
/// # SRV records
///
/// Each record contains a host and a port. The endpoint contains the name of the host, which the
/// socket resolves at each attempt to connect: a host that returns with another address needs no
/// new record.
///
/// Only the records with the lowest priority value are used. The others are used when DNS no longer
/// returns any of the lowest, but not when those hosts are unreachable. A target of `.` means that
/// the service does not exist (RFC 2782), and yields no endpoint.
///
/// **Weights matter only with [`at_most`](Self::at_most)**, which chooses some of the endpoints.
/// Among those to which it is connected, a socket distributes messages evenly, round-robin or to the
/// shortest queue, and a PUB or RADIO sends to all.
///
/// # Addresses
///
/// IPv4 and IPv6 addresses are looked up concurrently, in the same domain. If the lookup of only one
/// family fails, its last known addresses are kept.
///
/// # Partial answers
///
/// Each answer is the whole set. A name server that returns a part of the records, such as eight of
/// twenty, causes connections to come and go: let it return all of them. Answers that exceed a
/// datagram are received over TCP.
///
/// # Negative answers
///
/// If the name or the type of record does not exist, the set is empty, and all endpoints are
/// removed. The records are looked up again when the TTL of the negative answer expires (RFC 2308),
/// within the same bounds. If all name servers fail, refuse the query or do not answer, the set
/// does not change.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use tokio_zmtp_discovery::Dns;
///
/// let dns = Dns::new(["192.0.2.53:53".parse()?]);
/// let prices = dns
///     .srv("_prices._tcp.example.org")
///     .interval(Duration::from_secs(5)..=Duration::from_secs(60))
///     .endpoint(|host, port| format!("wss://{host}:{port}/prices"));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use = "nothing is looked up until the endpoints are followed"]
pub struct Records {
    dns: Dns,
    name: String,
    lookups: Vec<Lookup>,
    /// The port of addresses.
    port: u16,
    endpoint: Arc<EndpointForm>,
    interval: RangeInclusive<Duration>,
    choice: Choice,
    last: Option<Instant>,
    /// The time of the next lookup; `None` if it is due.
    next: Option<Instant>,
}

/// Returns the text of the endpoint of a host and port.
type EndpointForm = dyn Fn(&str, u16) -> String + Send + Sync;

/// One type of records, and the endpoints of the last answer.
#[derive(Debug)]
struct Lookup {
    kind: RecordType,
    endpoints: Vec<Weighted>,
}

impl Records {
    pub(super) fn srv(dns: Dns, name: String) -> Self {
        Self::new(dns, name, &[RecordType::SRV], 0)
    }

    pub(super) fn addresses(dns: Dns, name: String, port: u16) -> Self {
        Self::new(dns, name, &[RecordType::A, RecordType::AAAA], port)
    }

    fn new(dns: Dns, name: String, kinds: &[RecordType], port: u16) -> Self {
        let lookups = kinds.iter().map(|&kind| Lookup { kind, endpoints: Vec::new() });
        Self {
            dns,
            name,
            lookups: lookups.collect(),
            port,
            endpoint: Arc::new(|host, port| format!("tcp://{host}:{port}")),
            interval: INTERVAL,
            choice: Choice { seed: fastrand::u64(..), at_most: usize::MAX },
            last: None,
            next: None,
        }
    }

    /// Sets the bounds of the time between two lookups. Within them, the TTL decides. Default: 1 s
    /// to 30 s. The upper bound limits how long a removed endpoint is used. The lower bound limits
    /// the load on name servers if a TTL is zero.
    ///
    /// If the lower bound exceeds the upper one, it is used for both. Above a year, both have no
    /// effect.
    pub fn interval(self, interval: RangeInclusive<Duration>) -> Self {
        Self { interval, ..self }
    }

    /// Sets the form of the endpoints. Default: `tcp://{host}:{port}`.
    ///
    /// The host is a name or an address; an IPv6 address is in brackets.
    pub fn endpoint(self, endpoint: impl Fn(&str, u16) -> String + Send + Sync + 'static) -> Self {
        Self { endpoint: Arc::new(endpoint), ..self }
    }

    /// Limits the number of endpoints to which the client connects, for services with many servers.
    /// Default: all.
    ///
    /// The choice is random, in proportion to the weights of SRV records. Addresses have equal
    /// weights. An endpoint with the weight 0 is rarely chosen if others have larger weights. The
    /// load of many clients therefore follows the weights, most closely if each client chooses few
    /// endpoints.
    ///
    /// The choice is stable: when one record of the lowest priority is added, removed or changed,
    /// at most one connection moves. An endpoint that becomes unreachable stays chosen until DNS no
    /// longer returns it: choose at least two.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp_discovery::Dns;
    ///
    /// let dns = Dns::new(["192.0.2.53:53".parse()?]);
    /// let three = dns.srv("_orders._tcp.example.org").at_most(3);
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn at_most(self, endpoints: usize) -> Self {
        Self { choice: Choice { at_most: endpoints, ..self.choice }, ..self }
    }

    /// Returns the endpoints of an answer.
    fn endpoints(&self, records: &[RData]) -> Result<Vec<Weighted>, EndpointError> {
        let offered = || records.iter().filter(|record| is_offered(record));
        let lowest = offered().map(priority).min();
        let mut endpoints = Vec::new();
        for record in offered().filter(|record| Some(priority(record)) == lowest) {
            let (host, port, weight) = match record {
                RData::A(address) => (address.to_string(), self.port, ADDRESS_WEIGHT),
                RData::AAAA(address) => (format!("[{address}]"), self.port, ADDRESS_WEIGHT),
                RData::SRV(service) => {
                    let target = service.target.to_lowercase().to_ascii();
                    (target.trim_end_matches('.').to_owned(), service.port, service.weight)
                }
                _ => continue,
            };
            let endpoint = (self.endpoint)(&host, port).parse()?;
            endpoints.push(Weighted { endpoint, weight });
        }
        Ok(endpoints)
    }

    /// Handles the answers to all lookups and returns the set of endpoints.
    fn handle(
        &mut self,
        answers: Vec<Result<(Vec<Weighted>, Duration), LookupError>>,
        now: Instant,
    ) -> Result<Vec<Endpoint>, LookupError> {
        self.last = Some(now);
        let (mut shortest, mut answered, mut failure) = (Duration::MAX, false, None);
        for (lookup, answer) in self.lookups.iter_mut().zip(answers) {
            match answer {
                Ok((endpoints, ttl)) => {
                    lookup.endpoints = endpoints;
                    (shortest, answered) = (shortest.min(ttl), true);
                }
                Err(error) => {
                    let shown = &error as &dyn std::error::Error;
                    let (name, kind) = (&self.name, lookup.kind);
                    tracing::debug!(error = shown, name, %kind, "the lookup failed");
                    // It is repeated soon.
                    (shortest, failure) = (Duration::ZERO, Some(error));
                }
            }
        }
        self.next = Some(now + self.clamp(shortest));
        match failure {
            Some(failure) if !answered => Err(failure),
            _ => Ok(self.choice.choose(self.lookups.iter().flat_map(|one| one.endpoints.clone()))),
        }
    }

    fn clamp(&self, ttl: Duration) -> Duration {
        let (least, most) = (*self.interval.start(), *self.interval.end());
        ttl.clamp(least, most.max(least)).min(INTERVAL_MAX)
    }
}

impl Discover for Records {
    type Error = LookupError;

    async fn changed(&mut self) -> Result<Option<Vec<Endpoint>>, LookupError> {
        if let Some(next) = self.next {
            time::sleep_until(next).await;
        }
        let kinds: Vec<_> = self.lookups.iter().map(|lookup| lookup.kind).collect();
        let answers = self.dns.lookup(&self.name, &kinds).await;
        // No await follows: a future that is dropped has changed nothing.
        let found = |answer: Answer| Ok((self.endpoints(&answer.records)?, answer.ttl));
        let answers = answers.into_iter().map(|answer| answer.and_then(found)).collect();
        self.handle(answers, Instant::now()).map(Some)
    }

    fn refresh(&mut self) {
        let soon = self.last.map(|last| last + self.clamp(Duration::ZERO));
        self.next = self.next.zip(soon).map(|(next, soon)| next.min(soon));
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("name", &self.name)
            .field("lookups", &self.lookups)
            .field("interval", &self.interval)
            .field("choice", &self.choice)
            .finish_non_exhaustive()
    }
}

/// Returns whether a record names a server. The target `.` means that there is none (RFC 2782).
fn is_offered(record: &RData) -> bool {
    !matches!(record, RData::SRV(service) if service.target.is_root())
}

/// The order in which records are used (RFC 2782): those of the lowest value first.
fn priority(record: &RData) -> u16 {
    if let RData::SRV(service) = record { service.priority } else { 0 }
}

/// At most one lookup a second if a TTL is zero, and one every 30 s if it is long, as with
/// `resolve_interval` of the library.
const INTERVAL: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(30);
/// A year. Longer times could exceed the range of the system's clock.
const INTERVAL_MAX: Duration = Duration::from_secs(31_536_000);
/// Any value: all addresses of a name have the same.
const ADDRESS_WEIGHT: u16 = 1;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::Ipv6Addr;

    use hickory_resolver::proto::rr::Name;
    use hickory_resolver::proto::rr::rdata::SRV;

    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn endpoint(port: u16) -> Endpoint {
        format!("tcp://192.0.2.1:{port}").parse().unwrap()
    }

    fn weighted(port: u16) -> Weighted {
        Weighted { endpoint: endpoint(port), weight: 1 }
    }

    fn set(endpoints: Vec<Endpoint>) -> HashSet<Endpoint> {
        endpoints.into_iter().collect()
    }

    fn dns() -> Dns {
        Dns::new([])
    }

    #[test]
    fn a_lookup_is_repeated_when_the_ttl_expires_within_the_bounds() {
        let mut records = dns().srv("a").interval(seconds(2)..=seconds(20));
        let now = Instant::now();
        for (ttl, expected) in [(0, 2), (1, 2), (7, 7), (60, 20)] {
            let found = records.handle(vec![Ok((vec![weighted(1)], seconds(ttl)))], now);
            assert_eq!(found.unwrap(), [endpoint(1)]);
            assert_eq!(records.next, Some(now + seconds(expected)));
        }
        let mut records = records.interval(seconds(3)..=seconds(1));
        records.handle(vec![Ok((Vec::new(), seconds(9)))], now).unwrap();
        assert_eq!(records.next, Some(now + seconds(3)));
    }

    #[test]
    fn no_time_between_two_lookups_exceeds_the_range_of_the_clock() {
        let now = Instant::now();
        let longest = Duration::MAX;
        for interval in [seconds(1)..=longest, longest..=longest, longest..=seconds(1)] {
            let mut records = dns().srv("a").interval(interval);
            records.handle(vec![Ok((vec![weighted(1)], longest))], now).unwrap();
            assert_eq!(records.next, Some(now + INTERVAL_MAX));
            records.refresh();
            assert!(records.next.is_some_and(|next| next > now));
        }
    }

    /// A record with a TTL of one second, or an upper bound of one, is seen within a second.
    #[test]
    fn a_lookup_is_repeated_within_a_second_if_the_ttl_or_the_bound_says_so() {
        let now = Instant::now();
        for (mut records, ttl) in
            [(dns().srv("a"), 1), (dns().srv("a").interval(seconds(0)..=seconds(1)), 300)]
        {
            records.handle(vec![Ok((vec![weighted(1)], seconds(ttl)))], now).unwrap();
            assert_eq!(records.next, Some(now + seconds(1)));
        }
    }

    #[test]
    fn a_refresh_is_due_after_the_lower_bound() {
        let mut records = dns().srv("a");
        records.refresh();
        assert_eq!(records.next, None);
        let now = Instant::now();
        records.handle(vec![Ok((vec![weighted(1)], seconds(30)))], now).unwrap();
        records.refresh();
        assert_eq!(records.next, Some(now + seconds(1)));
    }

    #[test]
    fn the_addresses_of_a_family_whose_lookup_fails_are_kept() {
        let failure = || Err(LookupError::NoServer);
        let mut records = dns().addresses("a", 1);
        let now = Instant::now();
        let both = vec![Ok((vec![weighted(4)], seconds(5))), Ok((vec![weighted(6)], seconds(9)))];
        assert_eq!(set(records.handle(both, now).unwrap()), [endpoint(4), endpoint(6)].into());
        assert_eq!(records.next, Some(now + seconds(5)));
        let one = vec![Ok((vec![weighted(5)], seconds(5))), failure()];
        assert_eq!(set(records.handle(one, now).unwrap()), [endpoint(5), endpoint(6)].into());
        assert_eq!(records.next, Some(now + seconds(1)));
        assert!(records.handle(vec![failure(), failure()], now).is_err());
    }

    #[test]
    fn the_choice_is_among_the_addresses_of_both_families() {
        let mut records = dns().addresses("a", 1).at_most(2);
        let now = Instant::now();
        let mut chosen = HashSet::new();
        for seed in 0..100 {
            records.choice.seed = seed;
            let both = [[1, 2], [3, 4]].map(|ports| Ok((ports.map(weighted).to_vec(), seconds(5))));
            let found = set(records.handle(both.into(), now).unwrap());
            assert_eq!(found.len(), 2);
            chosen.extend(found);
        }
        assert_eq!(chosen.len(), 4);
    }

    #[test]
    fn only_the_records_of_the_lowest_priority_are_used() {
        let service = |priority, weight, port, target: &str| {
            RData::SRV(SRV::new(priority, weight, port, Name::from_ascii(target).unwrap()))
        };
        let records =
            [service(2, 1, 1, "a.b."), service(1, 2, 2, "C.b."), service(1, 3, 3, "d.b.")];
        let secure = dns().srv("a").endpoint(|host, port| format!("tls://{host}:{port}"));
        let expected = [("tls://c.b:2", 2), ("tls://d.b:3", 3)]
            .map(|(endpoint, weight)| Weighted { endpoint: endpoint.parse().unwrap(), weight });
        assert_eq!(secure.endpoints(&records).unwrap(), expected);
        assert_eq!(secure.endpoints(&[service(0, 0, 0, ".")]).unwrap(), []);
        // A record without a server does not hide those with one.
        let with_none = [&[service(0, 0, 0, ".")], &records[..]].concat();
        assert_eq!(secure.endpoints(&with_none).unwrap(), expected);
        let not_a_host = Name::from_labels([b"a b".as_slice()]).unwrap();
        assert!(secure.endpoints(&[RData::SRV(SRV::new(0, 0, 1, not_a_host))]).is_err());
    }

    #[test]
    fn an_address_of_ipv6_is_in_brackets() {
        let address: Ipv6Addr = "2001:db8::1".parse().unwrap();
        let found = dns().addresses("a", 5555).endpoints(&[RData::AAAA(address.into())]).unwrap();
        assert_eq!(found[0].endpoint, "tcp://[2001:db8::1]:5555".parse().unwrap());
    }
}
