//! One container's whole life, with the async client:
//!
//! ```text
//! cargo run --example tour-async -- --image busybox.tar.gz
//! cargo run --example tour-async -- --alias busybox --url https://lxd.example:8443 --token eyJjbGll...
//! ```
//!
//! `lxd-ureq/examples/tour-blocking.rs` is the same with the blocking client.

use std::{
    io::Cursor,
    pin::Pin,
    process::ExitCode,
    task::{Context, Poll, ready},
};

use futures_util::StreamExt;
use lxd_reqwest::{
    Client, Payload,
    prelude::*,
    resources::{EventType, InstanceSnapshotsPost, InstancesPost, Notice},
};

use tokio::{
    fs::File,
    io::{AsyncRead, AsyncReadExt, ReadBuf},
    sync::mpsc,
    task::block_in_place,
    time::timeout,
};

#[path = "../../examples/tour.rs"]
mod tour;

use tour::{Image, Made, Options, Result, Screen, Watched};

#[tokio::main]
async fn main() -> ExitCode {
    let mut screen = Screen::default();
    let outcome = run(&mut screen).await;
    screen.end(outcome)
}

async fn run(screen: &mut Screen) -> Result<()> {
    let mut options = Options::parse(std::env::args().skip(1))?;
    screen.watch_for_ctrl_c()?;
    let remote = block_in_place(|| options.remote(screen))?;
    let certificate = remote.identity.as_ref().map(|identity| identity.fingerprint());
    let mut made = Made { certificate, ..Made::default() };
    let lxd = Client::new(remote)?;
    let outcome = tour(&lxd, &options, screen, &mut made).await;
    screen.outcome(outcome, clean_up(&lxd, made).await)
}

async fn tour(lxd: &Client, options: &Options, screen: &mut Screen, made: &mut Made) -> Result<()> {
    let name = tour::name();

    if let Some(proof) = &options.proof {
        screen.step("Become trusted")?;
        lxd.certificates().trust(&name, proof.clone()).await?;
        screen.say(format!("as {name}"))?;
    }

    screen.step("Ask the server what it is")?;
    let server = lxd.server().get().await?;
    let environment = &server.environment;
    screen.say(format!("{} {}, {}", environment.server, environment.server_version, server.auth))?;

    let image = match options.image()? {
        Image::Alias(alias) => {
            screen.step(format!("Look up the image {alias}"))?;
            lxd.image_alias(alias).get().await?.target.clone()
        }
        Image::File(path) => {
            screen.step(format!("Upload the image {}", path.display()))?;
            let fingerprint = block_in_place(|| screen.fingerprint(path))?;
            match lxd.image(fingerprint.to_string()).get().await {
                Ok(_) => screen.say("the server has it already")?,
                Err(error) if error.is_not_found() => {
                    let file = File::open(path).await?;
                    let length = file.metadata().await?.len();
                    made.image = Some(fingerprint);
                    let file = screen.watch(file, Some(length));
                    lxd.images().upload(Payload::sized(file, length)).fingerprint(fingerprint).wait().await?;
                }
                Err(error) => return Err(error.into()),
            }
            fingerprint.to_string()
        }
    };
    screen.say(format!("its fingerprint is {image}"))?;

    screen.step("Listen to what happens to the container")?;
    let mut events = Events::listen(lxd, &name).await?;

    screen.step(format!("Create {name}"))?;
    made.instance = Some(name.clone());
    lxd.instances().create(InstancesPost::from_fingerprint(&name, &image)).wait().await?;
    events.until("instance-created", screen).await?;
    let container = lxd.instance(&name);

    screen.step("Start it")?;
    container.start().wait().await?;
    events.until("instance-started", screen).await?;
    screen.say(format!("it is {}", container.state().await?.status))?;

    screen.step("Sort 3, 1 and 2 in it")?;
    let sorted = container.exec(["sort", "-n"]).stdin("3\n1\n2\n").output().await?;
    screen.say(format!("exit code {}, stdout {:?}", sorted.code, String::from_utf8_lossy(&sorted.stdout)))?;
    events.until("instance-exec", screen).await?;

    screen.step("Push a file")?;
    let content = tour::content();
    let length = content.len() as u64;
    let file = screen.watch(Cursor::new(content.clone()), Some(length));
    container.files().put("/root/tour", Payload::sized(file, length)).mode(0o600).await?;
    screen.say(format!("{length} bytes"))?;
    events.until("instance-file-pushed", screen).await?;

    screen.step("Pull it again")?;
    let incoming = container.files().get("/root/tour").await?;
    let mut back = Vec::new();
    screen.watch(incoming.body, incoming.head.size).read_to_end(&mut back).await?;
    if back != content {
        return Err("the file came back different".into());
    }
    screen.say(format!("it came back the same, with mode {:o}", incoming.head.mode.unwrap_or(0)))?;
    events.until("instance-file-retrieved", screen).await?;

    screen.step("Take the snapshot `before`")?;
    container.snapshots().create(InstanceSnapshotsPost::new("before")).wait().await?;
    events.until("instance-snapshot-created", screen).await?;

    screen.step("Edit its configuration")?;
    let edit = container.edit(|container| {
        container.config.insert("user.tour".into(), "edited".into());
    });
    edit.await?;
    screen.say(tour::setting(&container.get().await?.value))?;
    events.until("instance-updated", screen).await?;

    screen.step("Restore `before`")?;
    container.restore("before").wait().await?;
    screen.say(tour::setting(&container.get().await?.value))?;
    events.until("instance-restored", screen).await?;

    screen.step("Stop it")?;
    container.stop().force().wait().await?;
    events.until("instance-stopped", screen).await?;

    screen.step("Delete it")?;
    container.delete().wait().await?;
    made.instance = None;
    events.until("instance-deleted", screen).await?;

    if let Some(image) = made.image {
        screen.step("Delete the image")?;
        lxd.image(image.to_string()).delete().wait().await?;
        made.image = None;
    }
    if let Some(certificate) = made.certificate {
        screen.step("Leave the server's list of trusted clients")?;
        lxd.certificate(certificate.to_string()).delete().wait().await?;
        made.certificate = None;
    }
    Ok(())
}

