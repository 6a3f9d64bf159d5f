//! The file that describes how to connect to a kernel.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_zmtp::auth::{CurveKeyError, CurveKeypair, CurvePublicKey};
use tokio_zmtp::{Builder, Endpoint, EndpointError, Mechanism, Socket};

use crate::signature::SigningKey;

/// The endpoints and keys of a kernel, in the form that Jupyter's clients and kernels share.
#[derive(Serialize, Deserialize)]
pub(crate) struct ConnectionFile {
    transport: Transport,
    /// The address over TCP. Over `ipc`, the path of a socket is this, a hyphen, and its "port".
    ip: String,
    shell_port: u16,
    iopub_port: u16,
    stdin_port: u16,
    control_port: u16,
    hb_port: u16,
    /// The key that signs messages.
    pub(crate) key: SigningKey,
    signature_scheme: SignatureScheme,
    /// The keys of the kernel if it encrypts its traffic (since ipykernel 7.3). The kernel has the
    /// server's role on all sockets, and admits every client that knows its public key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    curve_publickey: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    curve_secretkey: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    Ipc,
    Tcp,
}

/// The only scheme that kernels use.
#[derive(Serialize, Deserialize)]
enum SignatureScheme {
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
}

/// The sockets of a kernel.
#[derive(Clone, Copy)]
pub(crate) enum KernelSocket {
    /// Requests, one after the other.
    Shell,
    /// What a kernel publishes, such as printed text.
    Iopub,
    /// Requests of the kernel for a line of input.
    Stdin,
    /// Requests that overtake those of `Shell`.
    Control,
    /// An echo.
    Heartbeat,
}

impl ConnectionFile {
    /// Describes a kernel that is about to start. `directory` is for the files of its sockets.
    pub(crate) fn new(transport: Transport, is_encrypted: bool, directory: &Path) -> Self {
        let (ip, ports) = match transport {
            Transport::Ipc => (directory.join("socket").display().to_string(), [1, 2, 3, 4, 5]),
            // The system picks ports when the kernel binds its sockets, and the kernel writes them
            // into the file. Ports that are picked here could be taken by other programs meanwhile.
            Transport::Tcp => ("127.0.0.1".to_owned(), [0; 5]),
        };
        let [shell_port, iopub_port, stdin_port, control_port, hb_port] = ports;
        let keypair = is_encrypted.then(CurveKeypair::generate);
        let public = keypair.as_ref().map(|keypair| keypair.public_key().to_string());
        let secret = keypair.as_ref().map(|keypair| keypair.secret_key().to_text().to_string());
        Self {
            transport,
            ip,
            shell_port,
            iopub_port,
            stdin_port,
            control_port,
            hb_port,
            key: SigningKey::generate(),
            signature_scheme: SignatureScheme::HmacSha256,
            curve_publickey: public,
            curve_secretkey: secret,
        }
    }

    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }

    /// Writes the file. Its directory must be private: its keys permit the execution of code.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        fs::write(path, serde_json::to_vec_pretty(self)?)
    }

    /// Returns whether all ports are known.
    pub(crate) fn is_complete(&self) -> bool {
        ![self.shell_port, self.iopub_port, self.stdin_port, self.control_port, self.hb_port]
            .contains(&0)
    }

    pub(crate) fn endpoint(&self, socket: KernelSocket) -> Result<Endpoint, EndpointError> {
        let port = match socket {
            KernelSocket::Shell => self.shell_port,
            KernelSocket::Iopub => self.iopub_port,
            KernelSocket::Stdin => self.stdin_port,
            KernelSocket::Control => self.control_port,
            KernelSocket::Heartbeat => self.hb_port,
        };
        match self.transport {
            Transport::Ipc => format!("ipc://{}-{port}", self.ip).parse(),
            Transport::Tcp => format!("tcp://{}:{port}", self.ip).parse(),
        }
    }

    /// Sets the options that all sockets of a client have.
    pub(crate) fn configure<S: Socket>(
        &self,
        builder: Builder<S>,
    ) -> Result<Builder<S>, CurveKeyError> {
        let mechanism = match &self.curve_publickey {
            Some(key) => {
                let server_key: CurvePublicKey = key.parse()?;
                Mechanism::curve_client((server_key, CurveKeypair::generate()))
            }
            None => Mechanism::Null,
        };
        // A kernel binds its sockets about a second after it was started.
        Ok(builder
            .mechanism(mechanism)
            .reconnect_interval(Duration::from_millis(10))
            .reconnect_interval_max(Duration::from_millis(100)))
    }
}
