//! The compiler refuses a proxy between incompatible sockets.

use tokio_zmtp::proxy::{Capture, ProxyWith};
use tokio_zmtp::{
    Channel, Client, Dealer, Dish, Gather, GroupMessage, Message, Multipart, Pair, Peer, Pull,
    Push, Radio, Scatter, Server, Sub, XSub,
};

/// Fails to compile if `$socket` implements `$bound`, because the method is then ambiguous.
macro_rules! assert_not {
    ($socket:ty: $bound:path) => {{
        trait AmbiguousIf<A> {
            fn method() {}
        }
        struct Implemented;
        impl<T: ?Sized> AmbiguousIf<()> for T {}
        impl<T: ?Sized + $bound> AmbiguousIf<Implemented> for T {}
        <$socket as AmbiguousIf<_>>::method();
    }};
}

#[test]
fn sockets_that_only_receive_or_only_send_are_not_joined_with_the_same_kind() {
    assert_not!(Gather: ProxyWith<Gather>);
    assert_not!(Pull: ProxyWith<Pull>);
    assert_not!(Push: ProxyWith<Push>);
    assert_not!(Scatter: ProxyWith<Scatter>);
    assert_not!(Sub: ProxyWith<Pull>);
    assert_not!(Sub: ProxyWith<Sub>);
    assert_not!(XSub: ProxyWith<Sub>);
}

/// Messages in one direction would have no destination.
#[test]
fn sockets_with_one_direction_are_not_joined_with_those_that_have_two() {
    assert_not!(Gather: ProxyWith<Client>);
    assert_not!(Client: ProxyWith<Gather>);
    assert_not!(Scatter: ProxyWith<Client>);
    assert_not!(Scatter: ProxyWith<Channel>);
    assert_not!(Channel: ProxyWith<Gather>);
    assert_not!(Client: ProxyWith<Scatter>);
    assert_not!(Dealer: ProxyWith<Pull>);
    assert_not!(Push: ProxyWith<Dealer>);
    assert_not!(Pair: ProxyWith<Push>);
    assert_not!(XSub: ProxyWith<Dealer>);
    assert_not!(XSub: ProxyWith<XSub>);
}

#[test]
fn sockets_that_address_their_remotes_are_not_joined() {
    assert_not!(Server: ProxyWith<Client>);
    assert_not!(Client: ProxyWith<Server>);
    assert_not!(Server: ProxyWith<Server>);
    assert_not!(Server: ProxyWith<Scatter>);
    assert_not!(Gather: ProxyWith<Server>);
    assert_not!(Peer: ProxyWith<Peer>);
    assert_not!(Peer: ProxyWith<Client>);
    assert_not!(Channel: ProxyWith<Peer>);
}

#[test]
fn sockets_with_groups_are_joined_only_with_each_other() {
    assert_not!(Dish: ProxyWith<Scatter>);
    assert_not!(Gather: ProxyWith<Radio>);
    assert_not!(Dish: ProxyWith<Dish>);
    assert_not!(Radio: Capture<Message>);
    assert_not!(Scatter: Capture<GroupMessage>);
}

#[test]
fn sockets_of_multipart_messages_are_joined_only_with_each_other() {
    assert_not!(Pull: ProxyWith<Scatter>);
    assert_not!(Sub: ProxyWith<Scatter>);
    assert_not!(XSub: ProxyWith<Scatter>);
    assert_not!(Gather: ProxyWith<Push>);
    assert_not!(Pull: ProxyWith<Radio>);
    assert_not!(Dealer: ProxyWith<Client>);
    assert_not!(Dealer: ProxyWith<Channel>);
    assert_not!(Dealer: Capture<Message>);
    assert_not!(Pair: ProxyWith<Channel>);
    assert_not!(Pair: ProxyWith<Client>);
    assert_not!(Push: Capture<Message>);
    assert_not!(Scatter: Capture<Multipart>);
    assert_not!(Pull: Capture<Multipart>);
}

#[test]
fn a_capture_is_a_socket_that_sends_and_selects_the_remote() {
    // It would take a copy of a subscription for one of its own.
    assert_not!(XSub: Capture<Multipart>);
    assert_not!(Gather: Capture<Message>);
    assert_not!(Peer: Capture<Message>);
    assert_not!(Server: Capture<Message>);
}
