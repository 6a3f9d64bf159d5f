//! Subscribers of an XPUB that come, cancel and leave, while the notices of their requests are
//! received.

use std::collections::BTreeMap;
use std::iter;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;
use zmtp_proto::command::Command;
use zmtp_proto::topic::Topic;

use super::fan_out::FansOut;
use super::*;
use crate::connection_id::ConnectionId;
use crate::inproc::LinkSide;
use crate::message::{SubscriptionRequest, Upstream};
use crate::options::{Verbosity, XPubOptions};
use crate::pipe::unpack_all;
use crate::remote::tests::{any_remote, remote_with_id};
use crate::routing::{AnswerRefusal, Remainder};
use crate::socket::receiving::ReceivingFrom;
use crate::socket::{Sub, XPub};

#[test]
fn each_transition_of_a_topic_is_received_once_and_in_order() {
    all(1, || subscribers_leave(Verbosity::Changes, 1, &["+a"]));
    all(0, || subscribers_leave(Verbosity::Changes, 1, &["+a+b-a"]));
    all(0, || subscribers_leave(Verbosity::Changes, 1, &["+a", "+a"]));
    some(|| subscribers_leave(Verbosity::Changes, 1, &["+a+b-a", "+b+a-b", "+a-a+a"]));
    some(|| subscribers_leave(Verbosity::Changes, 2, &["+a+b+c+d", "+b-b+c", "+a+d-a"]));
    some(|| subscribers_leave(Verbosity::Changes, 4, &["+a+b+c+d-a-b", "+b-b+c", "+a+d-a"]));
}

#[test]
fn each_request_of_a_verboser_publisher_is_received() {
    all(0, || subscribers_leave(Verbosity::Verboser, 1, &["+a+b-a"]));
    some(|| subscribers_leave(Verbosity::Verboser, 1, &["+a+b-a", "+b+a-b+c"]));
    some(|| subscribers_leave(Verbosity::Verboser, 2, &["+a+b+c+d", "+b-b+c", "+a+d-a"]));
}

#[test]
fn the_subscriptions_of_a_remote_that_reconnects_end_with_each_connection() {
    all(0, || subscribers_leave(Verbosity::Changes, 1, &["+a!+a"]));
    all(0, || subscribers_leave(Verbosity::Verboser, 1, &["+a!+a"]));
    some(|| subscribers_leave(Verbosity::Changes, 1, &["+a+b!+b!+a", "+a-a!+b"]));
    some(|| subscribers_leave(Verbosity::Verboser, 2, &["+a+b+c!+b!+a", "+a+b+c!"]));
}

#[test]
fn the_topics_of_a_disconnected_remote_end_while_its_queue_is_written() {
    all(1, || a_remote_is_disconnected(Disconnect::Endpoint, "+a"));
    all(1, || a_remote_is_disconnected(Disconnect::Remote, "+a"));
    some(|| a_remote_is_disconnected(Disconnect::Endpoint, "+a+b+c"));
    some(|| a_remote_is_disconnected(Disconnect::Remote, "+a+b+c"));
}

#[test]
fn a_remote_with_unread_notices_continues_when_the_hwm_is_raised_or_the_socket_closed() {
    for resume in [Resume::Close, Resume::Raise] {
        all(1, move || nothing_is_received("+a+b", resume));
        some(move || nothing_is_received("+a+b+c+d", resume));
    }
}

#[test]
fn an_answer_never_reaches_another_connection() {
    all(1, || an_answer_races_with_the_end(Next::Connects));
    all(1, || an_answer_races_with_the_end(Next::Nothing));
    some(|| an_answer_races_with_the_end(Next::Connects));
}

#[test]
fn a_sender_waits_for_a_subscriber_until_its_connection_or_its_subscription_ends() {
    for release in [Release::Cancellation, Release::Connection, Release::Endpoint] {
        all(1, move || a_sender_waits(1, release));
        some(move || a_sender_waits(3, release));
    }
}

#[test]
fn a_link_whose_side_is_retired_ends_while_its_subscriptions_wait() {
    some(|| a_side_of_a_link_is_retired("ab"));
    some(|| a_side_of_a_link_is_retired("abcd"));
}

