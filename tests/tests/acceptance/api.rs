//! Any path of the API, and names with anything in them.

use lxd_proto::{
    Lxd, Path,
    error::ApiErrorKind,
    resources::{InstancesPost, OperationClass},
};
use lxd_tests::{Lab, Server, everywhere, unique};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Read;

everywhere!(
    is_read,
    is_changed,
    goes_on_as_operations,
    answers_what_is_no_json,
    names_are_one_segment,
    is_of_the_project
);

#[derive(Debug, Deserialize)]
struct Environment {
    server: String,
}

#[derive(Debug, Deserialize)]
struct Seen {
    auth: String,
    environment: Environment,
}

/// pylxd: P039, P050, P053, P056, P057, P058.
fn is_read<C: Lab>(server: &Server<C>) {
    let seen = server.lxd.api(Path::root()).get::<Seen>().send().unwrap();
    assert_eq!((seen.auth.as_str(), seen.environment.server.as_str()), ("trusted", "lxd"));
    assert!(seen.etag.is_some());
    let names: Vec<String> = server.lxd.api(Path::root().join("profiles")).get().send().unwrap().value;
    assert!(names.contains(&"/1.0/profiles/default".into()));
    let whole: Vec<Value> =
        server.lxd.api(Path::root().join("profiles").query("recursion", "1")).get().send().unwrap().value;
    assert!(whole.iter().any(|profile| profile["name"] == "default"));

    let nothing = server.lxd.api(Path::root().join("profiles").name("none")).get::<Value>().send().unwrap_err();
    assert!(nothing.is_not_found(), "{nothing}");
    let nowhere = server.lxd.api(Path::root().join("telepathy")).get::<Value>().send().unwrap_err();
    assert!(nowhere.is_not_found(), "{nowhere}");
    let wrong = server.lxd.api(Path::root().join("profiles")).get::<Seen>().send().unwrap_err();
    assert!(wrong.to_string().contains("cannot read the answer"), "{wrong}");
}

/// pylxd: P054, P055.
fn is_changed<C: Lab>(server: &Server<C>) {
    let name = unique("raw");
    let profiles = server.lxd.api(Path::root().join("profiles"));
    let profile = server.lxd.api(Path::root().join("profiles").name(&name));
    profiles.post(&json!({"name": name, "config": {"user.a": "1"}})).wait().send().unwrap();
    let made = profile.get::<Value>().send().unwrap();
    profile.patch(&json!({"description": "patched"})).wait().send().unwrap();
    let late = profile.put(&json!({"description": "late"})).if_match(made.etag.clone()).wait().send().unwrap_err();
    assert!(late.is_precondition_failed(), "{late}");
    let patched = profile.get::<Value>().send().unwrap();
    assert_eq!(patched["description"], "patched");
    profile.put(&json!({"description": "put"})).if_match(patched.etag.clone()).wait().send().unwrap();
    assert_eq!(profile.get::<Value>().send().unwrap()["config"], json!({}));
    profile.delete().wait().send().unwrap();
    assert!(profile.delete().send().unwrap_err().is_not_found());
}

/// pylxd: P054, P075.
fn goes_on_as_operations<C: Lab>(server: &Server<C>) {
    let instances = server.lxd.api(Path::root().join("instances"));
    let name = unique("raw");
    let post = json!({"name": name, "source": {"type": "none"}});
    let metadata = instances.post(&post).wait().send().unwrap();
    assert!(metadata.is_object() || metadata.is_null(), "{metadata}");
    let lxd_proto::Changed::Running(operation) = instances.post(&post).send().unwrap() else {
        panic!("a second one of the same name is refused by its operation on 5.0.2");
    };
    assert_eq!(operation.class, OperationClass::Task);
    assert!(server.lxd.operation(operation.id.clone()).wait().send().is_err());
    server.lxd.instance(name).delete().wait().send().unwrap();
}

/// pylxd: P053.
fn answers_what_is_no_json<C: Lab>(server: &Server<C>) {
    let incoming = server.lxd.api(Path::root().join("metrics")).download().send().unwrap();
    assert!(incoming.head["content-type"].to_str().unwrap().starts_with("text/plain"), "{:?}", incoming.head);
    let mut text = String::new();
    C::reader(incoming.body).read_to_string(&mut text).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
}

/// pylxd: P051, P052.
/// pylxd: W21.
fn names_are_one_segment<C: Lab>(server: &Server<C>) {
    // What LXD allows in a profile's name goes there and back; `?` and `#` would be read as a query or lost.
    for name in ["a b", "a?b=c", "a#b", "a%20b", "grün", "a;b", "a+b&c"].map(|name| format!("{name} {}", unique("n")))
    {
        let profile = server.lxd.api(Path::root().join("profiles").name(&name));
        server.lxd.api(Path::root().join("profiles")).post(&json!({"name": name})).wait().send().unwrap();
        assert_eq!(profile.get::<Value>().send().unwrap()["name"], name.as_str());
        assert_eq!(server.lxd.profile(&name).get().send().unwrap().name, name);
        assert!(server.lxd.profiles().names().send().unwrap().contains(&name), "{name}");
        profile.delete().wait().send().unwrap();
    }
    let traversal = server.lxd.api(Path::root().join("profiles").name("..")).get::<Value>().send().unwrap_err();
    assert!(traversal.to_string().contains("cannot be a name"), "{traversal}");
    // A dash is a dash: there is no attribute to be spelled another way.
    server.lxd.api(Path::root().join("storage-pools")).get::<Vec<String>>().send().unwrap();
}

/// pylxd: P025, P308.
fn is_of_the_project<C: Lab>(server: &Server<C>) {
    let project = server.project("api");
    let inside = project.lxd.api(Path::root().join("instances"));
    let post = InstancesPost::empty("inside").device("root", [("type", "disk"), ("path", "/"), ("pool", "default")]);
    inside.post(&post).wait().send().unwrap();
    // In another project than the default the server's URLs have a query, which is no part of a name.
    let urls: Vec<String> = inside.get().send().unwrap().value;
    assert_eq!(urls, [format!("/1.0/instances/inside?project={}", project.name)]);
    assert_eq!(project.lxd.instances().names().send().unwrap(), ["inside"]);
    let outside = server.lxd.api(Path::root().join("instances").name("inside")).get::<Value>().send().unwrap_err();
    assert_eq!(outside.api(), Some(ApiErrorKind::NotFound));
}
