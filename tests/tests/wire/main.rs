//! What both adapters do with bad servers, bad networks and bad input. No LXD is needed: each case talks to a small
//! server of its own in this process, over a Unix socket, over TLS, or over both.

mod answers;
mod cancel;
mod events;
mod keep_alive;
mod lists;
mod names;
mod proxies;
mod server;
mod sftp;
mod sftp_server;
mod silence;
mod sockets;
mod timeouts;
mod tls;
mod trees;
mod trees_by_files;
mod trust;
mod uploads;
mod websockets;

/// Makes tests of cases for each adapter: `either_way` over a Unix socket and over TLS, `once` as they are.
macro_rules! cases {
    ($(either_way: $($case:ident),+;)? $(once: $($single:ident),+;)?) => {
        crate::cases!(@ureq, lxd_ureq::Client, [$($($case)+)?], [$($($single)+)?]);
        crate::cases!(@reqwest, lxd_tests::BlockOn, [$($($case)+)?], [$($($single)+)?]);
    };
    (@$adapter:ident, $client:ty, [$($case:ident)*], [$($single:ident)*]) => {
        mod $adapter {
            $(
                mod $case {
                    #[test]
                    fn unix() {
                        super::super::$case::<$client>(crate::server::Way::Unix);
                    }

                    #[test]
                    fn tls() {
                        super::super::$case::<$client>(crate::server::Way::Tls);
                    }
                }
            )*
            $(
                #[test]
                fn $single() {
                    super::$single::<$client>();
                }
            )*
        }
    };
}

pub(crate) use cases;
