//! Images as files: in one piece or two, there and back again.

use std::io::{Cursor, Read};

use lxd_proto::{
    Lxd, Payload,
    multipart::Piece,
    resources::{ImageFile, InstanceType, InstancesPost, ProfilesPost},
};
use lxd_tests::{Lab, Server, cases, env, everywhere, image, payload, unique};

everywhere!(one_of_two_files, one_of_a_virtual_machine, one_of_one_file, busybox_goes_round);

/// The files of an image, with their parts' names.
fn files<C: Lab>(lxd: &C, fingerprint: &str) -> Vec<(String, String, Vec<u8>)> {
    let mut files: Vec<(String, String, Vec<u8>)> = Vec::new();
    for piece in lxd.image(fingerprint).export().pieces().send().unwrap() {
        match piece.unwrap() {
            Piece::Part(part) => files.push((part.name, part.filename, Vec::new())),
            Piece::Data(data) => files.last_mut().unwrap().2.extend_from_slice(&data),
        }
    }
    files
}

fn sized<C: Lab>(data: Vec<u8>) -> Payload<C::Reader> {
    let length = data.len() as u64;
    payload::<C>(Cursor::new(data), Some(length))
}

/// pylxd: P225, P230, P248.
/// pylxd: W36.
fn one_of_two_files<C: Lab>(server: &Server<C>) {
    let project = server.project("split");
    let lxd = &project.lxd;
    lxd.profiles().create(ProfilesPost::new("small")).wait().send().unwrap();
    let (metadata, rootfs) = image::split(&unique("split"));
    let fingerprint = image::fingerprint(&[&metadata, &rootfs]);
    let upload = lxd.images().upload_split(sized::<C>(metadata.clone()), sized::<C>(rootfs.clone()));
    let upload = upload.filename("two").public().property("colour", "light blue").profiles(["default", "small"]);
    let made = upload.fingerprint(fingerprint).wait().send().unwrap();
    assert_eq!((made.fingerprint, made.size), (fingerprint, (metadata.len() + rootfs.len()) as u64));
    let fingerprint = fingerprint.to_string();
    let got = lxd.image(&fingerprint).get().send().unwrap();
    assert_eq!((got.properties["os"].as_str(), got.properties["colour"].as_str()), ("Test", "light blue"));
    assert_eq!((got.kind.clone(), got.filename.as_str(), got.public), (InstanceType::Container, "two", true));
    // 5.0.2 takes no notice of the profiles.
    assert_eq!(got.profiles, ["default"]);
    assert_eq!(got.size, i64::try_from(metadata.len() + rootfs.len()).unwrap());

    assert!(
        matches!(lxd.image(&fingerprint).export().send().unwrap().head, ImageFile::Split { boundary } if !boundary.is_empty())
    );
    let received = files(lxd, &fingerprint);
    assert_eq!(received[0], ("metadata".into(), format!("meta-{fingerprint}.tar"), metadata));
    assert_eq!((received[1].0.as_str(), &received[1].2), ("rootfs", &rootfs));
    assert_eq!(received.len(), 2);
}

/// pylxd: P226.
fn one_of_a_virtual_machine<C: Lab>(server: &Server<C>) {
    let project = server.project("machine");
    let (metadata, disk) = (image::split(&unique("machine")).0, vec![7; 300_000]);
    let upload = project.lxd.images().upload_split(metadata, sized::<C>(disk.clone())).virtual_machine();
    let fingerprint = upload.wait().send().unwrap().fingerprint.to_string();
    assert_eq!(project.lxd.image(&fingerprint).get().send().unwrap().kind, InstanceType::VirtualMachine);
    let received = files(&project.lxd, &fingerprint);
    assert_eq!((received[1].0.as_str(), received[1].2 == disk), ("rootfs.img", true));
}

