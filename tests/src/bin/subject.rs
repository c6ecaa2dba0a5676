//! What `tests/bench` measures: one adapter that does one thing, as a user of it would write that.
//!
//! `subject ADAPTER SOCKET COMMAND ARGS..`, with the adapters `ureq` and `reqwest` and the commands
//!
//! | command | does |
//! |---|---|
//! | `idle` | gets the server once: the least that a process of this adapter takes |
//! | `image-upload FILE` | uploads an image and waits for the server to have it |
//! | `image-delete FINGERPRINT` | deletes an image |
//! | `push INSTANCE LOCAL REMOTE` | writes a local file into an instance |
//! | `pull INSTANCE REMOTE LOCAL` | and back |
//! | `exec-cat INSTANCE MIB` | sends so much through `cat`, and checks what comes back |
//! | `exec-true INSTANCE TIMES PARALLEL` | runs `true` so often, so many at a time, and says how long the slowest took |
//! | `get INSTANCE TIMES` | gets an instance so often |

use std::{error::Error, time::Duration};

use lxd_host::Remote;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let [adapter, socket, command @ ..] = &args[..] else { return Err("subject ADAPTER SOCKET COMMAND ARGS..".into()) };
    let remote = Remote::unix(*socket);
    match *adapter {
        "ureq" => blocking::run(&lxd_ureq::Client::new(remote)?, command),
        "reqwest" => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(concurrent::run(lxd_reqwest::Client::new(remote)?, command))
        }
        other => Err(format!("no adapter {other:?}").into()),
    }
}

fn slowest(times: &[Duration]) {
    let mut times = times.to_vec();
    times.sort();
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len() - 1)).copied().unwrap_or_default();
    println!("median {:?}, 99 % {:?}, slowest {:?}", at(50), at(99), at(100));
}

mod blocking {
    use std::{
        fs::File,
        io,
        sync::atomic::{AtomicUsize, Ordering},
        thread,
        time::Instant,
    };

    use lxd_tests::pattern::{Checked, Pattern};
    use lxd_ureq::{Client, Payload, prelude::*};

    use super::{Result, slowest};

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
            _ => return Err(format!("no command {command:?}").into()),
        }
        Ok(())
    }
}

mod concurrent {
    use std::time::Instant;

    use futures_util::{StreamExt, TryStreamExt, stream};
    use lxd_reqwest::{Client, Payload, prelude::*};
    use lxd_tests::pattern::{Checked, Pattern};
    use tokio::{fs::File, io};

    use super::{Result, slowest};

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
            _ => return Err(format!("no command {command:?}").into()),
        }
        Ok(())
    }
}
