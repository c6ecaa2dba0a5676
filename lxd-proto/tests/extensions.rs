//! What a call needs that the server may lack.

use lxd_proto::{
    Error, Failure, Lxd, Response,
    flow::{Action, BlockingIo, Id, Reply},
    resources::{
        IdentitiesBearerPost, IdentitiesTlsPost, InstanceBackupsPost, InstancePost, InstanceSnapshotsPost,
        InstanceSource, InstancesPost, NetworkLoadBalancerPort, NetworkLoadBalancersPost,
    },
};
use serde_json::{Value, json};

use crate::support::{
    client::{self, now},
    show,
};

type Client = client::Client<Server>;

/// A server with these API extensions, and nothing else.
struct Server {
    extensions: Vec<&'static str>,
    asked: Vec<String>,
    last: Id,
}

impl BlockingIo for Server {
    fn start(&mut self, id: Id, action: Action) {
        self.last = id;
        self.asked.push(show::action(&action));
    }

    fn finish(&mut self) -> (Id, Result<Reply, Failure>) {
        let metadata = match self.asked.last().expect("a request").as_str() {
            "GET /1.0" => json!({"api_extensions": self.extensions}),
            "GET /1.0/instances/c" => json!({"name": "c"}),
            _ => Value::Null,
        };
        let body = json!({"type": "sync", "status_code": 200, "metadata": metadata}).to_string();
        (self.last, Ok(Reply::Http(Response::new(body.into()))))
    }
}

