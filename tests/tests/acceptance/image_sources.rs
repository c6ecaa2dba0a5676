//! Images that the server makes or fetches itself.

use lxd_proto::{
    Changed, Lxd,
    compat::Timestamp,
    resources::{ImageAliasesPost, ImagesPost, InstanceSnapshotsPost, InstanceSource, InstanceType, InstancesPost},
    simplestreams::{Catalogue, Wanted},
};
use lxd_tests::{
    Lab, Server, Temporary, everywhere,
    image::{self, ImageServer, STREAMED},
    pinned, stranger, unique,
};

everywhere!(
    of_an_instance,
    of_a_snapshot,
    of_simplestreams,
    of_an_address,
    of_another_lxd,
    are_found_by_alias,
    keep_what_is_not_edited,
    private_ones_need_a_secret,
);

/// pylxd: P134, P135.
/// pylxd: W15.
fn of_an_instance<C: Lab>(server: &Server<C>) {
    let container = server.stopped("publish");
    let alias = unique("published");
    let mut post = ImagesPost::from_instance(container.name()).public().alias(&alias).property("os", "ours");
    post.compression_algorithm = "none".into();
    post.filename = "ours.tar".into();
    post.profiles = vec!["default".into()];
    post.expires_at = Some(Timestamp::new("2100-01-01T00:00:00Z"));
    // The operation can be kept, and be taken up again.
    let Changed::Running(running) = server.lxd.images().create(post).send().unwrap() else { panic!("at once") };
    let done = server.lxd.operation(running.id).wait().send().unwrap();
    let fingerprint = done.metadata.get("fingerprint").and_then(|text| text.as_str()).unwrap().to_owned();

    let image = server.lxd.image_alias(&alias).image().send().unwrap();
    let published = server.lxd.image(&image.fingerprint);
    assert_eq!(image.fingerprint, fingerprint);
    assert!(image.public);
    assert_eq!((image.properties["os"].as_str(), image.filename.as_str()), ("ours", "ours.tar"));
    assert_eq!((image.kind.clone(), image.profiles.as_slice()), (InstanceType::Container, &["default".to_owned()][..]));
    assert_eq!(image.expires_at.unix(), Some((4_102_444_800, 0)));
    published.delete().wait().send().unwrap();

    container.start().wait().send().unwrap();
    let refused = server.lxd.images().create(ImagesPost::from_instance(container.name())).wait().send().unwrap_err();
    assert!(refused.to_string().contains("running"), "{refused}");
}

/// pylxd: P187.
fn of_a_snapshot<C: Lab>(server: &Server<C>) {
    let container = server.stopped("snappub");
    container.snapshots().create(InstanceSnapshotsPost::new("s")).wait().send().unwrap();
    let post = ImagesPost::from_snapshot(container.name(), "s").property("mark", unique("mark"));
    let made = server.lxd.images().create(post).wait().send().unwrap();
    let image = server.lxd.image(made.fingerprint.to_string());
    let got = image.get().send().unwrap();
    assert!(!got.public && !got.auto_update && got.aliases.is_empty());
    assert_eq!(got.size, i64::try_from(made.size).unwrap());
    let copy = InstancesPost::from_fingerprint(unique("of-snapshot"), made.fingerprint.to_string());
    let copy = Temporary::of(server.lxd.instance(server.lxd.instances().create(copy).wait().send().unwrap().name));
    assert_eq!(copy.get().send().unwrap().config["volatile.base_image"], got.fingerprint);
    image.delete().wait().send().unwrap();
}

