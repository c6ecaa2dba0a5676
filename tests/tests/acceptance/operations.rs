//! Operations: what goes on in the background, and how it ends.

use std::{io::Read, thread, time::Duration};

use lxd_proto::{
    Changed, Create, Lxd,
    error::{ApiErrorKind, Outcome},
    resources::{
        Certificate, CertificatesPost, ImagesPost, InstanceExecPost, InstancesPost, Operation, OperationClass,
        OperationId, Progress, exec::PostExec,
    },
};
use lxd_tests::{
    Lab, Server, Temporary, child, env, everywhere, image, pattern::Pattern, payload, secret, unique, with_websockets,
};

use crate::{kill_copies::at_work, migrations::large};

everywhere!(
    one_runs_and_fails,
    one_succeeds,
    one_is_cancelled,
    one_is_taken_up_by_another_process,
    one_is_gone,
    a_command_cannot_be_cancelled,
);

/// An operation that goes on for some seconds, and then fails.
fn vain<C: Lab>(container: &Temporary<C>) -> Operation {
    match container.stop().within(Duration::from_secs(3)).send().unwrap() {
        Changed::Running(operation) => *operation,
        Changed::Done(()) => panic!("not in the background"),
    }
}

fn outcome<T: std::fmt::Debug>(result: Result<T, lxd_proto::Error>) -> Outcome {
    let error = result.unwrap_err();
    error.operation().unwrap_or_else(|| panic!("{error}")).outcome.clone()
}

/// pylxd: P070, P071, P072, P073, P074, P076.
/// pylxd: W25, W33.
fn one_runs_and_fails<C: Lab>(server: &Server<C>) {
    let container = server.stubborn("vain");
    let stop = vain(&container);
    let operations = server.lxd.operations();
    let names = operations.names().send().unwrap();
    assert!(names.iter().any(|name| name == stop.id.as_str()), "{names:?}");
    let listed = operations.list().send().unwrap();
    let listed = listed.iter().find(|operation| operation.id == stop.id).unwrap();
    assert_eq!((listed.status.as_str(), &listed.class), ("Running", &OperationClass::Task));
    assert!(listed.resources["instances"][0].ends_with(container.name()));

    let stop = server.lxd.operation(stop.id);
    let got = stop.get().send().unwrap();
    assert_eq!(got.outcome(), Some(Outcome::StillRunning));
    assert!(!got.may_cancel);
    assert_eq!(stop.cancel().wait().send().unwrap_err().api(), Some(ApiErrorKind::BadRequest));
    assert_eq!(outcome(stop.wait().timeout(Duration::from_secs(1)).send()), Outcome::StillRunning);
    assert!(matches!(outcome(stop.wait().send()), Outcome::Failed(why) if !why.is_empty()));
    // It is remembered for a while, and fails for everybody who asks.
    assert!(matches!(outcome(stop.wait().send()), Outcome::Failed(_)));
    assert!(matches!(stop.get().send().unwrap().outcome(), Some(Outcome::Failed(_))));

    let limited = container.stop().within(Duration::from_secs(3)).wait().timeout(Duration::from_secs(1)).send();
    assert_eq!(outcome(limited), Outcome::StillRunning);
}

/// pylxd: P071, P075, P106.
fn one_succeeds<C: Lab>(server: &Server<C>) {
    let container = server.stopped("succeeds");
    let Changed::Running(start) = container.start().send().unwrap() else { panic!("not in the background") };
    let start = server.lxd.operation(start.id);
    let ended = start.wait().send().unwrap();
    assert_eq!((ended.outcome(), ended.status.as_str(), ended.status_code.0), (None, "Success", 200));
    assert_eq!(ended.err, "");
    assert!(ended.updated_at.unix() >= ended.created_at.unix() && ended.created_at.unix().is_some());
    assert_eq!(start.wait().send().unwrap().id, ended.id);
}

/// pylxd: P076.
/// pylxd: W33.
fn one_is_cancelled<C: Lab>(server: &Server<C>) {
    // A token waits for its use, and nobody will use it.
    let mut post = CertificatesPost::client(unique("cancelled"));
    post.token = true;
    let Changed::Running(token) = server.lxd.call(Create::<Certificate>::new((), post)).send().unwrap() else {
        panic!("not in the background")
    };
    secret(token.metadata.get("secret").unwrap().as_str().unwrap());
    assert_eq!((&token.class, token.may_cancel), (&OperationClass::Token, true));
    let token = server.lxd.operation(token.id);
    assert_eq!(outcome(token.wait().timeout(Duration::from_secs(1)).send()), Outcome::StillRunning);
    token.cancel().wait().send().unwrap();
    assert_eq!(outcome(token.wait().send()), Outcome::Cancelled);
    assert_eq!(token.get().send().unwrap().status, "Cancelled");
}

/// pylxd: P077.
/// pylxd: W15.
fn one_is_taken_up_by_another_process<C: Lab>(server: &Server<C>) {
    if let Some(written_down) = child::about() {
        let id: OperationId = written_down.parse().unwrap();
        let end = server.lxd.operation(id).wait().send();
        return assert!(matches!(outcome(end), Outcome::Failed(_)));
    }
    let container = server.stubborn("taken");
    child::assert_passes(child::again(vain(&container).id.as_str()));
}

/// pylxd: P077.
/// pylxd: W32.
fn one_is_gone<C: Lab>(server: &Server<C>) {
    let gone = server.lxd.operation("5d3270d4-a901-4ec5-9aa3-f351d17b0846".parse().unwrap());
    assert_eq!(outcome(gone.wait().send()), Outcome::Unknown);
    assert!(gone.get().send().unwrap_err().is_not_found());
    assert!(gone.cancel().wait().send().unwrap_err().is_not_found());
    assert!("../../x".parse::<OperationId>().is_err());
}

