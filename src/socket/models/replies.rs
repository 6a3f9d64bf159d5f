//! Replies of a REP, while their connection ends, repliers are dropped or the socket is closed.

use super::*;
use crate::connection_id::ConnectionId;
use crate::error::{RecvError, ReplyError};
use crate::message::Multipart;
use crate::pipe::{DeliveredMessages, Delivery, MessageList};
use crate::remote::Remote;
use crate::remote::tests::remote_with_id;
use crate::routing::Remainder;

#[test]
fn every_request_is_replied_to() {
    all(1, || all_are_replied_to("ab"));
    some(|| all_are_replied_to("abcd"));
}

#[test]
fn a_reply_is_written_counted_or_returned_when_its_connection_ends() {
    for unwritten in [0, 1] {
        all(1, move || the_connection_ends(unwritten, "a"));
        all(0, move || the_connection_ends(unwritten, "ab"));
        some(move || the_connection_ends(unwritten, "abcd"));
    }
}

#[test]
fn a_dropped_replier_is_counted_and_affects_no_other() {
    all(2, || a_replier_is_dropped("ab"));
    some(|| a_replier_is_dropped("abcd"));
}

#[test]
fn a_reply_is_written_or_returned_when_the_socket_ends() {
    all(2, || the_socket_ends("ab"));
    some(|| the_socket_ends("abcd"));
}

async fn all_are_replied_to(letters: &'static str) {
    let model = Model::rep(None);
    let repliers: Vec<_> = letters.chars().map(|_| model.reply()).collect();
    let connection = connection(&model, letters);
    for replier in repliers {
        assert_eq!(replier.await.unwrap(), Replied::Ok);
    }
    model.routing().close();
    assert_eq!(sorted(&connection.await.unwrap()), letters);
    assert_eq!(model.dropped(), Dropped::default());
}

/// The connection ends after it has taken a reply, of which it does not write the last ones. The
/// next connection of the same pipe has requests of its own.
async fn the_connection_ends(unwritten: usize, letters: &'static str) {
    let model = Model::rep(None);
    let repliers: Vec<_> = letters.chars().map(|_| model.reply()).collect();
    let mut attachment = model.attach();
    let first = remote_with_id(ConnectionId::FIRST);
    let second = remote_with_id(ConnectionId::FIRST.next());
    let connection = shuttle::future::spawn(async move {
        attachment.begin(&first);
        deliver(&mut attachment, &first, letters).await;
        let mut taken = take(&mut attachment).await.unwrap_or_default();
        let left = taken.split_off(taken.len().saturating_sub(unwritten));
        let remainder = Remainder { messages: left, is_interrupted: false, is_first: true };
        attachment.put_back(remainder, VecDeque::new());
        attachment.begin(&second);
        deliver(&mut attachment, &second, "z").await;
        (envelopes(&taken), write(attachment).await)
    });
    let last = model.reply();
    let mut sent = 0;
    for replier in repliers.into_iter().chain([last]) {
        match replier.await.unwrap() {
            Replied::Ok => sent += 1,
            Replied::Unreachable => {}
            Replied::Closed => panic!("the socket is not closed"),
        }
    }
    model.routing().close();
    let (written, next) = connection.await.unwrap();
    assert_eq!(next, "z", "the next connection writes no replies of the first");
    assert!(written.chars().all(|letter| letters.contains(letter)));
    let undelivered = model.dropped().undelivered;
    assert_eq!(written.len() + next.len() + undelivered as usize, sent);
    assert_eq!(model.dropped(), Dropped { undelivered, ..Dropped::default() });
}

/// The first task may be dropped before it receives a request, or before it has replied.
async fn a_replier_is_dropped(letters: &'static str) {
    let model = Model::rep(Some("x"));
    let repliers: Vec<_> = letters.chars().map(|_| model.reply()).collect();
    let connection = connection(&model, letters);
    repliers[0].abort();
    let mut sent = 0;
    for replier in repliers {
        match replier.await {
            Ok(replied) => {
                assert_eq!(replied, Replied::Ok);
                sent += 1;
            }
            Err(JoinError::Cancelled) => {}
        }
    }
    let left = model.routing().queued(None).incoming;
    model.routing().close();
    let mut written: Vec<_> = connection.await.unwrap().chars().collect();
    written.sort_unstable();
    let unanswered_requests = model.dropped().unanswered_requests;
    assert_eq!(model.dropped(), Dropped { unanswered_requests, ..Dropped::default() });
    // The reply for a dropped replier needs queue capacity.
    let unanswered = unanswered_requests as usize;
    assert!((sent..=sent + unanswered).contains(&written.len()));
    assert_eq!(sent + unanswered + left, letters.len());
    written.dedup();
    assert!(written.len() >= sent, "each request is replied to once");
}

