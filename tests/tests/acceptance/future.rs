//! Keys that nobody knows yet survive an edit.

use lxd_proto::{
    Editable, Lxd, Object,
    resources::{CertificatesPost, ImageAliasesPost, InstanceSnapshotsPost, ProfilesPost},
};
use lxd_tests::{INVENTED, Inventor, Lab, Server, env, everywhere, stranger, unique};
use serde_json::Value;

everywhere!(of_an_instance, of_a_snapshot, of_a_profile, of_an_image, of_an_alias, of_a_certificate, of_the_server);

/// Edits an object of a server of the future, and checks that what is written is all that was read, but for `key` and
/// what cannot be written.
fn survive<C: Lab, R: Editable>(
    lxd: &Inventor<C>,
    object: &Object<Inventor<C>, R>,
    key: &str,
    change: impl FnMut(&mut R::Put) + Send + 'static,
) {
    object.edit(change).send().unwrap();
    let (read, written) = lxd.seen();
    let written = written.last().and_then(Value::as_object).expect("something was written");
    let read = read.as_object().expect("something was read");
    assert_eq!(read[INVENTED], written[INVENTED]);
    for (name, value) in read {
        if R::READ_ONLY.contains(&name.as_str()) {
            assert!(!written.contains_key(name), "{name} cannot be written");
        } else if name == key {
            assert_ne!(&written[name], value);
            let inside = |value: &Value| value.as_object().map(|object| object[INVENTED].clone());
            assert_eq!(inside(&written[name]), inside(value), "{name}");
        } else {
            assert_eq!(written.get(name), Some(value), "{name}");
        }
    }
    assert!(written.keys().all(|name| read.contains_key(name)), "nothing is written that was not read");
}

/// pylxd: P085, P309.
/// pylxd: W47.
fn of_an_instance<C: Lab>(server: &Server<C>) {
    let container = server.stopped("future");
    container
        .edit(|instance| drop(instance.devices.insert("n".into(), [("type".into(), "none".into())].into())))
        .send()
        .unwrap();
    let lxd = Inventor::new(server.lxd.clone());
    let instance = lxd.instance(container.name());
    survive(&lxd, &instance, "config", |instance| drop(instance.config.insert("user.a".into(), "1".into())));
    survive(&lxd, &instance, "devices", |instance| drop(instance.devices.remove("n")));
    let after = container.get().send().unwrap();
    assert_eq!(after.config["user.a"], "1");
    assert!(after.devices.is_empty());
}

fn of_a_snapshot<C: Lab>(server: &Server<C>) {
    let container = server.stopped("future");
    container.snapshots().create(InstanceSnapshotsPost::new("s")).wait().send().unwrap();
    let lxd = Inventor::new(server.lxd.clone());
    let time = "2100-01-01T00:00:00Z";
    let snapshot = lxd.instance(container.name()).snapshot("s");
    survive(&lxd, &snapshot, "expires_at", move |snapshot| {
        snapshot.expires_at = lxd_proto::compat::Timestamp::new(time);
    });
    assert_eq!(container.snapshot("s").get().send().unwrap().expires_at.as_str(), time);
}

fn of_a_profile<C: Lab>(server: &Server<C>) {
    let mut post = ProfilesPost::new(unique("future"));
    post.devices.insert("n".into(), [("type".into(), "none".into())].into());
    server.lxd.profiles().create(post.clone()).wait().send().unwrap();
    let lxd = Inventor::new(server.lxd.clone());
    survive(&lxd, &lxd.profile(&post.name), "description", |profile| profile.description = "edited".into());
    let profile = server.lxd.profile(&post.name);
    let after = profile.get().send().unwrap();
    profile.delete().wait().send().unwrap();
    assert_eq!(after.description, "edited");
    assert_eq!(after.devices["n"]["type"], "none");
}

fn of_an_image<C: Lab>(server: &Server<C>) {
    let project = server.project("future");
    let image = std::fs::read(env("LXD_TEST_IMAGE")).unwrap();
    let uploaded = project.lxd.images().upload(image).wait().send().unwrap();
    let lxd = Inventor::new(project.lxd.clone());
    let image = lxd.image(uploaded.fingerprint.to_string());
    survive(&lxd, &image, "properties", |image| drop(image.properties.insert("colour".into(), "blue".into())));
    let after = project.lxd.image(uploaded.fingerprint.to_string()).get().send().unwrap();
    assert_eq!((after.properties["colour"].as_str(), after.properties["os"].as_str()), ("blue", "BusyBox"));
}

fn of_an_alias<C: Lab>(server: &Server<C>) {
    let target = server.lxd.image_alias("busybox").get().send().unwrap().target.clone();
    let name = unique("future/alias");
    server.lxd.image_aliases().create(ImageAliasesPost::new(&name, target)).wait().send().unwrap();
    let lxd = Inventor::new(server.lxd.clone());
    survive(&lxd, &lxd.image_alias(&name), "description", |alias| alias.description = "edited".into());
    let alias = server.lxd.image_alias(&name);
    let after = alias.get().send().unwrap();
    alias.delete().wait().send().unwrap();
    assert_eq!(after.description, "edited");
}

fn of_a_certificate<C: Lab>(server: &Server<C>) {
    let identity = stranger();
    let mut post = CertificatesPost::client("future");
    post.certificate = Some(identity.certificate_base64());
    server.lxd.certificates().create(post).wait().send().unwrap();
    let lxd = Inventor::new(server.lxd.clone());
    let fingerprint = identity.fingerprint().to_string();
    survive(&lxd, &lxd.certificate(&fingerprint), "name", |certificate| certificate.name = "edited".into());
    let certificate = server.lxd.certificate(&fingerprint);
    let after = certificate.get().send().unwrap();
    certificate.delete().wait().send().unwrap();
    assert_eq!(after.name, "edited");
    assert_eq!(after.certificate.trim(), identity.certificate_pem().trim());
}

fn of_the_server<C: Lab>(server: &Server<C>) {
    let lxd = Inventor::new(server.lxd.clone());
    let key = format!("user.{}", unique("future"));
    let edited = key.clone();
    survive(&lxd, &lxd.server(), "config", move |server| drop(server.config.insert(edited.clone(), "1".into())));
    let after = server.lxd.server().get().send().unwrap();
    assert_eq!(after.config[&key], "1");
    server.lxd.server().edit(move |server| drop(server.config.insert(key.clone(), "".into()))).send().unwrap();
}