impl Model<XPub> {
    /// Creates an XPUB with these high-water marks.
    pub(super) fn xpub(send_hwm: usize, recv_hwm: usize, xpub: XPubOptions) -> Self {
        let topics =
            TopicOptions { slow_subscriber: SlowSubscriber::Wait, ..TopicOptions::default() };
        let options = Options { send_hwm, recv_hwm, xpub, topics, ..Options::default() };
        let mut outgoing =
            OutgoingPipes::new(NoticeTable::default(), HighWaterMark::new(send_hwm, 0));
        outgoing.set_options(&options);
        let model = Self::new(outgoing, options);
        model.core.incoming.lock().keep_notices();
        model
    }

    /// Spawns a task that acts as the driver does, until it is stopped.
    fn announce(&self) -> (JoinHandle<()>, oneshot::Sender<()>) {
        let (stop, stopped) = oneshot::channel();
        let announcer = self.announce_until(async move {
            let _ = stopped.await;
        });
        (announcer, stop)
    }

    fn announce_until(&self, over: impl Future + Send + 'static) -> JoinHandle<()> {
        let routing = self.routing().clone();
        shuttle::future::spawn(async move {
            let mut over = pin!(over);
            poll_fn(|cx| {
                while routing.poll_announce_departures(cx.waker()).is_ready() {}
                over.as_mut().poll(cx).map(drop)
            })
            .await;
        })
    }

    /// Spawns a task that receives requests until the socket is closed.
    fn receive_requests(&self) -> mpsc::UnboundedReceiver<SubscriptionRequest> {
        let (tx, rx) = mpsc::unbounded_channel();
        let core = Arc::clone(&self.core);
        drop(shuttle::future::spawn(async move {
            while let Ok((upstream, _)) = ReceivingFrom::new(&core, None).await {
                let (Upstream::Subscribe(request) | Upstream::Cancel(request)) = upstream else {
                    panic!("{upstream:?} is not a request");
                };
                let _ = tx.send(request);
            }
        }));
        rx
    }

    fn topics(&self) -> usize {
        self.core.outgoing.lock().topics()
    }

    fn unread(&self) -> usize {
        self.core.incoming.lock().queued(None)
    }
}

/// `!` means that a remote reconnects.
async fn subscribers_leave(
    verbosity: Verbosity,
    recv_hwm: usize,
    remotes: &'static [&'static str],
) {
    let options = XPubOptions { verbosity, ..XPubOptions::default() };
    let model = Model::xpub(0, recv_hwm, options);
    let (announcer, stop) = model.announce();
    let mut requests = model.receive_requests();
    let subscribers = remotes.iter().enumerate().map(|(number, changes)| {
        let attachment = model.attach();
        shuttle::future::spawn(async move { drop(subscribe(attachment, number, changes).await) })
    });
    for subscriber in Vec::from_iter(subscribers) {
        subscriber.await.unwrap();
    }
    let mut followed = Followed::default();
    // Without a wake-up, this waits in vain.
    while model.topics() > 0 || model.unread() > 0 || !followed.is_empty() {
        followed.follow(&requests.recv().await.unwrap(), verbosity);
    }
    let _ = stop.send(());
    announcer.await.unwrap();
    model.routing().close();
    while let Some(request) = requests.recv().await {
        followed.follow(&request, verbosity);
    }
    assert!(followed.is_empty());
    if verbosity == Verbosity::Verboser {
        let subscriptions = remotes.iter().map(|changes| changes.matches('+').count());
        assert_eq!(followed.subscriptions, subscriptions.sum());
    }
    assert_eq!(model.routing().ended(), Default::default());
}

/// The number of subscribers of each topic, according to the received requests.
#[derive(Default)]
struct Followed {
    topics: BTreeMap<Topic, usize>,
    subscriptions: usize,
}

impl Followed {
    fn follow(&mut self, request: &SubscriptionRequest, verbosity: Verbosity) {
        let subscribers = self.topics.entry(request.topic().clone()).or_default();
        if request.subscribes() {
            *subscribers += 1;
            self.subscriptions += 1;
            assert!(verbosity != Verbosity::Changes || *subscribers == 1, "it is no change");
        } else {
            *subscribers = subscribers.checked_sub(1).expect("the topic has a subscriber");
        }
    }

