//! The process of a kernel.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time;

use crate::connection_file::{ConnectionFile, Transport};

/// A running kernel. It is killed if it is dropped.
pub(crate) struct Kernel {
    process: Child,
    pub(crate) connection: ConnectionFile,
    /// The private directory of the connection file and of the sockets, removed when the kernel is
    /// dropped.
    _directory: TempDir,
}

impl Kernel {
    /// Starts a Python kernel. Returns as soon as its endpoints are known.
    pub(crate) async fn start(
        transport: Transport,
        is_encrypted: bool,
    ) -> Result<Self, KernelError> {
        let directory = tempfile::Builder::new().prefix("jupyter-").tempdir()?;
        let path = directory.path().join("connection.json");
        ConnectionFile::new(transport, is_encrypted, directory.path()).write(&path)?;
        let mut process = launch(&path).map_err(KernelError::Start)?;
        let connection = tokio::select! {
            status = process.wait() => return Err(KernelError::Ended(status?)),
            connection = read_when_complete(&path) => connection,
        };
        Ok(Self { process, connection, _directory: directory })
    }

    /// Returns when the process has ended.
    ///
    /// If the future is dropped, a later call returns the same.
    pub(crate) async fn ended(&mut self) -> KernelError {
        match self.process.wait().await {
            Ok(status) => KernelError::Ended(status),
            Err(error) => KernelError::Io(error),
        }
    }

    /// Waits for the end of a kernel that was requested to end.
    pub(crate) async fn finish(mut self) -> Result<(), KernelError> {
        match time::timeout(END_LIMIT, self.ended()).await {
            Ok(KernelError::Ended(status)) if status.success() => Ok(()),
            Ok(error) => Err(error),
            Err(_) => Err(KernelError::Running),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum KernelError {
    #[error("cannot start python3")]
    Start(#[source] io::Error),
    #[error("the kernel has ended: {0}")]
    Ended(ExitStatus),
    #[error("the kernel does not end")]
    Running,
    #[error("the system failed")]
    Io(#[from] io::Error),
}

fn launch(connection_file: &Path) -> io::Result<Child> {
    let mut command = Command::new("python3");
    command
        .args(["-m", "ipykernel_launcher", "-f"])
        .arg(connection_file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    if cfg!(unix) {
        // The kernel ends if this program is killed.
        command.env("JPY_PARENT_PID", std::process::id().to_string());
    }
    // Ctrl-C reaches this program only, which forwards it.
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

/// Reads the connection file again until the kernel has written its ports into it.
async fn read_when_complete(path: &Path) -> ConnectionFile {
    loop {
        // The file is missing and incomplete for a moment while the kernel replaces it.
        match ConnectionFile::read(path) {
            Ok(connection) if connection.is_complete() => return connection,
            _ => time::sleep(Duration::from_millis(10)).await,
        }
    }
}

const END_LIMIT: Duration = Duration::from_secs(10);
