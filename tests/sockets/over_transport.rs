//! The options by which a test runs over TLS as it does over other transports.

use tokio_zmtp::Builder;

use crate::transports::Transport;

pub(crate) trait OverTransport {
    /// Sets the options that a transport requires.
    fn over(self, transport: Transport) -> Self;
}

impl<S> OverTransport for Builder<S> {
    fn over(self, transport: Transport) -> Self {
        match transport {
            #[cfg(feature = "tls")]
            Transport::Tls => {
                let (server, client) = crate::tls::options();
                self.tls_server(server).tls_client(client)
            }
            _ => self,
        }
    }
}

/// Returns the same options, as lines of a configuration.
#[cfg(feature = "serde")]
pub(crate) fn described(transport: Transport) -> String {
    match transport {
        #[cfg(feature = "tls")]
        Transport::Tls => crate::tls::described(),
        _ => String::new(),
    }
}
