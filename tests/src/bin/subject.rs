//! What `tests/bench` measures: one adapter that does one thing, as a user of it would write that.
//!
//! `subject ADAPTER SERVER COMMAND ARGS..`. The server is a Unix socket, or an address with `#` and the pin of its
//! certificate. With the adapters `ureq` and `reqwest` the commands are
//!
//! | command | does |
//! |---|---|
//! | `idle` | gets the server once: the least that a process of this adapter takes |
//! | `image-upload FILE` | uploads an image and waits for the server to have it |
//! | `image-delete FINGERPRINT` | deletes an image |
//! | `push INSTANCE LOCAL REMOTE` | writes a local file into an instance |
//! | `pull INSTANCE REMOTE LOCAL` | and back |
//! | `push-tree INSTANCE LOCAL REMOTE` | writes a local tree into an instance |
//! | `pull-tree INSTANCE REMOTE LOCAL` | and back |
//! | `image-export FINGERPRINT FILE` | receives an image that is one file, and looks whether it is that image |
//! | `exec-cat INSTANCE MIB` | sends so much through `cat`, and checks what comes back |
//! | `exec-true INSTANCE TIMES PARALLEL` | runs `true` so often, so many at a time, and says how long the slowest took |
//! | `get INSTANCE TIMES` | gets an instance so often |
//! | `list` | collects all instances with their state |
//! | `stream` | takes them one by one |
//! | `events` | takes many events |
//!
//! Instead of an adapter there is also what it is compared with, and what of that is to be counted is said at the end, as
//! seconds of CPU:
//!
//! | adapter | does |
//! |---|---|
//! | `bare-ureq` | ureq's own `get` of an address, so often |
//! | `bare-reqwest` | the same with reqwest: of an address, or of a Unix socket |
//! | `serde` | `list` or `stream`: reads the same JSON from memory, whole or already cut into its elements |
//! | `bare-tungstenite` | `events`, `exec-cat` and `exec-true`, of a Unix socket, in loops by hand |

use std::{error::Error, time::Duration};

use lxd_host::{Directory, Remote, ServerTrust};
use lxd_proto::resources::{Event, EventMetadata};
use lxd_tests::generated::{EVENTS, MANY};
use tokio::runtime::{Builder, Runtime};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let [adapter, server, command @ ..] = &args[..] else { return Err("subject ADAPTER SERVER COMMAND ARGS..".into()) };
    if let Some(done) = bare::run(adapter, server, command) {
        return done;
    }
    let remote = remote(server)?;
    match *adapter {
        "ureq" => blocking::run(&lxd_ureq::Client::new(remote)?, command),
        "reqwest" => {
            let threads = if command.first() == Some(&"get") { 1 } else { 2 };
            runtime(threads)?.block_on(concurrent::run(lxd_reqwest::Client::new(remote)?, command))
        }
        other => Err(format!("no adapter {other:?}").into()),
    }
}

fn remote(server: &str) -> Result<Remote> {
    Ok(match server.split_once('#') {
        Some((address, pin)) => Remote::https(address, ServerTrust::Pin(pin.parse()?))?,
        None => Remote::unix(server),
    })
}

/// One request after the other needs one thread: with more, most of the CPU goes to waking them, also with the bare
/// client.
fn runtime(threads: usize) -> Result<Runtime> {
    Ok(match threads {
        1 => Builder::new_current_thread().enable_all().build()?,
        threads => Builder::new_multi_thread().worker_threads(threads).enable_all().build()?,
    })
}

fn slowest(times: &[Duration]) {
    let mut times = times.to_vec();
    times.sort();
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len() - 1)).copied().unwrap_or_default();
    println!("median {:?}, 99 % {:?}, slowest {:?}", at(50), at(99), at(100));
}

/// Whether all events had a type that is known.
fn typed(count: usize) -> Result<()> {
    if count == EVENTS { Ok(()) } else { Err(format!("{count} events have a type").into()) }
}

fn is_typed(event: &Event) -> bool {
    !matches!(event.metadata, EventMetadata::Other(_))
}

