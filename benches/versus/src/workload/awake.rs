//! Cores that do not halt.
//!
//! A halted core of a virtual machine resumes when the hypervisor schedules it, usually within 50 µs
//! and sometimes within milliseconds. At low rates, most of the latency would be that delay, and the
//! number of delays would depend on which core the system chooses for each wake-up.

use std::path::PathBuf;
use std::thread;

use crate::Failure;
use crate::child::Child;
use crate::report::Report;
use crate::role::Part;
use crate::workload::Attempt;
use crate::workload::pair::role;

/// A process for each core, which runs while the core is idle. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Awake {
    _processes: Vec<Child>,
}

impl Awake {
    /// Starts the processes.
    pub(crate) fn start(attempt: &Attempt<'_>) -> Result<Self, Failure> {
        let mut role = role(attempt, Part::Idler)?;
        let mut processes = Vec::new();
        for core in 0..thread::available_parallelism()?.get() {
            role.core = Some(core);
            processes.push(Child::spawn_under(&role, &IDLE_PRIORITY.map(PathBuf::from))?);
        }
        for process in &mut processes {
            process.ready()?;
        }
        Ok(Self { _processes: processes })
    }
}

/// Runs the role of such a process. It exits when its commands end.
pub(crate) fn idle() -> Result<(), Failure> {
    Report::Ready.send();
    loop {
        // Not `spin_loop`: a hypervisor may deschedule a core that executes many PAUSE instructions.
        std::hint::black_box(());
    }
}

/// Starts a program with the policy `SCHED_IDLE`: every other process takes precedence immediately.
const IDLE_PRIORITY: [&str; 3] = ["chrt", "--idle", "0"];
