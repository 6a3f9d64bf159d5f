//! A worker.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{self, Instant};
use tokio_zmtp::{ConnectError, Dealer, Endpoint, Multipart, RecvError, SendError};

use crate::protocol::{Command, HEARTBEAT_INTERVAL, LIVENESS};

/// Performs the requests to a service, one after the other.
pub(crate) struct ServiceWorker {
    service: Vec<u8>,
    broker: Endpoint,
}

impl ServiceWorker {
    pub(crate) fn new(service: &str, broker: &Endpoint) -> Self {
        Self { service: service.as_bytes().to_vec(), broker: broker.clone() }
    }

    /// Registers again whenever the broker has failed, or no longer knows the worker.
    pub(crate) async fn run<F: Future<Output = Multipart>>(
        self,
        perform: fn(Multipart) -> F,
    ) -> Result<Infallible, WorkerError> {
        loop {
            self.serve(perform).await?;
            println!("worker: registering again");
            time::sleep(PAUSE).await;
        }
    }

    /// Registers with the broker, and performs requests until the broker fails or disconnects the
    /// worker.
    async fn serve<F: Future<Output = Multipart>>(
        &self,
        perform: fn(Multipart) -> F,
    ) -> Result<(), WorkerError> {
        let dealer = Dealer::builder().linger(Duration::ZERO).connect(&self.broker).await?;
        dealer.send(Command::Ready { service: self.service.clone() }.encode()).await?;
        let mut heartbeat = time::interval(HEARTBEAT_INTERVAL);
        let mut expires = Instant::now() + LIVENESS;
        loop {
            let message = tokio::select! {
                message = dealer.recv() => message?,
                _ = heartbeat.tick() => {
                    dealer.send(Command::Heartbeat.encode()).await?;
                    continue;
                }
                () = time::sleep_until(expires) => return Ok(()),
            };
            match Command::decode(&message) {
                Some(Command::Request { client, body }) => {
                    let body = perform(body).await;
                    dealer.send(Command::Reply { client, body }.encode()).await?;
                }
                Some(Command::Disconnect) => return Ok(()),
                Some(_) => {}
                None => println!("worker: a command is not valid"),
            }
            expires = Instant::now() + LIVENESS;
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Recv(#[from] RecvError),
    #[error(transparent)]
    Send(#[from] SendError<Multipart>),
}

/// The delay before a worker registers again.
const PAUSE: Duration = Duration::from_secs(1);
