//! Everything that depends on the operating system. Each item exists on every system, with its
//! fallback next to it, so that other modules are the same on every system. The exceptions are
//! public options in `socket::builder` and `config`: where a system does not have an option, its use
//! does not compile.
//!
//! | File | What it provides | Where | Otherwise |
//! |---|---|---|---|
//! | `datagrams` | several datagrams for each call of the system, and the number of those that it dropped | Linux, Android | one datagram for each call; those that the system dropped are not counted |
//! | `errors` | the error that no file descriptor is left | Unix | it is not distinguished: a listener pauses, and evicts no handshake |
//! | `files` | a file that only its owner can read | Unix | the permissions of the directory apply |
//! | `runtime` | a check that the runtime has IO enabled | Unix | the first connection panics |
//! | `sockets` | the network interface of connections, their priority, and the time for which data may stay unacknowledged | Linux, Android | the setters do not exist |
//! | `sockets` | the interval and the number of keep-alive probes | not on OpenBSD | the setters do not exist |
//! | `sockets` | the type of service of packets | not on Windows, nor on Apple's systems other than macOS | the setter does not exist |
//! | `sockets` | a limit on unsent bytes | Linux, Android | the buffer of the system is the limit |
//! | `sockets` | an address that can be bound while earlier connections from it last | not on Windows | the default of the system applies |
//! | `sockets` | multicast: several sockets share a port | Unix, mostly by `SO_REUSEPORT` | by `SO_REUSEADDR` alone |
//! | `sockets` | multicast: a socket is bound to a group | Unix | it also receives datagrams that are sent to other addresses at its port |
//! | `sockets` | multicast: a socket receives only what it has joined itself | Linux | on Android, also what others have joined; elsewhere, this is the default |
//! | `std_listener` | listeners of Unix domain sockets that were created elsewhere | Unix | the variant does not exist |
//! | `unix_socket` | Unix domain sockets | Unix | endpoints with `ipc` are refused: the types have no values |
//! | `unix_socket` | a file that is held open while its attributes change | Linux, Android | its path is used, and checked before |
//!
//! | System | What has been verified |
//! |---|---|
//! | Linux | tested continuously |
//! | macOS on ARM, Windows (the GNU target) | type-checked continuously, without the feature `tls`; never run |
//! | FreeBSD | type-checked once, without the feature `tls`; never run |
//! | every other system | never compiled |

pub(crate) mod datagrams;
pub(crate) mod errors;
pub(crate) mod files;
pub(crate) mod runtime;
pub(crate) mod sockets;
mod std_listener;
pub(crate) mod unix_socket;

pub use self::std_listener::StdListener;
pub use self::unix_socket::ProcessCredentials;
