//! Senders under a requester, whose pipes are offered only while their remotes are connected.

use std::sync::atomic::Ordering;
use std::task::Poll;

use shuttle::sync::atomic::AtomicBool;

use crate::remote::tests::any_remote;
use crate::routing::{Remainder, ReportedEnds};

use super::*;

#[test]
fn all_waiting_tasks_are_woken_when_a_remote_connects() {
    all(1, || a_remote_connects("a"));
    some(|| a_remote_connects("abc"));
}

#[test]
fn messages_left_by_a_lost_connection_are_written_by_another() {
    all(1, || a_connection_is_lost("a"));
    some(|| a_connection_is_lost("abc"));
}

#[test]
fn a_remote_that_drains_receives_nothing_after_its_acknowledgement() {
    all(1, || a_remote_drains("a"));
    some(|| a_remote_drains("abc"));
}

#[test]
fn waiting_for_a_remote_ends_with_the_socket() {
    all(2, || the_socket_ends("a"));
    some(|| the_socket_ends("abc"));
}

#[test]
fn waiting_for_a_remote_ends_when_none_can_be_expected() {
    all(2, || no_remote_is_left("a"));
    some(|| no_remote_is_left("abc"));
}

async fn a_remote_connects(letters: &'static str) {
    let model = selective();
    let mut attachment = model.attach();
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let waiting = [(); 2].map(|()| wait(&model));
    // Its waker must not be the only one that is called.
    waiting[0].abort();
    let [_, waiting] = waiting;
    attachment.begin(&any_remote());
    let (connection, mut written) = connection(attachment);
    assert_eq!(waiting.await.unwrap(), Ok(()));
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    assert_eq!(sorted(&written.take(letters.len()).await), letters);
    model.end(connection, written, 0).await;
}

/// The first connection writes nothing. Messages that were queued for it are sent again.
async fn a_connection_is_lost(letters: &'static str) {
    let model = selective();
    let [mut first, mut second] = [model.attach(), model.attach()];
    first.begin(&any_remote());
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let core = Arc::clone(&model.core);
    let ends = Arc::clone(&model.routing().ends);
    let again = shuttle::future::spawn(async move {
        let ReportedEnds { unwritten, .. } = poll_fn(|cx| ends.poll(cx.waker())).await;
        for left in unwritten {
            Sending::new(&core, (), left.message, None).await.map_err(drop).unwrap();
        }
    });
    let losing = shuttle::future::spawn(async move {
        first.put_back(Remainder::default(), VecDeque::new());
        first
    });
    second.begin(&any_remote());
    let (connection, mut written) = connection(second);
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    assert_eq!(sorted(&written.take(letters.len()).await), letters);
    again.await.unwrap();
    let first = losing.await.unwrap();
    model.end(connection, written, 0).await;
    drop(first);
}

/// The acknowledgement is a dot.
async fn a_remote_drains(letters: &'static str) {
    let model = selective();
    let [mut first, mut second] = [model.attach(), model.attach()];
    let remote = any_remote();
    first.begin(&remote);
    let (pipe, id) = (first.pipe().outbound(), remote.connection_id());
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let (connection_of_first, first_written) = connection(first);
    let core = Arc::clone(&model.core);
    let draining = shuttle::future::spawn(async move {
        core.outgoing.with(|outgoing, wakes| outgoing.drain(pipe, id, Message::from("."), wakes));
    });
    second.begin(&any_remote());
    let (connection_of_second, mut second_written) = connection(second);
    for sender in senders {
        assert!(sender.await.unwrap().is_ok());
    }
    draining.await.unwrap();
    model.routing().close();
    let mut written = first_written.rest(connection_of_first).await;
    assert_eq!(written.pop(), Some('.'));
    written += &second_written.take(letters.len() - written.len()).await;
    assert_eq!(sorted(&written), letters);
    model.end(connection_of_second, second_written, 0).await;
}

async fn the_socket_ends(letters: &'static str) {
    let model = selective();
    let attachment = model.attach();
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let waiting = wait(&model);
    model.routing().close();
    assert_eq!(waiting.await.unwrap(), Err(Refusal::Closed));
    for sender in senders {
        assert!(matches!(sender.await.unwrap(), Err((Refusal::Closed, _))));
    }
    drop(attachment);
    assert_eq!(model.undelivered(), 0);
}

/// Like a requester, a task that waits checks whether a remote can be expected.
async fn no_remote_is_left(letters: &'static str) {
    let model = selective();
    let attachment = model.attach();
    let senders: Vec<_> = letters.chars().map(|letter| model.send((), letter)).collect();
    let hopeless = Arc::new(AtomicBool::new(false));
    let (core, observed) = (Arc::clone(&model.core), Arc::clone(&hopeless));
    let waiting = shuttle::future::spawn(async move {
        let mut ticket = None;
        poll_fn(|cx| {
            let polled = core.outgoing.lock().poll_open(&mut ticket, cx.waker());
            if observed.load(Ordering::SeqCst) { Poll::Ready(None) } else { polled.map(Some) }
        })
        .await
    });
    hopeless.store(true, Ordering::SeqCst);
    model.routing().wake_senders();
    assert_eq!(waiting.await.unwrap(), None);
    model.routing().close();
    for sender in senders {
        assert!(matches!(sender.await.unwrap(), Err((Refusal::Closed, _))));
    }
    drop(attachment);
    assert_eq!(model.undelivered(), 0);
}

fn selective() -> Model<Client> {
    let model = Model::client(1, 0);
    model.routing().ends.watch();
    model.core.outgoing.lock().select();
    model
}

/// Spawns a task that waits for a remote to be connected.
fn wait(model: &Model<Client>) -> JoinHandle<Result<(), Refusal>> {
    let core = Arc::clone(&model.core);
    shuttle::future::spawn(async move {
        let mut ticket = None;
        poll_fn(|cx| core.outgoing.lock().poll_open(&mut ticket, cx.waker())).await
    })
}