/// A directory to be filled, and the one above it.
fn new_directory(path: &str) -> Result<Directory> {
    std::fs::create_dir_all(path)?;
    Ok(Directory::open(path)?)
}

/// Whether all elements of a list came.
fn all(count: usize) -> Result<()> {
    if count == MANY { Ok(()) } else { Err(format!("{count} elements").into()) }
}

mod bare {
    use std::os::unix::net::UnixStream;

    use lxd_host::Remote;
    use lxd_proto::resources::{Event, InstanceFull};
    use lxd_tests::{
        bare_exec,
        generated::{EVENTS, Instances, MANY},
    };

    use super::{Result, all, is_typed, remote, runtime, typed};

    pub(super) fn run(adapter: &str, server: &str, command: &[&str]) -> Option<Result<()>> {
        Some(match (adapter, command) {
            ("bare-ureq", ["get", instance, times]) => ureq(&url(server, instance), times),
            ("bare-reqwest", ["get", instance, times]) => reqwest(server, &url(server, instance), times),
            ("serde", ["list"]) => list(),
            ("serde", ["stream"]) => stream(),
            ("bare-tungstenite", ["events"]) => events(server),
            ("bare-tungstenite", ["exec-cat", instance, mib]) => exec_cat(server, instance, mib),
            ("bare-tungstenite", ["exec-true", instance, times, parallel]) => {
                exec_true(server, instance, times, parallel)
            }
            _ => return None,
        })
    }

    fn url(server: &str, instance: &str) -> String {
        let base = match server.split_once('#') {
            Some((address, _)) => format!("https://{address}"),
            None if server.starts_with('/') => "http://lxd".into(),
            None => format!("http://{server}"),
        };
        format!("{base}/1.0/instances/{instance}")
    }

    fn ureq(url: &str, times: &str) -> Result<()> {
        let agent = ureq::Agent::new_with_defaults();
        for _ in 0..times.parse::<usize>()? {
            agent.get(url).call()?.body_mut().read_to_vec()?;
        }
        Ok(())
    }

    fn reqwest(server: &str, url: &str, times: &str) -> Result<()> {
        let tls = if server.contains('#') { remote(server)? } else { Remote::unix("/") }.tls_config()?;
        let builder = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls);
        let builder = if server.starts_with('/') { builder.unix_socket(server) } else { builder };
        let client = builder.build()?;
        runtime(1)?.block_on(async {
            for _ in 0..times.parse::<usize>()? {
                client.get(url).send().await?.bytes().await?;
            }
            Ok(())
        })
    }

    /// The elements in batches, which are read again and again: all at once would be another measurement.
    const BATCH: usize = 1000;

    fn stream() -> Result<()> {
        let (instances, mut texts) = (Instances::default(), vec![Vec::new(); BATCH]);
        texts.iter_mut().enumerate().for_each(|(number, text)| instances.write(number, text));
        let (begin, mut count) = (cpu(), 0);
        for _ in 0..MANY / BATCH {
            for text in &texts {
                let instance: InstanceFull = serde_json::from_slice(text)?;
                count += usize::from(!instance.name.is_empty());
            }
        }
        eprintln!("cpu {}", cpu() - begin);
        all(count)
    }

    fn list() -> Result<()> {
        let (instances, mut text) = (Instances::default(), Vec::from(b"["));
        for number in 0..MANY {
            instances.write(number, &mut text);
            text.push(b',');
        }
        text.pop();
        text.push(b']');
        let begin = cpu();
        let list: Vec<InstanceFull> = serde_json::from_slice(&text)?;
        let count = list.len();
        // The adapters drop it, too.
        drop(list);
        eprintln!("cpu {}", cpu() - begin);
        all(count)
    }

    fn events(server: &str) -> Result<()> {
        let (mut socket, _) = tungstenite::client("ws://lxd/1.0/events", UnixStream::connect(server)?)?;
        let mut count = 0;
        for _ in 0..EVENTS {
            count += usize::from(is_typed(&Event::read(&socket.read()?.into_data())?));
        }
        typed(count)
    }

    fn exec_cat(server: &str, instance: &str, mib: &str) -> Result<()> {
        Ok(bare_exec::run_cat(server, instance, mib.parse::<u64>()? << 20)?)
    }

    fn exec_true(server: &str, instance: &str, times: &str, parallel: &str) -> Result<()> {
        Ok(bare_exec::run_true(server, instance, times.parse()?, parallel.parse()?)?)
    }

    /// How many seconds this process has computed.
    fn cpu() -> f64 {
        let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
        stat.split(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or_default() / 1e9
    }
}

