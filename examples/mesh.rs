//! Four peers, each connected to all others, agree on the one with the fewest jobs.
//!
//! `cargo run --example mesh`
//!
//! Two peers need only one connection, so each peer connects to those after it in the list. The
//! connecting peer gets the routing id of the other from `connect_peer`, and introduces itself. The
//! accepting peer gets the routing id from the introduction. From then on, both peers are equal.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;

use tokio::task::JoinSet;
use tokio_zmtp::{Endpoint, Peer, RoutingId};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let jobs = [("alice", 7), ("bob", 4), ("carol", 2), ("dave", 9)];

    let mut nodes = Vec::new();
    let mut endpoints = Vec::new();
    for (name, jobs) in jobs {
        let peer = Peer::new();
        endpoints.push((name, peer.bind("tcp://127.0.0.1:*").await?));
        nodes.push(Node { name, jobs, peer, others: BTreeMap::new() });
    }

    let mut running = JoinSet::new();
    for (node, at) in nodes.into_iter().zip(1..) {
        let (endpoints, count) = (endpoints[at..].to_vec(), jobs.len());
        running.spawn(async move {
            node.run(endpoints, count).await.map_err(|error| error.to_string())
        });
    }
    while let Some(ended) = running.join_next().await {
        println!("{}", ended??);
    }
    Ok(())
}

struct Node {
    name: &'static str,
    jobs: u32,
    peer: Peer,
    /// The names and routing ids of the other nodes.
    others: BTreeMap<String, RoutingId>,
}

impl Node {
    /// Connects to the nodes at `endpoints`, waits for the jobs of all `count` nodes, and returns
    /// the conclusion.
    async fn run(
        mut self,
        endpoints: Vec<(&str, Endpoint)>,
        count: usize,
    ) -> Result<String, Box<dyn Error>> {
        for (name, endpoint) in endpoints {
            // The id is valid immediately. The message waits until the connection is established.
            let id = self.peer.connect_peer(endpoint).await?;
            self.peer.route(id, format!("hello {}", self.name)).await?;
            self.others.insert(name.to_owned(), id);
        }
        let dialed = self.others.len();

        let mut jobs = BTreeMap::new();
        while jobs.len() < count {
            if self.others.len() == count - 1 && !jobs.contains_key(self.name) {
                for id in self.others.values() {
                    self.peer.route(*id, format!("jobs {} {}", self.name, self.jobs)).await?;
                }
                jobs.insert(self.name.to_owned(), self.jobs);
                continue;
            }
            let message = self.peer.recv().await?;
            let words: Vec<_> = message.to_str()?.split(' ').collect();
            match (&words[..], message.routing_id()) {
                (["hello", name], Some(id)) => {
                    self.others.insert((*name).to_owned(), id);
                }
                (["jobs", name, number], _) => {
                    jobs.insert((*name).to_owned(), number.parse()?);
                }
                _ => return Err("an unexpected message".into()),
            }
        }

        let report = self.peer.close().await;
        let fewest = jobs.iter().min_by_key(|(_, jobs)| **jobs).ok_or("there are no nodes")?;
        Ok(format!(
            "{}: {dialed} connections dialed, {} accepted, {} messages sent; {} has the fewest jobs",
            self.name,
            self.others.len() - dialed,
            report.written,
            fewest.0,
        ))
    }
}
