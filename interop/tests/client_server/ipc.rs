//! Messages over Unix domain sockets.

use support::transports::Transport;
use tokio_zmtp::InprocEndpoint;

use crate::pairing::{Binds, ClientSide, DEFAULT_HWM, ServerSide, in_every_pairing, join_at};
use crate::traffic::{assert_in_order, assert_unchanged};

in_every_pairing!(messages_pass_over_a_path, hwm = DEFAULT_HWM);
#[cfg(target_os = "linux")]
in_every_pairing!(messages_pass_over_an_abstract_name, hwm = DEFAULT_HWM);

async fn messages_pass_over_a_path(client: impl ClientSide, server: impl ServerSide, binds: Binds) {
    join_at(&Transport::Ipc.any().to_string(), &client, &server, binds).await;
    assert_unchanged(&client, &server).await;
    assert_in_order(&client, &server).await;
}

#[cfg(target_os = "linux")]
async fn messages_pass_over_an_abstract_name(
    client: impl ClientSide,
    server: impl ServerSide,
    binds: Binds,
) {
    // A unique name.
    let endpoint = format!("ipc://@{}", InprocEndpoint::unique().name());
    assert_eq!(join_at(&endpoint, &client, &server, binds).await, endpoint);
    assert_unchanged(&client, &server).await;
    assert_in_order(&client, &server).await;
}