    fn is_empty(&self) -> bool {
        self.topics.values().all(|subscribers| *subscribers == 0)
    }
}

#[derive(Clone, Copy)]
enum Disconnect {
    Endpoint,
    Remote,
}

/// Its connection continues to write.
async fn a_remote_is_disconnected(disconnect: Disconnect, changes: &'static str) {
    let model = Model::xpub(0, 0, XPubOptions::default());
    let (announcer, stop) = model.announce();
    let mut requests = model.receive_requests();
    let attachment = subscribe(model.attach(), 0, changes).await;
    match disconnect {
        Disconnect::Endpoint => model.routing().retire(EndpointId(0)),
        Disconnect::Remote => model.routing().retire_pipe(attachment.pipe()),
    }
    for request in 0..changes.len() {
        let subscribes = requests.recv().await.unwrap().subscribes();
        assert_eq!(subscribes, request < changes.len() / 2);
    }
    drop(attachment);
    let _ = stop.send(());
    announcer.await.unwrap();
    model.routing().close();
}

#[derive(Clone, Copy)]
enum Resume {
    Close,
    Raise,
}

/// There is room for one notice. One remote waits for room, and the departure of another one.
async fn nothing_is_received(changes: &'static str, resume: Resume) {
    let model = Model::xpub(0, 1, XPubOptions::default());
    let waiting = model.attach();
    let waiting = shuttle::future::spawn(subscribe(waiting, 0, changes));
    drop(subscribe(model.attach(), 1, "+z").await);
    let core = Arc::clone(&model.core);
    let announcer = model.announce_until(poll_fn(move |_: &mut Context<'_>| {
        let is_over = core.outgoing.lock().topics() == 0;
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    }));
    match resume {
        Resume::Close => model.routing().close(),
        Resume::Raise => model.routing().change_recv_hwm(|_| HighWaterMark::new(0, 0)),
    }
    drop(waiting.await.unwrap());
    announcer.await.unwrap();
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Connects,
    Nothing,
}

/// The application answers a request of a remote whose connection ends. The next connection of the
/// pipe belongs to another remote.
async fn an_answer_races_with_the_end(next: Next) {
    let model = Model::xpub(0, 0, XPubOptions { manual: true, ..XPubOptions::default() });
    let (announcer, stop) = model.announce();
    let mut requests = model.receive_requests();
    let attachment = model.attach();
    let remote = shuttle::future::spawn(async move {
        let mut attachment = subscribe(attachment, 0, "+x").await;
        let first = take(&mut attachment);
        attachment.put_back(Remainder::default(), VecDeque::new());
        let mut later = String::new();
        if next == Next::Connects {
            attachment.begin(&remote_with_id(id(1, 0)));
            later = take(&mut attachment);
        }
        (attachment, first, later)
    });
    let request = requests.recv().await.unwrap();
    let (to, message) = XPub::message("x", 'a');
    let sent = send_to(&model, &request, message);
    let accepted = model.core.outgoing.with(|outgoing, wakes| {
        let connection = request.remote().connection_id();
        outgoing.answer(connection, true, &[request.topic()], wakes)
    });
    assert!(matches!(accepted, Ok(()) | Err(AnswerRefusal::HostUnreachable)));
    assert!(sent.is_ok() || accepted.is_err());
    let (_, published) = XPub::message("x", 'b');
    assert_eq!(model.core.try_send(&to, &mut Some(published)), Ok(()));
    let cancellation = requests.recv().await.unwrap();
    assert!(!cancellation.subscribes());
    assert_eq!(cancellation.remote(), request.remote());

    let (attachment, first, later) = remote.await.unwrap();
    assert!(["", "a", "ab"].contains(&&*first));
    assert_eq!(later, "", "the messages were for another remote");
    while model.routing().reclaim() {}
    assert_eq!((model.topics(), model.core.outgoing.lock().subscribers(b"x")), (0, 0));
    // The published message was accounted for as well, if the remote had subscribed by then.
    let accounted = first.len() + model.undelivered();
    assert!((0..=1).contains(&(accounted - usize::from(sent.is_ok()))));
    let _ = stop.send(());
    announcer.await.unwrap();
    model.routing().close();
    drop(attachment);
}

