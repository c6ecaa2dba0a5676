//! `docs/pylxd.md`: every call that it names, so that the compiler reads it, and the tests of the page.
// What is only compiled uses nothing.
#![allow(unused_variables, clippy::extra_unused_type_parameters, clippy::too_many_arguments, clippy::needless_borrow)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path as File, PathBuf},
    time::Duration,
};

use lxd_host::{ClientIdentity, Directory, Proxy, Remote, ServerTrust, Timeouts, fetch_certificate};
use lxd_proto::{
    Address, Draft, Error, Fetched, Fingerprint, Lxd, Object, Path, Proof, TrustToken,
    flow::exec::{Control, ExecOutput},
    resources::*,
    tree::{Owners, Report},
};
use serde_json::Value;

use crate::Lab;

/// A type of the caller's own.
#[derive(Debug, serde::Deserialize)]
struct Mine {}

/// Nothing of this ever runs.
macro_rules! calls {
    ($group:ident $given:tt $($call:expr;)*) => {
        #[allow(dead_code)]
        fn $group() {
            $(calls!(@one $given $call);)*
        }
    };
    (@one ($($name:ident: $type:ty),*) $call:expr) => {{
        #[allow(dead_code, path_statements)]
        fn call<C: Lab>($($name: $type),*) {
            let _ = $call;
        }
    }};
}

calls! { clients (url: &str, trust: ServerTrust, path: &str, remote: Remote, identity: ClientIdentity, certificate: &str, key: &str, directory: &File, pem: &str, fingerprint: Fingerprint, address: &Address, timeout: Duration, timeouts: Timeouts, proxy: Proxy)
    ClientIdentity::generate("laptop");
    ClientIdentity::load_or_create(directory);
    lxd_ureq::Client::local();
    lxd_reqwest::Client::local();
    lxd_ureq::Client::new(remote);
    Remote::https(url, trust);
    Remote::local();
    Remote::unix(path);
    Remote::https("https://host:8443", trust);
    "unix:/path".parse::<Address>();
    remote.identity(identity);
    ClientIdentity::from_pem(certificate, key);
    ClientIdentity::load(directory);
    Remote::named("prod");
    ServerTrust::System;
    ServerTrust::certificate_pem(pem);
    ServerTrust::authority_pem(pem);
    ServerTrust::Pin(fingerprint);
    lxd_ureq::Client::from_remote("prod");
    fetch_certificate(address, None, timeout);
    remote.timeouts(timeouts);
    remote.proxy(proxy);
    remote.proxy_from_env();
}

calls! { profiles (lxd: C, draft: &mut Draft<Profile>, fetched: Fetched<Profile>, object: Object<C, Profile>, put: ProfilePut, set: fn(&mut ProfilePatch), change: fn(&mut ProfilePut), key: String, value: String)
    fetched.value;
    fetched.etag;
    fetched.raw;
    draft.rebase(fetched);
    draft.is_changed();
    draft.config.insert(key, value);
    draft.changes();
    draft.rollback();
    lxd.profile("web").save(&draft);
    lxd.profile("web").edit(change);
    lxd.profile("web").replace(put);
    lxd.profile("web").patch(set);
    fetched.writable();
    object.at();
}

