//! A process of Chromium, which shows one page.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use support::skipped::skip;

/// Chromium and its child processes, which are killed with the test.
pub(crate) struct Chromium {
    shell: Child,
    profile: PathBuf,
}

impl Chromium {
    /// Opens a page, or returns `None` if Chromium is not installed. Its log goes to a file of the
    /// profile.
    pub(crate) fn open(url: &str) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Some(program) = program() else {
            skip("Chromium is not installed");
            return None;
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("chromium-{}-{number}", std::process::id());
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&profile).unwrap();
        let log = fs::File::create(profile.join("log")).unwrap();
        let mut user_data = std::ffi::OsString::from("--user-data-dir=");
        user_data.push(&profile);
        let mut command = Command::new("sh");
        command.args(["-c", RUN, "sh"]).arg(program).args(FLAGS).arg(user_data).arg(url);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        group(&mut command);
        Some(Self { shell: command.spawn().unwrap(), profile })
    }

    /// Returns the end of Chromium's log.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.profile.join("log")).unwrap_or_default();
        let start = log.len().saturating_sub(LOG_MAX);
        String::from_utf8_lossy(&log[start..]).into_owned()
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
    let names = ["chromium", "chromium-browser", "google-chrome"];
    env::split_paths(&path)
        .flat_map(|path| names.map(|name| path.join(name)))
        .find(|it| it.is_file())
}

/// Puts the process and its children into a group of their own.
fn group(command: &mut Command) {
    use std::os::unix::process::CommandExt;

    command.process_group(0);
}

/// Kills the group when the input ends, also if the test process is killed.
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
