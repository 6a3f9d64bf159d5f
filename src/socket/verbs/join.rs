//! The groups of a socket: `join`, `leave` and `joined`.

macro_rules! join_verbs {
    ($socket:ident, $handle:literal) => {
        /// # Groups
        impl $socket {
            /// Joins a group: the socket receives its messages from now on. Returns false if the
            /// socket has joined it already, which changes nothing. (libzmq `zmq_join`, which fails
            /// with `EINVAL` in that case.)
            ///
            /// Each remote is informed immediately, and again whenever a connection is established.
            /// Messages arrive once a remote has processed the request.
            ///
            /// # Examples
            ///
            /// ```
            /// use tokio_zmtp::Group;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            /// let weather = Group::try_from("weather")?;
            #[doc = concat!("assert!(", $handle, ".join(&weather));")]
            #[doc = concat!("assert_eq!(", $handle, ".joined(), [weather]);")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn join(&self, group: &zmtp_proto::group::Group) -> bool {
                self.0.core.add_interest(group)
            }

            /// Leaves a group. No message of the group is received afterwards, including messages
            /// that have already arrived. Returns false if the socket has not joined it. (libzmq
            /// `zmq_leave`, which fails with `EINVAL` in that case.)
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::group_example!($socket, $handle)]
            #[doc = concat!($handle, ".join(&weather);")]
            #[doc = concat!("assert!(", $handle, ".leave(&weather));")]
            #[doc = concat!("assert!(!", $handle, ".leave(&weather));")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn leave(&self, group: &zmtp_proto::group::Group) -> bool {
                self.0.core.remove_interest(group)
            }

            /// Returns the groups that the socket has joined, in the order of their names.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("for group in ", $handle, ".joined() {")]
            ///     println!("{group}");
            /// }
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn joined(&self) -> Vec<zmtp_proto::group::Group> {
                self.0.core.outgoing.lock().interests()
            }
        }

        impl $crate::socket::Builder<$socket> {
            /// Adds a group that the socket joins when it is created. Default: none.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::{", stringify!($socket), ", Group};")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            /// let weather = Group::try_from("weather")?;
            #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
            ///     .join(&weather)
            ///     .connect("tcp://192.0.2.1:5555")
            ///     .await?;
            #[doc = concat!("assert_eq!(", $handle, ".joined(), [weather]);")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn join(mut self, group: &zmtp_proto::group::Group) -> Self {
                self.options.groups.join.push(group.clone());
                self
            }
        }
    };
}

pub(in crate::socket) use join_verbs;
