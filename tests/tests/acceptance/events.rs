//! What happens on the server, as it happens.

use lxd_proto::{
    Error, Lxd,
    resources::{Event, EventType, InstancesPost, LifecycleAction, Notice},
};
use lxd_tests::{Lab, Server, Temporary, secret, unique, with_websockets};

with_websockets!(a_whole_life, only_what_was_asked_for, of_one_project_or_all);

/// Whether an event is about this instance.
fn about(event: &Event, name: &str) -> bool {
    event.lifecycle().is_some_and(|lifecycle| {
        lifecycle.source.split('?').next().unwrap_or_default() == format!("/1.0/instances/{name}")
    })
}

fn kind(notice: &Result<Notice, Error>) -> EventType {
    notice.as_ref().unwrap().event().unwrap().kind.clone()
}

fn project_of(notice: &Result<Notice, Error>) -> String {
    notice.as_ref().unwrap().event().unwrap().project.clone()
}

/// The events of an instance until it is deleted.
fn life_of(name: &str, notices: impl Iterator<Item = Result<Notice, Error>>) -> Vec<Event> {
    let mut life = Vec::new();
    for notice in notices {
        let event = notice.unwrap().into_event().unwrap();
        if about(&event, name) {
            let over = event.lifecycle().unwrap().action == LifecycleAction::InstanceDeleted;
            life.push(event);
            if over {
                break;
            }
        }
    }
    life
}

/// pylxd: P060, P061, P062, P063, P065.
fn a_whole_life<C: Lab>(server: &Server<C>) {
    let events = server.lxd.events().subscribe().send().unwrap();
    let name = unique("watched");
    server.lxd.instances().create(InstancesPost::from_alias(&name, "busybox")).wait().send().unwrap();
    let container = server.lxd.instance(&name);
    container.edit(|instance| instance.description = "edited".into()).send().unwrap();
    container.start().wait().send().unwrap();
    container.exec(["true"]).output().send().unwrap();
    container.stop().force().wait().send().unwrap();
    container.delete().wait().send().unwrap();

    let mut operations = Vec::new();
    let url = format!("/1.0/instances/{name}");
    let life = life_of(
        &name,
        events.inspect(|notice| {
            let operation = notice.as_ref().ok().and_then(Notice::operation).cloned();
            let ours = operation
                .filter(|operation| operation.resources.get("instances").is_some_and(|urls| urls.contains(&url)));
            operations.extend(ours);
        }),
    );
    // The command's websockets were opened with these, so they went through everything that logs.
    let fds = operations.iter().flat_map(|one| ["0", "1", "2", "control"].map(|name| one.websocket_secret(name)));
    let secrets: Vec<_> = fds.flatten().collect();
    assert!(secrets.len() >= 4);
    secrets.into_iter().for_each(secret);

    let actions: Vec<_> = life.iter().map(|event| event.lifecycle().unwrap().action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "instance-created",
            "instance-updated",
            "instance-started",
            "instance-exec",
            "instance-stopped",
            "instance-deleted"
        ]
    );
    assert!(life.iter().all(|event| event.kind == EventType::Lifecycle && event.project == "default"));
    assert!(life.is_sorted_by_key(|event| event.timestamp.unix().unwrap()));
    assert!(life.iter().any(|event| !event.lifecycle().unwrap().requestor.protocol.is_empty()), "{life:?}");
    assert!(life[0].operation().is_none());
    for description in ["Creating instance", "Starting instance", "Executing command", "Stopping instance"] {
        // LXD sends them side by side, so the last that comes need not be the last that was.
        let mut of_it = operations.iter().filter(|operation| operation.description == description);
        assert!(of_it.any(|operation| operation.outcome().is_none()), "{description}: {operations:?}");
    }
}

/// pylxd: P064.
fn only_what_was_asked_for<C: Lab>(server: &Server<C>) {
    let types = [EventType::Lifecycle];
    let events = server.lxd.events().types(types).subscribe().send().unwrap();
    let others = server.lxd.events().types([EventType::Operation]).subscribe().send().unwrap();
    let container = server.stopped("typed");
    let name = container.name().to_owned();
    drop(container);
    let mut all = Vec::new();
    let life = life_of(&name, events.inspect(|event| all.push(kind(event))));
    assert_eq!(life.len(), 2);
    assert!(all.iter().all(|kind| *kind == EventType::Lifecycle), "{all:?}");

    let url = format!("/1.0/instances/{name}");
    let mut deleted = others
        .map(|notice| notice.unwrap().into_event().unwrap())
        .inspect(|event| assert_eq!(event.kind, EventType::Operation));
    let deleted = deleted.find_map(|event| {
        event.operation().cloned().filter(|operation| {
            operation.description == "Deleting instance"
                && operation.status_code.is_final()
                && operation.resources.get("instances").is_some_and(|urls| urls.contains(&url))
        })
    });
    assert_eq!(deleted.unwrap().status, "Success");
}

/// pylxd: P060.
/// pylxd: W29.
fn of_one_project_or_all<C: Lab>(server: &Server<C>) {
    let project = server.project("events");
    let lifecycle = || [EventType::Lifecycle];
    let inside = project.lxd.events().types(lifecycle()).subscribe().send().unwrap();
    let outside = server.lxd.events().types(lifecycle()).subscribe().send().unwrap();
    let all = server.lxd.events().types(lifecycle()).all_projects().subscribe().send().unwrap();

    let root = [("type", "disk"), ("path", "/"), ("pool", "default")];
    let make = |lxd: &C, name: &str| {
        let post = InstancesPost::empty(unique(name)).device("root", root);
        Temporary::of(lxd.instance(lxd.instances().create(post).wait().send().unwrap().name))
    };
    let (a, b) = (make(&project.lxd, "inside"), make(&server.lxd, "outside"));
    let names = [a.name().to_owned(), b.name().to_owned()];
    drop((a, b));
    let sources = |life: Vec<Event>| -> Vec<_> { life.iter().map(|event| event.project.clone()).collect() };

    // The one in the default project is deleted last.
    let mut seen = Vec::new();
    let inside = inside.inspect(|event| seen.push(project_of(event)));
    assert_eq!(sources(life_of(&names[0], inside)), [&*project.name, &*project.name]);
    assert!(seen.iter().all(|seen| *seen == project.name), "{seen:?}");

    let mut seen = Vec::new();
    let outside = outside.inspect(|event| seen.push(project_of(event)));
    assert_eq!(sources(life_of(&names[1], outside)), ["default", "default"]);
    assert!(!seen.contains(&project.name), "{seen:?}");

    let mut seen = Vec::new();
    let all = all.inspect(|event| {
        let event = event.as_ref().unwrap().event().unwrap();
        seen.extend(names.iter().filter(|name| about(event, name)).cloned());
    });
    life_of(&names[1], all);
    seen.sort();
    seen.dedup();
    assert_eq!(seen, names);
}
