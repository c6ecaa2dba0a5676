//! Images and their aliases.

use lxd_proto::{
    Fingerprint, Lxd,
    error::{ApiErrorKind, Outcome},
    resources::{ImageAliasesPost, InstanceType},
};
use lxd_tests::{Lab, Server, cases, env, everywhere, payload, unique};
use sha2::{Digest, Sha256};

everywhere!(are_listed, are_uploaded, are_changed, a_wrong_upload_is_refused, have_aliases);

/// The image's file, and its fingerprint.
fn file() -> (Vec<u8>, Fingerprint) {
    let file = std::fs::read(env("LXD_TEST_IMAGE")).unwrap();
    let fingerprint = Fingerprint::from_bytes(Sha256::digest(&file).into());
    (file, fingerprint)
}

/// pylxd: P220, P221.
fn are_listed<C: Lab>(server: &Server<C>) {
    let (file, fingerprint) = file();
    let images = server.lxd.images();
    assert!(images.names().send().unwrap().contains(&fingerprint.to_string()));
    let listed =
        images.list().filter(format!("fingerprint eq {fingerprint} and properties.os eq busybox")).send().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].size, i64::try_from(file.len()).unwrap());
    let got = images.get(&fingerprint.to_string()[..12]).send().unwrap();
    assert_eq!(got.fingerprint, fingerprint.to_string());
    assert_eq!((got.kind.clone(), got.properties["os"].as_str()), (InstanceType::Container, "BusyBox"));
    assert!(got.aliases.iter().any(|alias| alias.name == "busybox"));
    assert_eq!(got.expires_at.unix(), Some((4_102_444_800, 0)));
    assert!(images.get("0000").send().unwrap_err().is_not_found());
}

/// pylxd: P224.
fn are_uploaded<C: Lab>(server: &Server<C>) {
    let project = server.project("upload");
    let images = project.lxd.images();
    assert!(images.list().send().unwrap().is_empty());
    let (file, fingerprint) = file();
    let length = file.len() as u64;
    let upload = images
        .upload(payload::<C>(std::io::Cursor::new(file), Some(length)))
        .filename("ümlaut & co.tar.gz".escape_default().to_string())
        .property("colour", "light blue & 100 % ü=?")
        .property("empty", "x")
        .public()
        .fingerprint(fingerprint);
    let uploaded = upload.wait().send().unwrap();
    assert_eq!((uploaded.fingerprint, uploaded.size), (fingerprint, length));
    let got = project.lxd.image(fingerprint.to_string()).get().send().unwrap();
    assert_eq!(got.properties["colour"], "light blue & 100 % ü=?");
    assert_eq!(got.properties["os"], "BusyBox");
    assert_eq!(got.filename, r"\u{fc}mlaut & co.tar.gz");
    assert!(got.public && !got.cached && !got.auto_update);
    assert!(got.aliases.is_empty());
    assert_eq!(images.names().send().unwrap(), [fingerprint.to_string()]);

    project.lxd.image(fingerprint.to_string()).delete().wait().send().unwrap();
    assert!(images.names().send().unwrap().is_empty());
    assert!(project.lxd.image(fingerprint.to_string()).delete().wait().send().unwrap_err().is_not_found());
}

/// pylxd: P234.
fn are_changed<C: Lab>(server: &Server<C>) {
    let project = server.project("images");
    let uploaded = project.lxd.images().upload(file().0).wait().send().unwrap();
    let image = project.lxd.image(uploaded.fingerprint.to_string());
    let made = image.get().send().unwrap();
    assert!(!made.public);
    image
        .edit(|image| {
            image.public = true;
            image.properties.remove("variant");
            image.properties.insert("user.a".into(), "1".into());
        })
        .send()
        .unwrap();
    let edited = image.get().send().unwrap();
    assert!(edited.public && !edited.properties.contains_key("variant"));
    assert_eq!((edited.properties["user.a"].as_str(), edited.properties["os"].as_str()), ("1", "BusyBox"));
    image.patch(|p| p.public = Some(false)).if_match(edited.etag.clone()).wait().send().unwrap();
    let patched = image.get().send().unwrap();
    assert!(!patched.public);
    assert_eq!(patched.properties, edited.properties);
    let late = image.patch(|p| p.public = Some(true)).if_match(made.etag.clone()).wait().send();
    assert!(late.unwrap_err().is_precondition_failed());
}

