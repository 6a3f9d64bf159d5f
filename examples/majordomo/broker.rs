//! The broker.

use std::collections::{HashMap, VecDeque};

use tokio::time::{self, Instant};
use tokio_zmtp::{BindError, Endpoint, Identity, Multipart, RecvError, Router};

use crate::protocol::{CLIENT, Command, HEARTBEAT_INTERVAL, LIVENESS, WORKER};

/// Distributes requests among the workers of a service. Requests wait until a worker is idle.
pub(crate) struct Broker {
    socket: Router,
    workers: HashMap<Identity, Worker>,
    services: HashMap<Vec<u8>, Service>,
}

/// A registered worker.
struct Worker {
    service: Vec<u8>,
    /// The deadline for the next heartbeat of an idle worker. A busy worker has none.
    expires: Option<Instant>,
}

#[derive(Default)]
struct Service {
    /// The worker that has been idle for the longest time is the first.
    idle: VecDeque<Identity>,
    /// Requests of clients that wait for a worker.
    requests: VecDeque<(Identity, Multipart)>,
}

impl Broker {
    pub(crate) async fn bind(endpoint: &str) -> Result<(Self, Endpoint), BindError> {
        let socket = Router::new();
        let endpoint = socket.bind(endpoint).await?;
        Ok((Self { socket, workers: HashMap::new(), services: HashMap::new() }, endpoint))
    }

    pub(crate) async fn run(mut self) -> Result<(), RecvError> {
        let mut heartbeat = time::interval(HEARTBEAT_INTERVAL);
        loop {
            tokio::select! {
                message = self.socket.recv() => {
                    let (identity, message) = message?.split();
                    self.handle(identity, &message).await;
                }
                _ = heartbeat.tick() => self.beat().await,
            }
        }
    }

    async fn handle(&mut self, sender: Identity, message: &Multipart) {
        let parts: Vec<_> = message.iter().collect();
        match &parts[..] {
            [b"", CLIENT, service, body @ ..] if !body.is_empty() => {
                self.handle_client(sender, service, body.iter().collect()).await;
            }
            [b"", WORKER, ..] => match Command::decode(message) {
                Some(command) => self.handle_worker(sender, command).await,
                None => println!("broker: a command is not valid"),
            },
            _ => println!("broker: a message is not valid"),
        }
    }

    async fn handle_client(&mut self, client: Identity, service: &[u8], body: Multipart) {
        if service.starts_with(b"mmi.") {
            let status = match service {
                b"mmi.service" if self.has_worker(body.last()) => "200",
                b"mmi.service" => "404",
                _ => "501",
            };
            return self.reply(&client, service, &status.into()).await;
        }
        let waiting = self.services.entry(service.to_vec()).or_default();
        waiting.requests.push_back((client, body));
        self.dispatch(service).await;
    }

    async fn handle_worker(&mut self, identity: Identity, command: Command) {
        match (command, self.workers.get_mut(&identity)) {
            (Command::Ready { service }, None) if !service.starts_with(b"mmi.") => {
                let worker = Worker { service, expires: None };
                self.workers.insert(identity.clone(), worker);
                self.set_idle(identity).await;
            }
            (Command::Reply { client, body }, Some(worker)) => {
                let service = worker.service.clone();
                if let Ok(client) = Identity::try_from(client) {
                    self.reply(&client, &service, &body).await;
                }
                self.set_idle(identity).await;
            }
            (Command::Heartbeat, Some(worker)) => {
                worker.expires = worker.expires.map(|_| Instant::now() + LIVENESS);
            }
            (Command::Disconnect, _) => self.remove(&identity),
            // The worker was removed, or its command is not expected. It registers again.
            _ => {
                self.remove(&identity);
                let _ = self.socket.route(&identity, Command::Disconnect.encode()).await;
            }
        }
    }

    async fn set_idle(&mut self, identity: Identity) {
        let Some(worker) = self.workers.get_mut(&identity) else { return };
        worker.expires = Some(Instant::now() + LIVENESS);
        let name = worker.service.clone();
        let service = self.services.entry(name.clone()).or_default();
        if !service.idle.contains(&identity) {
            service.idle.push_back(identity);
        }
        self.dispatch(&name).await;
    }

    /// Sends requests of a service to its idle workers.
    async fn dispatch(&mut self, service: &[u8]) {
        let Some(service) = self.services.get_mut(service) else { return };
        while !service.idle.is_empty() {
            let Some((client, body)) = service.requests.pop_front() else { return };
            let Some(identity) = service.idle.pop_front() else { return };
            let command = Command::Request { client: client.as_bytes().to_vec(), body };
            match self.socket.route(&identity, command.encode()).await {
                Ok(()) => {
                    let worker = self.workers.get_mut(&identity);
                    worker.into_iter().for_each(|worker| worker.expires = None);
                }
                // The worker has left. Another one gets the request.
                Err(_) => {
                    self.workers.remove(&identity);
                    if let Command::Request { body, .. } = command {
                        service.requests.push_front((client, body));
                    }
                }
            }
        }
    }

    async fn reply(&self, client: &Identity, service: &[u8], body: &Multipart) {
        let reply: Multipart = [b"", CLIENT, service].into_iter().chain(body).collect();
        if let Err(error) = self.socket.route(client, reply).await {
            println!("broker: a reply is dropped: {error}");
        }
    }

    /// Removes workers that have failed, and sends heartbeats to idle ones.
    async fn beat(&mut self) {
        let now = Instant::now();
        let is_lost = |identity: &Identity, worker: &Worker| {
            worker.expires.is_some_and(|expires| expires <= now)
                || self.socket.remote(identity).is_none()
        };
        let workers = self.workers.iter().filter(|(identity, worker)| is_lost(identity, worker));
        for identity in workers.map(|(identity, _)| identity.clone()).collect::<Vec<_>>() {
            println!("broker: a worker is removed");
            self.remove(&identity);
        }
        for identity in self.services.values().flat_map(|service| &service.idle) {
            // If this fails, the worker is removed next time.
            let _ = self.socket.route(identity, Command::Heartbeat.encode()).await;
        }
    }

    fn remove(&mut self, identity: &Identity) {
        let Some(worker) = self.workers.remove(identity) else { return };
        if let Some(service) = self.services.get_mut(&worker.service) {
            service.idle.retain(|idle| idle != identity);
        }
    }

    fn has_worker(&self, service: &[u8]) -> bool {
        self.workers.values().any(|worker| worker.service == service)
    }
}
