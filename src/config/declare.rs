//! The macros that turn the table of options into types.
//!
//! A group of options is a list of rows in braces. The word before it states whether a kind has
//! these options: `yes` or `no`.

/// Declares everything that depends on the table of kinds and options.
macro_rules! sockets {
    (
        kinds { $($socket:ident => $config:ident, $name:literal, $allowed:tt;)+ }
        options $options:tt
    ) => {
        $crate::config::declare::kinds! { $($socket $config $name;)+ }
        $crate::config::any_socket::any_socket! { $($socket $name;)+ }
        $crate::config::declare::all_keys! { $options }
        $($crate::config::declare::description! { $socket $config $name $allowed $options })+
    };
}

/// The keys of all kinds.
macro_rules! all_keys {
    ({
        $($group:ident {
            $(
                $(#[cfg($($cfg:tt)*)])?
                $(#[serde($($serde:tt)*)])?
                $key:ident: $type:ty => $($place:ident).+,
            )*
        })+
    }) => {
        $crate::config::declare::keys! {
            /// The keys of all kinds, for a socket whose kind may be the last key to be read.
            pub(super) struct AllKeys { r#type: Option<TypeName> }
            $(yes {
                $(
                    $(#[cfg($($cfg)*)])?
                    $(#[serde($($serde)*)])?
                    $key: $type => $($place).+,
                )*
            };)+
        }

        impl AllKeys {
            /// Returns the options that differ from their defaults.
            fn changed(&self) -> Vec<&'static str> {
                let default = Self::default();
                let options = [$($(
                    $(#[cfg($($cfg)*)])?
                    (stringify!($key), self.$key != default.$key),
                )*)+];
                options.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
            }
        }
    };
}

/// The description of one kind.
macro_rules! description {
    (
        $socket:ident $config:ident $name:literal
        [$($allowed:ident)+] { $($group:ident $rows:tt)+ }
    ) => {
        $crate::config::declare::keys! {
            #[doc = concat!("Describes a [`", stringify!($socket), "`].")]
            #[non_exhaustive]
            pub struct $config {}
            $($allowed $rows;)+
        }
        $crate::config::declare::methods! { $socket $config $name $($allowed $rows;)+ }
    };
}

/// A struct whose fields are keys, and their defaults.
macro_rules! keys {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident { $($tag:ident: $tag_type:ty)? }
        $(
            $(yes {
                $(
                    $(#[cfg($($cfg:tt)*)])?
                    $(#[serde($($serde:tt)*)])?
                    $key:ident: $type:ty => $($place:ident).+,
                )*
            })?
            $(no $other:tt)?;
        )+
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(default, deny_unknown_fields)]
        $visibility struct $name {
            $($visibility $tag: $tag_type,)?
            /// The endpoints that the socket binds.
            #[serde(deserialize_with = "form::one_or_many")]
            $visibility bind: Vec<Endpoint>,
            /// The endpoints that the socket connects to.
            #[serde(deserialize_with = "form::one_or_many")]
            $visibility connect: Vec<Endpoint>,
            /// The endpoints that the socket connects to with every address of their host name.
            #[serde(deserialize_with = "form::one_or_many")]
            $visibility connect_all: Vec<Endpoint>,
            $($($(
                $(#[cfg($($cfg)*)])?
                #[doc = concat!("The value for [`Builder::", stringify!($key), "`].")]
                $(#[serde($($serde)*)])?
                $visibility $key: $type,
            )*)?)+
            /// The names and values for [`Builder::metadata`].
            #[serde(deserialize_with = "metadata::properties")]
            $visibility metadata: BTreeMap<String, String>,
            /// The files for [`Builder::tls_client`].
            #[cfg(feature = "tls")]
            $visibility tls_client: Option<TlsClientConfig>,
            /// The files for [`Builder::tls_server`].
            #[cfg(feature = "tls")]
            $visibility tls_server: Option<TlsServerConfig>,
        }

        impl Default for $name {
            fn default() -> Self {
                let options = Options::default();
                Self {
                    $($tag: None,)?
                    bind: Vec::new(),
                    connect: Vec::new(),
                    connect_all: Vec::new(),
                    $($($($(#[cfg($($cfg)*)])? $key: options.$($place).+,)*)?)+
                    metadata: BTreeMap::new(),
                    #[cfg(feature = "tls")]
                    tls_client: None,
                    #[cfg(feature = "tls")]
                    tls_server: None,
                }
            }
        }
    };
}

/// The methods of the description of one kind.
macro_rules! methods {
    (
        $socket:ident $config:ident $name:literal
        $(
            $(yes {
                $(
                    $(#[cfg($($cfg:tt)*)])?
                    $(#[serde($($serde:tt)*)])?
                    $key:ident: $type:ty => $($place:ident).+,
                )*
            })?
            $(no $other:tt)?;
        )+
    ) => {
        impl $config {
            /// Returns a builder with these options but without the endpoints. Reads the files for
            /// TLS, if there are any, which blocks the thread.
            ///
            /// # Errors
            ///
            /// [`ConfigError::Property`] if [`Builder::metadata`] refuses an entry of `metadata`.
            /// Another [`ConfigError`] if a file for TLS cannot be used.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::config::", stringify!($config), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            /// let text = "linger = '5s'";
            #[doc = concat!("let config: ", stringify!($config), " = toml::from_str(text)?;")]
            /// let socket = config.builder()?.max_message_size(1 << 20).build();
            /// # Ok(())
            /// # }
            /// ```
            pub fn builder(&self) -> Result<Builder<$socket>, ConfigError> {
                self.builder_with(None)
            }

            fn builder_with(
                &self,
                authenticator: Option<SharedAuthenticator>,
            ) -> Result<Builder<$socket>, ConfigError> {
                let config = self.clone();
                let mut options = Options { authenticator, ..Options::default() };
                $($($($(#[cfg($($cfg)*)])? { options.$($place).+ = config.$key; })*)?)+
                let builder = metadata::announce(Builder::with_options(options), &self.metadata)
                    .map_err(|(name, source)| ConfigError::Property { name, source })?;
                #[cfg(feature = "tls")]
                let builder =
                    tls::load(builder, self.tls_client.as_ref(), self.tls_server.as_ref())?;
                Ok(builder)
            }

            /// Creates the socket, binds all its endpoints, then connects to the others.
            ///
            /// Returns as soon as the endpoints to connect to are registered. Connections are
            /// established in the background, and re-established whenever they break.
            ///
            /// # Cancel safety
            ///
            /// Dropping the future leaves nothing bound or connected.
            ///
            /// # Errors
            ///
            /// [`ConfigError`] if an endpoint, a property or a file is refused. Nothing is then bound or
            /// connected.
            ///
            /// # Panics
            ///
            /// Outside of a Tokio runtime with IO and time enabled.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::config::", stringify!($config), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            /// let text = "bind = 'tcp://127.0.0.1:*'";
            #[doc = concat!("let config: ", stringify!($config), " = toml::from_str(text)?;")]
            /// let socket = config.start().await?;
            /// println!("bound to {:?}", socket.last_endpoint());
            /// # Ok(())
            /// # }
            /// ```
            pub async fn start(&self) -> Result<$socket, ConfigError> {
                let socket = self.builder()?.build();
                open(&socket, &self.bind, &self.connect, &self.connect_all).await?;
                Ok(socket)
            }

            /// Creates the socket like `start`, with a monitor that misses no event.
            async fn start_monitored(
                &self,
                authenticator: Option<SharedAuthenticator>,
            ) -> Result<($socket, Monitor), ConfigError> {
                let socket = self.builder_with(authenticator)?.build();
                let monitor = socket.monitor();
                open(&socket, &self.bind, &self.connect, &self.connect_all).await?;
                Ok((socket, monitor))
            }

            /// Creates the description, or returns an error if a key is set that sockets of this
            /// kind do not have.
            fn from_keys(keys: AllKeys) -> Result<Self, String> {
                let own = [$($($($(#[cfg($($cfg)*)])? stringify!($key),)*)?)+];
                refuse_others(&keys.changed(), &own, $name)?;
                Ok(Self {
                    bind: keys.bind,
                    connect: keys.connect,
                    connect_all: keys.connect_all,
                    $($($($(#[cfg($($cfg)*)])? $key: keys.$key,)*)?)+
                    metadata: keys.metadata,
                    #[cfg(feature = "tls")]
                    tls_client: keys.tls_client,
                    #[cfg(feature = "tls")]
                    tls_server: keys.tls_server,
                })
            }
        }
    };
}

/// The types that have a variant for each kind.
macro_rules! kinds {
    ($($socket:ident $config:ident $name:literal;)+) => {
        /// Describes a socket of any kind. The key `type` names the kind, such as `"client"`.
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
        // Through a struct of all keys: for a tagged enum, serde buffers the fields until it has
        // seen the tag, and errors then no longer state the line of the fault.
        #[serde(try_from = "AllKeys", tag = "type", rename_all = "lowercase")]
        #[non_exhaustive]
        pub enum SocketConfig {
            $(
                #[doc = concat!("A ", $name, ".")]
                $socket($config),
            )+
        }

        impl SocketConfig {
            /// Creates the socket, binds all its endpoints, then connects to the others. See
            /// [`ClientConfig::start`].
            ///
            /// # Cancel safety
            ///
            /// Dropping the future leaves nothing bound or connected.
            ///
            /// # Errors
            ///
            /// [`ConfigError`] if an endpoint, a property or a file is refused. Nothing is then bound or
            /// connected.
            ///
            /// # Panics
            ///
            /// Outside of a Tokio runtime with IO and time enabled.
            ///
            /// # Examples
            ///
            /// ```
            /// use tokio_zmtp::config::{AnySocket, SocketConfig};
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            /// let text = "type = 'gather'\nbind = 'tcp://127.0.0.1:*'";
            /// let config: SocketConfig = toml::from_str(text)?;
            /// if let AnySocket::Gather(gather) = config.start().await? {
            ///     println!("bound to {:?}", gather.last_endpoint());
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub async fn start(&self) -> Result<AnySocket, ConfigError> {
                match self {
                    $(Self::$socket(config) => config.start().await.map(AnySocket::$socket),)+
                }
            }

            /// Creates the socket like [`start`](Self::start), with a monitor of its events from
            /// the first one on: a monitor that is created later misses the events of endpoints and
            /// connections that have been established before.
            ///
            /// # Cancel safety
            ///
            /// Dropping the future leaves nothing bound or connected.
            ///
            /// # Errors
            ///
            /// [`ConfigError`] if an endpoint, a property or a file is refused. Nothing is then bound or
            /// connected.
            ///
            /// # Panics
            ///
            /// Outside of a Tokio runtime with IO and time enabled.
            ///
            /// # Examples
            ///
            /// ```
            /// use tokio_zmtp::config::SocketConfig;
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            /// let text = "type = 'pull'\nbind = 'tcp://127.0.0.1:*'";
            /// let config: SocketConfig = toml::from_str(text)?;
            /// let (socket, mut monitor) = config.start_with_monitor().await?;
            /// if let Some(Ok(event)) = monitor.recv().await {
            ///     println!("{} {}", event.endpoint, event.kind); // tcp://127.0.0.1:36541 listening
            /// }
            /// # socket.close().await;
            /// # Ok(())
            /// # }
            /// ```
            pub async fn start_with_monitor(&self) -> Result<(AnySocket, Monitor), ConfigError> {
                self.start_monitored(None).await
            }

            /// Creates the socket like [`start_with_monitor`](Self::start_with_monitor), with an
            /// authenticator, which a description cannot contain. See
            /// [`Builder::authenticator`].
            ///
            /// # Cancel safety
            ///
            /// Dropping the future leaves nothing bound or connected.
            ///
            /// # Errors
            ///
            /// [`ConfigError`] if an endpoint, a property or a file is refused. Nothing is then bound or
            /// connected.
            ///
            /// # Panics
            ///
            /// Outside of a Tokio runtime with IO and time enabled.
            ///
            /// # Examples
            ///
            /// ```
            /// use tokio_zmtp::auth::Users;
            /// use tokio_zmtp::config::SocketConfig;
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            /// let text = "type = 'pull'\nbind = 'tcp://127.0.0.1:*'\nmechanism = 'plain_server'";
            /// let config: SocketConfig = toml::from_str(text)?;
            /// let users = Users::from_iter([("alice", "swordfish")]);
            /// let (socket, monitor) = config.start_with_authenticator(users).await?;
            /// # drop(monitor);
            /// # socket.close().await;
            /// # Ok(())
            /// # }
            /// ```
            pub async fn start_with_authenticator(
                &self,
                authenticator: impl Authenticator,
            ) -> Result<(AnySocket, Monitor), ConfigError> {
                self.start_monitored(Some(SharedAuthenticator::new(authenticator))).await
            }

            async fn start_monitored(
                &self,
                authenticator: Option<SharedAuthenticator>,
            ) -> Result<(AnySocket, Monitor), ConfigError> {
                match self {
                    $(
                        Self::$socket(config) => {
                            let (socket, monitor) = config.start_monitored(authenticator).await?;
                            Ok((AnySocket::$socket(socket), monitor))
                        }
                    )+
                }
            }
        }

        /// The value of the key `type`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(rename_all = "lowercase")]
        pub(super) enum TypeName {
            $($socket,)+
        }

        impl TryFrom<AllKeys> for SocketConfig {
            type Error = String;

            fn try_from(keys: AllKeys) -> Result<Self, String> {
                match keys.r#type {
                    $(
                        Some(TypeName::$socket) => $config::from_keys(keys).map(Self::$socket),
                    )+
                    None => {
                        let kinds = [$(concat!("\"", $name, "\"")),+].join(", ");
                        Err(format!("missing field `type`: write one of {kinds}"))
                    }
                }
            }
        }

        $(
            impl From<$config> for SocketConfig {
                fn from(config: $config) -> Self {
                    Self::$socket(config)
                }
            }
        )+
    };
}

pub(super) use {all_keys, description, keys, kinds, methods, sockets};
