//! Unix sockets that lead nowhere.

use std::{
    fs,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixListener,
        process::CommandExt,
    },
    path::Path,
};

use lxd_host::Remote;
use lxd_proto::{Failure, FailureKind, Lxd};
use lxd_tests::{Lab, child};
use serde_json::json;

use crate::server::{Fake, Way};

crate::cases! {
    once: nobody_there, forbidden, the_local_server;
}

/// What a request and a websocket fail with.
fn failures<C: Lab>(path: &str) -> [Failure; 2] {
    let lxd = C::connect(Remote::unix(path));
    let events = lxd.events().subscribe().send();
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
    if let Some(path) = child::about() {
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
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = child::again(text(&path));
    // Nothing is forbidden to root, so another user tries; who is another user already tries himself.
    if rustix::process::geteuid().is_root() {
        command.uid(65534);
    }
    child::assert_passes(command);
}

fn the_local_server<C: Lab>() {
    if let Some(about) = child::about() {
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
    let mut there = child::again("there");
    there.env("LXD_DIR", Path::new(&socket).parent().unwrap());
    child::assert_passes(there);
    assert_eq!(fake.lines(), ["GET /1.0"]);

    let directory = tempfile::tempdir().unwrap();
    let mut absent = child::again("LXD_DIR is set): not there");
    absent.env("LXD_DIR", directory.path());
    child::assert_passes(absent);
    drop(UnixListener::bind(directory.path().join("unix.socket")).unwrap());
    let mut dead = child::again("no daemon listens");
    dead.env("LXD_DIR", directory.path());
    child::assert_passes(dead);
}