/// pylxd: P123, P227, P236, P238, P240, P250.
fn of_simplestreams<C: Lab>(server: &Server<C>) {
    let project = server.project("streams");
    let lxd = &project.lxd;
    let streams = ImageServer::start(image::unified(&unique("streamed")));
    let mut post = ImagesPost::from_simplestreams(&streams.url, STREAMED).alias("ours");
    post.auto_update = true;
    let made = lxd.images().create(post).wait().send().unwrap();
    assert_eq!(made.fingerprint, streams.fingerprint);
    // What we find in the server's catalogue is what LXD takes.
    let catalogue = Catalogue::read(streams.catalogue.as_bytes()).unwrap();
    let wanted = Wanted::new(STREAMED).architecture(std::env::consts::ARCH);
    let found = catalogue.find(&wanted).unwrap();
    assert_eq!(found.fingerprint, made.fingerprint);
    let got = lxd.image_alias("ours").image().send().unwrap();
    assert!(got.auto_update && !got.cached);
    for (key, value) in &found.properties {
        assert_eq!(got.properties.get(key), Some(value), "{key}");
    }
    let source = got.update_source.clone().unwrap();
    assert_eq!((source.protocol.as_str(), source.alias.as_str()), ("simplestreams", STREAMED));
    assert_eq!(source.server, streams.url);
    assert!(!lxd.image(&got.fingerprint).refresh().wait().send().unwrap().refreshed);

    // An instance can be made of it at once; the server keeps the image for the next.
    let other = ImageServer::start(image::unified(&unique("cached")));
    let root = [("type", "disk"), ("path", "/"), ("pool", "default")];
    let source = InstanceSource::simplestreams(&other.url, STREAMED);
    let post = InstancesPost::new(unique("streamed"), source).device("root", root).profiles(["default"]);
    let made = lxd.instances().create(post).wait().send().unwrap();
    let base = lxd.instance(made.name).get().send().unwrap().config["volatile.base_image"].clone();
    assert_eq!(base, other.fingerprint.to_string());
    assert!(lxd.image(base).get().send().unwrap().cached);

    lxd.images().create(ImagesPost::from_simplestreams(&streams.url, "none")).wait().send().unwrap_err();
}

/// pylxd: P228.
fn of_an_address<C: Lab>(server: &Server<C>) {
    let project = server.project("address");
    let address = ImageServer::start(image::unified(&unique("address")));
    let url = format!("{}/direct", address.url);
    let made = project.lxd.images().create(ImagesPost::from_url(&url).property("from", "there")).wait().send().unwrap();
    assert_eq!(made.fingerprint, address.fingerprint);
    let got = project.lxd.image(made.fingerprint.to_string()).get().send().unwrap();
    assert_eq!(got.properties["from"], "there");
    // It cannot be updated: it has no source.
    assert!(project.lxd.image(&got.fingerprint).refresh().wait().send().is_err());
}

/// pylxd: P229.
fn of_another_lxd<C: Lab>(server: &Server<C>) {
    let two = Server::<C>::two();
    let alias = unique("remote");
    let file = image::unified(&alias);
    let there = two.lxd.images().upload(file).public().wait().send().unwrap();
    two.lxd.image_aliases().create(ImageAliasesPost::new(&alias, there.fingerprint.to_string())).wait().send().unwrap();
    let project = server.project("remote");
    let mut post = ImagesPost::from_lxd(lxd_tests::env("LXD_TEST_HTTPS2"), &alias);
    post.source.certificate = two.lxd.server().get().send().unwrap().value.environment.certificate;
    let made = project.lxd.images().create(post).wait().send().unwrap();
    assert_eq!(made.fingerprint, there.fingerprint);
    let got = project.lxd.image(made.fingerprint.to_string()).get().send().unwrap();
    assert_eq!(got.properties["mark"], alias);
    assert_eq!(got.update_source.as_ref().unwrap().protocol, "lxd");
    two.lxd.image(there.fingerprint.to_string()).delete().wait().send().unwrap();
}

