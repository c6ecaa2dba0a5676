//! What the acceptance cases share: the servers that `tests/run` started, and one blocking face for every adapter.
//!
//! A case is a function over any [`Lab`] client. [`everywhere!`] makes a test of it for each adapter and each way to the
//! server; [`with_websockets!`] leaves out the transport that has none.

pub mod bare_exec;
mod block_on;
pub mod child;
mod daemon;
pub mod generated;
pub mod image;
mod inventor;
mod log;
/// A transport of one's own, in the 40 lines that the README shows.
#[allow(missing_docs)]
#[rustfmt::skip]
mod own_transport;
pub mod pattern;
pub mod process;
mod project;
#[cfg(test)]
mod pylxd;
mod secrets;
#[allow(missing_debug_implementations)]
#[rustfmt::skip]
mod own_websockets;
mod lxc_directory;
mod servers;
mod sim;
mod storage;
pub mod tree;

use std::{
    fmt,
    io::{Read, Write},
};

use lxd_proto::{Address, Blocking};

pub use block_on::BlockOn;
pub use daemon::Daemon;
pub use inventor::{INVENTED, Inventor};
pub use log::capture;
pub use lxc_directory::lxc_directory;
pub use own_transport::Own;
pub use own_websockets::{OwnWebSockets, Threads};
pub use project::Project;
pub use secrets::secret;
pub use servers::{Server, Temporary, env, pinned, stranger, trusted, unique};
pub use storage::Pool;

/// A client as the cases need it: blocking, with `std`'s readers and writers.
pub trait Lab: Blocking<Reader: From<Input>, Writer: From<Output>> {
    /// What the client is called in the tests' names.
    const NAME: &'static str;

    /// A client for a server.
    fn connect(remote: lxd_host::Remote) -> Self;

    /// An answer's body as a reader.
    fn reader(body: Self::Body) -> Box<dyn Read>;
}

/// A reader of a case.
pub struct Input(pub Box<dyn Read + Send>);

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

/// A writer of a case.
pub struct Output(pub Box<dyn Write + Send>);

impl Write for Output {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.0.write(data)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Input")
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output")
    }
}

/// What is sent from a reader, of this length if it is known.
pub fn payload<C: Lab>(reader: impl Read + Send + 'static, length: Option<u64>) -> lxd_proto::Payload<C::Reader> {
    lxd_proto::Payload::Reader(Input(Box::new(reader)).into(), length)
}

/// A writer for a command's output.
pub fn output<C: Lab>(writer: impl Write + Send + 'static) -> C::Writer {
    Output(Box::new(writer)).into()
}

impl Lab for lxd_ureq::Client {
    const NAME: &'static str = "ureq";

    fn connect(remote: lxd_host::Remote) -> Self {
        Self::new(remote).expect("a client")
    }

    fn reader(body: Self::Body) -> Box<dyn Read> {
        Box::new(body)
    }
}

impl From<Input> for Box<dyn Read + Send> {
    fn from(input: Input) -> Self {
        input.0
    }
}

impl From<Output> for Box<dyn Write + Send> {
    fn from(output: Output) -> Self {
        output.0
    }
}

impl Lab for Own {
    const NAME: &'static str = "own";

    fn connect(remote: lxd_host::Remote) -> Self {
        match remote.address {
            Address::Unix(socket) => Self(socket, remote.scope),
            address => panic!("{address} is no Unix socket"),
        }
    }

    fn reader(body: Self::Body) -> Box<dyn Read> {
        Box::new(body)
    }
}

impl Lab for OwnWebSockets {
    const NAME: &'static str = "own";

    fn connect(remote: lxd_host::Remote) -> Self {
        Self(Own::connect(remote))
    }

    fn reader(body: Self::Body) -> Box<dyn Read> {
        Box::new(body)
    }
}

/// Makes a test of each case for each adapter, over the Unix socket and over HTTPS and on the simulation, and for the
/// transport of one's own.
#[macro_export]
macro_rules! everywhere {
    ($($case:ident),* $(,)?) => {
        $crate::with_websockets!($($case),*);
        mod own_unix {
            $(
                #[test]
                #[ignore = "needs a real LXD: tests/run"]
                fn $case() {
                    super::$case(&$crate::Server::<$crate::Own>::unix());
                }
            )*
        }
    };
}

/// Makes a test of each case for each adapter, over the Unix socket and over HTTPS, and on the simulation, where that can
/// do it: `.config/nextest.toml` lists what it cannot do.
#[macro_export]
macro_rules! with_websockets {
    ($($case:ident),* $(,)?) => {
        $crate::simulated!(ureq_sim, ::lxd_ureq::Client, $($case),*);
        $crate::simulated!(reqwest_sim, $crate::BlockOn, $($case),*);
        $crate::cases!(ureq_unix, ::lxd_ureq::Client, unix, $($case),*);
        $crate::cases!(ureq_https, ::lxd_ureq::Client, https, $($case),*);
        $crate::cases!(reqwest_unix, $crate::BlockOn, unix, $($case),*);
        $crate::cases!(reqwest_https, $crate::BlockOn, https, $($case),*);
    };
}

/// Makes a test of each case for one client and one way.
#[macro_export]
macro_rules! cases {
    ($module:ident, $client:ty, $way:ident, $($case:ident),*) => {
        mod $module {
            $(
                #[test]
                #[ignore = "needs a real LXD: tests/run"]
                fn $case() {
                    super::$case(&$crate::Server::<$client>::$way());
                }
            )*
        }
    };
}

/// Makes a test of each case for one client on the simulation.
#[macro_export]
macro_rules! simulated {
    ($module:ident, $client:ty, $($case:ident),*) => {
        mod $module {
            $(
                #[test]
                fn $case() {
                    super::$case(&$crate::Server::<$client>::sim());
                }
            )*
        }
    };
}

/// The README, whose examples are compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_shows_the_transport_that_is_tested() {
        let own = include_str!("own_transport.rs");
        assert!(own.lines().count() <= 40);
        assert!(include_str!("../../README.md").contains(&format!("```rust\n{own}```\n")));
        assert!(include_str!("own_websockets.rs").lines().count() <= 150);
    }
}
