//! A socket that makes requests, one at a time.

use std::time::Duration;

use bytes::Bytes;
use clap::ValueEnum;
use tokio_zmtp::config::AnySocket;
use tokio_zmtp::rpc::{Request, Requester};
use tokio_zmtp::{Client, SocketType};

use crate::exit::{Exit, Failure, with_sources};

/// How requests are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Style {
    Channel,
    Client,
    Dealer,
    Pair,
    Req,
    Rpc,
}

impl Style {
    pub(super) const fn socket_type(self) -> SocketType {
        match self {
            Self::Channel => SocketType::Channel,
            Self::Client | Self::Rpc => SocketType::Client,
            Self::Dealer => SocketType::Dealer,
            Self::Pair => SocketType::Pair,
            Self::Req => SocketType::Req,
        }
    }
}

/// Makes requests.
pub(super) enum RequestSocket {
    Rpc(Requester<Client>),
    Socket(AnySocket),
}

impl RequestSocket {
    pub(super) fn new(socket: AnySocket, style: Style) -> Self {
        match socket {
            AnySocket::Client(client) if style == Style::Rpc => Self::Rpc(Requester::new(client)),
            socket => Self::Socket(socket),
        }
    }

    /// Sends a request, and waits for its reply.
    pub(super) async fn request(&self, body: Bytes, limit: Duration) -> Result<(), Failure> {
        let done = match self {
            Self::Rpc(requester) => {
                let request = Request::new(body).with_timeout(limit);
                requester.call(request).await.map(drop).map_err(|error| with_sources(&error))
            }
            Self::Socket(socket) => {
                let exchanged = tokio::time::timeout(limit, exchange(socket, body)).await;
                exchanged.unwrap_or_else(|_| {
                    Err(Failure::new(Exit::TimedOut, format!("no reply within {limit:?}")))
                })?;
                return Ok(());
            }
        };
        done.map_err(|text| Failure::new(Exit::Failure, text))
    }
}

async fn exchange(socket: &AnySocket, body: Bytes) -> Result<(), Failure> {
    let failed = |error: &dyn std::error::Error| Failure::new(Exit::Failure, with_sources(error));
    match socket {
        AnySocket::Channel(channel) => {
            channel.send(body).await.map_err(|error| failed(&error))?;
            channel.recv().await.map(drop).map_err(|error| failed(&error))
        }
        AnySocket::Client(client) => {
            client.send(body).await.map_err(|error| failed(&error))?;
            client.recv().await.map(drop).map_err(|error| failed(&error))
        }
        // As a REQ does, without its state.
        AnySocket::Dealer(dealer) => {
            dealer.send([Bytes::new(), body]).await.map_err(|error| failed(&error))?;
            dealer.recv().await.map(drop).map_err(|error| failed(&error))
        }
        AnySocket::Pair(pair) => {
            pair.send(body).await.map_err(|error| failed(&error))?;
            pair.recv().await.map(drop).map_err(|error| failed(&error))
        }
        AnySocket::Req(req) => req.request(body).await.map(drop).map_err(|error| failed(&error)),
        other => Err(Failure::usage(format!("a {} makes no requests", other.socket_type()))),
    }
}
