//! The options by which a test runs over TLS as it does over other transports.

use tokio_zmtp::Builder;

use crate::transports::Transport;

pub(crate) trait OverTransport {
    /// Sets the options that a transport requires.
    fn over(self, transport: Transport) -> Self;
}

impl<S> OverTransport for Builder<S> {
    fn over(self, transport: Transport) -> Self {
        if transport == Transport::Tls { over_tls(self) } else { self }
    }
}

#[cfg(feature = "tls")]
fn over_tls<S>(builder: Builder<S>) -> Builder<S> {
    let (server, client) = crate::tls::options();
    builder.tls_server(server).tls_client(client)
}

#[cfg(not(feature = "tls"))]
fn over_tls<S>(_: Builder<S>) -> Builder<S> {
    unreachable!("tests run over TLS only with the feature `tls`")
}

/// Returns the same options, as lines of a configuration.
#[cfg(feature = "serde")]
pub(crate) fn described(transport: Transport) -> String {
    #[cfg(feature = "tls")]
    if transport == Transport::Tls {
        return crate::tls::described();
    }
    assert_ne!(transport, Transport::Tls);
    String::new()
}