mod blocking {
    use std::{
        fs::File,
        io::{self, Write},
        sync::atomic::{AtomicUsize, Ordering},
        thread,
        time::Instant,
    };

    use lxd_host::Directory;
    use lxd_proto::multipart::Piece;
    use lxd_tests::{
        generated::EVENTS,
        pattern::{Checked, Pattern},
    };
    use lxd_ureq::{Client, Payload, prelude::*};

    use super::{Result, all, is_typed, new_directory, slowest, typed};

    pub(super) fn run(lxd: &Client, command: &[&str]) -> Result<()> {
        match command {
            ["idle"] => drop(lxd.server().get().send()?),
            ["image-upload", file] => drop(lxd.images().upload(lxd_ureq::file(file)?).wait().send()?),
            ["image-delete", fingerprint] => lxd.image(*fingerprint).delete().wait().send()?,
            ["push", instance, local, remote] => {
                lxd.instance(*instance).files().put(*remote, lxd_ureq::file(local)?).send()?;
            }
            ["pull", instance, remote, local] => {
                let mut incoming = lxd.instance(*instance).files().get(*remote).send()?;
                io::copy(&mut incoming.body, &mut File::create(local)?)?;
            }
            ["push-tree", instance, local, remote] => {
                lxd.instance(*instance).files().push_tree(Directory::open(local)?, *remote).send()?;
            }
            ["pull-tree", instance, remote, local] => {
                lxd.instance(*instance).files().pull_tree(*remote, new_directory(local)?).send()?;
            }
            ["image-export", fingerprint, file] => {
                let mut file = File::create(file)?;
                for piece in lxd.image(*fingerprint).export().pieces().send()? {
                    if let Piece::Data(data) = piece? {
                        file.write_all(&data)?;
                    }
                }
            }
            ["exec-cat", instance, mib] => {
                let size = mib.parse::<u64>()? << 20;
                let (input, output) = (Pattern::new(size), Checked::default());
                let cat = lxd.instance(*instance).exec(["cat"]);
                cat.stdin(Payload::reader(input)).stdout(output.clone()).status().send()?;
                output.is_whole(size)?;
            }
            ["exec-true", instance, times, parallel] => {
                let (times, parallel) = (times.parse::<usize>()?, parallel.parse::<usize>()?);
                let next = AtomicUsize::new(0);
                let work = || {
                    let mut took = Vec::new();
                    while next.fetch_add(1, Ordering::Relaxed) < times {
                        let begin = Instant::now();
                        if lxd.instance(*instance).exec(["true"]).status().send()?.code != 0 {
                            return Err("`true` failed".into());
                        }
                        took.push(begin.elapsed());
                    }
                    Ok(took)
                };
                let all: Result<Vec<_>> = thread::scope(|scope| {
                    let workers: Vec<_> = (0..parallel).map(|_| scope.spawn(work)).collect();
                    workers.into_iter().map(|worker| worker.join().expect("a worker")).collect()
                });
                slowest(&all?.concat());
            }
            ["get", instance, times] => {
                for _ in 0..times.parse::<usize>()? {
                    lxd.instance(*instance).get().send()?;
                }
            }
            ["list"] => all(lxd.instances().list_full().send()?.len())?,
            ["stream"] => {
                let mut count = 0;
                for instance in lxd.instances().list_full().stream().send()? {
                    count += usize::from(!instance?.name.is_empty());
                }
                all(count)?;
            }
            ["events"] => {
                let mut count = 0;
                for notice in lxd.events().subscribe().send()?.take(EVENTS) {
                    count += usize::from(is_typed(&notice?.into_event()?));
                }
                typed(count)?;
            }
            _ => return Err(format!("no command {command:?}").into()),
        }
        Ok(())
    }
}

