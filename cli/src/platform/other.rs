//! Systems other than Unix, such as Windows, with what Rust and Tokio have for all systems:
//!
//! - The standard output is written through the buffer of `std`, at each line.
//! - A closed reader of the output is noticed at the next write.
//! - Files with secrets have the permissions of their directory.
//! - There is no SIGTERM. The second Ctrl-C ends the process only while the runtime is not blocked.

use std::fs::{File, OpenOptions};
use std::future;
use std::io::{self, Stdout};
use std::path::Path;
use std::process;

use tokio::process::Command;
use tokio::signal;

use crate::exit::Exit;

pub(crate) type StandardOutput = Stdout;

pub(crate) fn standard_output() -> io::Result<StandardOutput> {
    Ok(io::stdout())
}

pub(crate) async fn reader_closed() {
    future::pending().await
}

pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

pub(crate) fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.args(["/C", command]);
    shell
}

pub(crate) fn signals() -> io::Result<impl Future<Output = Exit>> {
    Ok(async {
        if signal::ctrl_c().await.is_err() {
            future::pending::<()>().await;
        }
        tokio::spawn(async {
            if signal::ctrl_c().await.is_ok() {
                process::exit(Exit::Interrupted as i32);
            }
        });
        Exit::Interrupted
    })
}
