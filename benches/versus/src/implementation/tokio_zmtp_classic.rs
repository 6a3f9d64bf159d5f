//! This crate: PUSH and PULL with messages of one or more parts, DEALER and ROUTER, REQ and REP,
//! with default options.

use tokio_zmtp::{Dealer, Multipart, Pull, Push, Rep, Req, Router, TryRecvError};

use crate::Failure;
use crate::implementation::tokio_zmtp::endpoint;
use crate::implementation::{
    Client, Messaging, OneWay, Place, Receiver, Sender, Server, expect_size,
};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct TokioZmtpPush<const PARTS: usize = 1>;

impl<const PARTS: usize> OneWay for TokioZmtpPush<PARTS> {
    type Sender = Pushing<PARTS>;
    type Receiver = Pulling<PARTS>;

    async fn receiver(place: &Place, announce: Announce) -> Result<Pulling<PARTS>, Failure> {
        let socket = Pull::new();
        announce.endpoint(&socket.bind(endpoint(place).as_str()).await?.to_string());
        Ok(Pulling { socket, size: place.size })
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Pushing<PARTS>, Failure> {
        let socket = Push::new();
        socket.connect(endpoint).await?;
        socket.remotes().connected().await?;
        Ok(Pushing { socket, message: Multipart::from([(); PARTS].map(|()| vec![7; size])) })
    }
}

/// A PUSH.
#[derive(Debug)]
pub(crate) struct Pushing<const PARTS: usize> {
    socket: Push,
    message: Multipart,
}

impl<const PARTS: usize> Sender for Pushing<PARTS> {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.socket.send(&self.message).await?;
        }
        Ok(())
    }
}

/// A PULL.
#[derive(Debug)]
pub(crate) struct Pulling<const PARTS: usize> {
    socket: Pull,
    size: usize,
}

impl<const PARTS: usize> Receiver for Pulling<PARTS> {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            let message = self.socket.recv().await?;
            expect_size(message.last().len(), self.size)?;
            if PARTS > 1 && message.len() != PARTS {
                return Err(format!("the message does not have {PARTS} parts").into());
            }
        }
        Ok(())
    }
}

/// DEALER and ROUTER.
#[derive(Debug)]
pub(crate) struct TokioZmtpDealer;

impl Messaging for TokioZmtpDealer {
    type Client = Dealing;
    type Server = Routing;

    async fn server(place: &Place, announce: Announce) -> Result<Routing, Failure> {
        let socket = Router::new();
        announce.endpoint(&socket.bind(endpoint(place).as_str()).await?.to_string());
        Ok(Routing { socket })
    }

    async fn client(endpoint: &str, size: usize) -> Result<Dealing, Failure> {
        let socket = Dealer::new();
        socket.connect(endpoint).await?;
        socket.remotes().connected().await?;
        Ok(Dealing { socket, message: Multipart::from(vec![7; size]), size })
    }
}

/// A DEALER.
#[derive(Debug)]
pub(crate) struct Dealing {
    socket: Dealer,
    message: Multipart,
    size: usize,
}

impl Client for Dealing {
    async fn send(&mut self) -> Result<(), Failure> {
        Ok(self.socket.send(&self.message).await?)
    }

    async fn recv(&mut self) -> Result<(), Failure> {
        expect_size(self.socket.recv().await?.last().len(), self.size)
    }

    fn try_recv(&mut self) -> Result<bool, Failure> {
        match self.socket.try_recv() {
            Ok(message) => expect_size(message.last().len(), self.size).map(|()| true),
            Err(TryRecvError::Empty) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// A ROUTER.
#[derive(Debug)]
pub(crate) struct Routing {
    socket: Router,
}

impl Server for Routing {
    async fn serve(&mut self) -> Result<(), Failure> {
        loop {
            let (identity, message) = self.socket.recv().await?.split();
            self.socket.route(&identity, message).await?;
        }
    }
}

/// REQ and REP.
#[derive(Debug)]
pub(crate) struct TokioZmtpReq;

impl Messaging for TokioZmtpReq {
    type Client = Requesting;
    type Server = Replying;

    async fn server(place: &Place, announce: Announce) -> Result<Replying, Failure> {
        let socket = Rep::new();
        announce.endpoint(&socket.bind(endpoint(place).as_str()).await?.to_string());
        Ok(Replying { socket })
    }

    async fn client(endpoint: &str, size: usize) -> Result<Requesting, Failure> {
        let socket = Req::new();
        socket.connect(endpoint).await?;
        socket.remotes().connected().await?;
        Ok(Requesting { socket, message: Multipart::from(vec![7; size]), size })
    }
}

/// A REQ.
#[derive(Debug)]
pub(crate) struct Requesting {
    socket: Req,
    message: Multipart,
    size: usize,
}

impl Client for Requesting {
    /// Does nothing: a request is one call, which `recv` makes.
    async fn send(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    async fn recv(&mut self) -> Result<(), Failure> {
        expect_size(self.socket.request(&self.message).await?.last().len(), self.size)
    }
}

/// A REP.
#[derive(Debug)]
pub(crate) struct Replying {
    socket: Rep,
}

impl Server for Replying {
    async fn serve(&mut self) -> Result<(), Failure> {
        loop {
            let (request, mut replier) = self.socket.recv().await?;
            replier.reply(request).await?;
        }
    }
}