/// pylxd: P230.
fn one_of_one_file<C: Lab>(server: &Server<C>) {
    let project = server.project("whole");
    let file = image::unified(&unique("whole"));
    let upload = || project.lxd.images().upload(file.clone()).wait().alias("one").alias("two/parts");
    let fingerprint = upload().send().unwrap().fingerprint;
    assert_eq!(fingerprint, image::fingerprint(&[&file]));
    for alias in ["one", "two/parts"] {
        assert_eq!(project.lxd.image_alias(alias).get().send().unwrap().target, fingerprint.to_string());
    }
    assert!(upload().send().is_err());
    let image = project.lxd.image(fingerprint.to_string());
    let incoming = image.export().send().unwrap();
    let filename = format!("{fingerprint}.tar");
    assert_eq!(incoming.head, ImageFile::Unified { filename: filename.clone(), size: Some(file.len() as u64) });
    let mut received = Vec::new();
    C::reader(incoming.body).read_to_end(&mut received).unwrap();
    assert_eq!(received, file);
    assert_eq!(image.export().bytes().send().unwrap(), file);
    assert_eq!(files(&project.lxd, &fingerprint.to_string()), [(String::new(), filename, file)]);
    assert!(project.lxd.image("0000").export().bytes().send().unwrap_err().is_not_found());
}

/// What `tests/server` makes, in both forms: instances run of it, and it comes back as it was.
fn busybox_goes_round<C: Lab>(server: &Server<C>) {
    let project = server.project("runs");
    let lxd = &project.lxd;
    let read = |name: &str| std::fs::read(env("LXD_TEST_IMAGE").replace("busybox.tar", name)).unwrap();
    for names in [&["busybox.tar"][..], &["busybox-meta.tar", "busybox-root.tar"]] {
        let parts: Vec<Vec<u8>> = names.iter().map(|name| read(name)).collect();
        let upload = match &parts[..] {
            [metadata, rootfs] => lxd.images().upload_split(sized::<C>(metadata.clone()), sized::<C>(rootfs.clone())),
            _ => lxd.images().upload(sized::<C>(parts.concat())),
        };
        let made = upload.wait().send().unwrap();
        assert_eq!(made.fingerprint, image::fingerprint(&[&parts.concat()]));
        let fingerprint = made.fingerprint.to_string();
        let root = [("type", "disk"), ("path", "/"), ("pool", "default")];
        let post = InstancesPost::from_fingerprint(unique("round"), &fingerprint).device("root", root);
        let made = lxd.instances().create(post).wait().send().unwrap();
        lxd.instance(&made.name).start().wait().send().unwrap();
        assert_eq!(lxd.instance(&made.name).state().send().unwrap().status, "Running");
        let received = files(lxd, &fingerprint);
        assert!(received.into_iter().map(|(.., content)| content).eq(parts), "{names:?}");
    }
}

/// The transport of one's own sends only what has a length.
mod of_unknown_length {
    use super::*;

    cases!(ureq_unix, lxd_ureq::Client, unix, is_sent_in_chunks);
    cases!(ureq_https, lxd_ureq::Client, https, is_sent_in_chunks);
    cases!(reqwest_unix, lxd_tests::BlockOn, unix, is_sent_in_chunks);
    cases!(reqwest_https, lxd_tests::BlockOn, https, is_sent_in_chunks);

    fn is_sent_in_chunks<C: Lab>(server: &Server<C>) {
        let project = server.project("chunks");
        let (metadata, rootfs) = image::split(&unique("chunks"));
        let fingerprint = image::fingerprint(&[&metadata, &rootfs]);
        let images = project.lxd.images();
        let upload = images.upload_split(metadata.clone(), payload::<C>(Cursor::new(rootfs), None));
        assert_eq!(upload.wait().send().unwrap().fingerprint, fingerprint);

        // A reader that is shorter than it was said to be spoils nothing but its own upload.
        let short = images.upload_split(metadata, payload::<C>(Cursor::new("short"), Some(9)));
        assert!(short.wait().send().is_err());
        assert_eq!(images.names().send().unwrap().len(), 1);
    }
}
