//! Types that send round-robin, each with the type that receives from it: SCATTER and GATHER, PUSH
//! and PULL, and two DEALERs, of which one sends.
//!
//! Every test applies to each pair. Classic types exchange messages of several parts.

mod batches;
mod cancellation;
mod exchange;
mod security;
mod sender;

pub(crate) use self::sender::{Numbered, Payload, Receiver, Sender};

/// Runs `async fn $test<S: Sender>()` for each pair of types. Arguments in parentheses are passed
/// to `tokio::test`. With `over every transport`, or `over every transport and streams`, the test is
/// `async fn $test<S: Sender>(transport)`.
macro_rules! for_every_pair {
    ($test:ident $(, $($how:tt)+)?) => {
        $crate::one_way::for_pairs!(
            $test [$($($how)+)?]
            dealer_and_dealer: Dealer,
            push_and_pull: Push,
            scatter_and_gather: Scatter,
        );
    };
}
pub(crate) use for_every_pair;

/// Does the same for the types of which one only sends and the other only receives.
macro_rules! for_every_one_way_pair {
    ($test:ident) => {
        $crate::one_way::for_pairs!(
            $test []
            push_and_pull: Push,
            scatter_and_gather: Scatter,
        );
    };
}
pub(crate) use for_every_one_way_pair;

/// Runs a test for some pairs, each of which has a name and a type that sends.
macro_rules! for_pairs {
    ($test:ident [over every transport] $($pair:ident: $sender:ident,)+) => {
        mod $test {
            $(mod $pair {
                $crate::transports::over_every_transport!(
                    @tests super::super::$test::<tokio_zmtp::$sender>
                );
            })+
        }
    };
    ($test:ident [over every transport and streams] $($pair:ident: $sender:ident,)+) => {
        mod $test {
            $(mod $pair {
                $crate::transports::over_every_transport_and_streams!(
                    @tests super::super::$test::<tokio_zmtp::$sender>
                );
            })+
        }
    };
    ($test:ident [over every transport on threads] $($pair:ident: $sender:ident,)+) => {
        mod $test {
            $(mod $pair {
                $crate::transports::over_every_transport!(
                    @tests super::super::$test::<tokio_zmtp::$sender>, flavor = "multi_thread"
                );
            })+
        }
    };
    ($test:ident [$arguments:tt] $($pair:ident: $sender:ident,)+) => {
        mod $test {
            $(#[tokio::test $arguments]
            async fn $pair() {
                super::$test::<tokio_zmtp::$sender>().await;
            })+
        }
    };
    ($test:ident [] $($pairs:tt)+) => {
        $crate::one_way::for_pairs!($test [()] $($pairs)+);
    };
}
pub(crate) use for_pairs;
