//! Images that go from one server to another.

use lxd_proto::{
    Changed, Lxd,
    resources::{ImageAliasesPost, ImageExportPost, ImagesPost, Operation, OperationClass, ProfilesPost},
};
use lxd_tests::{Lab, Server, env, everywhere, image, unique, with_websockets};

everywhere!(a_private_one_is_copied, a_public_one_is_copied, every_address_is_tried, one_is_pushed);

/// Also by Unix sockets: the other server comes to the addresses that this one says it has.
///
/// pylxd: P233.
/// pylxd: W37.
fn a_private_one_is_copied<C: Lab>(server: &Server<C>) {
    let (here, there) = (server.project("copy"), Server::<C>::two().project("copy"));
    here.lxd.profiles().create(ProfilesPost::new("small")).wait().send().unwrap();
    there.lxd.profiles().create(ProfilesPost::new("small")).wait().send().unwrap();
    let mark = unique("copied");
    let upload = here.lxd.images().upload(image::unified(&mark)).filename("f.tar").property("colour", "blue");
    let made = upload.wait().send().unwrap();
    let image = here.lxd.image(made.fingerprint.to_string());
    for alias in ["a", "b/c"] {
        here.lxd
            .image_aliases()
            .create(ImageAliasesPost::new(alias, made.fingerprint.to_string()))
            .wait()
            .send()
            .unwrap();
    }
    let copied = image.copy_to(&there.lxd).copy_aliases().alias("ours").profiles(["small"]).send().unwrap();
    assert_eq!(copied, made);

    let copy = there.lxd.image_alias("ours").image().send().unwrap();
    assert_eq!(copy.fingerprint, made.fingerprint.to_string());
    assert_eq!((copy.properties["colour"].as_str(), copy.properties["mark"].as_str()), ("blue", mark.as_str()));
    assert!(!copy.public && !copy.auto_update);
    // 5.0.2 takes no notice of the profiles.
    assert_eq!(copy.profiles, ["default"]);
    let mut names: Vec<_> = copy.aliases.iter().map(|alias| alias.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "b/c", "ours"]);
    // No secret is left open: the server would wait for it when it shuts down.
    let left = here.lxd.operations().list().send().unwrap();
    let open = |operation: &Operation| operation.class == OperationClass::Token && !operation.status_code.is_final();
    assert!(!left.iter().any(open), "{left:?}");
    // A name that is taken.
    assert!(image.copy_to(&there.lxd).alias("ours").send().is_err());
}

fn a_public_one_is_copied<C: Lab>(server: &Server<C>) {
    let (here, there) = (server.project("public"), Server::<C>::two().project("public"));
    let (metadata, rootfs) = image::split(&unique("public"));
    let made = here.lxd.images().upload_split(metadata, rootfs).public().wait().send().unwrap();
    let image = here.lxd.image(&made.fingerprint.to_string()[..12]);
    let copied = image.copy_to(&there.lxd).public(false).auto_update(true).send().unwrap();
    assert_eq!(copied.fingerprint, made.fingerprint);
    let copy = there.lxd.image(copied.fingerprint.to_string()).get().send().unwrap();
    assert!(!copy.public && copy.auto_update && copy.aliases.is_empty());
    assert!(here.lxd.image("0000").copy_to(&there.lxd).send().unwrap_err().is_not_found());
}

fn every_address_is_tried<C: Lab>(server: &Server<C>) {
    let (here, there) = (server.project("address"), Server::<C>::two().project("address"));
    let made = here.lxd.images().upload(image::unified(&unique("address"))).wait().send().unwrap();
    let image = here.lxd.image(made.fingerprint.to_string());
    let dead = "https://127.0.0.1:1";
    let failed = image.copy_to(&there.lxd).address(dead).send().unwrap_err();
    assert!(failed.to_string().contains("127.0.0.1:1"), "{failed}");
    let copied = image.copy_to(&there.lxd).address(dead).address(env("LXD_TEST_HTTPS")).send().unwrap();
    assert_eq!(copied, made);
}

/// The other way round: this server connects, or neither does.
mod otherwise {
    use super::*;

    with_websockets!(by_push_and_by_relay);

    /// pylxd: P236.
    fn by_push_and_by_relay<C: Lab>(server: &Server<C>) {
        let here = server.project("otherwise");
        let mark = unique("unified");
        let unified = here.lxd.images().upload(image::unified(&mark)).filename("f.tar").property("colour", "blue");
        let (metadata, rootfs) = image::split(&unique("split"));
        let made = [
            unified.wait().send().unwrap(),
            here.lxd.images().upload_split(metadata, rootfs).public().wait().send().unwrap(),
        ];
        for made in made {
            for mode in ["push", "relay"] {
                let there = Server::<C>::two().project("otherwise");
                let fingerprint = made.fingerprint.to_string();
                let image = here.lxd.image(&fingerprint);
                let copying = || image.copy_to(&there.lxd).alias("ours");
                let copied = match mode {
                    "push" => copying().address("https://127.0.0.1:1").address(env("LXD_TEST_HTTPS2")).push().send(),
                    _ => copying().relay().send(),
                };
                assert_eq!(copied.unwrap(), made, "{mode}");
                let (before, after) =
                    (image.get().send().unwrap(), there.lxd.image_alias("ours").image().send().unwrap());
                assert_eq!(after.fingerprint, fingerprint);
                assert_eq!((&after.properties, after.public), (&before.properties, before.public), "{mode}");
                let open = |operation: &Operation| !operation.status_code.is_final();
                assert!(!there.lxd.operations().list().send().unwrap().iter().any(open), "{mode}");
                // It is there already, or its name is.
                assert!(copying().relay().send().is_err());
            }
        }
        let missing = here.lxd.image("0000").copy_to(&Server::<C>::two().lxd).relay().send().unwrap_err();
        assert!(missing.is_not_found(), "{missing}");
    }
}

/// The same request by request, also for a transport without websockets.
///
/// pylxd: P236.
fn one_is_pushed<C: Lab>(server: &Server<C>) {
    let (here, two) = (server.project("push"), Server::<C>::two());
    let there = two.project("push");
    let made = here.lxd.images().upload(image::unified(&unique("pushed"))).wait().send().unwrap();
    let mut waiting = ImagesPost::default();
    waiting.source.kind = "image".into();
    waiting.source.mode = "push".into();
    waiting.source.fingerprint = made.fingerprint.to_string();
    let Changed::Running(token) = there.lxd.images().create(waiting).send().unwrap() else { panic!("it waits") };
    let mut post = ImageExportPost::default();
    post.target = env("LXD_TEST_HTTPS2");
    post.secret = token.metadata.get("secret").and_then(|secret| secret.as_str()).map(Into::into);
    post.certificate = two.lxd.server().get().send().unwrap().value.environment.certificate;
    post.project.clone_from(&there.name);
    here.lxd.image(made.fingerprint.to_string()).push(post).wait().send().unwrap();
    assert_eq!(there.lxd.images().names().send().unwrap(), [made.fingerprint.to_string()]);
}
