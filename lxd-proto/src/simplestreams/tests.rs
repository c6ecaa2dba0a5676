use alloc::string::String;

use serde_json::{Value, json};

use super::*;

const ONE: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222222222222222222222222222";
const BOTH: &str = "3333333333333333333333333333333333333333333333333333333333333333";

fn item(ftype: &str, path: &str, sha256: &str) -> Value {
    json!({"ftype": ftype, "path": path, "size": 7, "sha256": sha256})
}

/// A version with metadata, a squashfs and a disk.
fn version() -> Value {
    let mut metadata = item("lxd.tar.xz", "images/20240102_07:42/lxd.tar.xz", ONE);
    metadata["combined_squashfs_sha256"] = BOTH.into();
    metadata["combined_disk-kvm-img_sha256"] = TWO.into();
    json!({"label": "release", "items": {
        "lxd.tar.xz": metadata,
        "root.squashfs": item("squashfs", "/images/20240102_07:42/rootfs.squashfs", TWO),
        "disk.qcow2": item("disk-kvm.img", "images/20240102_07:42/disk.qcow2", ONE),
        "manifest": {"ftype": "manifest", "path": "m", "size": 1, "sha256": ONE},
    }})
}

fn product(arch: &str, versions: Value) -> Value {
    json!({
        "aliases": "web/1, web", "arch": arch, "os": "Web", "release": "one", "release_title": "One", "version": "1",
        "variant": "default", "requirements": {"secureboot": "false"}, "versions": versions,
    })
}

fn catalogue(products: Value) -> Catalogue {
    Catalogue::read(json!({"products": products}).to_string().as_bytes()).unwrap()
}

fn why(catalogue: &Catalogue, wanted: &Wanted) -> String {
    catalogue.find(wanted).unwrap_err().to_string()
}

#[test]
fn catalogues_with_images_are_read() {
    let index = json!({"index": {
        "images": {"datatype": "image-downloads", "path": "streams/v1/images.json", "products": ["a"]},
        "empty": {"datatype": "image-downloads", "path": "streams/v1/empty.json", "products": null},
        "ids": {"datatype": "image-ids", "path": "streams/v1/ids.json", "products": ["a"]},
    }});
    assert_eq!(catalogues(index.to_string().as_bytes()).unwrap(), ["streams/v1/images.json"]);
    assert!(matches!(catalogues(b"<html>"), Err(Error::Decode { .. })));
}

#[test]
fn the_newest_is_found_by_all_its_names() {
    let mut old = version();
    old["items"]["lxd.tar.xz"]["combined_squashfs_sha256"] = ONE.into();
    let versions = json!({"20230102_07:42": old, "20240102_07:42": version()});
    let catalogue = catalogue(json!({"web:1:amd64": product("amd64", versions)}));
    assert_eq!(catalogue.images().len(), 4);
    for name in ["web", "web/1", "web/amd64", "web/1/amd64", &BOTH[..12], BOTH] {
        let found = catalogue.find(&Wanted::new(name)).unwrap();
        assert_eq!(
            (found.version.as_str(), found.fingerprint.to_string().as_str()),
            ("20240102_07:42", BOTH),
            "{name}"
        );
        assert_eq!((&found.kind, found.architecture.as_str()), (&InstanceType::Container, "x86_64"));
        let paths: Vec<_> = found.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["images/20240102_07:42/lxd.tar.xz", "images/20240102_07:42/rootfs.squashfs"]);
        assert_eq!(found.properties["label"], "release");
        assert_eq!((&*found.properties["type"], &*found.properties["serial"]), ("squashfs", "20240102_07:42"));
        assert_eq!(found.properties["requirements.secureboot"], "false");
    }
    let machine = catalogue.find(&Wanted::new("web").kind(InstanceType::VirtualMachine).architecture("amd64")).unwrap();
    assert_eq!((machine.fingerprint.to_string().as_str(), &*machine.properties["type"]), (TWO, "disk-kvm.img"));
    assert_eq!(why(&catalogue, &Wanted::new("mail")), "no image \"mail\": nothing has this name");
}

#[test]
fn what_has_only_a_disk_is_found_without_a_type() {
    let mut only = version();
    only["items"].as_object_mut().unwrap().remove("root.squashfs");
    let catalogue = catalogue(json!({"web": product("arm64", json!({"20240102": only}))}));
    assert_eq!(catalogue.find(&Wanted::new("web")).unwrap().kind, InstanceType::VirtualMachine);
    let why = why(&catalogue, &Wanted::new("web").kind(InstanceType::Container));
    assert_eq!(why, "no image \"web\": web 20240102 is for a virtual-machine");
}

type Change = fn(&mut Value);

#[test]
fn what_is_passed_over_says_why() {
    let one = |change: Change| {
        let mut product = product("amd64", json!({"20240102": version()}));
        change(&mut product);
        let catalogue = catalogue(json!({"web": product}));
        why(&catalogue, &Wanted::new("web").kind(InstanceType::Container).architecture("amd64"))
    };
    let cases: [(Change, &str); 8] = [
        (|web| web["arch"] = "arm64".into(), "web is for aarch64, not x86_64"),
        (|web| web["arch"] = "z80".into(), "web: LXD knows no architecture \"z80\""),
        (|web| web["versions"] = json!({"latest": version()}), "web latest: the version is no date"),
        (
            |web| web["versions"]["20240102"]["items"] = json!({}),
            "web 20240102: it has no files that LXD makes an image of",
        ),
        (
            |web| drop(web["versions"]["20240102"]["items"].as_object_mut().unwrap().remove("lxd.tar.xz")),
            "web 20240102 squashfs: it has no metadata (lxd.tar.xz)",
        ),
        (
            |web| drop(web["versions"]["20240102"]["items"]["lxd.tar.xz"]["combined_squashfs_sha256"].take()),
            "web 20240102 squashfs: its metadata says no fingerprint for it",
        ),
        (
            |web| web["versions"]["20240102"]["items"]["root.squashfs"]["sha256"] = "beef".into(),
            "web 20240102 squashfs: \"beef\" is no SHA-256",
        ),
        (
            |web| web["versions"]["20240102"]["items"]["root.squashfs"]["path"] = "images/../../etc/passwd".into(),
            "web 20240102 squashfs: the path \"images/../../etc/passwd\" leads elsewhere",
        ),
    ];
    for (change, reason) in cases {
        let said = one(change);
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn paths_stay_below_the_server() {
    let file = |path: &str| {
        let item = Item { path: path.into(), sha256: ONE.into(), ..Item::default() };
        item.file().map(|file| file.path)
    };
    for (path, expected) in [("a/b", "a/b"), ("/a/b", "a/b"), ("a/20240102_07:42/b", "a/20240102_07:42/b")] {
        assert_eq!(file(path).as_deref(), Ok(expected));
    }
    for path in ["", "..", "a/../b", "a//b", "./a", "http://host/a", "a\\..\\b", "a/07:42/../../b", "a?b", "a\0"] {
        assert!(file(path).is_err(), "{path:?}");
    }
}
