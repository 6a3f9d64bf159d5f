//! Groups that users of a DISH join and leave, and topics that users of a SUB or XSUB subscribe to,
//! while remotes come and go.
//!
//! Each remote applies the commands that its connection takes, none of which may be without effect.
//! In the end it knows exactly the interests of the socket, and no change remains to be announced.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Poll, Waker};

use tokio::sync::oneshot;
use zmtp_proto::command::Command;
use zmtp_proto::topic::Topic;

use super::fan_out::FansOut;
use super::*;
use crate::inproc::LinkSide;
use crate::remote::tests::any_remote;
use crate::routing::{Announcing, FairQueue, Interest, Remainder};
use crate::socket::{Sub, XSub};

#[test]
fn a_remote_that_connects_is_told_the_joined_groups() {
    all(2, || remotes_come_and_go::<Dish, Group>("+a", "", &[Life::Connects]));
    all(1, || remotes_come_and_go::<Dish, Group>("-z+a", "", &[Life::Connects]));
    all(0, || remotes_come_and_go::<Dish, Group>("+a", "-z", &[Life::Connects, Life::Connects]));
    some(|| {
        remotes_come_and_go::<Dish, Group>("+a-z-a", "+b+a", &[Life::Connects, Life::Connects])
    });
}

#[test]
fn a_remote_that_reconnects_is_told_the_joined_groups() {
    all(1, || remotes_come_and_go::<Dish, Group>("-z", "", &[Life::Reconnects]));
    all(0, || remotes_come_and_go::<Dish, Group>("-z+a", "", &[Life::Reconnects]));
    some(|| {
        remotes_come_and_go::<Dish, Group>("+a-z-a", "+b+a", &[Life::Reconnects, Life::Reconnects])
    });
}

#[test]
fn a_remote_that_disconnects_keeps_nothing_from_the_others() {
    all(0, || remotes_come_and_go::<Dish, Group>("+a", "", &[Life::Disconnects, Life::Connects]));
    some(|| {
        let lives = &[Life::Disconnects, Life::Reconnects, Life::Connects];
        remotes_come_and_go::<Dish, Group>("+a-z-a", "+b+a", lives)
    });
}

#[test]
fn concurrent_changes_of_a_group_have_one_order() {
    all(1, || remotes_come_and_go::<Dish, Group>("+a", "+a-a", &[Life::Connects]));
    all(1, || remotes_come_and_go::<Dish, Group>("-z", "-z+z", &[Life::Connects]));
    some(|| {
        remotes_come_and_go::<Dish, Group>(
            "-z+z-z+z",
            "+z-z+z-z",
            &[Life::Connects, Life::Reconnects],
        )
    });
}

#[test]
fn a_remote_that_connects_or_reconnects_is_told_the_subscriptions() {
    all(1, || remotes_come_and_go::<Sub, Topic>("-z+a", "", &[Life::Connects]));
    all(0, || remotes_come_and_go::<Sub, Topic>("-z+a", "", &[Life::Reconnects]));
    some(|| remotes_come_and_go::<Sub, Topic>("+a-z-a", "+b+a", &[Life::Connects; 2]));
    some(|| remotes_come_and_go::<Sub, Topic>("+a-z-a", "+b+a", &[Life::Reconnects; 2]));
    all(0, || remotes_come_and_go::<XSub, Topic>("-z+a", "", &[Life::Connects]));
    some(|| remotes_come_and_go::<XSub, Topic>("+a-z-a", "+b+a", &[Life::Reconnects; 2]));
}

#[test]
fn concurrent_subscriptions_to_a_topic_are_counted() {
    all(1, || remotes_come_and_go::<Sub, Topic>("+a", "+a-a", &[Life::Connects]));
    all(1, || remotes_come_and_go::<Sub, Topic>("-z", "+z-z", &[Life::Connects]));
    all(1, || counts_of_a_topic("+a", "+a-a", true));
    all(1, || counts_of_a_topic("+a-a", "+a-a", false));
    some(|| counts_of_a_topic("+a+a-a-a+a", "+a-a+a-a", true));
}

