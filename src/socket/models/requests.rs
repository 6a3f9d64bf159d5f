//! Requests of a REQ, while their connections end, their callers leave or the socket is closed.

use super::*;
use crate::error::RequestError;
use crate::message::Multipart;
use crate::options::RequestOptions;
use crate::pipe::{DeliveredMessages, Delivery, MessageList};
use crate::remote::tests::any_remote;
use crate::routing::Remainder;

#[test]
fn a_request_ends_with_its_reply_or_with_its_connection() {
    for end in ENDS {
        all(2, move || a_connection_ends(CORRELATED, end, "a"));
        all(0, move || a_connection_ends(CORRELATED, end, "ab"));
        some(move || a_connection_ends(CORRELATED, end, "abcd"));
        some(move || a_connection_ends(PLAIN, end, "abcd"));
    }
    all(1, || a_connection_ends(PLAIN, LOSING, "ab"));
}

#[test]
fn a_request_whose_connection_is_lost_is_sent_again() {
    all(1, || a_remote_leaves("a"));
    all(0, || a_remote_leaves("ab"));
    some(|| a_remote_leaves("abcd"));
}

#[test]
fn the_reply_to_a_dropped_request_is_counted_and_affects_no_other() {
    for end in ENDS {
        all(0, move || a_request_is_dropped(CORRELATED, end, "ab"));
        some(move || a_request_is_dropped(CORRELATED, end, "abcd"));
        some(move || a_request_is_dropped(PLAIN, end, "abcd"));
    }
    all(1, || a_request_is_dropped(PLAIN, LOSING, "ab"));
}

#[test]
fn requests_end_with_the_socket() {
    all(2, || the_socket_ends(CORRELATED, "a"));
    all(0, || the_socket_ends(PLAIN, "ab"));
    some(|| the_socket_ends(CORRELATED, "abcd"));
    some(|| the_socket_ends(PLAIN, "abcd"));
}

/// The first connection of the remote ends, and the second replies to all requests.
async fn a_connection_ends(correlate: bool, end: End, letters: &'static str) {
    let model = Model::req(RequestOptions { correlate, ..RequestOptions::default() });
    let requests: Vec<_> = letters.chars().map(|letter| model.request(letter)).collect();
    let remote = remote(model.attach(), Some(end));
    let (mut replied, mut lost) = (String::new(), String::new());
    for (request, letter) in requests.into_iter().zip(letters.chars()) {
        match request.await.unwrap() {
            Ok(reply) => replied.push(body(&reply, letter)),
            Err(RequestError::ConnectionLost) => lost.push(letter),
            Err(error) => panic!("{error:?}"),
        }
    }
    model.routing().close();
    let Log { written, replies } = remote.await.unwrap();
    assert_eq!(sorted(&written), letters, "each request is written once");
    assert_eq!(sorted(&replies), replied);
    assert_eq!(sorted(&(replied + &lost)), letters);
    assert_eq!(model.dropped(), Dropped::default());
}

/// The first remote loses the requests that it was sent, and the second one replies.
async fn a_remote_leaves(letters: &'static str) {
    let model = Model::req(RequestOptions { attempts: 2, ..RequestOptions::default() });
    let requests: Vec<_> = letters.chars().map(|letter| model.request(letter)).collect();
    let leaving = shuttle::future::spawn({
        let attachment = model.attach();
        async move { end(attachment, LOSING, &mut Log::default()).await }
    });
    let second = remote(model.attach(), None);
    for (request, letter) in requests.into_iter().zip(letters.chars()) {
        body(&request.await.unwrap().unwrap(), letter);
    }
    model.routing().close();
    leaving.await.unwrap();
    let Log { replies, .. } = second.await.unwrap();
    assert_eq!(sorted(&replies), letters, "the second remote replies to each request once");
    assert_eq!(model.dropped(), Dropped::default());
}

/// The first request is dropped.
async fn a_request_is_dropped(correlate: bool, end: End, letters: &'static str) {
    let model = Model::req(RequestOptions { correlate, ..RequestOptions::default() });
    let requests: Vec<_> = letters.chars().map(|letter| model.request(letter)).collect();
    let remote = remote(model.attach(), Some(end));
    requests[0].abort();
    let (mut replied, mut lost, mut dropped) = (String::new(), String::new(), String::new());
    for (request, letter) in requests.into_iter().zip(letters.chars()) {
        match request.await {
            Ok(Ok(reply)) => replied.push(body(&reply, letter)),
            Ok(Err(RequestError::ConnectionLost)) => lost.push(letter),
            Ok(Err(error)) => panic!("{error:?}"),
            Err(JoinError::Cancelled) => dropped.push(letter),
        }
    }
    model.routing().close();
    let Log { written, replies } = remote.await.unwrap();
    let Dropped { undelivered, stray_replies, .. } = model.dropped();
    // The dropped request was written, counted, or not yet queued or taken back.
    let unwritten = usize::from(!dropped.is_empty() && !written.contains(&dropped));
    assert_eq!(written.len(), letters.len() - unwritten);
    assert!(undelivered as usize <= unwritten);
    let unclaimed: String = replies.chars().filter(|reply| !replied.contains(*reply)).collect();
    assert!(unclaimed.is_empty() || unclaimed == dropped);
    assert_eq!(stray_replies as usize, unclaimed.len());
    assert!(replied.chars().all(|letter| replies.contains(letter)));
    assert!(lost.chars().all(|letter| written.contains(letter) && !replies.contains(letter)));
    let counted = Dropped { undelivered, stray_replies, ..Dropped::default() };
    assert_eq!(model.dropped(), counted);
}

