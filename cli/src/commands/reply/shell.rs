//! A shell command for each request.

use std::process::Stdio;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::exit::{Exit, Failure};
use crate::output::notice;

/// Runs a command with the parts as input, and returns its output without the final line end.
pub(super) async fn run(command: &str, parts: &[Bytes]) -> Result<Bytes, Failure> {
    let failed = |error| Failure::new(Exit::Failure, format!("`{command}`: {error}"));
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    for (number, part) in (1..).zip(parts) {
        if let Some(text) = std::str::from_utf8(part).ok().filter(|text| !text.contains('\0')) {
            shell.env(format!("ZMTP_PART_{number}"), text);
        }
    }
    let mut child = shell.spawn().map_err(failed)?;
    let stdin = child.stdin.take();
    // A command that does not read its input closes it, which is not an error.
    let write = async {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(&parts.join(b"\n".as_slice())).await;
        }
    };
    let ((), output) = tokio::join!(write, child.wait_with_output());
    let mut output = output.map_err(failed)?;
    if !output.status.success() {
        notice::warning(&format!("`{command}`: {}", output.status));
    }
    if output.stdout.last() == Some(&b'\n') {
        output.stdout.pop();
    }
    Ok(output.stdout.into())
}