fn server(extensions: &[&'static str]) -> Client {
    Client::checking(Server { extensions: extensions.into(), asked: Vec::new(), last: Id(0) })
}

fn asked(client: &Client) -> Vec<String> {
    std::mem::take(&mut client.io().asked)
}

#[test]
fn a_missing_one_is_named_before_anything_is_sent() {
    let old = server(&[]);
    for _ in 0..2 {
        let error = old.instances().list().filter("status eq Running").send().unwrap_err();
        assert_eq!(error, Error::MissingExtension("api_filtering"));
        // An upgraded daemon has it, so a no is asked for again.
        assert_eq!(asked(&old), ["GET /1.0"]);
    }
    old.io().extensions.push("api_filtering");
    old.instances().list().filter("status eq Running").send().unwrap();
    assert_eq!(asked(&old), ["GET /1.0", "GET /1.0/instances?recursion=1&filter=status%20eq%20Running"]);
}

#[test]
fn a_server_is_asked_once() {
    let new = server(&["api_filtering", "instance_all_projects"]);
    new.instances().names().filter("a").send().unwrap();
    new.project("p").target("@g").instances().list_full().filter("a").all_projects().send().unwrap();
    now(new.instances().names().filter("b").into_future()).unwrap();
    assert_eq!(
        asked(&new),
        [
            "GET /1.0",
            "GET /1.0/instances?filter=a",
            "GET /1.0/instances?recursion=2&filter=a&all-projects=true&target=%40g",
            "GET /1.0/instances?filter=b",
        ]
    );
    let error = now(new.images().list().all_projects().into_future()).unwrap_err();
    assert_eq!(error, Error::MissingExtension("images_all_projects"));
    assert_eq!(asked(&new), ["GET /1.0"]);
}

#[test]
fn the_server_itself_is_asked() {
    let new = server(&["api_filtering"]);
    new.project("p").target("@g").instances().names().filter("a").send().unwrap();
    assert_eq!(asked(&new), ["GET /1.0", "GET /1.0/instances?filter=a&project=p&target=%40g"]);
}

#[test]
fn calls_that_need_none_ask_nothing() {
    let client = server(&[]);
    client.instances().list().send().unwrap();
    client.instance("c").delete().wait().send().unwrap();
    assert_eq!(asked(&client), ["GET /1.0/instances?recursion=1", "DELETE /1.0/instances/c"]);
}

#[test]
fn it_can_be_tried_anyway() {
    let old = server(&[]);
    old.unchecked().images().list().all_projects().send().unwrap();
    assert_eq!(asked(&old), ["GET /1.0/images?recursion=1&all-projects=true"]);
}

/// A server that does not know a field takes no notice of it: an instance would not be started, and nobody would say so.
#[test]
fn fields_need_them_too() {
    let old = server(&[]);
    let missing = |result: Result<(), Error>, extension| {
        assert_eq!(result, Err(Error::MissingExtension(extension)));
        assert_eq!(asked(&old), ["GET /1.0"]);
    };
    let mut post = InstancesPost::empty("c");
    post.start = true;
    missing(old.instances().create(post.clone()).send().map(drop), "instance_create_start");
    missing(old.instances().create(post).wait().send().map(drop), "instance_create_start");
    let mut post = InstancesPost::new("c", InstanceSource::copy("other"));
    post.source.allow_inconsistent = true;
    missing(old.instances().create(post).send().map(drop), "instance_allow_inconsistent_copy");
    let mut post = InstanceSnapshotsPost::new("s");
    post.disk_volumes_mode = "all-exclusive".into();
    missing(old.instance("c").snapshots().create(post).send().map(drop), "instance_snapshots_multi_volume");
    let mut post = InstanceBackupsPost::new("b");
    post.version = Some(2);
    missing(old.instance("c").backups().create(post).send().map(drop), "backup_metadata_version");
    missing(old.instance("c").move_to(InstancePost::to_pool("p")).send().map(drop), "instance_pool_move");

    // What came later than the object.
    let ages = server(&["access_management", "auth_bearer_devlxd", "network_load_balancer"]);
    let later = |result: Result<(), Error>, extension| {
        assert_eq!(result, Err(Error::MissingExtension(extension)));
        assert_eq!(asked(&ages), ["GET /1.0"]);
    };
    let auth = ages.auth();
    later(auth.tls_identities().create(IdentitiesTlsPost::new("x", "y")).send().map(drop), "access_management_tls");
    later(auth.tls_identities().token("x").send().map(drop), "access_management_tls");
    later(auth.bearer_identities().create(IdentitiesBearerPost::client("x")).send().map(drop), "auth_bearer");
    later(auth.groups().list().with_access_entitlements(["a"]).send().map(drop), "entities_with_entitlements");
    later(auth.group("x").get().with_access_entitlements(["a"]).send().map(drop), "entities_with_entitlements");
    let balancers = ages.network("x").load_balancers();
    let any = NetworkLoadBalancersPost::any_ipv6();
    later(balancers.create(any).send().map(drop), "network_allocate_external_ips");
    let mut pool = NetworkLoadBalancersPost::new("192.0.2.1");
    pool.ports.push(NetworkLoadBalancerPort::tcp("80").to_pool("web"));
    later(balancers.create(pool).send().map(drop), "network_load_balancer_pool");
    let _ = auth.bearer_identities().create(IdentitiesBearerPost::devlxd("x")).send().unwrap();
    assert_eq!(asked(&ages).len(), 1);

    let _ = old.instances().create(InstancesPost::empty("c")).send().unwrap();
    assert_eq!(
        asked(&old),
        ["POST /1.0/instances\ncontent-type: application/json\n\n{\"name\":\"c\",\"source\":{\"type\":\"none\"}}"]
    );
}

/// What a copy needs is known when it was looked at and adjusted, and the server that makes it has to have it.
#[test]
fn what_is_adjusted_needs_them_too() {
    let start = |copy: &mut InstancesPost| copy.start = true;
    let old = server(&[]);
    let error = old.instance("c").copy_to("d").adjust(start).send().unwrap_err();
    assert_eq!(error, Error::MissingExtension("instance_create_start"));
    assert_eq!(asked(&old), ["GET /1.0/instances/c", "GET /1.0"]);

    let copying = old.instance("c").copy_to_server(&old.project("p")).relay().adjust(start);
    old.io().extensions.push("container_push");
    assert_eq!(copying.send().unwrap_err(), Error::MissingExtension("instance_create_start"));
    // Nothing was begun on either.
    assert_eq!(asked(&old), ["GET /1.0", "GET /1.0/instances/c", "GET /1.0"]);

    let new = server(&["instance_create_start"]);
    let _ = new.instance("c").copy_to("d").adjust(start).send();
    let asked = asked(&new);
    assert_eq!(asked[..2], ["GET /1.0/instances/c", "GET /1.0"]);
    assert!(asked[2].starts_with("POST /1.0/instances\n") && asked[2].contains(r#""start":true"#), "{asked:?}");
}
