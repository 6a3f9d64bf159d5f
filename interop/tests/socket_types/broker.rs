//! Our proxies of XSUB and XPUB in a row with one of libzmq, between sockets of libzmq.

use interop::{BytesOption, Context, Proxy, Socket, SocketOption, SocketType};
use support::transports::Transport;
use tokio::time;
use tokio_zmtp::{XPub, XSub, proxy};

use crate::pairing::{POLL_INTERVAL, guarded, over_tcp_and_ipc, own_endpoint, until_some};
use crate::side::reconnecting;
use crate::theirs::{recv, send, socket};

over_tcp_and_ipc!(subscriptions_and_messages_pass_proxies_of_both_libraries);

async fn subscriptions_and_messages_pass_proxies_of_both_libraries(transport: Transport) {
    let publisher = socket(SocketType::XPub);
    publisher.bind(&own_endpoint(transport)).unwrap();
    let first = Hop::new(&publisher.last_endpoint().unwrap(), &own_endpoint(transport)).await;
    let (_proxy, endpoint) = their_proxy(&first.endpoint(), transport);
    let last = Hop::new(&endpoint, &own_endpoint(transport)).await;
    let subs = [(); 2].map(|()| {
        let sub = socket(SocketType::Sub);
        sub.connect(&last.endpoint()).unwrap();
        sub.set_bytes(BytesOption::Subscribe, b"a").unwrap();
        sub
    });
    let [near, far] = subs;
    assert_eq!(recv(&publisher).await, [b"\x01a"]);
    while last.backend.subscribers("a") < 2 {
        time::sleep(POLL_INTERVAL).await;
    }
    for message in [[b"b", b"0"], [b"a", b"1"]] {
        send(&publisher, &message.map(|part| part.to_vec())).await;
    }
    for sub in [&near, &far] {
        assert_eq!(recv(sub).await, [b"a", b"1"]);
    }
    // The cancellation of one of two subscribers does not pass.
    near.set_bytes(BytesOption::Unsubscribe, b"a").unwrap();
    near.set_bytes(BytesOption::Subscribe, b"c").unwrap();
    assert_eq!(recv(&publisher).await, [b"\x01c"]);
    until_some(|| (last.backend.subscribers("a") == 1).then_some(())).await;
    send(&publisher, &[b"a".to_vec(), b"2".to_vec()]).await;
    assert_eq!(recv(&far).await, [b"a", b"2"]);
    // Subscribers that vanish take their subscriptions with them.
    drop(far);
    assert_eq!(recv(&publisher).await, [b"\x00a"]);
    drop(near);
    assert_eq!(recv(&publisher).await, [b"\x00c"]);
    for hop in [&first, &last] {
        assert!(hop.frontend.subscriptions().is_empty());
        assert_eq!(hop.backend.topics(), 0);
    }
}

over_tcp_and_ipc!(user_messages_pass_proxies_of_both_libraries);

async fn user_messages_pass_proxies_of_both_libraries(transport: Transport) {
    let publisher = socket(SocketType::XPub);
    publisher.bind(&own_endpoint(transport)).unwrap();
    let first = Hop::new(&publisher.last_endpoint().unwrap(), &own_endpoint(transport)).await;
    let (_proxy, endpoint) = their_proxy(&first.endpoint(), transport);
    let last = Hop::new(&endpoint, &own_endpoint(transport)).await;
    let xsub = socket(SocketType::XSub);
    xsub.connect(&last.endpoint()).unwrap();
    send(&xsub, &[b"\x01a".to_vec()]).await;
    assert_eq!(recv(&publisher).await, [b"\x01a"]);
    for message in [vec![b"user".to_vec()], vec![b"user".to_vec(), b"".to_vec(), vec![7; 1_000]]] {
        send(&xsub, &message).await;
        assert_eq!(recv(&publisher).await, message);
    }
    send(&publisher, &[b"a".to_vec()]).await;
    assert_eq!(recv(&xsub).await, [b"a"]);
    send(&xsub, &[b"\x00a".to_vec()]).await;
    assert_eq!(recv(&publisher).await, [b"\x00a"]);
}