mod concurrent {
    use std::time::Instant;

    use futures_util::{StreamExt, TryStreamExt, stream};
    use lxd_host::Directory;
    use lxd_proto::multipart::Piece;
    use lxd_reqwest::{Client, Payload, prelude::*};
    use lxd_tests::{
        generated::EVENTS,
        pattern::{Checked, Pattern},
    };
    use tokio::{fs::File, io};

    use super::{Result, all, is_typed, new_directory, slowest, typed};

    pub(super) async fn run(lxd: Client, command: &[&str]) -> Result<()> {
        match command {
            ["idle"] => drop(lxd.server().get().await?),
            ["image-upload", file] => drop(lxd.images().upload(lxd_reqwest::file(file).await?).wait().await?),
            ["image-delete", fingerprint] => lxd.image(*fingerprint).delete().wait().await?,
            ["push", instance, local, remote] => {
                lxd.instance(*instance).files().put(*remote, lxd_reqwest::file(local).await?).await?;
            }
            ["pull", instance, remote, local] => {
                let mut incoming = lxd.instance(*instance).files().get(*remote).await?;
                let mut file = File::create(local).await?;
                io::copy_buf(&mut incoming.body, &mut file).await?;
                io::AsyncWriteExt::flush(&mut file).await?;
            }
            ["push-tree", instance, local, remote] => {
                lxd.instance(*instance).files().push_tree(Directory::open(local)?, *remote).await?;
            }
            ["pull-tree", instance, remote, local] => {
                lxd.instance(*instance).files().pull_tree(*remote, new_directory(local)?).await?;
            }
            ["image-export", fingerprint, file] => {
                let mut file = File::create(file).await?;
                let mut pieces = lxd.image(*fingerprint).export().pieces().await?;
                while let Some(piece) = pieces.next_piece().await? {
                    if let Piece::Data(data) = piece {
                        io::AsyncWriteExt::write_all(&mut file, &data).await?;
                    }
                }
                io::AsyncWriteExt::flush(&mut file).await?;
            }
            ["exec-cat", instance, mib] => {
                let size = mib.parse::<u64>()? << 20;
                let (input, output) = (Pattern::new(size), Checked::default());
                let cat = lxd.instance(*instance).exec(["cat"]);
                cat.stdin(Payload::reader(input)).stdout(output.clone()).status().await?;
                output.is_whole(size)?;
            }
            ["exec-true", instance, times, parallel] => {
                let instance = lxd.instance(*instance);
                let run = |_| {
                    let (command, begin) = (instance.exec(["true"]).status(), Instant::now());
                    // A task of its own for each, as a server would have it.
                    let task = tokio::spawn(async move {
                        let code = command.await?.code;
                        if code == 0 { Ok(begin.elapsed()) } else { Err("`true` failed".into()) }
                    });
                    async { task.await? }
                };
                let all = stream::iter(0..times.parse::<usize>()?).map(run).buffer_unordered(parallel.parse()?);
                let all: Result<Vec<_>> = all.try_collect().await;
                slowest(&all?);
            }
            ["get", instance, times] => {
                for _ in 0..times.parse::<usize>()? {
                    lxd.instance(*instance).get().await?;
                }
            }
            ["list"] => all(lxd.instances().list_full().await?.len())?,
            ["stream"] => {
                let mut count = 0;
                let mut list = lxd.instances().list_full().stream().await?;
                while let Some(instance) = list.try_next().await? {
                    count += usize::from(!instance.name.is_empty());
                }
                all(count)?;
            }
            ["events"] => {
                let (mut count, mut events) = (0, lxd.events().subscribe().await?.take(EVENTS));
                while let Some(notice) = events.try_next().await? {
                    count += usize::from(is_typed(&notice.into_event()?));
                }
                typed(count)?;
            }
            _ => return Err(format!("no command {command:?}").into()),
        }
        Ok(())
    }
}
