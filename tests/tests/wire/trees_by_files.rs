//! Bad servers of the files API, to which a tree is only requests.

use std::{collections::BTreeMap, fs};

use lxd_host::Directory;
use lxd_proto::{
    Error, FailureKind, Lxd,
    sftp::FileKind,
    tree::{Report, Way as ByWay},
};
use lxd_tests::{
    Lab,
    tree::{directory, look},
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    server::{Asked, Fake, Talk, Way, error},
    trees::failed,
};

crate::cases! {
    once: without_sftp, no_such_instance, names_that_lead_elsewhere, endless_lists, endless_files, wrong_sizes,
        what_does_not_open, broken_off;
}

/// What a bad server has below `/t`, and how many bytes it says that a file has.
#[derive(Clone, Default)]
struct Bad {
    names: Vec<&'static str>,
    files: BTreeMap<&'static str, (usize, usize)>,
    /// Files and lists have no end.
    endless: bool,
}

fn path(asked: &Asked) -> String {
    let (_, path) = asked.target().split_once("path=/t").unwrap_or_default();
    path.trim_start_matches('/').into()
}

impl Bad {
    fn new(names: &[&'static str]) -> Self {
        Self { names: names.to_vec(), ..Self::default() }
    }

    /// With a file that is said to have so many bytes, and has so many.
    fn file(mut self, name: &'static str, said: usize, size: usize) -> Self {
        self.names.push(name);
        self.files.insert(name, (said, size));
        self
    }

    fn answer(&self, asked: &Asked, talk: &mut Talk) {
        let (name, range) = (path(asked), asked.header("range").unwrap_or_default());
        let head = "X-LXD-uid: 0\r\nX-LXD-gid: 0\r\nX-LXD-mode: 0644\r\n";
        if asked.target().ends_with("/sftp") {
            talk.answer(404, &error(404, "not found"));
        } else if name.is_empty() {
            let list = json!({"type": "sync", "metadata": self.names}).to_string();
            let length = if self.endless { 1 << 40 } else { list.len() };
            let top = format!("HTTP/1.1 200 X\r\n{head}X-LXD-type: directory\r\nContent-Length: {length}\r\n\r\n");
            talk.say(top + &list);
            while self.endless && talk.say(vec![b' '; 100_000]) {}
        } else if let Some((said, size)) = self.files.get(name.as_str()) {
            let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap_or_default();
            let (first, last) = (first.parse::<usize>().ok(), last.parse().unwrap_or(0));
            let (from, total) = first.map_or_else(|| (said.saturating_sub(1), *said), |from| (from, *size));
            let end = first.map_or(total, |_| total.min(last + 1));
            let body = vec![b'x'; end.saturating_sub(from)];
            let length = if self.endless && first.is_some() { 1 << 40 } else { body.len() };
            let top = format!(
                "HTTP/1.1 206 X\r\n{head}X-LXD-type: file\r\nContent-Range: bytes {from}-/{total}\r\nContent-Length: {length}\r\n\r\n"
            );
            talk.say([top.as_bytes(), &body].concat());
            while self.endless && first.is_some() && talk.say(&body) {}
        } else {
            talk.answer(404, &error(404, "Not Found"));
        }
    }

    fn pull<C: Lab>(self) -> (Result<Report, Error>, TempDir, Vec<String>) {
        let fake = Fake::answering(Way::Unix, move |asked, talk| self.answer(asked, talk));
        let around = directory();
        let target = around.path().join("target");
        let lxd = fake.lxd::<C>();
        let result = lxd.instance("c1").files().pull_tree("/t", Directory::create(target).unwrap()).send();
        assert_eq!(fs::read_dir(around.path()).unwrap().count(), 1);
        (result, around, fake.lines())
    }
}

fn names(around: &TempDir) -> Vec<String> {
    look(&around.path().join("target")).into_keys().map(|path| path.escape_ascii().to_string()).collect()
}

/// The same call, by another way: asked once for SFTP, and then no more.
fn without_sftp<C: Lab>() {
    let (result, around, lines) = Bad::default().file("a", 3, 3).file("b", 600_000, 600_000).pull::<C>();
    let report = result.unwrap();
    assert_eq!((report.way, report.files, report.bytes), (ByWay::Files, 2, 600_003));
    assert_eq!(fs::read(around.path().join("target/b")).unwrap(), vec![b'x'; 600_000]);
    assert_eq!(lines.iter().filter(|line| line.ends_with("/sftp")).count(), 1);
    assert_eq!(names(&around), ["a", "b"]);
}

fn no_such_instance<C: Lab>() {
    for said in ["Instance not found", "Failed to fetch instance \"c1\" in project \"default\": Instance not found"] {
        let fake = Fake::answering(Way::Unix, move |_, talk| {
            talk.answer(404, &error(404, said));
        });
        let files = fake.lxd::<C>().instance("c1").files();
        let here = directory();
        for run in [
            files.pull_tree("/t", Directory::open(here.path()).unwrap()),
            files.push_tree(Directory::open(here.path()).unwrap(), "/t").by_files_api(),
        ] {
            assert!(matches!(run.send(), Err(Error::Api(error)) if error.message == said));
        }
    }
}

fn names_that_lead_elsewhere<C: Lab>() {
    let bad = Bad::new(&["", ".", "..", "../secret", "/etc/lxd-test", "a/b", "nul\0", "twice", "twice", "no\u{1}head"]);
    let (result, around, _) = bad.file("twice", 1, 1).pull::<C>();
    let error = failed(result);
    let invalid = |error: &Error| matches!(error, Error::InvalidName { .. });
    assert_eq!(error.report.failed.iter().filter(|failed| invalid(&failed.error)).count(), 7);
    assert_eq!(error.report.failed.len(), 9);
    assert_eq!((error.report.left_out.len(), error.report.left_out[0].kind), (1, FileKind::Unknown));
    assert_eq!(names(&around), ["twice"]);
}

fn endless_lists<C: Lab>() {
    let (result, around, _) = Bad { endless: true, ..Bad::new(&["a"]) }.pull::<C>();
    let too_large = |failure: &lxd_proto::Failure| failure.kind == FailureKind::TooLarge;
    assert!(matches!(result.unwrap_err(), Error::Transport(failure) if too_large(&failure)));
    assert!(names(&around).is_empty());
}

fn endless_files<C: Lab>() {
    let bad = Bad::default().file("a", 10, 10);
    // Its list ends, and its files do not.
    let fake = Fake::answering(Way::Unix, move |asked, talk| {
        let endless = !path(asked).is_empty();
        Bad { endless, ..bad.clone() }.answer(asked, talk);
    });
    let target = directory();
    let files = fake.lxd::<C>().instance("c1").files();
    let error = failed(files.pull_tree("/t", Directory::open(target.path()).unwrap()).send());
    let Error::Transport(failure) = &error.report.failed[0].error else { panic!("{error}") };
    assert_eq!(failure.kind, FailureKind::TooLarge);
    assert!(look(target.path()).is_empty());
}

fn wrong_sizes<C: Lab>() {
    let (result, around, _) =
        Bad::default().file("less", 100, 60).file("more", 100, 1000).file("none", 0, 9).pull::<C>();
    let error = failed(result);
    assert_eq!(error.report.failed.len(), 1);
    assert!(matches!(&error.report.failed[0].error, Error::Shorter { said: 100, found: 60, .. }), "{error}");
    assert_eq!(names(&around), ["more", "none"]);
    assert_eq!(fs::read(around.path().join("target/more")).unwrap().len(), 100);
}

/// A pipe looks like a file, and keeps whoever opens it. The server is asked whether it is still there.
fn what_does_not_open<C: Lab>() {
    let bad = Bad::default().file("file", 1, 1).file("pipe", 0, 0);
    let fake = Fake::answering(Way::Unix, move |asked, talk| match (path(asked).as_str(), asked.method()) {
        ("pipe", "GET") => talk.keep_silent(),
        ("pipe", _) => drop(talk.say("HTTP/1.1 200 X\r\nX-LXD-type: file\r\n\r\n")),
        _ => bad.answer(asked, talk),
    });
    let target = directory();
    let files = fake.lxd::<C>().instance("c1").files();
    let report = files.pull_tree("/t", Directory::open(target.path()).unwrap()).send().unwrap();
    assert_eq!((report.files, report.left_out.len()), (1, 1));
    assert_eq!((&report.left_out[0].path, report.left_out[0].kind), (&"pipe".into(), FileKind::Unknown));
}

/// A server that goes away is the end, with what was done until then.
fn broken_off<C: Lab>() {
    let bad = Bad::default().file("a", 10, 10).file("b", 10, 10).file("c", 10, 10);
    let fake = Fake::new(Way::Unix, move |_, mut talk| {
        while let Some(asked) = talk.asked() {
            if path(&asked) == "b" && asked.header("range").is_none_or(|range| range != "bytes=-1") {
                return talk.close();
            }
            bad.answer(&asked, &mut talk);
        }
    });
    let target = directory();
    let files = fake.lxd::<C>().instance("c1").files();
    let error = failed(files.pull_tree("/t", Directory::open(target.path()).unwrap()).send());
    assert!(matches!(&error.reason, Some(Error::Transport(failure)) if failure.kind == FailureKind::Broken), "{error}");
    assert_eq!(look(target.path()).len() as u64, error.report.files);
}
