//! The options of topics and subscriptions reach the socket.

use super::{read, refuse, shown};
use crate::config::{PubConfig, SocketConfig, SubConfig, XPubConfig};
use crate::options::{SlowSubscriber, Verbosity};
use crate::socket::{Pub, Sub, XPub};

#[test]
fn the_options_of_topics_reach_the_socket() {
    let config: PubConfig = read(PUB);
    let expected = Pub::builder()
        .max_topic_bytes(32)
        .max_topic_bytes_per_remote(33)
        .max_topics_per_remote(34)
        .slow_subscriber(SlowSubscriber::DropOldest)
        .subscription_events(true);
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));
    assert_eq!(read::<PubConfig>(&toml::to_string(&config).unwrap()), config);

    let config: XPubConfig = read(&format!("{PUB}{XPUB}"));
    let expected = XPub::builder()
        .max_topic_bytes(32)
        .max_topic_bytes_per_remote(33)
        .max_topics_per_remote(34)
        .slow_subscriber(SlowSubscriber::DropOldest)
        .subscription_events(true)
        .invert_matching(true)
        .manual(true)
        .max_message_parts(29)
        .verbosity(Verbosity::Verboser)
        .welcome_message("welcome");
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));
    assert_eq!(read::<XPubConfig>(&toml::to_string(&config).unwrap()), config);

    let config: PubConfig = read("slow_subscriber = { disconnect = { after = 100 } }");
    assert_eq!(config.slow_subscriber, SlowSubscriber::Disconnect { after: 100 });
    assert_eq!(read::<PubConfig>(&toml::to_string(&config).unwrap()), config);
    let error = refuse::<PubConfig>("slow_subscriber = 'drop'");
    assert!(error.contains("drop_newest"), "{error}");

    let error = refuse::<SocketConfig>("type = 'pub'\nmanual = true");
    assert!(error.contains("`manual`: it is not an option of a pub"), "{error}");
    let error = refuse::<SocketConfig>("type = 'pub'\nmax_groups_per_remote = 1");
    assert!(error.contains("`max_groups_per_remote`: it is not an option of a pub"), "{error}");
    let error = refuse::<SocketConfig>("type = 'radio'\nmax_topics_per_remote = 1");
    assert!(error.contains("`max_topics_per_remote`: it is not an option of a radio"), "{error}");
}

#[test]
fn the_options_of_subscriptions_reach_the_socket() {
    let config: SubConfig = read("invert_matching = true\nsubscribe = ['weather.', [0, 255]]");
    let [weather, binary] = [&b"weather."[..], b"\x00\xFF"].map(|topic| topic.try_into().unwrap());
    let expected = Sub::builder().invert_matching(true).subscribe(weather).subscribe(binary);
    assert_eq!(shown(&config.builder().unwrap()), shown(&expected));
    assert_eq!(read::<SubConfig>(&toml::to_string(&config).unwrap()), config);
    assert_eq!(
        read::<SubConfig>("subscribe = ''").subscribe,
        [zmtp_proto::topic::Topic::default()]
    );

    let error = refuse::<SubConfig>(&format!("subscribe = '{}'", "x".repeat(32_769)));
    assert!(error.contains("a topic of 32769 bytes exceeds the limit of 32768"), "{error}");
    let error = refuse::<SocketConfig>("type = 'pull'\nsubscribe = 'x'");
    assert!(error.contains("`subscribe`: it is not an option of a pull"), "{error}");
}

pub(super) const PUB: &str = "
    slow_subscriber = 'drop_oldest'
    max_topic_bytes = 32
    max_topic_bytes_per_remote = 33
    max_topics_per_remote = 34
    subscription_events = true
";

pub(super) const XPUB: &str = "
    invert_matching = true
    manual = true
    max_message_parts = 29
    verbosity = 'verboser'
    welcome_message = 'welcome'
";
