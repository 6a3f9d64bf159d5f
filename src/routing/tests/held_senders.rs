//! Senders that wait until all members of a group have room, in any sequence of steps.

use proptest::test_runner::TestCaseResult;
use zmtp_proto::command::Command;
use zmtp_proto::group::Group;

use super::*;
use crate::message::GroupMessage;
use crate::options::{GroupOptions, SlowSubscriber};
use crate::routing::{Choice, GroupTable, ManyPipes, Strategy as _};

#[derive(Clone, Debug)]
enum Step {
    Cancel(usize),
    Join(usize, usize),
    Leave(usize, usize),
    /// A remote goes, and another one takes its place.
    Replace(usize),
    Send(usize),
    SetHwm(usize),
    Take(usize),
}

proptest! {
    #[test]
    fn waiting_senders_are_served_in_order_and_none_waits_in_vain(steps in vec(steps(), 1..150)) {
        let mut socket = Socket::new();
        for step in steps {
            socket.step(step)?;
            socket.check()?;
        }
        // The first sender is served whenever all remotes have read, the others after it.
        for left in (0..socket.waiting.len()).rev() {
            for remote in 0..REMOTES {
                socket.step(Step::Take(remote))?;
            }
            prop_assert!(socket.waiting.len() <= left);
        }
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let (remote, group) = (0..REMOTES, 0..GROUPS.len());
    prop_oneof![
        1 => any::<usize>().prop_map(Step::Cancel),
        3 => (remote.clone(), group.clone()).prop_map(|(remote, group)| Step::Join(remote, group)),
        1 => (remote.clone(), group.clone()).prop_map(|(remote, group)| Step::Leave(remote, group)),
        1 => remote.clone().prop_map(Step::Replace),
        8 => group.prop_map(Step::Send),
        1 => (1..4_usize).prop_map(Step::SetHwm),
        5 => remote.prop_map(Step::Take),
    ]
}

struct Socket {
    pipes: OutgoingPipes<GroupTable>,
    keys: [PipeKey; REMOTES],
    /// In the order of their tickets.
    waiting: Vec<Sender>,
}

/// A task that waits until it can send a message.
struct Sender {
    group: usize,
    task: Task,
    message: Option<Message>,
}

impl Socket {
    fn new() -> Self {
        let mut pipes = OutgoingPipes::new(GroupTable::default(), HighWaterMark::new(1, 0));
        pipes.set_group_options(GroupOptions { no_drop: true, ..GroupOptions::default() });
        let keys = [(); REMOTES].map(|()| attach(&mut pipes));
        Self { pipes, keys, waiting: Vec::new() }
    }

    fn step(&mut self, step: Step) -> TestCaseResult {
        let mut wakes = Wakes::None;
        let Self { pipes, keys, waiting } = self;
        match step {
            Step::Cancel(at) => {
                if let Some(at) = at.checked_rem(waiting.len()) {
                    let Sender { group, task, .. } = waiting.remove(at);
                    pipes.cancel(&name(group), task.ticket.unwrap(), &mut wakes);
                }
            }
            Step::Join(remote, group) => {
                pipes.command(keys[remote], &Command::Join(name(group)), None, &mut wakes).unwrap();
            }
            Step::Leave(remote, group) => {
                pipes
                    .command(keys[remote], &Command::Leave(name(group)), None, &mut wakes)
                    .unwrap();
            }
            Step::Replace(remote) => {
                pipes.detach(keys[remote], &mut wakes);
                keys[remote] = attach(pipes);
            }
            Step::Send(group) => {
                let mut sender = Sender::new(group);
                if sender.poll(pipes, &mut wakes).is_pending() {
                    waiting.push(sender);
                } else {
                    let earlier = waiting.iter().any(|earlier| earlier.group == group);
                    prop_assert!(!earlier, "a sender without a ticket overtakes another");
                }
            }
            Step::SetHwm(hwm) => pipes.set_hwm(HighWaterMark::new(hwm, 0), &mut wakes),
            Step::Take(remote) => {
                let (want, mut taken) = (Want::Write, VecDeque::new());
                let noop = Waker::noop();
                let _ = pipes.poll_take(keys[remote], want, &mut taken, noop, &mut wakes);
            }
        }
        wakes.wake_all();
        self.run()
    }

    /// Polls senders that have been woken, the first one first, until none is.
    fn run(&mut self) -> TestCaseResult {
        let Self { pipes, waiting, .. } = self;
        while let Some(at) = waiting.iter().position(Sender::is_woken) {
            let mut wakes = Wakes::None;
            if waiting[at].poll(pipes, &mut wakes).is_ready() {
                let group = waiting.remove(at).group;
                let earlier = waiting[..at].iter().any(|earlier| earlier.group == group);
                prop_assert!(!earlier, "a later sender of a group overtakes an earlier one");
            }
            wakes.wake_all();
        }
        Ok(())
    }

    /// Each waiting sender waits for a member that has no slot beyond those of earlier senders.
    fn check(&mut self) -> TestCaseResult {
        let chosen: Vec<_> = self.waiting.iter().map(|sender| sender.group).collect();
        let chosen: Vec<_> = chosen.into_iter().map(|group| self.members(group)).collect();
        for (at, members) in chosen.iter().enumerate() {
            let is_held = members.iter().any(|key| {
                let earlier = chosen[..at].iter().filter(|members| members.contains(key)).count();
                self.pipes.pipes[*key].outbound.free_slots() <= earlier
            });
            prop_assert!(is_held, "sender {at} of {} waits in vain", chosen.len());
        }
        Ok(())
    }

    fn members(&mut self, group: usize) -> Vec<PipeKey> {
        match self.pipes.strategy.choose(&name(group)) {
            Choice::Many(ManyPipes { keys, slow: SlowSubscriber::Wait }) => keys.to_vec(),
            other => panic!("a RADIO without drops waits for many, not {other:?}"),
        }
    }
}

impl Sender {
    fn new(group: usize) -> Self {
        let message = GroupMessage::new(&name(group), "x").into_frames();
        Self { group, task: Task::default(), message: Some(message) }
    }

    fn is_woken(&self) -> bool {
        self.task.woken.0.load(Ordering::Relaxed)
    }

    fn poll(&mut self, pipes: &mut OutgoingPipes<GroupTable>, wakes: &mut Wakes) -> Poll<()> {
        let Self { group, task: Task { ticket, woken }, message } = self;
        woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(woken));
        let sent = pipes.poll_send_to_all(&name(*group), ticket, message, &waker, wakes);
        assert_eq!(sent.is_ready(), message.is_none());
        sent.map(|sent| assert_eq!(sent, Ok(())))
    }
}

fn attach(pipes: &mut OutgoingPipes<GroupTable>) -> PipeKey {
    pipes.attach(EndpointId(0), &mut Wakes::None).unwrap().key
}

fn name(group: usize) -> Group {
    GROUPS[group].parse().unwrap()
}

const REMOTES: usize = 4;

const GROUPS: [&str; 4] = ["a", "b", "c", "d"];