async fn the_socket_ends(letters: &'static str) {
    let model = Model::rep(None);
    let repliers: Vec<_> = letters.chars().map(|_| model.reply()).collect();
    let connection = connection(&model, letters);
    model.routing().close();
    let mut sent = 0;
    for replier in repliers {
        match replier.await.unwrap() {
            Replied::Ok => sent += 1,
            Replied::Closed | Replied::Unreachable => {}
        }
    }
    assert_eq!(connection.await.unwrap().len(), sent);
    let Dropped { unread, .. } = model.dropped();
    assert_eq!(model.dropped(), Dropped { unread, ..Dropped::default() });
}

/// The result of a task that receives a request and replies to it.
#[derive(Debug, PartialEq, Eq)]
enum Replied {
    Ok,
    Unreachable,
    Closed,
}

impl Model<Rep> {
    /// Creates a REP whose remotes have a queue for one reply.
    fn rep(reply_on_drop: Option<&'static str>) -> Self {
        let reply_on_drop = reply_on_drop.map(Multipart::from);
        let options = Options { send_hwm: 1, reply_on_drop, ..Options::default() };
        Self::new(OutgoingPipes::new(ConnectionTable::default(), HighWaterMark::new(1, 0)), options)
    }

    /// Spawns a task that receives a request and replies to it.
    fn reply(&self) -> JoinHandle<Replied> {
        let rep = Rep(self.handle());
        shuttle::future::spawn(async move {
            let (request, mut replier) = match rep.recv().await {
                Ok(received) => received,
                Err(RecvError::Closed) => return Replied::Closed,
                Err(error) => panic!("{error:?}"),
            };
            match replier.reply(request).await {
                Ok(()) => Replied::Ok,
                Err(ReplyError::HostUnreachable(_)) => Replied::Unreachable,
                Err(ReplyError::Closed(_)) => Replied::Closed,
                Err(error) => panic!("{error:?}"),
            }
        })
    }
}

/// Spawns a task that acts as a connection with requests, and writes the replies until its queue
/// ends. It returns the requests that they reply to.
fn connection(model: &Model<Rep>, letters: &'static str) -> JoinHandle<String> {
    let mut attachment = model.attach();
    let remote = remote_with_id(ConnectionId::FIRST);
    shuttle::future::spawn(async move {
        attachment.begin(&remote);
        deliver(&mut attachment, &remote, letters).await;
        write(attachment).await
    })
}

/// Delivers requests, each with a letter as its envelope.
async fn deliver(attachment: &mut Attachment, remote: &Remote, letters: &str) {
    let requests = letters.bytes().map(|letter| Message::from([1, 1, letter, 1, 0, 0, 1, b'r']));
    let cargo = DeliveredMessages::Whole(MessageList::new(requests.collect()));
    let mut delivery = Delivery { cargo, remote: remote.clone() };
    poll_fn(|cx| attachment.poll_deliver(cx.waker(), &mut delivery, usize::MAX)).await;
}

/// Takes at least one reply, or returns `None` at the end of the queue.
async fn take(attachment: &mut Attachment) -> Option<VecDeque<Message>> {
    let mut taken = VecDeque::new();
    let take = poll_fn(|cx| attachment.poll_take(Want::Write, cx.waker(), &mut taken)).await;
    matches!(take, Take::Messages).then_some(taken)
}

async fn write(mut attachment: Attachment) -> String {
    let mut written = String::new();
    while let Some(taken) = take(&mut attachment).await {
        written += &envelopes(&taken);
    }
    written
}

fn envelopes(replies: &VecDeque<Message>) -> String {
    replies.iter().map(|reply| char::from(reply[2])).collect()
}