/// Removes what a tour that did not come to its end has left.
async fn clean_up(lxd: &Client, made: Made) -> Result<()> {
    let mut removed = Vec::new();
    if let Some(name) = made.instance {
        // It may not run, or not be there.
        let _ = lxd.instance(&name).stop().force().wait().await;
        removed.push(tour::gone(lxd.instance(&name).delete().wait().await));
    }
    if let Some(image) = made.image {
        removed.push(tour::gone(lxd.image(image.to_string()).delete().wait().await));
    }
    if let Some(certificate) = made.certificate {
        removed.push(tour::gone(lxd.certificate(certificate.to_string()).delete().wait().await));
    }
    removed.into_iter().collect()
}

/// What happens to the container. A task listens.
struct Events(mpsc::UnboundedReceiver<Result<String>>);

impl Events {
    async fn listen(lxd: &Client, name: &str) -> Result<Self> {
        let mut events = lxd.events().types([EventType::Lifecycle]).subscribe().await?;
        let (sender, receiver) = mpsc::unbounded_channel();
        let name = name.to_owned();
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let happened = match event.and_then(Notice::into_event) {
                    Ok(event) => tour::happened(&event, &name).map(Ok),
                    Err(error) => Some(Err(error.into())),
                };
                if happened.is_some_and(|happened| sender.send(happened).is_err()) {
                    return;
                }
            }
        });
        Ok(Self(receiver))
    }

    /// Shows what has happened, up to this.
    async fn until(&mut self, last: &str, screen: &Screen) -> Result<()> {
        loop {
            let next = timeout(tour::PATIENCE, self.0.recv()).await;
            let happened = next.ok().flatten().ok_or_else(|| format!("the event {last} does not come"))??;
            screen.say(format!("event {happened}"))?;
            if happened == last {
                return Ok(());
            }
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        Poll::Ready(self.passed(buffer.filled().len() - before))
    }
}