fn send_to(
    model: &Model<XPub>,
    request: &SubscriptionRequest,
    message: Message,
) -> Result<(), Refusal> {
    let connection = request.remote().connection_id();
    model
        .core
        .outgoing
        .with(|outgoing, wakes| outgoing.try_send_to(connection, &mut Some(message), wakes))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Release {
    Cancellation,
    Connection,
    Endpoint,
}

/// The subscriber takes no message.
async fn a_sender_waits(senders: usize, release: Release) {
    let model = Model::xpub(1, 0, XPubOptions { manual: true, ..XPubOptions::default() });
    let mut attachment = subscribe(model.attach(), 0, "+x").await;
    let answer = |subscribes| {
        let topic: Topic = "x".parse().unwrap();
        model.core.outgoing.with(|outgoing, wakes| {
            outgoing.answer(id(0, 0), subscribes, &[&topic], wakes).unwrap();
        });
    };
    answer(true);
    let (to, message) = XPub::message("x", 'a');
    assert_eq!(model.core.try_send(&to, &mut Some(message)), Ok(()));
    let senders: Vec<_> = iter::repeat_with(|| XPub::message("x", 'b'))
        .take(senders)
        .map(|(to, message)| model.send_message(to, message))
        .collect();
    match release {
        Release::Cancellation => answer(false),
        Release::Connection => attachment.put_back(Remainder::default(), VecDeque::new()),
        Release::Endpoint => model.routing().retire(EndpointId(0)),
    }
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    let expected = if release == Release::Connection { "" } else { "a" };
    assert_eq!(take(&mut attachment), expected);
    drop(attachment);
    assert_eq!(model.undelivered(), 1 - expected.len());
    model.routing().close();
}

/// Nothing is received, and there is room for one notice.
async fn a_side_of_a_link_is_retired(topics: &'static str) {
    let publisher = Model::xpub(0, 1, XPubOptions::default());
    let pipes = OutgoingPipes::new(Interests::default(), HighWaterMark::new(0, 0));
    let sub = Model::<Sub>::new(pipes, Options::default());
    let (near, far) = LinkSide::pair();
    near.join(sub.attach(), any_remote(), VecDeque::new());
    far.join(publisher.attach(), any_remote(), VecDeque::new());
    let core = Arc::clone(&sub.core);
    let subscribing = shuttle::future::spawn(async move {
        for topic in topics.chars() {
            core.add_interest(&String::from(topic).parse().unwrap());
        }
    });
    sub.routing().retire(EndpointId(0));
    near.ended().await;
    far.ended().await;
    subscribing.await.unwrap();
    drop((near.leave(), far.leave()));
    assert!(publisher.unread() <= 1);
}

/// Acts as a connection that passes on subscriptions (`+`) and cancellations. `!` means that the
/// remote reconnects.
async fn subscribe(mut attachment: Attachment, number: usize, changes: &str) -> Attachment {
    let mut connections = 0..;
    let mut connect = |attachment: &mut Attachment| {
        attachment.begin(&remote_with_id(id(number, connections.next().unwrap())));
    };
    connect(&mut attachment);
    let mut changes = changes.chars();
    while let Some(sign) = changes.next() {
        if sign == '!' {
            attachment.put_back(Remainder::default(), VecDeque::new());
            connect(&mut attachment);
            continue;
        }
        let topic = String::from(changes.next().unwrap()).parse().unwrap();
        let command = if sign == '+' { Command::Subscribe(topic) } else { Command::Cancel(topic) };
        poll_fn(|cx| attachment.poll_notice_room(cx.waker())).await;
        attachment.command(&command).unwrap();
    }
    attachment
}

/// Takes the messages that are queued for a remote.
fn take(attachment: &mut Attachment) -> String {
    let mut taken = VecDeque::new();
    let _ = attachment.poll_take(Want::Write, Waker::noop(), &mut taken);
    unpack_all(taken).iter().map(letter).collect()
}

/// Returns the id of a connection of a remote.
fn id(remote: usize, connection: usize) -> ConnectionId {
    iter::successors(Some(ConnectionId::FIRST), |id| Some(id.next()))
        .nth(remote * 10 + connection)
        .unwrap()
}
