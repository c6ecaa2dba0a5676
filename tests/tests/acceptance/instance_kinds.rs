//! Instances by type, whole lists of them, and all of them at once.

use lxd_proto::{
    Lxd,
    compat::StatusCode,
    error::Outcome,
    resources::{
        InstanceAction, InstanceBackupsPost, InstanceSnapshotsPost, InstanceStateField, InstanceType, InstancesPost,
    },
};
use lxd_tests::{Lab, Project, Server, Temporary, env, everywhere, unique};

everywhere!(are_filtered_by_type, are_there_or_not, have_all_attributes, are_listed_in_full, all_change_at_once);

/// pylxd: P110, P111, P112, P118.
/// pylxd: W04.
fn are_filtered_by_type<C: Lab>(server: &Server<C>) {
    let (lxd, mark) = (&server.lxd, unique("mark"));
    let make = |name: &str| {
        let post = InstancesPost::empty(unique(name)).config("user.mark", &mark);
        let made = lxd.containers().create(post).wait().send().unwrap();
        Temporary::of(lxd.instance(made.name))
    };
    let (a, b) = (make("kind-a"), make("kind-b"));
    let marked = format!("config.user.mark eq {mark}");
    let mut listed = lxd.containers().list().filter(&marked).send().unwrap();
    listed.sort_by(|one, other| one.name.cmp(&other.name));
    let listed: Vec<_> = listed.iter().map(|instance| (instance.name.as_str(), instance.kind.clone())).collect();
    assert_eq!(listed, [(a.name(), InstanceType::Container), (b.name(), InstanceType::Container)]);
    assert!(lxd.virtual_machines().list().filter(&marked).send().unwrap().is_empty());
    assert!(lxd.virtual_machines().names().send().unwrap().is_empty());
    assert!(lxd.containers().names().send().unwrap().iter().any(|name| name == a.name()));

    // What is asked for besides counts for both sides of an `or`.
    let either = format!("name eq {} or name eq {}", a.name(), b.name());
    assert_eq!(lxd.containers().list_full().filter(&either).send().unwrap().len(), 2);
    assert!(lxd.virtual_machines().list().filter(&either).send().unwrap().is_empty());

    // There is no hypervisor, so what is refused shows what was asked for.
    let refused = lxd.virtual_machines().create(InstancesPost::empty(unique("vm"))).wait().send().unwrap_err();
    assert!(refused.to_string().contains("virtual-machine"), "{refused}");
}

/// pylxd: P113, P114, P117.
/// pylxd: W03.
fn are_there_or_not<C: Lab>(server: &Server<C>) {
    let project = server.project("there");
    let name = unique("there");
    let instance = project.lxd.instance(&name);
    assert!(!instance.exists().send().unwrap());
    let root = [("type", "disk"), ("path", "/"), ("pool", "default")];
    let post = InstancesPost::empty(&name).device("root", root);
    project.lxd.instances().create(post).wait().send().unwrap();
    assert!(instance.exists().send().unwrap());
    assert!(!server.lxd.instance(&name).exists().send().unwrap());
    // Names, and not what a project makes of their URLs.
    assert_eq!(project.lxd.instances().names().send().unwrap(), [name.as_str()]);
    assert_eq!(project.lxd.containers().names().send().unwrap(), [name.as_str()]);
    assert_eq!(project.lxd.instances().get(&name).send().unwrap().name, name);
    // No answer at all is no "no".
    assert!(project.lxd.instance("..").exists().send().is_err());
}

/// pylxd: P142, P143, P144, P145, P146, P147, P148, P149, P150, P151, P152, P153, P154, P155, P156, P157, P158, P159.
fn have_all_attributes<C: Lab>(server: &Server<C>) {
    let mut post = InstancesPost::empty(unique("whole")).config("user.a", "1").device("none", [("type", "none")]);
    post.description = "with everything".into();
    let made = server.lxd.instances().create(post.ephemeral()).wait().send().unwrap();
    let container = Temporary::of(server.lxd.instance(made.name));
    let got = container.get().send().unwrap();
    assert_eq!(got.name, container.name());
    assert_eq!(got.architecture, std::env::consts::ARCH);
    assert_eq!((got.config["user.a"].as_str(), got.expanded_config["user.a"].as_str()), ("1", "1"));
    assert_eq!((got.devices.len(), got.expanded_devices.len()), (1, 2));
    assert_eq!(got.expanded_devices["root"]["type"], "disk");
    assert!(got.ephemeral && !got.stateful);
    assert_eq!((got.description.as_str(), got.profiles.as_slice()), ("with everything", &["default".to_owned()][..]));
    assert_eq!((got.status.as_str(), got.status_code), ("Stopped", StatusCode::STOPPED));
    assert_eq!((got.location.as_str(), got.project.as_str()), ("none", "default"));
    assert_eq!(got.kind, InstanceType::Container);
    let (made, used) = (got.created_at.unix().unwrap(), got.last_used_at.unix().unwrap());
    assert!(made.0 > 1_600_000_000 && used.0 == 0, "{made:?} {used:?}");
}

