//! Unix sockets that lead nowhere.

use std::{
    env, fs,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixListener,
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use lxd_host::Remote;
use lxd_proto::{Failure, FailureKind, Lxd};
use lxd_tests::Lab;
use serde_json::json;

use crate::server::{Fake, Way};

crate::cases! {
    once: nobody_there, forbidden, the_local_server;
}

/// In a child process: what it is about.
const ABOUT: &str = "LXD_WIRE_TEST";

/// Runs a test of this file again, in a process of its own.
fn child<C: Lab>(test: &str, about: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(["--exact", &format!("sockets::{}::{test}", C::NAME)]).env(ABOUT, about);
    for name in ["LXD_SOCKET", "LXD_DIR", "INCUS_SOCKET", "INCUS_DIR"] {
        command.env_remove(name);
    }
    command
}

fn assert_passes(mut command: Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// What a request and a websocket fail with.
fn failures<C: Lab>(path: &str) -> [Failure; 2] {
    let lxd = C::connect(Remote::unix(path));
    let events = lxd.events().subscribe().send().next().unwrap();
    [lxd.server().get().send().map(drop), events.map(drop)]
        .map(|result| result.unwrap_err().transport().expect("a failure").clone())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn nobody_there<C: Lab>() {
    let directory = tempfile::tempdir().unwrap();
    let [absent, dead, file] = ["absent", "dead", "file"].map(|name| directory.path().join(name));
    drop(UnixListener::bind(&dead).unwrap());
    assert!(fs::metadata(&dead).unwrap().file_type().is_socket());
    fs::write(&file, "").unwrap();
    let long = format!("/{}", "x".repeat(200));
    for (path, reason) in [
        (text(&absent), "No such file or directory"),
        (text(&dead), "refused"),
        (text(&file), "refused"),
        (&long, ""),
        ("/x\0y", ""),
    ] {
        for failure in failures::<C>(path) {
            assert_eq!(failure.kind, FailureKind::Connect, "{failure}");
            let text = failure.to_string();
            assert!(text.contains(path) && text.contains(reason), "{text}");
        }
    }
}

fn forbidden<C: Lab>() {
    if let Ok(path) = env::var(ABOUT) {
        for failure in failures::<C>(&path) {
            assert_eq!(failure.kind, FailureKind::Connect, "{failure}");
            let text = failure.to_string();
            assert!(text.contains(&path) && text.contains("Permission denied"), "{text}");
        }
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("unix.socket");
    let _listener = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0)).unwrap();
    let mut command = child::<C>("forbidden", text(&path));
    // Nothing is forbidden to root, so another user tries; who is another user already tries himself.
    if rustix::process::geteuid().is_root() {
        command.uid(65534);
    }
    assert_passes(command);
}

fn the_local_server<C: Lab>() {
    if let Ok(about) = env::var(ABOUT) {
        let remote = Remote::local();
        if about == "there" {
            C::connect(remote.unwrap()).server().get().send().unwrap();
            return;
        }
        let failed = remote.unwrap_err().to_string();
        assert!(failed.contains(&about) && failed.contains("unix.socket"), "{failed}");
        let adapters = [lxd_ureq::Client::local().map(drop), lxd_reqwest::Client::local().map(drop)];
        assert!(adapters.iter().all(|client| client.as_ref().is_err_and(|error| error.to_string() == failed)));
        return;
    }
    let fake = Fake::answering(Way::Unix, |_, talk| {
        talk.sync(&json!({}));
    });
    let lxd_proto::Address::Unix(socket) = fake.remote().address else { panic!("a socket") };
    let mut there = child::<C>("the_local_server", "there");
    there.env("LXD_DIR", Path::new(&socket).parent().unwrap());
    assert_passes(there);
    assert_eq!(fake.lines(), ["GET /1.0"]);

    let directory = tempfile::tempdir().unwrap();
    let mut absent = child::<C>("the_local_server", "LXD_DIR is set): not there");
    absent.env("LXD_DIR", directory.path());
    assert_passes(absent);
    drop(UnixListener::bind(directory.path().join("unix.socket")).unwrap());
    let mut dead = child::<C>("the_local_server", "no daemon listens");
    dead.env("LXD_DIR", directory.path());
    assert_passes(dead);
}