calls! { instances (lxd: C, other: C, draft: Draft<Instance>, post: InstancesPost, change: fn(&mut InstancePut), expire: fn(&mut InstanceSnapshotPut), time: Duration, writer: C::Writer, url: &str, state: InstanceState, source: InstanceSource, output: ExecOutput, terminal: Terminal, control: Control, site: Directory, report: Report)
    lxd.instances();
    lxd.instance("c1").get();
    lxd.instances().list();
    InstancesPost::from_alias("c1", "focal");
    lxd.instance("c1").exists();
    lxd.instances().names();
    lxd.instances().list().stream();
    lxd.instances().list_full();
    lxd.instances().list_full().fields([InstanceStateField::Disk]);
    lxd.instances().create(post);
    lxd.target("member").instances().create(post);
    lxd.instances().create(post).wait();
    InstancesPost::empty("c1");
    InstancesPost::from_alias("c1", "focal").config("limits.cpu", "2");
    InstancesPost::new("c1", InstanceSource::simplestreams(url, "24.04")).profiles(["web"]);
    lxd.instance("c1").save(&draft);
    lxd.instance("c1").edit(change);
    lxd.instance("c1").rename("c2");
    lxd.instance("c1").move_to(InstancePost::to_pool("fast"));
    lxd.instance("c1").delete();
    lxd.instance("c1").delete().force();
    lxd.instance("c1").state();
    state.network["eth0"].addresses;
    lxd.instance("c1").start();
    lxd.instance("c1").stop();
    lxd.instance("c1").stop().force();
    lxd.instance("c1").stop().within(time);
    lxd.instance("c1").restart();
    lxd.instance("c1").freeze();
    lxd.instance("c1").unfreeze();
    lxd.instance("c1").restore("before");
    lxd.instance("c1").restore("before").stateful();
    lxd.instance("c1").offer(InstancePost::default());
    source.operation;
    source.websockets;
    lxd.instance("c1").copy_to("c2");
    lxd.instance("c1").copy_to_server(&other);
    lxd.instance("c1").copy_to_server(&other).push();
    lxd.instance("c1").copy_to_server(&other).relay();
    lxd.instance("c1").move_to_server(&other);
    lxd.instance("c1").move_to_server(&other).live();
    lxd.instance("c1").exec(["ls", "-l"]).output();
    output.code;
    output.stdout;
    output.stderr;
    lxd.instance("c1").exec(["env"]).env("K", "v");
    lxd.instance("c1").exec(["id"]).user(1000).group(100).cwd("/tmp");
    lxd.instance("c1").exec(["cat"]).stdin("text");
    String::from_utf8_lossy(&output.stdout);
    lxd.instance("c1").exec(["ls"]).output();
    lxd.instance("c1").exec(["ls"]).stdout(writer);
    lxd.instance("c1").exec(["top"]).spawn();
    control.kill();
    control.signal(15);
    control.resize(80, 24);
    lxd.instance("c1").exec(["top"]).timeout(time);
    lxd.instance("c1").exec(["sh"]).terminal();
    terminal.data;
    terminal.control;
    lxd.instance("c1").snapshot("before").get();
    lxd.instance("c1").snapshots().names();
    lxd.instance("c1").snapshots().list();
    lxd.instance("c1").snapshots().create(InstanceSnapshotsPost::new("before"));
    lxd.instance("c1").snapshot("before").rename("after");
    lxd.instance("c1").snapshot("before").delete();
    lxd.instance("c1").snapshot("before").edit(expire);
    lxd.instance("c1").files().put("/etc/motd", "hello").mode(0o644).uid(0).gid(0);
    lxd.instance("c1").files().mkdir("/srv/www").mode(0o750);
    lxd.instance("c1").files().get("/etc/motd").bytes();
    lxd.instance("c1").files().delete("/etc/motd");
    lxd.instance("c1").files().symlink("/etc/x", "/etc/y");
    lxd.instance("c1").files().append("/log", "line");
    lxd.instance("c1").files().stat("/etc");
    lxd.instance("c1").files().list("/etc");
    lxd.instance("c1").sftp();
    Directory::open("site");
    lxd.instance("c1").files().push_tree(site, "/srv/www").owners(Owners::Fixed(33, 33));
    lxd.instance("c1").files().pull_tree("/srv/www", site);
    report.left_out;
}

calls! { images (lxd: C, other: C, fingerprint: &str, draft: Draft<Image>, content: Vec<u8>, metadata: Vec<u8>, rootfs: Vec<u8>, url: &str, publish: fn(&mut ImagePut), target: ImageExportPost, post: ImagesPost)
    lxd.images();
    lxd.image(fingerprint).save(&draft);
    lxd.images().create(ImagesPost::from_instance("c1").public());
    post.compression_algorithm;
    lxd.images().create(ImagesPost::from_snapshot("c1", "before"));
    lxd.images().names();
    lxd.images().list();
    lxd.image(fingerprint).get();
    lxd.image_alias("focal").image();
    lxd.image(fingerprint).exists();
    lxd.image_alias("focal").exists();
    lxd.images().upload(content).wait().alias("focal");
    lxd.images().upload_split(metadata, rootfs);
    lxd.images().upload_split(metadata, rootfs).virtual_machine();
    lxd.images().create(ImagesPost::from_simplestreams(url, "24.04"));
    lxd.images().create(ImagesPost::from_url(url));
    lxd.images().create(ImagesPost::from_lxd(url, "focal").alias("mine"));
    lxd.image(fingerprint).export();
    lxd.image_aliases().create(ImageAliasesPost::new("focal", fingerprint));
    lxd.image_alias("focal").delete();
    lxd.image_aliases().list();
    lxd.image_alias("focal").rename("old");
    lxd.image(fingerprint).copy_to(&other);
    lxd.image(fingerprint).edit(publish);
    lxd.image(fingerprint).delete();
    lxd.image(fingerprint).refresh();
    lxd.image(fingerprint).push(target);
}

