//! Pages in Chromium.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use crate::skipped::skip;

/// A headless Chromium and its child processes, which are killed with the test.
pub struct Chromium {
    shell: Child,
    profile: PathBuf,
}

impl Chromium {
    /// Opens a page, or returns `None` if Chromium is not installed. `target` is the directory for
    /// temporary files of the test binary (`CARGO_TARGET_TMPDIR`).
    pub fn open(target: &str, flags: &[&str], url: &str) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Some(program) = program() else {
            skip("Chromium is not installed");
            return None;
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let profile = Path::new(target).join(format!("chromium-{}-{number}", process::id()));
        fs::create_dir_all(&profile).unwrap();
        let log = fs::File::create(profile.join("log")).unwrap();
        let mut user_data = OsString::from("--user-data-dir=");
        user_data.push(&profile);
        let mut command = Command::new("sh");
        command.args(["-c", RUN, "sh"]).arg(program).args(FLAGS).args(flags);
        command.arg(user_data).arg(url);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        // A group of their own.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Some(Self { shell: command.spawn().unwrap(), profile })
    }

    /// Returns the end of the log.
    pub fn log(&self) -> String {
        let log = fs::read(self.profile.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_MAX)..]).into_owned()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let programs = env::split_paths(&path).flat_map(|path| {
        ["chromium", "chromium-browser", "google-chrome"].map(|name| path.join(name))
    });
    programs.into_iter().find(|program| program.is_file())
}

/// Kills the group when the input ends, which is also when the test process is killed.
const RUN: &str = r#""$@" & read -r _; kill -KILL 0"#;

const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--no-first-run",
    "--log-level=3",
];

/// Enough for the reason of a failed start.
const LOG_MAX: usize = 4_000;
