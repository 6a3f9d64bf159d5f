//! What a process uses of the machine, and what it asks of it.

use std::fs;

use nix::sched::{self, CpuSet};
use nix::sys::resource::{self, Resource, UsageWho};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::Failure;

/// What this process has used since it began.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// Seconds of processor time, of users and of the system.
    pub(crate) processor: f64,
    /// Bytes of memory that are resident now.
    pub(crate) memory: f64,
}

impl Usage {
    pub(crate) fn until_now() -> Self {
        let used =
            resource::getrusage(UsageWho::RUSAGE_SELF).expect("a process may ask for its own");
        let seconds =
            |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        Self {
            processor: seconds(used.user_time()) + seconds(used.system_time()),
            memory: resident(),
        }
    }
}

/// Lets this process have as many files as it may.
pub(crate) fn allow_many_files() -> Result<(), Failure> {
    let (_, most) = resource::getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(resource::setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}

/// Keeps this process on one core.
pub(crate) fn stay_on_first_core() -> Result<(), Failure> {
    let mut first = CpuSet::new();
    first.set(0)?;
    Ok(sched::sched_setaffinity(Pid::from_raw(0), &first)?)
}

/// What lies in memory, as the kernel counts it; zero where it does not tell.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    kib.and_then(|kib| kib.trim().trim_end_matches(" kB").parse::<f64>().ok())
        .map_or(0.0, |kib| kib * 1_024.0)
}
