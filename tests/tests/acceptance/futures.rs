//! Giving up a future anywhere: it takes its connections with it, and the client goes on.

use std::{
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use lxd_proto::{Lxd, resources::Ready};
use lxd_reqwest::{Payload, Reader};
use lxd_tests::{
    BlockOn, Server, cases,
    pattern::Pattern,
    process::{POOLED, Resources},
    unique,
};

cases!(reqwest_unix, lxd_tests::BlockOn, unix, after_any_poll, after_any_time, sessions_go_on);
cases!(reqwest_https, lxd_tests::BlockOn, https, after_any_poll, after_any_time, sessions_go_on);

/// All kinds of futures that there are, dropped by `drop_it`, which polls them in its way.
async fn every_future<D: AsyncFn(&mut (dyn Future<Output = ()> + Send + Unpin))>(
    lxd: &lxd_reqwest::Client,
    instance: &str,
    drop_it: D,
) {
    let instance = lxd.instance(instance);
    drop_it(&mut Box::pin(async { drop(lxd.server().get().await) })).await;
    drop_it(&mut Box::pin(async { drop(instance.exec(["true"]).output().await) })).await;
    drop_it(&mut Box::pin(async { drop(instance.exec(["yes"]).output().await) })).await;
    let endless = || Payload::reader(Reader::from(Pattern::new(u64::MAX)));
    drop_it(&mut Box::pin(async { drop(instance.exec(["cat"]).stdin(endless()).status().await) })).await;
    drop_it(&mut Box::pin(async { drop(instance.exec(["cat"]).interactive(80, 24).output().await) })).await;
    drop_it(&mut Box::pin(async { drop(instance.exec(["yes"]).spawn().await.unwrap().wait().await) })).await;
    drop_it(&mut Box::pin(async { drop(instance.exec(["cat"]).stdin(endless()).spawn().await) })).await;
    drop_it(&mut Box::pin(async { drop(instance.wait_until(Ready::Address).await) })).await;
    drop_it(&mut Box::pin(async { drop(instance.files().put("/root/file", vec![0; 1 << 20]).await) })).await;
    drop_it(&mut Box::pin(async { drop(instance.files().get("/bin/busybox").bytes().await) })).await;
    drop_it(&mut Box::pin(async {
        let Ok(mut sftp) = instance.sftp().await else { return };
        drop(sftp.write("/root/sftp", vec![0; 1 << 20]).await);
        drop(sftp.read("/bin/busybox").await);
        drop(sftp.readdir("/bin").await);
    }))
    .await;
    drop_it(&mut Box::pin(async { drop(instance.edit(|put| put.description = unique("cancel")).await) })).await;
    drop_it(&mut Box::pin(async {
        let Ok(mut events) = lxd.events().subscribe().await else { return };
        while events.next().await.is_some() {}
    }))
    .await;
}

fn check(server: &Server<BlockOn>, what: impl AsyncFn(&lxd_reqwest::Client, &str)) {
    let (name, instance) = {
        let instance = server.running("cancel");
        (instance.get().send().unwrap().value.name, instance)
    };
    let lxd = &server.lxd.0;
    BlockOn::block_on(async {
        lxd.instance(&name).exec(["true"]).output().await.unwrap();
        let before = Resources::now();
        what(lxd, &name).await;
        tokio::task::yield_now().await;
        before.assert_flat(POOLED);
        assert_eq!(lxd.instance(&name).exec(["echo", "still here"]).output().await.unwrap().stdout, "still here\n");
    });
    // Commands end when nobody listens any more.
    let end = Instant::now() + Duration::from_secs(20);
    while instance.exec(["pidof", "yes", "cat"]).output().send().unwrap().code == 0 {
        assert!(Instant::now() < end, "commands still run");
    }
}

/// pylxd: W40.
fn after_any_poll(server: &Server<BlockOn>) {
    check(server, async |lxd, instance| {
        for most in 0..60 {
            every_future(lxd, instance, async |future| {
                let (mut polls, mut future) = (0, pin!(future));
                let polled = poll_fn(|context| {
                    if polls == most || future.as_mut().poll(context).is_ready() {
                        return Poll::Ready(());
                    }
                    polls += 1;
                    Poll::Pending
                });
                // Events are polled only when there are any.
                drop(tokio::time::timeout(Duration::from_millis(100), polled).await);
            })
            .await;
        }
    });
}

fn after_any_time(server: &Server<BlockOn>) {
    check(server, async |lxd, instance| {
        for time in (0..20).map(|n| Duration::from_micros(50 * n * n)) {
            every_future(lxd, instance, async |future| drop(tokio::time::timeout(time, future).await)).await;
        }
    });
}

/// What is given up in a session does no harm to what follows.
fn sessions_go_on(server: &Server<BlockOn>) {
    let instance = server.stopped("given-up");
    let instance = server.lxd.0.instance(instance.name());
    BlockOn::block_on(async {
        let mut sftp = instance.sftp().await.unwrap();
        let content: Vec<u8> = (0..1_000_000_u32).map(|at| at.to_be_bytes()[2]).collect();
        for most in (0..400).step_by(7) {
            let mut polls = 0;
            let mut give_up = async |future: &mut (dyn Future<Output = ()> + Send + Unpin)| {
                let mut future = pin!(future);
                poll_fn(|context| {
                    polls += 1;
                    if polls % 400 > most { Poll::Ready(()) } else { future.as_mut().poll(context) }
                })
                .await;
            };
            give_up(&mut Box::pin(async { drop(sftp.write("/root/file", content.clone()).await) })).await;
            give_up(&mut Box::pin(async { drop(sftp.read("/root/file").await) })).await;
            give_up(&mut Box::pin(async { drop(sftp.readdir("/bin").await) })).await;
            assert_eq!(sftp.realpath("/root/..").await.unwrap(), "/");
        }
        sftp.write("/root/file", content.clone()).await.unwrap();
        assert!(sftp.read("/root/file").await.unwrap() == content);
    });
}
