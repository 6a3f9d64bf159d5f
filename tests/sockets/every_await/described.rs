//! Operations that start sockets from configuration data.

use tokio_zmtp::config::{ChannelConfig, ClientConfig, ServerConfig, SocketConfig};

use super::operations::ANY;
use super::scene::Cast;

pub(super) async fn channel() {
    let text = format!("bind = ['{ANY}', '{ANY}']\nconnect = 'inproc://nowhere'");
    let config: ChannelConfig = toml::from_str(&text).unwrap();
    config.start().await.unwrap();
}

pub(super) async fn client(cast: Cast) {
    let text = format!("bind = ['{ANY}']\nconnect = ['{}']", cast.endpoint);
    let config: ClientConfig = toml::from_str(&text).unwrap();
    config.start().await.unwrap();
}

pub(super) async fn server(cast: Cast) {
    let text = format!("bind = ['{ANY}', '{ANY}']\nconnect = ['{}']", cast.endpoint);
    let config: ServerConfig = toml::from_str(&text).unwrap();
    config.start().await.unwrap();
}

pub(super) async fn socket(cast: Cast) {
    let text = format!("type = 'client'\nbind = ['{ANY}']\nconnect = ['{}']", cast.endpoint);
    let config: SocketConfig = toml::from_str(&text).unwrap();
    config.start().await.unwrap();
}
