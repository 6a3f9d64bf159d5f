//! Remotes that end and leave messages, and tasks that admit new remotes.

use super::*;
use crate::pipe::arrival_of;
use crate::socket::receiving::Receiving;

#[test]
fn waiting_tasks_resume_when_messages_are_received() {
    all(1, || all_wait_and_resume(2, 2));
    some(|| all_wait_and_resume(3, 3));
}

#[test]
fn a_waiter_that_is_dropped_is_removed_from_the_line() {
    all(1, || one_is_dropped(1));
    some(|| one_is_dropped(3));
}

#[test]
fn a_listener_sees_every_pause_end() {
    all(1, || a_listener_pauses(2));
    some(|| a_listener_pauses(4));
}

#[test]
fn the_end_of_the_socket_ends_a_pause() {
    all(2, the_socket_ends);
    some(the_socket_ends);
}

/// All messages are left before the receivers start.
async fn all_wait_and_resume(waiting: usize, messages: usize) {
    let model = model();
    leave(&model, messages);
    let waiting: Vec<_> = (0..waiting).map(|_| wait(&model)).collect();
    let receivers: Vec<_> = (0..messages).map(|_| receive(&model)).collect();
    for one in waiting {
        one.await.unwrap();
    }
    for receiver in receivers {
        receiver.await.unwrap();
    }
    assert_eq!(model.routing().ended(), crate::stats::EndedRemotes::default());
}

async fn one_is_dropped(others: usize) {
    let model = model();
    leave(&model, 1);
    let dropped = wait(&model);
    let waiting: Vec<_> = (0..others).map(|_| wait(&model)).collect();
    let receiver = receive(&model);
    dropped.abort();
    let _ = dropped.await;
    for one in waiting {
        one.await.unwrap();
    }
    receiver.await.unwrap();
}

/// A listener adds a remote as soon as the limit permits. The remote leaves a message and ends.
async fn a_listener_pauses(remotes: usize) {
    let model = model();
    let core = Arc::clone(&model.core);
    let listener = shuttle::future::spawn(async move {
        let routing = &core.control.shared().routing;
        for _ in 0..remotes {
            routing.has_room().await;
            let subject = EventSource::endpoint(SocketAddr::from(([127, 0, 0, 1], 1)).into());
            let mut attachment =
                routing.attach(EndpointId(0), subject).expect("the socket is not closed");
            attachment.leave(arrival_of(&["x"]));
            drop(attachment);
        }
    });
    for _ in 0..remotes {
        receive(&model).await.unwrap();
    }
    listener.await.unwrap();
}

async fn the_socket_ends() {
    let model = model();
    leave(&model, 1);
    let waiting = [wait(&model), wait(&model)];
    model.routing().close();
    for one in waiting {
        one.await.unwrap();
    }
}

/// Creates a socket whose limit any left message exceeds.
fn model() -> Model<Client> {
    Model::client_with(Options { ended_hwm_bytes: 1, ..Options::default() })
}

/// Adds and ends remotes, each of which leaves a message.
fn leave(model: &Model<Client>, messages: usize) {
    for _ in 0..messages {
        let mut attachment = model.attach();
        attachment.leave(arrival_of(&["x"]));
    }
}

/// Spawns a task that waits until another remote may be added.
fn wait(model: &Model<Client>) -> JoinHandle<()> {
    let core = Arc::clone(&model.core);
    shuttle::future::spawn(async move { core.control.shared().routing.has_room().await })
}

fn receive(model: &Model<Client>) -> JoinHandle<()> {
    let core = Arc::clone(&model.core);
    shuttle::future::spawn(async move {
        Receiving::<_, Message>::new(&core, None).await.unwrap();
    })
}
