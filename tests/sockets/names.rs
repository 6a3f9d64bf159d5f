//! Host names: who is asked for their addresses, when, and what comes of it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio_zmtp::{Builder, Client, Resolver, Server};

use crate::remote::Place;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_resolver_is_asked_in_the_place_of_the_system() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    names.say(&["tcp://127.0.0.1:*"]);
    let server = Server::builder().resolver(names.clone()).bind("tcp://Here.test:*").await.unwrap();
    names.say_of(&[&server]);
    let builder = Client::builder().resolver(names.clone());
    let client = builder.connect("tcp://there.test:7").await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "x");
    assert_eq!(names.questions(), ["here.test:0", "there.test:7"]);
}

#[tokio::test]
async fn a_name_is_resolved_at_every_attempt() {
    let _watchdog = Watchdog::start();
    let names = Script::default();
    let nobody = Place::reserve();
    names.say(&[&nobody.endpoint().to_string()]);
    let client = quick(&names).connect("tcp://moving.test:7").await.unwrap();
    client.send("x").await.unwrap();
    names.asked(2).await;
    let server = Server::bind("tcp://127.0.0.1:*").await.unwrap();
    names.say_of(&[&server]);
    assert_eq!(server.recv().await.unwrap(), "x");
}

/// What is known of names: the same of each.
#[derive(Clone)]
struct Script {
    answer: Arc<Mutex<Option<Vec<SocketAddr>>>>,
    questions: watch::Sender<Vec<String>>,
}

impl Default for Script {
    fn default() -> Self {
        Self { answer: Arc::default(), questions: watch::Sender::new(Vec::new()) }
    }
}

impl Script {
    fn say(&self, endpoints: &[&str]) {
        let address = |endpoint: &&str| {
            let address = endpoint.strip_prefix("tcp://").unwrap().replace('*', "0");
            address.parse().unwrap()
        };
        *self.answer.lock().unwrap() = Some(endpoints.iter().map(address).collect());
    }

    fn say_of(&self, servers: &[&Server]) {
        let endpoints: Vec<_> =
            servers.iter().map(|server| server.last_endpoint().unwrap().to_string()).collect();
        self.say(&endpoints.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn questions(&self) -> Vec<String> {
        self.questions.borrow().clone()
    }

    /// Waits until there were so many questions.
    async fn asked(&self, questions: usize) {
        let mut asked = self.questions.subscribe();
        asked.wait_for(|asked| asked.len() >= questions).await.unwrap();
    }
}

impl Resolver for Script {
    fn resolve<'a>(
        &'a self,
        name: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        Box::pin(async move {
            self.questions.send_modify(|questions| questions.push(format!("{name}:{port}")));
            let answer = self.answer.lock().unwrap().clone();
            answer.ok_or_else(|| io::Error::other("nobody to be asked"))
        })
    }
}

fn quick(names: &Script) -> Builder<Client> {
    Client::builder().resolver(names.clone()).reconnect_interval(Duration::from_millis(1))
}
