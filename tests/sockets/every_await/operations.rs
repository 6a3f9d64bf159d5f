//! The async operations of CLIENT and SERVER, and of all types.

use std::net::TcpListener;

use futures::future::LocalBoxFuture;
use futures::{SinkExt, StreamExt};
use tokio::io;
use tokio_zmtp::{Client, Endpoint, InprocEndpoint, Message, Pull, Push, Server, Undelivered};

use super::operation::{LONG, Operation, SEVERAL, limit, ready};
use super::scene::{Cast, Effect};
use super::turns;
use crate::over_transport::OverTransport;
use crate::transports::Transport;

pub(super) const OPERATIONS: &[Operation] = &[
    // Creating sockets.
    traffic("Builder::bind", |_| {
        Box::pin(async move {
            Client::builder().bind(ANY).await.unwrap();
        })
    }),
    traffic("Builder::bind_from_std", |_| {
        Box::pin(async move {
            Client::builder().bind_from_std(std_listener()).await.unwrap();
        })
    }),
    traffic("Builder::connect", |cast| {
        Box::pin(async move {
            Server::builder().over(cast.transport).connect(cast.endpoint).await.unwrap();
        })
    }),
    traffic("Builder::connect_all", |cast| {
        Box::pin(async move {
            Server::builder().over(cast.transport).connect_all(cast.endpoint).await.unwrap();
        })
    }),
    traffic("Builder::probe", |_| {
        Box::pin(async move {
            let server = Server::builder().bind(ANY).await.unwrap();
            Client::builder().probe(server.last_endpoint().unwrap()).await.unwrap();
        })
    }),
    // Sending to a queue that is initially full.
    traffic("Client::send", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_requests();
                let message = cast.requests.offer();
                cast.requests.settle(cast.client.send(message).await);
            }
        })
    }),
    traffic("Client::send_timeout", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_requests();
                let message = cast.requests.offer();
                let limit = limit(&mut cast.rng);
                cast.requests.settle(cast.client.send_timeout(message, limit).await);
            }
        })
    }),
    traffic("Client::reserve", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_requests();
                let permit = cast.client.reserve().await.unwrap();
                turns(cast.rng.u32(..3)).await;
                let message = cast.requests.offer();
                cast.requests.settle(permit.send(message));
            }
        })
    }),
    traffic("Push::recv_returned", |_| {
        Box::pin(async move {
            let push = Push::builder().undelivered(Undelivered::Return).build();
            let pull = Pull::builder().recv_hwm(1).build();
            pull.connect(push.bind(InprocEndpoint::unique()).await.unwrap()).await.unwrap();
            push.remotes().connected().await.unwrap();
            for number in 0..SEVERAL + 1 {
                push.send(number.to_string()).await.unwrap();
            }
            pull.close().await;
            // Whether the pull had queued the first message depends on the threads.
            let first = push.recv_returned().await.unwrap();
            let received = usize::from(first != ["0"]);
            assert_eq!(first, [received.to_string()]);
            for number in received + 1..SEVERAL + 1 {
                assert_eq!(push.recv_returned().await.unwrap(), [number.to_string()]);
            }
        })
    }),
    traffic("Server::route", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_replies();
                let message = cast.replies.offer();
                cast.replies.settle(cast.server.route(cast.id, message).await);
            }
        })
    }),
    traffic("Server::route_timeout", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_replies();
                let message = cast.replies.offer();
                let limit = limit(&mut cast.rng);
                cast.replies.settle(cast.server.route_timeout(cast.id, message, limit).await);
            }
        })
    }),
    traffic("Server::reserve_route", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_replies();
                let permit = cast.server.reserve_route(cast.id).await.unwrap();
                turns(cast.rng.u32(..3)).await;
                let message = cast.replies.offer();
                cast.replies.settle(permit.send(message));
            }
        })
    }),
    traffic("Server::reply", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_replies();
                let message = cast.replies.offer();
                cast.replies.settle(cast.server.reply(&cast.hello, message).await);
            }
        })
    }),
    traffic("Server::reply_timeout", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_replies();
                let message = cast.replies.offer();
                let limit = limit(&mut cast.rng);
                cast.replies.settle(cast.server.reply_timeout(&cast.hello, message, limit).await);
            }
        })
    }),
    traffic("Sink for Client::poll_ready", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_requests();
                ready::<Message, _>(&mut cast.client).await.unwrap();
                turns(cast.rng.u32(..3)).await;
                let message = cast.requests.offer();
                cast.requests.settle(cast.client.start_send_unpin(message));
            }
        })
    }),
    traffic("Sink for Client::poll_flush", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_requests();
                let message = cast.requests.offer();
                cast.requests.settle(cast.client.start_send_unpin(message));
                SinkExt::<Message>::flush(&mut cast.client).await.unwrap();
            }
        })
    }),
    traffic("Sink for Client::poll_close", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_requests();
                let message = cast.requests.offer();
                cast.requests.settle(cast.client.start_send_unpin(message));
                SinkExt::<Message>::close(&mut cast.client).await.unwrap();
            }
        })
    }),
    traffic("Sink for Server::poll_ready", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_replies();
                ready::<Message, _>(&mut cast.server).await.unwrap();
                turns(cast.rng.u32(..3)).await;
                let message = cast.replies.offer().with_routing_id(cast.id);
                cast.replies.settle(cast.server.start_send_unpin(message));
            }
        })
    }),
    traffic("Sink for Server::poll_flush", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_replies();
                let message = cast.replies.offer().with_routing_id(cast.id);
                cast.replies.settle(cast.server.start_send_unpin(message));
                SinkExt::<Message>::flush(&mut cast.server).await.unwrap();
            }
        })
    }),
    traffic("Sink for Server::poll_close", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_replies();
                let message = cast.replies.offer().with_routing_id(cast.id);
                cast.replies.settle(cast.server.start_send_unpin(message));
                SinkExt::<Message>::close(&mut cast.server).await.unwrap();
            }
        })
    }),
    // Receiving from a queue that is initially empty.
    traffic("Client::recv", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.drain_replies();
                let message = cast.client.recv().await.unwrap();
                cast.replies.ledger().receive(&message);
            }
        })
    }),
    traffic("Client::recv_from", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.drain_replies();
                let (message, _) = cast.client.recv_from().await.unwrap();
                cast.replies.ledger().receive(&message);
            }
        })
    }),
    traffic("Client::recv_many", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.drain_replies();
                let mut messages = Vec::new();
                let most = cast.rng.usize(1..4);
                cast.client.recv_many(&mut messages, most).await.unwrap();
                messages.iter().for_each(|message| cast.replies.ledger().receive(message));
            }
        })
    }),
    traffic("Client::recv_timeout", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.drain_replies();
                let limit = limit(&mut cast.rng);
                if let Ok(message) = cast.client.recv_timeout(limit).await {
                    cast.replies.ledger().receive(&message);
                }
            }
        })
    }),
    traffic("Server::recv", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.drain_requests();
                let message = cast.server.recv().await.unwrap();
                cast.requests.ledger().receive(&message);
            }
        })
    }),
    traffic("Server::recv_from", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.drain_requests();
                let (message, _) = cast.server.recv_from().await.unwrap();
                cast.requests.ledger().receive(&message);
            }
        })
    }),
    traffic("Server::recv_many", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.drain_requests();
                let mut messages = Vec::new();
                let most = cast.rng.usize(1..4);
                cast.server.recv_many(&mut messages, most).await.unwrap();
                messages.iter().for_each(|message| cast.requests.ledger().receive(message));
            }
        })
    }),
    traffic("Server::recv_timeout", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.drain_requests();
                let limit = limit(&mut cast.rng);
                if let Ok(message) = cast.server.recv_timeout(limit).await {
                    cast.requests.ledger().receive(&message);
                }
            }
        })
    }),
    traffic("Sink for Lossy::poll_ready", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.fill_replies();
                let mut lossy = cast.server.clone().lossy();
                ready::<Message, _>(&mut lossy).await.unwrap();
                turns(cast.rng.u32(..3)).await;
                let message = cast.replies.offer().with_routing_id(cast.id);
                cast.replies.settle(lossy.start_send_unpin(message));
            }
        })
    }),
    traffic("Sink for Lossy::poll_flush", |mut cast| {
        Box::pin(async move {
            let mut lossy = cast.server.clone().lossy();
            for _ in 0..SEVERAL {
                cast.fill_replies();
                let message = cast.replies.offer().with_routing_id(cast.id);
                cast.replies.settle(lossy.start_send_unpin(message));
                SinkExt::<Message>::flush(&mut lossy).await.unwrap();
            }
        })
    }),
    traffic("Sink for Lossy::poll_close", |mut cast| {
        Box::pin(async move {
            let mut lossy = cast.server.clone().lossy();
            for _ in 0..SEVERAL {
                cast.fill_replies();
                let message = cast.replies.offer().with_routing_id(cast.id);
                cast.replies.settle(lossy.start_send_unpin(message));
                SinkExt::<Message>::close(&mut lossy).await.unwrap();
            }
        })
    }),
    traffic("Stream for Lossy::poll_next", |mut cast| {
        Box::pin(async move {
            let mut lossy = cast.server.clone().lossy();
            for _ in 0..SEVERAL {
                cast.drain_requests();
                let message = lossy.next().await.unwrap();
                cast.requests.ledger().receive(&message);
            }
        })
    }),
    traffic("Stream for Client::poll_next", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.drain_replies();
                let message = cast.client.next().await.unwrap();
                cast.replies.ledger().receive(&message);
            }
        })
    }),
    traffic("Stream for Server::poll_next", |mut cast| {
        Box::pin(async move {
            for _ in 0..SEVERAL {
                cast.drain_requests();
                let message = cast.server.next().await.unwrap();
                cast.requests.ledger().receive(&message);
            }
        })
    }),
    // Monitoring.
    traffic("Monitor::recv", |cast| {
        Box::pin(async move {
            let client = cast.fresh_client();
            let mut monitor = client.monitor();
            cast.connect_soon(&client);
            monitor.recv().await.unwrap().unwrap();
        })
    }),
    traffic("Stream for Monitor::poll_next", |cast| {
        Box::pin(async move {
            let mut monitor = cast.server.monitor();
            cast.connect_soon(&cast.fresh_client());
            monitor.next().await.unwrap().unwrap();
        })
    }),
    traffic("Remotes::connected", |cast| {
        Box::pin(async move {
            let client = cast.fresh_client();
            cast.connect_soon(&client);
            client.remotes().connected().await.unwrap();
        })
    }),
    traffic("Remotes::at_least", |cast| {
        Box::pin(async move {
            let client = cast.fresh_client();
            cast.connect_soon(&client);
            client.remotes().at_least(1).await.unwrap();
        })
    }),
    traffic("Remotes::connected_timeout", |cast| {
        Box::pin(async move {
            let client = cast.fresh_client();
            cast.connect_soon(&client);
            client.remotes().connected_timeout(LONG).await.unwrap();
        })
    }),
    // Endpoints and streams.
    connects("Socket::attach", |cast| {
        Box::pin(async move {
            let (near, far) = io::duplex(64);
            cast.server.attach(near).await.unwrap();
            cast.client.attach(far).await.unwrap();
        })
    }),
    connects("Socket::bind", |cast| {
        Box::pin(async move {
            cast.client.bind(ANY).await.unwrap();
            cast.server.bind(ANY).await.unwrap();
        })
    }),
    connects("Socket::bind_from_std", |cast| {
        Box::pin(async move {
            cast.client.bind_from_std(std_listener()).await.unwrap();
        })
    }),
    connects("Socket::connect", |cast| {
        Box::pin(async move {
            cast.client.connect(cast.endpoint).await.unwrap();
        })
    }),
    connects("Socket::connect_with", |cast| {
        Box::pin(async move {
            let endpoint = "stream://server".parse::<Endpoint>().unwrap();
            Transport::Stream.connect(&cast.client, &cast.server, endpoint).await;
        })
    }),
    connects("Socket::connect_all", |cast| {
        Box::pin(async move {
            cast.client.connect_all(cast.endpoint).await.unwrap();
        })
    }),
    traffic("Peer::connect_peer", |cast| {
        Box::pin(async move {
            let peer = cast.fresh_peer();
            let id = peer.connect_peer(InprocEndpoint::unique()).await.unwrap();
            peer.try_route(id, "early").unwrap();
        })
    }),
    connects("Socket::disconnect", |cast| {
        Box::pin(async move {
            cast.client.disconnect(cast.endpoint).await.unwrap();
        })
    }),
    Operation {
        name: "Socket::unbind",
        effect: Effect::Unbinds,
        start: |cast| {
            Box::pin(async move {
                cast.server.unbind(cast.endpoint).await.unwrap();
            })
        },
    },
    // Closing.
    Operation {
        name: "Client::close",
        effect: Effect::ClosesClient,
        start: |cast| {
            Box::pin(async move {
                cast.client.close().await;
            })
        },
    },
    Operation {
        name: "Client::close_with_undelivered",
        effect: Effect::ClosesClient,
        start: |cast| {
            Box::pin(async move {
                let (_, unsent) = cast.client.close_with_undelivered().await;
                cast.requests.ledger().unsent(&unsent);
            })
        },
    },
    Operation {
        name: "Server::close",
        effect: Effect::ClosesServer,
        start: |cast| {
            Box::pin(async move {
                cast.server.close().await;
            })
        },
    },
    Operation {
        name: "Server::close_with_undelivered",
        effect: Effect::ClosesServer,
        start: |cast| {
            Box::pin(async move {
                let (_, unsent) = cast.server.close_with_undelivered().await;
                cast.replies.ledger().unsent(&unsent);
            })
        },
    },
];

pub(super) const fn traffic(
    name: &'static str,
    start: fn(Cast) -> LocalBoxFuture<'static, ()>,
) -> Operation {
    Operation { name, effect: Effect::Traffic, start }
}

const fn connects(name: &'static str, start: fn(Cast) -> LocalBoxFuture<'static, ()>) -> Operation {
    Operation { name, effect: Effect::Connects, start }
}

fn std_listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

pub(super) const ANY: &str = "tcp://127.0.0.1:*";