calls! { fields (instance: Instance, image: Image, certificate: Certificate, network: Network, profile: Profile, project: Project, pool: StoragePool, volume: StorageVolume)
    instance.architecture;
    instance.config;
    instance.created_at;
    instance.devices;
    instance.ephemeral;
    instance.expanded_config;
    instance.expanded_devices;
    instance.name;
    instance.description;
    instance.profiles;
    instance.status;
    instance.last_used_at;
    instance.location;
    instance.kind;
    instance.status_code;
    instance.stateful;
    instance.project;
    instance.created_at.unix();
    image.aliases;
    image.auto_update;
    image.architecture;
    image.cached;
    image.created_at;
    image.expires_at;
    image.filename;
    image.fingerprint;
    image.last_used_at;
    image.properties;
    image.public;
    image.size;
    image.uploaded_at;
    image.update_source;
    image.kind;
    image.profiles;
    image.project;
    certificate.fingerprint;
    certificate.certificate;
    certificate.kind;
    certificate.name;
    certificate.projects;
    certificate.restricted;
    network.name;
    network.kind;
    network.used_by;
    network.config;
    network.managed;
    profile.config;
    profile.description;
    profile.devices;
    profile.name;
    profile.used_by;
    profile.project;
    project.name;
    project.config;
    project.description;
    project.used_by;
    pool.name;
    pool.driver;
    pool.used_by;
    pool.config;
    pool.description;
    pool.status;
    pool.locations;
    volume.name;
    volume.kind;
    volume.content_type;
    volume.description;
    volume.config;
    volume.used_by;
    volume.location;
    volume.created_at;
    volume.pool;
    volume.project;
}

calls! { rest (lxd: C, other: C, path: Path, id: OperationId, body: Value, text: &str, token: TrustToken, server: Server, name: &str, error: Error, fingerprint: &str, join: ClusterJoin, certificate_put: ClusterCertificatePut, restrict: fn(&mut CertificatePut), describe: fn(&mut NetworkPut), forward: fn(&mut NetworkForwardPut), change_pool: fn(&mut StoragePoolPut), describe_volume: fn(&mut StorageVolumePut))
    lxd.project("web");
    lxd.server().get();
    server.is_trusted();
    server.environment.server_clustered;
    lxd.server().resources();
    server.has_extension("network_forward");
    server.require("network_forward");
    lxd.certificates().trust("laptop", Proof::Password("secret".into()));
    lxd.certificates().trust("laptop", token);
    text.parse::<TrustToken>();
    lxd.project("web").certificates().trust("laptop", token);
    lxd.certificates();
    lxd.containers();
    lxd.virtual_machines();
    lxd.networks();
    lxd.profiles();
    lxd.projects();
    lxd.storage_pools();
    lxd.cluster();
    lxd.operations();
    lxd.warnings();
    lxd.api(path);
    Path::root().join("instances");
    Path::root().join("instances").name(name);
    Path::root().join("network-acls");
    lxd.api(path).get::<Mine>();
    lxd.api(path).download();
    lxd.api(path).post(&body);
    lxd.target("member");
    lxd.api(path).put(&body);
    lxd.api(path).patch(&body);
    lxd.api(path).delete();
    lxd.api(path).get::<Mine>().request();
    lxd.events();
    lxd.events().subscribe();
    lxd.events().types([EventType::Lifecycle]);
    lxd.operation(id).get();
    lxd.operation(id).wait();
    error.operation();
    lxd.operations().list();
    lxd.operation(id).cancel();
    text.parse::<OperationId>();
    error.is_not_found();
    error.is_conflict();
    lxd.unchecked();
    lxd.profile("web").delete();
    lxd.target("@group");
    server.has_extension("file_delete");
    lxd.certificates().list();
    lxd.certificate(fingerprint).get();
    lxd.certificates().create(CertificatesPost::client("laptop"));
    lxd.certificates().token("laptop").restricted_to(["web"]);
    lxd.certificate(fingerprint).delete();
    lxd.certificate(fingerprint).edit(restrict);
    lxd.networks().list();
    lxd.network("br0").get();
    lxd.network("br0").exists();
    lxd.networks().create(NetworksPost::new("br0").config("ipv4.nat", "true"));
    lxd.network("br0").rename("br1");
    lxd.network("br0").edit(describe);
    lxd.network("br0").delete();
    lxd.network("br0").state();
    lxd.network("br0").forward("192.0.2.1").get();
    lxd.network("br0").forwards().create(NetworkForwardsPost::new("192.0.2.1"));
    lxd.network("br0").forward("192.0.2.1").edit(forward);
    lxd.network("br0").forward("192.0.2.1").delete();
    lxd.network("br0").forwards().list();
    lxd.network("ovn0").load_balancers();
    lxd.network("br0").leases();
    lxd.network("br0").peers();
    lxd.network_acls();
    lxd.network_zones();
    lxd.network_allocations();
    lxd.profiles().list();
    lxd.profile("web").exists();
    lxd.profile("web").get();
    lxd.profiles().create(ProfilesPost::new("web"));
    lxd.profile("web").rename("mail");
    lxd.projects().list();
    lxd.projects().one("web").get();
    lxd.projects().one("web").exists();
    lxd.projects().create(ProjectsPost::new("web"));
    lxd.projects().one("web").rename("mail").wait();
    lxd.projects().one("web").delete();
    lxd.projects().one("web").state();
    lxd.storage_pools().list();
    lxd.storage_pool("default").get();
    lxd.storage_pool("default").exists();
    lxd.storage_pools().create(StoragePoolsPost::new("fast", "dir"));
    lxd.storage_pool("fast").edit(change_pool);
    lxd.storage_pool("fast").delete();
    lxd.storage_pool("fast").resources();
    lxd.storage_pool("fast").volumes().names();
    lxd.storage_pool("fast").volumes().list();
    lxd.storage_pool("fast").volume(StorageVolumeType::Custom, "data").get();
    lxd.storage_pool("fast").volumes().create(StorageVolumesPost::new("data"));
    lxd.storage_pool("fast").custom_volume("data").rename("old");
    lxd.storage_pool("fast").custom_volume("data").move_to("slow");
    lxd.storage_pool("fast").custom_volume("data").move_to_server(&other);
    lxd.storage_pool("fast").custom_volume("data").edit(describe_volume);
    lxd.storage_pool("fast").custom_volume("data").delete();
    lxd.storage_pool("fast").custom_volume("data").restore("before");
    lxd.storage_pool("fast").custom_volume("data").snapshots().create(StorageVolumeSnapshotsPost::new("before"));
    lxd.storage_pool("fast").custom_volume("data").snapshots().names();
    lxd.storage_pool("fast").custom_volume("data").snapshots().list();
    lxd.storage_pool("fast").custom_volume("data").snapshot("before").rename("old");
    lxd.storage_pool("fast").buckets();
    lxd.storage_pool("fast").custom_volume("data").backups();
    lxd.storage_pool("fast").custom_volume("data").state();
    StorageVolumesPost::copy("data", "fast", "other");
    lxd.cluster().get();
    lxd.cluster().enable("member");
    lxd.cluster().join(join);
    lxd.cluster().disable();
    lxd.cluster().members().list();
    lxd.cluster().member("one").get();
    lxd.cluster().replace_certificate(certificate_put);
}

