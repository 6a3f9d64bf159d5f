//! Groups that users of a DISH join and leave while its remotes come and go.
//!
//! Each remote applies the commands that its connection takes, none of which may be without effect.
//! In the end it knows exactly the joined groups, and no change remains to be announced.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Poll, Waker};

use tokio::sync::oneshot;
use zmtp_proto::command::Command;

use super::*;
use crate::inproc::LinkSide;
use crate::remote::tests::any_remote;
use crate::routing::Remainder;

#[test]
fn a_remote_that_connects_is_told_the_joined_groups() {
    all(2, || remotes_come_and_go("+a", "", &[Life::Connects]));
    all(1, || remotes_come_and_go("-z+a", "", &[Life::Connects]));
    all(0, || remotes_come_and_go("+a", "-z", &[Life::Connects, Life::Connects]));
    some(|| remotes_come_and_go("+a-z-a", "+b+a", &[Life::Connects, Life::Connects]));
}

#[test]
fn a_remote_that_reconnects_is_told_the_joined_groups() {
    all(1, || remotes_come_and_go("-z", "", &[Life::Reconnects]));
    all(0, || remotes_come_and_go("-z+a", "", &[Life::Reconnects]));
    some(|| remotes_come_and_go("+a-z-a", "+b+a", &[Life::Reconnects, Life::Reconnects]));
}

#[test]
fn a_remote_that_disconnects_keeps_nothing_from_the_others() {
    all(0, || remotes_come_and_go("+a", "", &[Life::Disconnects, Life::Connects]));
    some(|| {
        let lives = &[Life::Disconnects, Life::Reconnects, Life::Connects];
        remotes_come_and_go("+a-z-a", "+b+a", lives)
    });
}

#[test]
fn concurrent_changes_of_a_group_have_one_order() {
    all(1, || remotes_come_and_go("+a", "+a-a", &[Life::Connects]));
    all(1, || remotes_come_and_go("-z", "-z+z", &[Life::Connects]));
    some(|| remotes_come_and_go("-z+z-z+z", "+z-z+z-z", &[Life::Connects, Life::Reconnects]));
}

#[test]
fn the_members_of_a_radio_are_those_that_have_joined_over_inproc() {
    all(2, || a_link_is_replaced("+a", ""));
    all(1, || a_link_is_replaced("-z+a", "+b"));
    some(|| a_link_is_replaced("+a-z-a", "+b+a+z"));
}

/// What happens to a remote while groups are joined and left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Connects,
    Disconnects,
    Reconnects,
}

async fn remotes_come_and_go(one: &'static str, other: &'static str, lives: &'static [Life]) {
    let dish = dish();
    let users = [one, other].map(|changes| change(&dish, changes));
    let (tx, mut told) = mpsc::unbounded_channel();
    let mut remotes = Vec::new();
    for (remote, life) in lives.iter().enumerate() {
        let (routing, subject) = (dish.routing().clone(), subject());
        let told = Told { remote, tx: tx.clone() };
        let (end, ended) = oneshot::channel();
        let task = shuttle::future::spawn(async move {
            let attachment = routing.attach(EndpointId(0), subject).unwrap();
            live(attachment, *life, told, ended).await
        });
        remotes.push((task, end));
    }
    for user in users {
        user.await.unwrap();
    }
    let joined = joined(&dish);
    let mut known = vec![None; lives.len()];
    let stay = || lives.iter().enumerate().filter(|(_, life)| **life != Life::Disconnects);
    // Without the wake-up of a connection, this waits in vain.
    while stay().any(|(remote, _)| known[remote].as_ref() != Some(&joined)) {
        let (remote, groups) = told.recv().await.unwrap();
        known[remote] = Some(groups);
    }
    for (task, end) in remotes {
        let _ = end.send(());
        if let Some(groups) = task.await.unwrap() {
            assert_eq!(groups, joined);
        }
    }
}