/// The next hops replay their subscriptions when a proxy of ours is replaced, and when one of theirs is.
#[tokio::test]
async fn subscriptions_are_replayed_when_a_proxy_is_replaced() {
    guarded(async {
        let publisher = socket(SocketType::XPub);
        publisher.bind(&own_endpoint(Transport::Tcp)).unwrap();
        let upstream = publisher.last_endpoint().unwrap();
        let mut first = Hop::new(&upstream, &own_endpoint(Transport::Tcp)).await;
        let (mut theirs, endpoint) = their_proxy(&first.endpoint(), Transport::Tcp);
        let last = Hop::new(&endpoint, &own_endpoint(Transport::Tcp)).await;
        let sub = socket(SocketType::Sub);
        sub.connect(&last.endpoint()).unwrap();
        sub.set_bytes(BytesOption::Subscribe, b"a").unwrap();
        assert_eq!(recv(&publisher).await, [b"\x01a"]);
        for replaced in ["ours", "theirs"] {
            if replaced == "ours" {
                let endpoint = first.endpoint();
                first.backend.close().await;
                first.frontend.close().await;
                first = Hop::new(&upstream, &endpoint).await;
            } else {
                drop(theirs);
                (theirs, _) = bind_their_proxy(&first.endpoint(), &endpoint).await;
            }
            assert_eq!(recv(&publisher).await, [b"\x00a"], "{replaced}");
            assert_eq!(recv(&publisher).await, [b"\x01a"], "{replaced}");
            send(&publisher, &[b"a".to_vec(), replaced.into()]).await;
            assert_eq!(recv(&sub).await, [&b"a"[..], replaced.as_bytes()]);
        }
        drop(sub);
        assert_eq!(recv(&publisher).await, [b"\x00a"]);
    })
    .await;
}

/// A proxy of ours.
struct Hop {
    frontend: XSub,
    backend: XPub,
}

impl Hop {
    async fn new(publisher: &str, endpoint: &str) -> Self {
        let (frontend, backend) = (reconnecting(XSub::builder()).build(), XPub::new());
        frontend.connect(publisher).await.unwrap();
        while backend.bind(endpoint).await.is_err() {
            time::sleep(POLL_INTERVAL).await;
        }
        tokio::spawn(proxy(&frontend, &backend));
        Self { frontend, backend }
    }

    fn endpoint(&self) -> String {
        self.backend.last_endpoint().unwrap().to_string()
    }
}

/// Starts `zmq_proxy`, and returns the endpoint of its backend.
fn their_proxy(publisher: &str, transport: Transport) -> (Proxy, String) {
    let [frontend, backend] = their_sockets(publisher);
    backend.bind(&own_endpoint(transport)).unwrap();
    let endpoint = backend.last_endpoint().unwrap();
    (Proxy::start(frontend, backend), endpoint)
}

/// Starts `zmq_proxy` when the endpoint of its backend is free.
async fn bind_their_proxy(publisher: &str, endpoint: &str) -> (Proxy, String) {
    let [frontend, backend] = their_sockets(publisher);
    until_some(|| backend.bind(endpoint).ok()).await;
    (Proxy::start(frontend, backend), endpoint.to_owned())
}

fn their_sockets(publisher: &str) -> [Socket; 2] {
    let context = Context::new().unwrap();
    let [frontend, backend] = [SocketType::XSub, SocketType::XPub].map(|socket_type| {
        let socket = Socket::new(&context, socket_type).unwrap();
        socket.set(SocketOption::Linger, 0).unwrap();
        socket.set(SocketOption::ReconnectInterval, 10).unwrap();
        socket
    });
    frontend.connect(publisher).unwrap();
    [frontend, backend]
}
