//! Tasks of a PUB that wait for a subscriber, while remotes subscribe, cancel, come and go.

use std::time::Duration;

use super::fan_out::change;
use super::*;
use crate::error::NoRemoteError;
use crate::monitor::DialFailure;
use crate::remote::tests::any_remote;
use crate::socket::Subscribed;

#[test]
fn a_task_that_waits_for_a_subscriber_is_woken_by_a_matching_subscription() {
    all(2, || remotes_subscribe(&["+x"], 0));
    all(1, || remotes_subscribe(&["+y-y+x"], 0));
    all(1, || remotes_subscribe(&["+x-x", "+x"], 0));
    some(|| remotes_subscribe(&["+x-x+y", "+x-x+x", "+z+x"], 1));
}

#[test]
fn a_task_that_no_longer_waits_keeps_no_other_from_being_woken() {
    all(1, || remotes_subscribe(&["+x"], 1));
    all(0, || remotes_subscribe(&["+x-x", "+x"], 1));
}

#[test]
fn a_subscriber_that_reconnects_is_awaited_until_it_subscribes_again() {
    all(1, || remotes_subscribe(&["!+x"], 0));
    all(1, || remotes_subscribe(&["+x!+x"], 0));
    some(|| remotes_subscribe(&["+x!+x!+x", "+x-x!"], 1));
}

#[test]
fn a_task_that_waits_for_a_subscriber_is_woken_when_none_can_be_expected() {
    all(2, || nothing_is_left(End::Abandoned, 1));
    all(2, || nothing_is_left(End::Closed, 1));
    some(|| nothing_is_left(End::Abandoned, 3));
    some(|| nothing_is_left(End::Closed, 3));
}

/// Two tasks wait for a subscriber of "x1", and others that are `dropped`. In the end, a remote has
/// subscribed to "x". `!` means that a remote reconnects.
async fn remotes_subscribe(remotes: &'static [&str], dropped: usize) {
    let model = Model::publisher(1);
    let dropped: Vec<_> = (0..dropped).map(|_| wait(&model)).collect();
    let waiting = [(); 2].map(|()| wait(&model));
    let changing = remotes.iter().map(|changes| {
        let mut attachment = model.attach();
        shuttle::future::spawn(async move {
            attachment.begin(&any_remote());
            let mut changes = *changes;
            while !changes.is_empty() {
                let (one, rest) = changes.split_at(if changes.starts_with('!') { 1 } else { 2 });
                match one.split_at(1) {
                    ("!", _) => drop(attachment.begin(&any_remote())),
                    (sign, name) => change::<Pub>(&mut attachment, sign, name),
                }
                changes = rest;
            }
            attachment
        })
    });
    let changing: Vec<_> = changing.collect();
    for task in &dropped {
        task.abort();
    }
    let mut attachments = Vec::new();
    for task in changing {
        attachments.push(task.await.unwrap());
    }
    for task in waiting {
        assert!(task.await.unwrap().is_ok());
    }
    for task in dropped {
        let _ = task.await;
    }
    drop(attachments);
    assert_eq!(model.core.outgoing.lock().subscribers(b"x1"), 0);
}

/// The reason why no subscriber can be expected.
#[derive(Clone, Copy)]
enum End {
    Abandoned,
    Closed,
}

async fn nothing_is_left(end: End, tasks: usize) {
    let model = Model::publisher(1);
    let remotes = Arc::clone(&model.core.control.shared().remotes);
    let source = remotes.source();
    let waiting: Vec<_> = (0..tasks).map(|_| wait(&model)).collect();
    let routing = model.routing().clone();
    let ending = shuttle::future::spawn(async move {
        match end {
            End::Abandoned => {
                source.abandon(DialFailure::TimedOut { limit: Duration::ZERO });
                routing.wake_senders();
            }
            End::Closed => routing.close(),
        }
    });
    for task in waiting {
        match (end, task.await.unwrap().unwrap_err()) {
            (End::Abandoned, NoRemoteError::Failed(_)) | (End::Closed, NoRemoteError::Closed) => {}
            (_, error) => panic!("{error}"),
        }
    }
    ending.await.unwrap();
}

/// Spawns a task that waits for a subscriber.
fn wait(model: &Model<Pub>) -> JoinHandle<Result<(), NoRemoteError>> {
    let core = Arc::clone(&model.core);
    shuttle::future::spawn(async move { Subscribed::new(&core, b"x1").await })
}