/// Does what a connector does. Returns the groups that its last remote knows in the end.
async fn live(
    mut attachment: Attachment,
    life: Life,
    told: Told,
    ended: oneshot::Receiver<()>,
) -> Option<BTreeSet<Group>> {
    if life != Life::Connects {
        let (lose, lost) = oneshot::channel();
        let losing = shuttle::future::spawn(async move { lose.send(()) });
        connect(&mut attachment, None, lost).await;
        let _ = losing.await;
        attachment.put_back(Remainder::default(), VecDeque::new());
    }
    if life == Life::Disconnects {
        return None;
    }
    let mut groups = connect(&mut attachment, Some(told), ended).await;
    // The joined groups may have been the same before some of the changes.
    let mut taken = VecDeque::new();
    while let Poll::Ready(taken) = attachment.poll_take(Want::Write, Waker::noop(), &mut taken) {
        apply(taken, &mut groups);
    }
    Some(groups)
}

/// Acts as a connection until it ends. Returns the groups that the remote knows then.
async fn connect(
    attachment: &mut Attachment,
    told: Option<Told>,
    mut ended: oneshot::Receiver<()>,
) -> BTreeSet<Group> {
    attachment.begin(&any_remote());
    let mut groups = BTreeSet::new();
    loop {
        if let Some(Told { remote, tx }) = &told {
            let _ = tx.send((*remote, groups.clone()));
        }
        let commands = poll_fn(|cx| {
            if Pin::new(&mut ended).poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            let taken = attachment.poll_take(Want::Write, cx.waker(), &mut VecDeque::new());
            taken.map(Some)
        });
        let Some(taken) = commands.await else { return groups };
        apply(taken, &mut groups);
    }
}

/// Does what a remote does with commands. None of them is without effect.
fn apply(taken: Take, groups: &mut BTreeSet<Group>) {
    let Take::Commands(commands) = taken else { panic!("a DISH sends only commands") };
    for command in commands {
        let has_effect = match command {
            Command::Join(group) => groups.insert(group),
            Command::Leave(group) => groups.remove(&group),
            other => panic!("a DISH sends only JOIN and LEAVE, not {other:?}"),
        };
        assert!(has_effect, "the remote knows this already");
    }
}

/// Reports the groups that a remote knows.
struct Told {
    remote: usize,
    tx: mpsc::UnboundedSender<(usize, BTreeSet<Group>)>,
}

async fn a_link_is_replaced(one: &'static str, other: &'static str) {
    let (dish, radio) = (dish(), Model::radio(0));
    let users = [one, other].map(|changes| change(&dish, changes));
    let (attachment, routing) = (dish.attach(), radio.routing().clone());
    let linking = shuttle::future::spawn(async move {
        let (near, far) = link(attachment, &routing);
        let attachment = near.leave().unwrap();
        drop(far.leave());
        link(attachment, &routing)
    });
    for user in users {
        user.await.unwrap();
    }
    // A link works in the tasks that wake it.
    let link = linking.await.unwrap();
    let joined = joined(&dish);
    for name in ["a", "b", "z"] {
        let group = group(name);
        let members = radio.core.outgoing.lock().members(&group).len();
        assert_eq!(members, usize::from(joined.contains(&group)), "{name}");
    }
    drop(link);
}

fn link(attachment: Attachment, radio: &Routing) -> (LinkSide, LinkSide) {
    let (near, far) = LinkSide::pair();
    near.join(attachment, any_remote(), VecDeque::new());
    far.join(radio.attach(EndpointId(0), subject()).unwrap(), any_remote(), VecDeque::new());
    (near, far)
}

/// Creates a DISH that has joined "z".
fn dish() -> Model<Dish> {
    let dish = Model::dish();
    assert!(dish.core.add_interest(&group("z")));
    dish
}

/// Spawns a task that joins and leaves groups, each of one letter behind its sign.
fn change(dish: &Model<Dish>, changes: &'static str) -> JoinHandle<()> {
    let core = Arc::clone(&dish.core);
    shuttle::future::spawn(async move {
        for change in changes.as_bytes().chunks(2) {
            let group = Group::try_from(&change[1..]).unwrap();
            match change[0] {
                b'+' => core.add_interest(&group),
                _ => core.remove_interest(&group),
            };
        }
    })
}

/// Returns the joined groups. Receivers get the messages of these, and of no others.
fn joined(dish: &Model<Dish>) -> BTreeSet<Group> {
    let joined: BTreeSet<_> = dish.core.outgoing.lock().interests().into_iter().collect();
    for name in ["a", "b", "z"] {
        let is_wanted = dish.core.incoming.lock().wants_group(name.as_bytes());
        assert_eq!(is_wanted, joined.contains(&group(name)), "{name}");
    }
    joined
}