fn a_command_cannot_be_cancelled<C: Lab>(server: &Server<C>) {
    let container = server.running("command");
    let mut post = InstanceExecPost::default();
    (post.command, post.wait_for_websocket) = (vec!["true".into()], true);
    let post = PostExec { instance: container.name().into(), post };
    let Changed::Running(command) = server.lxd.call(post).send().unwrap() else { panic!("not in the background") };
    for name in ["0", "1", "2", "control"] {
        secret(command.websocket_secret(name).unwrap());
    }
    assert_eq!((&command.class, command.may_cancel), (&OperationClass::Websocket, false));
    let command = server.lxd.operation(command.id);
    let refused = command.cancel().wait().send().unwrap_err();
    assert_eq!(refused.api(), Some(ApiErrorKind::BadRequest), "{refused}");
    assert!(!format!("{:?}", command.get().send().unwrap()).contains("secret"));
    // Nobody comes to its websockets.
    assert!(matches!(outcome(command.wait().send()), Outcome::Failed(why) if why.contains("websockets")));
}

/// With events.
mod followed {
    use super::*;

    with_websockets!(to_its_end, to_a_bad_end, a_copy, a_download);

    /// How far a followed operation was said to be, to its good end.
    fn progress<C: Lab>(lxd: &C, id: OperationId) -> Vec<Progress> {
        let updates: Vec<_> = lxd.operation(id).updates().send().unwrap().map(Result::unwrap).collect();
        assert_eq!(updates.last().unwrap().outcome(), None);
        updates.iter().filter_map(Operation::progress).collect()
    }

    /// While another server fetches it.
    fn a_copy<C: Lab>(server: &Server<C>) {
        // Some seconds: LXD says it once in a second.
        let ((container, _), two) = (large(server, 256), Server::<C>::two());
        let name = unique("copied");
        let copying = container.copy_to_server(&two.lxd).name(&name);
        thread::scope(|scope| {
            let copied = scope.spawn(|| copying.send());
            let told = progress(&server.lxd, at_work(&server.lxd, container.name()).id);
            let said: Vec<_> = told.iter().filter(|progress| progress.stage == "fs").collect();
            assert!(said.first().and_then(|first| first.processed) > Some(0), "{told:?}");
            assert!(said.is_sorted_by_key(|progress| progress.processed), "{told:?}");
            assert!(said.iter().all(|progress| progress.speed > Some(0)), "{told:?}");
            drop(Temporary::of(two.lxd.instance(copied.join().unwrap().unwrap().name)));
        });
    }

    /// While another server fetches it.
    fn a_download<C: Lab>(server: &Server<C>) {
        const SIZE: u64 = 64 << 20;
        let (here, there) = (server.project("download"), Server::<C>::two().project("download"));
        // What follows a tarball's end is nobody's matter.
        let tarball = image::unified(&unique("download"));
        let length = tarball.len() as u64 + SIZE;
        let file = payload::<C>(std::io::Cursor::new(tarball).chain(Pattern::new(SIZE)), Some(length));
        let made = here.lxd.images().upload(file).public().wait().send().unwrap();
        let mut post = ImagesPost::from_lxd(env("LXD_TEST_HTTPS"), "");
        post.source.fingerprint = made.fingerprint.to_string();
        post.source.project.clone_from(&here.name);
        post.source.certificate = server.lxd.server().get().send().unwrap().value.environment.certificate;
        let Changed::Running(download) = there.lxd.images().create(post).send().unwrap() else { panic!("at once") };
        let told = progress(&there.lxd, download.id);
        let percent: Vec<_> = told.iter().filter_map(|progress| progress.percent).collect();
        assert!(told.iter().all(|progress| progress.stage == "download") && percent.is_sorted(), "{told:?}");
        assert!(percent.len() > 3 && percent.last() == Some(&100), "{told:?}");
    }

    fn to_its_end<C: Lab>(server: &Server<C>) {
        let name = unique("followed");
        let create = server.lxd.instances().create(InstancesPost::from_alias(&name, "busybox"));
        let Changed::Running(operation) = create.send().unwrap() else { panic!("not in the background") };
        let container = Temporary::of(server.lxd.instance(&name));
        let updates: Vec<_> =
            server.lxd.operation(operation.id.clone()).updates().send().unwrap().map(Result::unwrap).collect();
        assert!(updates.iter().all(|update| update.id == operation.id));
        let (last, before) = updates.split_last().unwrap();
        assert_eq!((last.status.as_str(), last.outcome()), ("Success", None));
        assert!(before.iter().all(|update| update.outcome() == Some(Outcome::StillRunning)), "{before:?}");
        // The image is unpacked.
        let progress = last.progress().unwrap();
        assert_eq!(progress.stage, "create_instance_from_image_unpack", "{progress:?}");
        assert!(progress.percent.is_some() || progress.processed.is_some(), "{progress:?}");
        assert!(progress.text.starts_with("Unpack"), "{progress:?}");
        assert_eq!(container.get().send().unwrap().status, "Stopped");
    }

    fn to_a_bad_end<C: Lab>(server: &Server<C>) {
        let container = server.stubborn("followed");
        let failing = vain(&container).id;
        let mut updates = server.lxd.operation(failing.clone()).updates().send().unwrap();
        assert_eq!(updates.next().unwrap().unwrap().outcome(), Some(Outcome::StillRunning));
        assert!(matches!(outcome(updates.last().unwrap()), Outcome::Failed(_)));
        let gone = server.lxd.operation("5d3270d4-a901-4ec5-9aa3-f351d17b0846".parse().unwrap());
        assert_eq!(outcome(gone.updates().send().unwrap().next().unwrap()), Outcome::Unknown);
    }
}