async fn the_socket_ends(correlate: bool, letters: &'static str) {
    let model = Model::req(RequestOptions { correlate, ..RequestOptions::default() });
    let requests: Vec<_> = letters.chars().map(|letter| model.request(letter)).collect();
    let remote = remote(model.attach(), None);
    model.routing().close();
    let (mut replied, mut queued) = (String::new(), String::new());
    for (request, letter) in requests.into_iter().zip(letters.chars()) {
        match request.await.unwrap() {
            Ok(reply) => replied.push(body(&reply, letter)),
            Err(RequestError::Closed(Some(request))) => _ = body(&request, letter),
            Err(RequestError::Closed(None)) => queued.push(letter),
            Err(error) => panic!("{error:?}"),
        }
    }
    let Log { written, replies } = remote.await.unwrap();
    let Dropped { undelivered, stray_replies, .. } = model.dropped();
    assert_eq!(stray_replies as usize, replies.len() - replied.len());
    // A request that its connection returns is not written after the end of the socket.
    assert_eq!(written.len() + undelivered as usize, replied.len() + queued.len());
    assert!(written.chars().all(|letter| replied.contains(letter) || queued.contains(letter)));
    let counted = Dropped { undelivered, stray_replies, ..Dropped::default() };
    assert_eq!(model.dropped(), counted);
}

impl Model<Req> {
    /// Creates a REQ whose remotes have a queue for one request.
    fn req(requests: RequestOptions) -> Self {
        let options = Options { send_hwm: 1, requests, ..Options::default() };
        let outgoing = OutgoingPipes::new(Requests::with_seed(0), HighWaterMark::new(1, 0));
        let model = Self::new(outgoing, options);
        Req::configure(&model.core, &model.core.control.shared().options);
        model
    }

    /// Spawns a task that sends a request and waits for the reply.
    fn request(&self, letter: char) -> JoinHandle<Result<Multipart, RequestError>> {
        let handle = self.handle();
        let request = Multipart::from([letter as u8]);
        shuttle::future::spawn(async move { handle.request(request, None).await })
    }
}

/// The end of a connection that has taken requests.
#[derive(Clone, Copy)]
struct End {
    /// Whether it has written the last of them.
    has_written: bool,
    /// Whether the first of them was replied to.
    is_replied: bool,
    /// Whether this reply was not processed before the end.
    is_late: bool,
}

const LOSING: End = End { has_written: true, is_replied: false, is_late: false };
const ENDS: [End; 4] = [
    LOSING,
    End { has_written: false, is_replied: false, is_late: false },
    End { has_written: true, is_replied: true, is_late: false },
    End { has_written: true, is_replied: true, is_late: true },
];

/// Whether requests carry an id.
const CORRELATED: bool = true;
const PLAIN: bool = false;

/// The requests that connections have written, and those that were replied to.
#[derive(Default)]
struct Log {
    written: String,
    replies: String,
}

/// Spawns a task that acts as the connections of a remote. The first ends as stated, and the next
/// replies to every request. Without ids, each ends after its requests, as a REQ demands when a
/// request is dropped.
fn remote(attachment: Attachment, first: Option<End>) -> JoinHandle<Log> {
    shuttle::future::spawn(async move {
        let (mut attachment, mut log) = (attachment, Log::default());
        if let Some(first) = first {
            attachment = end(attachment, first, &mut log).await;
        }
        while let Some(requests) = connect(&mut attachment).await {
            log.write(&requests);
            log.reply(&requests);
            let reply = reply(requests);
            attachment.put_back(Remainder::default(), [reply].into());
        }
        log
    })
}

/// Acts as a connection that ends after it has taken requests.
async fn end(mut attachment: Attachment, end: End, log: &mut Log) -> Attachment {
    let Some(mut requests) = connect(&mut attachment).await else { return attachment };
    let unwritten = requests.split_off(requests.len() - usize::from(!end.has_written));
    log.write(&requests);
    requests.truncate(usize::from(end.is_replied));
    log.reply(&requests);
    let mut unqueued = VecDeque::from([reply(requests)]);
    if !end.is_late {
        for mut reply in unqueued.drain(..) {
            let matched = poll_fn(|cx| attachment.poll_deliver(cx.waker(), &mut reply, 1));
            matched.await;
        }
    }
    let remainder = Remainder { messages: unwritten, is_interrupted: false, is_first: true };
    attachment.put_back(remainder, unqueued);
    attachment
}

/// Begins a connection, and takes at least one request, or returns `None` at the end of the queue.
async fn connect(attachment: &mut Attachment) -> Option<VecDeque<Message>> {
    attachment.begin(&any_remote());
    let mut taken = VecDeque::new();
    let take = poll_fn(|cx| attachment.poll_take(Want::Write, cx.waker(), &mut taken)).await;
    matches!(take, Take::Messages).then_some(taken)
}

/// Returns the replies of a remote that echoes requests with their envelopes.
fn reply(requests: VecDeque<Message>) -> Delivery {
    let cargo = DeliveredMessages::Whole(MessageList::new(requests));
    Delivery { cargo, remote: any_remote() }
}

impl Log {
    fn write(&mut self, requests: &VecDeque<Message>) {
        self.written.extend(requests.iter().map(last));
    }

    fn reply(&mut self, requests: &VecDeque<Message>) {
        self.replies.extend(requests.iter().map(last));
    }
}

fn last(frames: &Message) -> char {
    char::from(*frames.last().expect("a request is not empty"))
}

/// Checks that a message is that of a request.
fn body(message: &Multipart, letter: char) -> char {
    assert_eq!(*message, [[letter as u8]]);
    letter
}
