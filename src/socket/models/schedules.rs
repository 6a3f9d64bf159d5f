//! The schedules under which a model runs.

use std::env;

use shuttle::future::block_on;
use shuttle::scheduler::{RandomScheduler, Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, Runner};

use crate::socket::coop;

/// Runs a model under all schedules with at most this number of interruptions, at any steps. A task
/// that waits or has ended is not interrupted: each of the others continues in some schedule.
///
/// Few interruptions are enough to find errors between a few steps. The number of their schedules
/// is small enough to run all of them, unlike that of schedules with any number of interruptions.
pub(super) fn all<F: Future + 'static>(
    interruptions: usize,
    model: impl Fn() -> F + Send + Sync + 'static,
) {
    let schedules = Interrupting::new(interruptions);
    let played = Runner::new(schedules, Config::new()).run(move || run(model()));
    assert!(played > 1, "the model has only one schedule");
    eprintln!("ran {played} schedules with {interruptions} interruptions");
}

/// Runs a model under random schedules, in which any task continues at any step.
pub(super) fn some<F: Future + 'static>(model: impl Fn() -> F + Send + Sync + 'static) {
    let schedules = env::var("SCHEDULES").map_or(SCHEDULES, |number| number.parse().unwrap());
    let seed = fastrand::u64(..);
    eprintln!("SHUTTLE_RANDOM_SEED={seed}, unless it is set");
    let schedules = RandomScheduler::new_from_seed(seed, schedules);
    Runner::new(schedules, Config::new()).run(move || run(model()));
}

fn run(model: impl Future + 'static) {
    coop::reset();
    drop(block_on(model));
}

/// Goes through all schedules with few interruptions, depth first.
#[derive(Debug)]
struct Interrupting {
    most: usize,
    /// The remaining interruptions of the current schedule.
    left: usize,
    /// The choices at each step of the current schedule. The last one is taken now, and the others
    /// in later schedules.
    choices: Vec<Vec<TaskId>>,
    step: usize,
}

impl Interrupting {
    const fn new(most: usize) -> Self {
        Self { most, left: 0, choices: Vec::new(), step: 0 }
    }
}

impl Scheduler for Interrupting {
    fn new_execution(&mut self) -> Option<Schedule> {
        if self.step > 0 {
            // The last step that has another choice takes it. Later steps are open again.
            while self.choices.last()?.len() == 1 {
                self.choices.pop();
            }
            self.choices.last_mut()?.pop();
        }
        self.step = 0;
        self.left = self.most;
        Some(Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        _is_yielding: bool,
    ) -> Option<TaskId> {
        let current = current.filter(|current| runnable.iter().any(|task| task.id() == *current));
        if self.step == self.choices.len() {
            let choices = match current {
                Some(current) if self.left == 0 => vec![current],
                _ => runnable.iter().map(|task| task.id()).collect(),
            };
            self.choices.push(choices);
        }
        let next = *self.choices[self.step].last()?;
        self.step += 1;
        if current.is_some_and(|current| current != next) {
            self.left -= 1;
        }
        Some(next)
    }

    fn next_u64(&mut self) -> u64 {
        unreachable!("the models choose nothing at random")
    }
}

/// The number of random schedules of a model.
const SCHEDULES: usize = 1_000;

mod tests {
    use std::sync::Arc;

    use shuttle::scheduler::DfsScheduler;

    use super::*;
    use crate::sync::Lock;

    #[test]
    fn all_schedules_run_with_any_number_of_interruptions() {
        let played = played(DfsScheduler::new(None, false));
        assert!(played > 100);
        assert_eq!(self::played(Interrupting::new(usize::MAX)), played);
    }

    fn played(schedules: impl Scheduler + 'static) -> usize {
        Runner::new(schedules, Config::new()).run(|| {
            let mutex = Arc::new(Lock::new(0));
            let tasks = [(); 2].map(|()| {
                let mutex = Arc::clone(&mutex);
                shuttle::future::spawn(async move {
                    *mutex.lock() += 1;
                    *mutex.lock() += 1;
                })
            });
            block_on(async {
                for task in tasks {
                    task.await.unwrap();
                }
            });
            assert_eq!(*mutex.lock(), 4);
        })
    }
}
