//! What the crate logs. The test is in a separate binary, in which no other test reaches its events
//! without a subscriber.

use std::io;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::watchdog::Watchdog;
use tokio::sync::mpsc;
use tokio_zmtp::{Client, Endpoint};
use tokio_zmtp_discovery::{Discover, State, connect_all};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

#[tokio::test]
async fn an_endpoint_that_cannot_be_connected_is_a_warning_once() {
    let _watchdog = Watchdog::start();
    let warnings = Warnings::default();
    let _default = tracing::subscriber::set_default(warnings.clone());
    let client = Client::new();
    let (script, answers) = mpsc::channel(1);
    let discovery = connect_all(&client, Scripted(answers));
    let [one, other] = ["tcp://*:5555", "tcp://*:5556"].map(|text| text.parse().unwrap());
    let sets: [&[Endpoint]; 4] = [
        slice::from_ref(&one),
        slice::from_ref(&one),
        &[one.clone(), other],
        slice::from_ref(&one),
    ];
    for (updates, (set, warned)) in (1..).zip(sets.into_iter().zip([1, 1, 2, 2])) {
        script.send(Ok(set.to_vec())).await.unwrap();
        discovery.wait_for(|state| state.updates == updates).await.unwrap();
        assert_eq!(warnings.0.load(Ordering::Relaxed), warned);
    }
    // That an endpoint cannot be connected does not hide that the source has failed.
    script.send(Err(io::ErrorKind::TimedOut.into())).await.unwrap();
    let is_of_source =
        |state: &State| state.failure.as_ref().is_some_and(|it| it.is::<io::Error>());
    discovery.wait_for(is_of_source).await.unwrap();
    assert_eq!(warnings.0.load(Ordering::Relaxed), 3);
}

/// Answers with what the test sends.
struct Scripted(mpsc::Receiver<io::Result<Vec<Endpoint>>>);

impl Discover for Scripted {
    type Error = io::Error;

    async fn changed(&mut self) -> io::Result<Option<Vec<Endpoint>>> {
        self.0.recv().await.transpose()
    }
}

/// Counts the warnings of this crate.
#[derive(Clone, Default)]
struct Warnings(Arc<AtomicUsize>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && *metadata.level() == Level::WARN
            && metadata.target().starts_with("tokio_zmtp_discovery")
    }

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