fn a_wrong_upload_is_refused<C: Lab>(server: &Server<C>) {
    let project = server.project("wrong");
    let images = project.lxd.images();
    let failed = |result: Result<_, lxd_proto::Error>| {
        let _: &lxd_proto::resources::CreatedImage = match &result {
            Ok(uploaded) => uploaded,
            Err(error) => {
                let outcome = error.operation().map(|error| error.outcome.clone());
                assert!(matches!(outcome, Some(Outcome::Failed(_))), "{error}");
                return error.to_string();
            }
        };
        panic!("it was taken");
    };
    let wrong = Fingerprint::from_bytes([7; 32]);
    let why = failed(images.upload(file().0).fingerprint(wrong).wait().send());
    assert!(why.contains(&wrong.to_string()), "{why}");
    failed(images.upload("this is no image").wait().send());
    assert!(images.names().send().unwrap().is_empty());
}

/// pylxd: P231, P232.
fn have_aliases<C: Lab>(server: &Server<C>) {
    let project = server.project("aliases");
    let (lxd, aliases) = (&project.lxd, project.lxd.image_aliases());
    let fingerprint = lxd.images().upload(file().0).wait().send().unwrap().fingerprint.to_string();
    let name = "two/parts and %";
    let mut post = ImageAliasesPost::new(name, &fingerprint);
    post.description = "the first".into();
    aliases.create(post.clone()).wait().send().unwrap();
    aliases.create(ImageAliasesPost::new("plain", &fingerprint)).wait().send().unwrap();
    let twice = aliases.create(post).wait().send().unwrap_err();
    assert!(twice.is_conflict() || twice.api() == Some(ApiErrorKind::Other), "{twice}");

    let got = aliases.get(name).send().unwrap();
    assert_eq!((got.name.as_str(), got.target.as_str(), got.description.as_str()), (name, &*fingerprint, "the first"));
    assert_eq!(got.kind, InstanceType::Container);
    let mut names = aliases.names().send().unwrap();
    names.sort();
    assert_eq!(names, ["plain", name]);
    assert_eq!(aliases.list().send().unwrap().len(), 2);
    let image = lxd.image(&fingerprint).get().send().unwrap();
    assert_eq!(image.aliases.len(), 2);

    let alias = lxd.image_alias(name);
    alias.edit(|alias| alias.description = "edited".into()).send().unwrap();
    assert_eq!(alias.get().send().unwrap().description, "edited");
    // No patch: on 5.0.2 it stops the whole server for 20 s, and fails.
    let late = alias.replace(got.writable().unwrap()).if_match(got.etag.clone()).wait().send();
    assert!(late.unwrap_err().is_precondition_failed());
    alias.delete().wait().send().unwrap();
    assert_eq!(aliases.names().send().unwrap(), ["plain"]);
    assert!(alias.delete().wait().send().unwrap_err().is_not_found());
}

/// On 5.0.2 the renaming of an alias stops the whole server for 10 s, so this is done where it disturbs few.
mod on_server_two {
    use super::*;

    cases!(ureq_unix, lxd_ureq::Client, two, an_alias_is_renamed);
    cases!(reqwest_unix, lxd_tests::BlockOn, two, an_alias_is_renamed);

    fn an_alias_is_renamed<C: Lab>(server: &Server<C>) {
        let (old, new) = (unique("old/alias"), unique("new/alias"));
        let target = server.lxd.image_alias("busybox").get().send().unwrap().target.clone();
        server.lxd.image_aliases().create(ImageAliasesPost::new(&old, &target)).wait().send().unwrap();
        server.lxd.image_alias(&old).rename(&new).wait().send().unwrap();
        assert!(server.lxd.image_alias(&old).get().send().unwrap_err().is_not_found());
        let renamed = server.lxd.image_alias(&new);
        assert_eq!(renamed.get().send().unwrap().target, target);
        renamed.delete().wait().send().unwrap();
    }
}