/// What the page names besides: words, and what stands in the calls above.
const WORDS: &[&str] = &[
    "Notice",
    "Gap",
    "access_entitlements",
    "cargo add lxd-ureq",
    "cargo add lxd-reqwest",
    "use lxd_ureq::prelude::*;",
    "use lxd_reqwest::prelude::*;",
    "tests/run",
    "cargo doc --open",
    "lxc",
    "LXD_SOCKET",
    "LXD_DIR",
    "servercerts/prod.crt",
    "all_projects()",
    "lxd_proto::Blocking",
    "lxd_proto::Async",
    "Error",
    "Error::NotLxd",
    "lxd-ureq/",
    "lxd-reqwest/",
    "GET",
    "if_match(etag)",
    "Error::Api",
    "ApiErrorKind",
    "Outcome::Unknown",
    "Outcome::Failed",
    "Outcome::Cancelled",
    "Outcome::StillRunning",
    "Changed::Running",
    "Changed::Done",
    ".timeout(Duration)",
    "Error::MissingExtension",
    "Error::Transport",
    "FailureKind",
    "Error::InvalidName",
    "Error::InvalidInput",
    "Error::Tree",
    "Error::WrongFileType",
    "If-Match",
    "POST",
    "Collection",
    "Object",
    "get(name)",
    "Created",
    "none",
    "Timestamp",
    "/wait",
    "limits::OUTPUT",
    "stderr(writer)",
    "Error::Truncated",
    "size(80, 24)",
    "file(path)",
    "uid(1000)",
    "gid(100)",
    "pieces()",
    "Debug",
    "PUT",
    "edit(..)",
    "Draft",
    "InstanceFull",
    "Error::Outdated",
    "Changed",
    "#[must_use]",
    "..",
    "Timeouts",
    "Error::Operation",
    "Send",
    "Sync",
];

const PAGE: &str = include_str!("../../docs/pylxd.md");

