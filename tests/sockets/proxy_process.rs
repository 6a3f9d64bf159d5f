//! Proxies that run in a process of their own.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};

use tokio_zmtp::Endpoint;

use crate::skipped::skip;

/// A proxy, which is killed when this is dropped.
pub(crate) struct ProxyProcess {
    process: Child,
    config: PathBuf,
    pub(crate) endpoint: Endpoint,
}

impl ProxyProcess {
    /// Starts a proxy, or returns `None` if it is not installed. `command` is for the file of
    /// its configuration. The name is different for each process of a test binary.
    ///
    /// The proxy inherits its listener as standard input, so its port is known and no wait is
    /// necessary.
    pub(crate) fn start(
        program: &str,
        name: &str,
        config: &str,
        command: impl FnOnce(&Path) -> Command,
    ) -> Option<Self> {
        let find = ["-c", "command -v \"$0\"", program];
        if !Command::new("sh").args(find).stdout(Stdio::null()).status().unwrap().success() {
            skip(format_args!("{program} is not installed"));
            return None;
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let endpoint = listener.local_addr().unwrap().into();
        let file = format!("tokio-zmtp-{}-{program}-{name}.conf", process::id());
        let path = env::temp_dir().join(file);
        fs::write(&path, config).unwrap();
        let mut command = command(&path);
        let process = command.stdin(Stdio::from(OwnedFd::from(listener))).spawn().unwrap();
        Some(Self { process, config: path, endpoint })
    }
}

impl Drop for ProxyProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.config);
    }
}
