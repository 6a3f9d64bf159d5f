//! Requests of sockets of several types, and where their replies go.

use bytes::Bytes;
use tokio_zmtp::config::AnySocket;
use tokio_zmtp::{Multipart, RecvError, Replier, ReplyError};

use crate::exit::{Exit, Failure};
use crate::socket::{Open, Origin, Outgoing, Received, recv_many, send};

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    /// As it was received.
    pub(super) request: Received,
    /// Its parts without the envelope.
    pub(super) body: Vec<Bytes>,
    pub(super) path: Path,
}

/// Where a reply goes.
#[derive(Debug)]
pub(super) enum Path {
    Replier(Replier),
    /// The remote, and the envelope of the request.
    Remote(Outgoing),
}

/// Receives a request, or returns `None` if the socket is closed. Dropping the future loses none.
pub(super) async fn ask(socket: &AnySocket) -> Result<Option<Asked>, Failure> {
    if let AnySocket::Rep(rep) = socket {
        return match rep.recv().await {
            Ok((message, replier)) => {
                let body = message.clone().into_parts();
                Ok(Some(Asked { request: message.into(), body, path: Path::Replier(replier) }))
            }
            Err(RecvError::Closed) => Ok(None),
            Err(error) => Err(Failure::new(Exit::TimedOut, error.to_string())),
        };
    }
    let mut batch = Vec::new();
    recv_many(socket, &mut batch, 1).await?;
    let Some(request) = batch.pop() else { return Ok(None) };
    let mut body: Vec<_> = request.parts().map(Bytes::copy_from_slice).collect();
    let mut path = Outgoing::default();
    match &request.origin {
        Origin::Identity(identity) => {
            path.identity = Some(identity.clone());
            // A REQ precedes its request by an empty part, which the reply needs as well.
            if body.len() > 1 && body[0].is_empty() {
                path.parts.push(body.remove(0));
            }
        }
        Origin::RoutingId(id) => path.routing_id = Some(*id),
        _ => return Err(Failure::usage("this socket type does not reply").hint(TYPES)),
    }
    Ok(Some(Asked { request, body, path: Path::Remote(path) }))
}

impl Path {
    /// Sends the reply.
    pub(super) async fn reply(self, open: &Open, parts: Vec<Bytes>) -> Result<(), Failure> {
        match self {
            Self::Replier(mut replier) => {
                replier.reply(Multipart::from_iter(parts)).await.map_err(|error| {
                    let exit = match error {
                        ReplyError::Timeout(_) => Exit::TimedOut,
                        _ => Exit::Incomplete,
                    };
                    Failure::new(exit, error.to_string())
                })
            }
            Self::Remote(mut outgoing) => {
                outgoing.parts.extend(parts);
                outgoing.is_reply = true;
                send(open, outgoing).await
            }
        }
    }
}

const TYPES: &str = "use --type rep, server, peer or router";