/// The rows of the page: their numbers, and what stands in the last column.
fn rows() -> Vec<(&'static str, &'static str)> {
    let cells = |line: &'static str| Some(line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | "));
    let row = |line| {
        let mut cells = cells(line)?;
        let number = cells.next()?;
        let is_one = number.len() >= 3 && number[1..].bytes().all(|byte| byte.is_ascii_digit());
        is_one.then_some((number, cells.last()?))
    };
    PAGE.lines().filter_map(row).collect()
}

/// pylxd's features, P001 to P310 with some numbers left free, and its weaknesses.
fn numbers() -> BTreeSet<String> {
    let free = [10..45, 50..59, 60..66, 70..78, 80..87, 90..108, 110..160, 160..176, 180..191, 200..213];
    let more = [1..10, 220..259, 260..275, 275..287, 287..303, 303..310, 310..311];
    let features = free.into_iter().chain(more).flatten().map(|number| format!("P{number:03}"));
    features.chain((1..49).map(|number| format!("W{number:02}"))).collect()
}

#[test]
fn every_row_is_there_once() {
    let rows: Vec<_> = rows().into_iter().map(|(number, _)| number.to_owned()).collect();
    assert_eq!(rows.len(), 272 + 48);
    assert_eq!(rows.iter().cloned().collect::<BTreeSet<_>>(), numbers());
}

#[test]
fn every_name_exists() {
    let source = include_str!("pylxd.rs");
    let calls: String = source.split("const PAGE").next().unwrap().split_whitespace().collect();
    for (number, here) in rows() {
        for span in here.split('`').skip(1).step_by(2) {
            let wanted: String = span.split_whitespace().collect();
            assert!(calls.contains(&wanted), "{number}: {span:?} is not compiled in tests/src/pylxd.rs");
        }
    }
    for word in WORDS {
        assert!(PAGE.contains(word), "{word:?} is not named any more");
    }
}

#[test]
fn the_examples_are_those_that_run() {
    let plain = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let source = plain(include_str!("../tests/acceptance/worked.rs"));
    let examples: Vec<_> = PAGE.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 7, "{}", examples.len());
    for example in examples {
        assert!(source.contains(plain(example).trim()), "not in worked.rs:\n{example}");
    }
}

/// The rows of pylxd that each test says it shows: `/// pylxd: P001, W01.` above it.
fn shown() -> BTreeMap<String, Vec<String>> {
    let mut shown = BTreeMap::<_, Vec<_>>::new();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec!["tests/tests", "lxd-proto/tests", "lxd-proto/src", "lxd-host/src"]
        .into_iter()
        .map(|name| root.join(name))
        .collect::<Vec<_>>();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                for (number, test) in tagged(&fs::read_to_string(&path).unwrap()) {
                    shown.entry(number).or_default().push(format!("{}: {test}", path.display()));
                }
            }
        }
    }
    shown
}

/// The rows in the docs of each function of a file.
fn tagged(source: &str) -> Vec<(String, String)> {
    let (mut tagged, mut waiting) = (Vec::new(), Vec::new());
    for line in source.lines().map(str::trim) {
        if let Some(tag) = line.strip_prefix("/// pylxd") {
            let (_, rows) = tag.split_once(": ").unwrap_or_else(|| panic!("{line}"));
            // After the rows stands why they are on recorded answers, if they are.
            let rows = rows.split(['.', ':']).next().unwrap().split(", ").map(str::to_owned);
            waiting.extend(rows);
        } else if let Some(name) = line.strip_prefix("fn ").or_else(|| line.strip_prefix("pub fn ")) {
            let name = name.split(['<', '(']).next().unwrap().to_owned();
            tagged.extend(waiting.drain(..).map(|number| (number, name.clone())));
        } else if !line.starts_with("///") && !line.starts_with("#[") {
            assert!(waiting.is_empty(), "{waiting:?} stand above no function");
        }
    }
    tagged
}

/// Rows of the page that say themselves that this is not there yet, or that need no server.
fn is_excused(number: &str, here: &str) -> bool {
    let process = ("P001"..="P008").contains(&number);
    process
        || here.starts_with("Not yet")
        || here.starts_with("There is no move")
        || here.starts_with("There are no trees")
}

#[test]
fn every_row_is_shown_by_a_test() {
    let shown = shown();
    let wrong: Vec<_> = shown.keys().filter(|number| !numbers().contains(*number)).collect();
    assert!(wrong.is_empty(), "there are no such rows: {wrong:?}");
    let missing: Vec<_> =
        rows().into_iter().filter(|(number, here)| !is_excused(number, here) && !shown.contains_key(*number)).collect();
    assert!(missing.is_empty(), "no test shows {missing:#?}");
}