/// pylxd: P115.
/// pylxd: W05.
fn are_listed_in_full<C: Lab>(server: &Server<C>) {
    let container = server.running("full");
    container.settle();
    container.snapshots().create(InstanceSnapshotsPost::new("s0")).wait().send().unwrap();
    container.backups().create(InstanceBackupsPost::new("b0")).wait().send().unwrap();
    let filter = format!("name eq {}", container.name());
    let full = server.lxd.containers().list_full().filter(&filter).send().unwrap();
    assert_eq!(full.len(), 1);
    let one = container.get_full().send().unwrap();
    assert_eq!((&one.name, &one.snapshots, &one.backups), (&full[0].name, &full[0].snapshots, &full[0].backups));
    assert_eq!(one.state.as_ref().map(|state| state.pid), full[0].state.as_ref().map(|state| state.pid));
    let metrics = server.lxd.server().metrics().bytes().send().unwrap();
    assert!(metrics.starts_with(b"# HELP lxd_"), "{metrics:?}");
    let state = full[0].state.as_ref().unwrap();
    assert_eq!((state.status.as_str(), state.status_code), (full[0].status.as_str(), full[0].status_code));
    assert!(state.network["lo"].addresses.iter().any(|address| address.family == "inet"));
    assert_eq!(full[0].snapshots.iter().map(|snapshot| snapshot.name.as_str()).collect::<Vec<_>>(), ["s0"]);
    assert_eq!(full[0].backups.iter().map(|backup| backup.name.as_str()).collect::<Vec<_>>(), ["b0"]);

    // 5.0.2 cannot leave out parts of the state, and that is said before it is asked.
    let fields = || server.lxd.instances().list_full().fields([InstanceStateField::Network]).filter(&filter);
    assert!(fields().send().unwrap_err().to_string().contains("instances_state_selective_recursion"));
}

fn all_change_at_once<C: Lab>(server: &Server<C>) {
    let project = server.project("bulk");
    let lxd = &project.lxd;
    let image = lxd.images().upload(std::fs::read(env("LXD_TEST_IMAGE")).unwrap()).wait().send().unwrap();
    let make = |project: &Project<C>| {
        let root = [("type", "disk"), ("path", "/"), ("pool", "default")];
        let post = InstancesPost::from_fingerprint(unique("bulk"), image.fingerprint.to_string()).device("root", root);
        let made = project.lxd.instances().create(post).wait().send().unwrap();
        project.lxd.instance(made.name)
    };
    let (running, stopped) = (make(&project), make(&project));
    running.start().wait().send().unwrap();
    let status = || [&running, &stopped].map(|instance| instance.get().send().unwrap().value.status);
    let all = |action| lxd.instances().change_state(action).wait().send();
    all(InstanceAction::Freeze).unwrap();
    assert_eq!(status(), ["Frozen", "Stopped"]);
    // 5.0.2 tries the stopped one too, and says which one it was.
    let failed = all(InstanceAction::Unfreeze).unwrap_err();
    let outcome = &failed.operation().unwrap().outcome;
    assert!(matches!(outcome, Outcome::Failed(why) if why.contains(stopped.at().as_str())), "{failed}");
    lxd.instances().change_state(InstanceAction::Stop).force().wait().send().unwrap();
    assert_eq!(status(), ["Stopped", "Stopped"]);
    all(InstanceAction::Start).unwrap();
    assert_eq!(status(), ["Running", "Running"]);
    all(InstanceAction::from("explode")).unwrap_err();
}