/// pylxd: P220, P221, P222, P223, P231, P232, P237.
fn are_found_by_alias<C: Lab>(server: &Server<C>) {
    let project = server.project("found");
    let lxd = &project.lxd;
    let fingerprint =
        lxd.images().upload(image::unified(&unique("found"))).wait().send().unwrap().fingerprint.to_string();
    // Fingerprints, and not what a project makes of their URLs.
    assert_eq!(lxd.images().names().send().unwrap(), [fingerprint.as_str()]);
    let alias = lxd.image_alias("a/b c?");
    assert!(!alias.exists().send().unwrap());
    assert!(alias.image().send().unwrap_err().is_not_found());
    let mut post = ImageAliasesPost::new("a/b c?", &fingerprint);
    post.description = "the one".into();
    lxd.image_aliases().create(post).wait().send().unwrap();
    assert!(alias.exists().send().unwrap());
    let image = alias.image().send().unwrap();
    assert_eq!(image.fingerprint, fingerprint);
    assert_eq!((image.aliases[0].name.as_str(), image.aliases[0].description.as_str()), ("a/b c?", "the one"));
    alias.delete().wait().send().unwrap();
    assert!(!alias.exists().send().unwrap());
    assert!(lxd.image(&fingerprint[..12]).exists().send().unwrap());
    assert!(!server.lxd.image(&fingerprint).exists().send().unwrap());
}

/// pylxd: P234, P235, P239, P241, P242, P243, P244, P245, P246, P247, P249, P251.
/// pylxd: W42.
fn keep_what_is_not_edited<C: Lab>(server: &Server<C>) {
    let project = server.project("edit");
    let lxd = &project.lxd;
    lxd.profiles().create(lxd_proto::resources::ProfilesPost::new("small")).wait().send().unwrap();
    let file = image::unified(&unique("edit"));
    let made = lxd.images().upload(file).filename("f.tar").wait().send().unwrap();
    let image = lxd.image(made.fingerprint.to_string());
    image
        .edit(|image| {
            image.expires_at = Timestamp::new("2100-01-01T00:00:00Z");
            image.profiles = vec!["small".into()];
        })
        .send()
        .unwrap();
    image.edit(|image| image.public = true).send().unwrap();
    let got = image.get().send().unwrap();
    assert_eq!(got.expires_at.unix(), Some((4_102_444_800, 0)));
    assert_eq!((got.profiles.as_slice(), got.public), (&["small".to_owned()][..], true));
    image
        .edit(|image| {
            image.properties.insert("os".into(), "Other".into());
            image.profiles = vec!["default".into()];
            image.auto_update = true;
        })
        .send()
        .unwrap();
    let last = image.get().send().unwrap();
    assert_eq!((last.properties["os"].as_str(), &last.properties["mark"]), ("Other", &got.properties["mark"]));
    assert!(last.public && last.auto_update && last.expires_at == got.expires_at);
    assert_eq!((last.profiles.as_slice(), last.filename.as_str()), (&["default".to_owned()][..], "f.tar"));
    assert_eq!((last.architecture.as_str(), last.kind.clone()), (std::env::consts::ARCH, InstanceType::Container));
    assert_eq!(last.created_at.unix(), Some((1_700_000_000, 0)));
    assert!(last.uploaded_at.unix().is_some_and(|(seconds, _)| seconds > 1_700_000_000));
    assert!(last.last_used_at.is_unset() || last.last_used_at.unix().is_some());
    assert_eq!(last.fingerprint, made.fingerprint.to_string());
    image.delete().wait().send().unwrap();
    assert!(!image.exists().send().unwrap());
}

fn private_ones_need_a_secret<C: Lab>(server: &Server<C>) {
    let file = image::unified(&unique("private"));
    let made = server.lxd.images().upload(file.clone()).wait().send().unwrap();
    let fingerprint = made.fingerprint.to_string();
    // Somebody whom the server does not trust; a client of its own, because not every one speaks HTTPS.
    let remote = pinned(&lxd_tests::env("LXD_TEST_HTTPS")).identity(stranger());
    let nobody = lxd_ureq::Client::new(remote).unwrap();
    assert!(nobody.image(&fingerprint).export().bytes().send().unwrap_err().is_not_found());
    let secret = server.lxd.image(&fingerprint).secret().send().unwrap();
    lxd_tests::secret(secret.secret.expose());
    let received = nobody.image(&fingerprint).export().secret(secret.secret).bytes().send().unwrap();
    assert!(received == file);
    let unused = server.lxd.image(&fingerprint).secret().send().unwrap();
    server.lxd.operation(unused.operation).cancel().send().map(drop).unwrap();
    server.lxd.image(fingerprint).delete().wait().send().unwrap();
}
