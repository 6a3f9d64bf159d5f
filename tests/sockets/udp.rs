//! The `udp` transport: datagrams from RADIOs to DISHes.

use tokio_zmtp::{BindError, Client, ConnectError, Server, SocketType};

use crate::watchdog::Watchdog;

#[tokio::test]
async fn sockets_of_other_types_refuse_udp() {
    let _watchdog = Watchdog::start();
    let (client, server) = (Client::new(), Server::new());
    for endpoint in ["udp://127.0.0.1:5555", "udp://239.255.7.7:5555", "udp://[::1]:5555"] {
        let refused = server.bind(endpoint).await.unwrap_err();
        let expected = format!("SERVER cannot bind {endpoint}: only DISH binds udp");
        assert_eq!(refused.to_string(), expected);
        assert!(matches!(
            refused,
            BindError::IncompatibleTransport { socket_type: SocketType::Server, .. }
        ));
        for refused in [client.connect(endpoint).await, client.connect_all(endpoint).await] {
            let refused = refused.unwrap_err();
            let expected =
                format!("CLIENT cannot connect to {endpoint}: only RADIO connects to udp");
            assert_eq!(refused.to_string(), expected);
            assert!(matches!(
                refused,
                ConnectError::IncompatibleTransport { socket_type: SocketType::Client, .. }
            ));
        }
        client.bind(endpoint).await.unwrap_err();
        server.connect(endpoint).await.unwrap_err();
    }
    assert_eq!((client.last_endpoint(), server.last_endpoint()), (None, None));
}