#[test]
fn the_members_of_a_radio_are_those_that_have_joined_over_inproc() {
    all(2, || a_link_is_replaced::<Dish, Radio>("+a", ""));
    all(1, || a_link_is_replaced::<Dish, Radio>("-z+a", "+b"));
    some(|| a_link_is_replaced::<Dish, Radio>("+a-z-a", "+b+a+z"));
}

#[test]
fn the_subscribers_of_a_pub_are_those_that_have_subscribed_over_inproc() {
    all(1, || a_link_is_replaced::<Sub, Pub>("-z+a", ""));
    some(|| a_link_is_replaced::<Sub, Pub>("+a-z-a", "+b+a+z"));
}

/// What happens to a remote while groups are joined and left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Connects,
    Disconnects,
    Reconnects,
}

async fn remotes_come_and_go<K: Kind<Outgoing: Announcing<Interest = T>>, T: Named>(
    one: &'static str,
    other: &'static str,
    lives: &'static [Life],
) {
    let socket = Model::<K>::interested();
    let users = [one, other].map(|changes| change(&socket, changes));
    let (tx, mut told) = mpsc::unbounded_channel();
    let mut remotes = Vec::new();
    for (remote, life) in lives.iter().enumerate() {
        let (routing, subject) = (socket.routing().clone(), subject());
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
    let interests = interests(&socket);
    let mut known = vec![None; lives.len()];
    let stay = || lives.iter().enumerate().filter(|(_, life)| **life != Life::Disconnects);
    // Without the wake-up of a connection, this waits in vain.
    while stay().any(|(remote, _)| known[remote].as_ref() != Some(&interests)) {
        let (remote, names) = told.recv().await.unwrap();
        known[remote] = Some(names);
    }
    for (task, end) in remotes {
        let _ = end.send(());
        if let Some(names) = task.await.unwrap() {
            assert_eq!(names, interests);
        }
    }
}

/// Does what a connector does. Returns the interests that its last remote knows in the end.
async fn live(
    mut attachment: Attachment,
    life: Life,
    told: Told,
    ended: oneshot::Receiver<()>,
) -> Option<BTreeSet<Vec<u8>>> {
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
    let mut names = connect(&mut attachment, Some(told), ended).await;
    // The interests may have been the same before some of the changes.
    let mut taken = VecDeque::new();
    while let Poll::Ready(taken) = attachment.poll_take(Want::Write, Waker::noop(), &mut taken) {
        apply(taken, &mut names);
    }
    Some(names)
}

/// Acts as a connection until it ends. Returns the interests that the remote knows then.
async fn connect(
    attachment: &mut Attachment,
    told: Option<Told>,
    mut ended: oneshot::Receiver<()>,
) -> BTreeSet<Vec<u8>> {
    attachment.begin(&any_remote());
    let mut names = BTreeSet::new();
    loop {
        if let Some(Told { remote, tx }) = &told {
            let _ = tx.send((*remote, names.clone()));
        }
        let commands = poll_fn(|cx| {
            if Pin::new(&mut ended).poll(cx).is_ready() {
                return Poll::Ready(None);
            }
            let taken = attachment.poll_take(Want::Write, cx.waker(), &mut VecDeque::new());
            taken.map(Some)
        });
        let Some(taken) = commands.await else { return names };
        apply(taken, &mut names);
    }
}

/// Does what a remote does with commands. None of them is without effect.
fn apply(taken: Take, names: &mut BTreeSet<Vec<u8>>) {
    let Take::Commands(commands) = taken else { panic!("the socket sends only commands") };
    for command in commands {
        let has_effect = match command {
            Command::Join(group) => names.insert(group.as_bytes().to_vec()),
            Command::Leave(group) => names.remove(group.as_bytes()),
            Command::Subscribe(topic) => names.insert(topic.as_bytes().to_vec()),
            Command::Cancel(topic) => names.remove(topic.as_bytes()),
            other => panic!("the socket sends no {other:?}"),
        };
        assert!(has_effect, "the remote knows this already");
    }
}

/// Reports the interests that a remote knows.
struct Told {
    remote: usize,
    tx: mpsc::UnboundedSender<(usize, BTreeSet<Vec<u8>>)>,
}

async fn counts_of_a_topic(one: &'static str, other: &'static str, is_left: bool) {
    let socket = Model::<Sub>::interested();
    for user in [one, other].map(|changes| change(&socket, changes)) {
        user.await.unwrap();
    }
    assert_eq!(interests(&socket).contains(&b"a"[..]), is_left);
}

async fn a_link_is_replaced<K, S>(one: &'static str, other: &'static str)
where
    K: Kind<Outgoing = Interests<S::Name>>,
    S: FansOut,
{
    let (socket, sender) = (Model::<K>::interested(), S::model(0));
    let users = [one, other].map(|changes| change(&socket, changes));
    let (attachment, routing) = (socket.attach(), sender.routing().clone());
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
    let joined = interests(&socket);
    for name in ["a", "b", "z"] {
        let members = S::members(&sender, name);
        assert_eq!(members, usize::from(joined.contains(name.as_bytes())), "{name}");
    }
    drop(link);
}

fn link(attachment: Attachment, sender: &Routing) -> (LinkSide, LinkSide) {
    let (near, far) = LinkSide::pair();
    near.join(attachment, any_remote(), VecDeque::new());
    far.join(sender.attach(EndpointId(0), subject()).unwrap(), any_remote(), VecDeque::new());
    (near, far)
}

impl<K: Kind<Outgoing: Announcing<Interest = T>>, T: Named> Model<K> {
    /// Creates a socket that is interested in "z".
    fn interested() -> Self {
        let pipes = OutgoingPipes::new(K::Outgoing::default(), HighWaterMark::new(0, 0));
        let socket = Self::new(pipes, Options::default());
        assert!(socket.core.add_interest(&T::named(b"z")));
        socket
    }
}

/// Spawns a task that adds and removes interests, each of one letter behind its sign.
fn change<K: Kind<Outgoing: Announcing<Interest = T>>, T: Named>(
    socket: &Model<K>,
    changes: &'static str,
) -> JoinHandle<()> {
    let core = Arc::clone(&socket.core);
    shuttle::future::spawn(async move {
        for change in changes.as_bytes().chunks(2) {
            let interest = T::named(&change[1..]);
            match change[0] {
                b'+' => core.add_interest(&interest),
                _ => core.remove_interest(&interest),
            };
        }
    })
}

/// Returns the interests. Receivers that filter get the messages of these, and of no others.
fn interests<K: Kind<Outgoing: Announcing<Interest = T>>, T: Named>(
    socket: &Model<K>,
) -> BTreeSet<Vec<u8>> {
    let interests = socket.core.outgoing.lock().interests();
    let names: BTreeSet<_> = interests.iter().map(|name| name.as_ref().to_vec()).collect();
    for name in [b"a", b"b", b"z"].into_iter().filter(|_| K::Outgoing::FILTERS) {
        let is_wanted = T::is_wanted(&socket.core.incoming.lock(), name);
        assert_eq!(is_wanted, names.contains(&name[..]), "{name:?}");
    }
    names
}

/// An interest with a name.
pub(super) trait Named: Interest + 'static {
    fn named(name: &[u8]) -> Self;
    fn is_wanted(incoming: &FairQueue, name: &[u8]) -> bool;
}

impl Named for Group {
    fn named(name: &[u8]) -> Self {
        name.try_into().unwrap()
    }

    fn is_wanted(incoming: &FairQueue, name: &[u8]) -> bool {
        incoming.wants_group(name)
    }
}

impl Named for Topic {
    fn named(name: &[u8]) -> Self {
        name.try_into().unwrap()
    }

    fn is_wanted(incoming: &FairQueue, name: &[u8]) -> bool {
        incoming.wants_topic(name)
    }
}
