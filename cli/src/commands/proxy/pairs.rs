//! The pairs of sockets that a proxy can join.

use std::pin::Pin;

use tokio_zmtp::config::AnySocket;
use tokio_zmtp::proxy::{Proxy, ProxyHandle, ProxyReport};
use tokio_zmtp::{GroupMessage, Message, Multipart, proxy};

use crate::exit::Failure;

/// A proxy of two sockets of any type.
pub(super) struct Joined {
    pub(super) proxy: Pin<Box<dyn Future<Output = ProxyReport> + Send>>,
    pub(super) handle: ProxyHandle,
}

/// Joins two sockets, if their types fit.
pub(super) fn join(
    frontend: &AnySocket,
    backend: &AnySocket,
    capture: Option<&AnySocket>,
) -> Result<Joined, Failure> {
    macro_rules! join {
        ($($frontend:ident $backend:ident,)+) => {
            match (frontend, backend) {
                $((AnySocket::$frontend(frontend), AnySocket::$backend(backend)) => {
                    start(proxy(frontend, backend), capture)
                })+
                _ => {
                    let (frontend, backend) = (frontend.socket_type(), backend.socket_type());
                    Err(Failure::usage(format!("a proxy cannot join {frontend} and {backend}"))
                        .hint(PAIRS))
                }
            }
        };
    }
    join! {
        Channel Channel, Channel Client, Client Channel, Client Client,
        Dealer Dealer, Dealer Pair, Pair Dealer, Pair Pair, Dealer Router, Router Dealer,
        Dish Radio, Radio Dish, Gather Scatter, Scatter Gather,
        Pull Pub, Pub Pull, Pull Push, Push Pull, Pull XPub, XPub Pull,
        Sub Pub, Pub Sub, Sub Push, Push Sub, Sub XPub, XPub Sub,
        XSub Pub, Pub XSub, XSub Push, Push XSub, XPub XSub, XSub XPub,
    }
}

fn start<M: CapturedBy>(proxy: Proxy<M>, capture: Option<&AnySocket>) -> Result<Joined, Failure> {
    let proxy = match capture {
        Some(capture) => M::captured_by(proxy, capture)?,
        None => proxy,
    };
    Ok(Joined { handle: proxy.handle(), proxy: Box::pin(proxy) })
}

/// A type of messages that some sockets can capture.
trait CapturedBy: Sized + 'static {
    fn captured_by(proxy: Proxy<Self>, socket: &AnySocket) -> Result<Proxy<Self>, Failure>;
}

macro_rules! captured_by {
    ($message:ident: $($socket:ident)+) => {
        impl CapturedBy for $message {
            fn captured_by(proxy: Proxy<Self>, socket: &AnySocket) -> Result<Proxy<Self>, Failure> {
                match socket {
                    $(AnySocket::$socket(socket) => Ok(proxy.capture(socket)),)+
                    other => {
                        let fitting = [$(stringify!($socket)),+].join(", ").to_lowercase();
                        let socket_type = other.socket_type();
                        Err(Failure::usage(format!("a {socket_type} cannot capture the messages"))
                            .hint(format!("a socket of one of these types can: {fitting}")))
                    }
                }
            }
        }
    };
}

captured_by!(GroupMessage: Radio);
captured_by!(Message: Channel Client Scatter);
captured_by!(Multipart: Dealer Pair Pub Push XPub);

const PAIRS: &str = "it joins router and dealer, xsub and xpub, pull or sub and push, pub or xpub, \
    dealer or pair and dealer or pair, gather and scatter, dish and radio, client or channel and \
    client or channel";
