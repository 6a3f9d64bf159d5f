//! A shell command for each request.

use std::process::Stdio;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use crate::exit::{Exit, Failure};
use crate::output::notice;
use crate::platform;

/// Runs a command with the parts as input, and returns its output without the final line end.
pub(super) async fn run(command: &str, parts: &[Bytes]) -> Result<Bytes, Failure> {
    let failed = |error| Failure::new(Exit::Failure, format!("`{command}`: {error}"));
    let mut shell = platform::shell(command);
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    for (number, part) in (1..).zip(parts) {
        // Systems limit the length of a variable.
        let text = std::str::from_utf8(part).ok();
        let text = text.filter(|text| text.len() <= VARIABLE_MAX && !text.contains('\0'));
        if let Some(text) = text {
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
        notice::error(&format!("`{command}`: {}", output.status));
    }
    if output.stdout.last() == Some(&b'\n') {
        output.stdout.pop();
    }
    Ok(output.stdout.into())
}

/// The number of bytes up to which a part becomes a variable. Linux allows twice as many for a
/// variable with its name.
const VARIABLE_MAX: usize = 64 * 1024;
