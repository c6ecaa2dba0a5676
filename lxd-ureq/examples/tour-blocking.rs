//! One container's whole life, with the blocking client:
//!
//! ```text
//! cargo run --example tour-blocking -- --image busybox.tar.gz
//! cargo run --example tour-blocking -- --alias busybox --url https://lxd.example:8443 --token eyJjbGll...
//! ```
//!
//! `lxd-reqwest/examples/tour-async.rs` is the same with the async client.

use std::{
    fs::File,
    io::{Cursor, Read},
    process::ExitCode,
    sync::mpsc,
    thread,
};

use lxd_ureq::{
    Client, Payload,
    prelude::*,
    resources::{EventType, InstanceSnapshotsPost, InstancesPost, Notice},
};

#[path = "../../examples/tour.rs"]
mod tour;

use tour::{Image, Made, Options, Result, Screen};

fn main() -> ExitCode {
    let mut screen = Screen::default();
    let outcome = run(&mut screen);
    screen.end(outcome)
}

fn run(screen: &mut Screen) -> Result<()> {
    let mut options = Options::parse(std::env::args().skip(1))?;
    screen.watch_for_ctrl_c()?;
    let remote = options.remote(screen)?;
    let certificate = remote.identity.as_ref().map(|identity| identity.fingerprint());
    let mut made = Made { certificate, ..Made::default() };
    let lxd = Client::new(remote)?;
    let outcome = tour(&lxd, &options, screen, &mut made);
    screen.outcome(outcome, clean_up(&lxd, made))
}

fn tour(lxd: &Client, options: &Options, screen: &mut Screen, made: &mut Made) -> Result<()> {
    let name = tour::name();

    if let Some(proof) = &options.proof {
        screen.step("Become trusted")?;
        lxd.certificates().trust(&name, proof.clone()).send()?;
        screen.say(format!("as {name}"))?;
    }

    screen.step("Ask the server what it is")?;
    let server = lxd.server().get().send()?;
    let environment = &server.environment;
    screen.say(format!("{} {}, {}", environment.server, environment.server_version, server.auth))?;

    let image = match options.image()? {
        Image::Alias(alias) => {
            screen.step(format!("Look up the image {alias}"))?;
            lxd.image_alias(alias).get().send()?.target.clone()
        }
        Image::File(path) => {
            screen.step(format!("Upload the image {}", path.display()))?;
            let fingerprint = screen.fingerprint(path)?;
            match lxd.image(fingerprint.to_string()).get().send() {
                Ok(_) => screen.say("the server has it already")?,
                Err(error) if error.is_not_found() => {
                    let file = File::open(path)?;
                    let length = file.metadata()?.len();
                    made.image = Some(fingerprint);
                    let file = screen.watch(file, Some(length));
                    lxd.images().upload(Payload::sized(file, length)).fingerprint(fingerprint).wait().send()?;
                }
                Err(error) => return Err(error.into()),
            }
            fingerprint.to_string()
        }
    };
    screen.say(format!("its fingerprint is {image}"))?;

    screen.step("Listen to what happens to the container")?;
    let events = Events::listen(lxd, &name)?;

    screen.step(format!("Create {name}"))?;
    made.instance = Some(name.clone());
    lxd.instances().create(InstancesPost::from_fingerprint(&name, &image)).wait().send()?;
    events.until("instance-created", screen)?;
    let container = lxd.instance(&name);

    screen.step("Start it")?;
    container.start().wait().send()?;
    events.until("instance-started", screen)?;
    screen.say(format!("it is {}", container.state().send()?.status))?;

    screen.step("Sort 3, 1 and 2 in it")?;
    let sorted = container.exec(["sort", "-n"]).stdin("3\n1\n2\n").output().send()?;
    screen.say(format!("exit code {}, stdout {:?}", sorted.code, String::from_utf8_lossy(&sorted.stdout)))?;
    events.until("instance-exec", screen)?;

    screen.step("Push a file")?;
    let content = tour::content();
    let length = content.len() as u64;
    let file = screen.watch(Cursor::new(content.clone()), Some(length));
    container.files().put("/root/tour", Payload::sized(file, length)).mode(0o600).send()?;
    screen.say(format!("{length} bytes"))?;
    events.until("instance-file-pushed", screen)?;

    screen.step("Pull it again")?;
    let incoming = container.files().get("/root/tour").send()?;
    let mut back = Vec::new();
    screen.watch(incoming.body, incoming.head.size).read_to_end(&mut back)?;
    if back != content {
        return Err("the file came back different".into());
    }
    screen.say(format!("it came back the same, with mode {:o}", incoming.head.mode.unwrap_or(0)))?;
    events.until("instance-file-retrieved", screen)?;

    screen.step("Take the snapshot `before`")?;
    container.snapshots().create(InstanceSnapshotsPost::new("before")).wait().send()?;
    events.until("instance-snapshot-created", screen)?;

    screen.step("Edit its configuration")?;
    let edit = container.edit(|container| {
        container.config.insert("user.tour".into(), "edited".into());
    });
    edit.send()?;
    screen.say(tour::setting(&container.get().send()?.value))?;
    events.until("instance-updated", screen)?;

    screen.step("Restore `before`")?;
    container.restore("before").wait().send()?;
    screen.say(tour::setting(&container.get().send()?.value))?;
    events.until("instance-restored", screen)?;

    screen.step("Stop it")?;
    container.stop().force().wait().send()?;
    events.until("instance-stopped", screen)?;

    screen.step("Delete it")?;
    container.delete().wait().send()?;
    made.instance = None;
    events.until("instance-deleted", screen)?;

    if let Some(image) = made.image {
        screen.step("Delete the image")?;
        lxd.image(image.to_string()).delete().wait().send()?;
        made.image = None;
    }
    if let Some(certificate) = made.certificate {
        screen.step("Leave the server's list of trusted clients")?;
        lxd.certificate(certificate.to_string()).delete().wait().send()?;
        made.certificate = None;
    }
    Ok(())
}

/// Removes what a tour that did not come to its end has left.
fn clean_up(lxd: &Client, made: Made) -> Result<()> {
    let mut removed = Vec::new();
    if let Some(name) = made.instance {
        // It may not run, or not be there.
        let _ = lxd.instance(&name).stop().force().wait().send();
        removed.push(tour::gone(lxd.instance(&name).delete().wait().send()));
    }
    if let Some(image) = made.image {
        removed.push(tour::gone(lxd.image(image.to_string()).delete().wait().send()));
    }
    if let Some(certificate) = made.certificate {
        removed.push(tour::gone(lxd.certificate(certificate.to_string()).delete().wait().send()));
    }
    removed.into_iter().collect()
}

/// What happens to the container. A thread listens.
struct Events(mpsc::Receiver<Result<String>>);

impl Events {
    fn listen(lxd: &Client, name: &str) -> Result<Self> {
        let events = lxd.events().types([EventType::Lifecycle]).subscribe().send()?;
        let (sender, receiver) = mpsc::channel();
        let name = name.to_owned();
        thread::spawn(move || {
            for event in events {
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
    fn until(&self, last: &str, screen: &Screen) -> Result<()> {
        loop {
            let next = self.0.recv_timeout(tour::PATIENCE);
            let happened = next.map_err(|_| format!("the event {last} does not come"))??;
            screen.say(format!("event {happened}"))?;
            if happened == last {
                return Ok(());
            }
        }
    }
}
