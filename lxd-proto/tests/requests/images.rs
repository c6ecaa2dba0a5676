//! Instances in lists, other places and files; images from everywhere.

use lxd_proto::{
    Lxd, Payload,
    resources::{
        ImagesPost, InstanceAction, InstanceBackupsPost, InstancePost, InstanceSource, InstanceStateField,
        InstancesPost,
    },
};

use super::lxd;

/// pylxd: W04.
#[test]
fn instances_by_type() {
    let lxd = lxd();
    let (containers, machines) = (lxd.containers(), lxd.virtual_machines());
    golden! { lxd:
        containers.names() => "GET /1.0/instances?filter=type%20eq%20container",
        containers.list() => "GET /1.0/instances?recursion=1&filter=type%20eq%20container",
        containers.list().filter("name eq a or name eq b").all_projects()
            => "GET /1.0/instances?recursion=1&filter=name%20eq%20a%20or%20name%20eq%20b%20and%20type%20eq%20container&all-projects=true",
        machines.list_full() => "GET /1.0/instances?recursion=2&filter=type%20eq%20virtual-machine",
        machines.create(InstancesPost::from_alias("v1", "ubuntu")) => r#"POST /1.0/instances
content-type: application/json

{"name":"v1","source":{"type":"image","alias":"ubuntu"},"type":"virtual-machine"}"#,
        containers.create(InstancesPost::empty("c1")) => r#"POST /1.0/instances
content-type: application/json

{"name":"c1","source":{"type":"none"},"type":"container"}"#,
        lxd.instances().change_state(InstanceAction::Freeze) => r#"PUT /1.0/instances
content-type: application/json

{"state":{"action":"freeze","force":false,"stateful":false,"timeout":-1}}"#,
        lxd.instance("c1").exists() => "GET /1.0/instances/c1",
        lxd.image_alias("a/b").exists() => "GET /1.0/images/aliases/a%2Fb",
    }
}

/// pylxd (recorded): P116: LXD 5.0.2 has no selective recursion.
#[test]
fn selected_parts_of_the_state() {
    let lxd = lxd();
    let list = || lxd.instances().list_full();
    golden! { lxd:
        list().fields([InstanceStateField::Disk, InstanceStateField::Network])
            => "GET /1.0/instances?recursion=2%3Bfields%3Dstate.disk%2Cstate.network",
        list().fields([]) => "GET /1.0/instances?recursion=2%3Bfields%3D",
    }
}

/// pylxd: W11, W30.
#[test]
fn instances_elsewhere() {
    let lxd = lxd();
    let c1 = lxd.instance("c1");
    let mut migration = InstancesPost::new("c1", InstanceSource::default());
    migration.source.kind = "migration".into();
    migration.source.mode = "pull".into();
    migration.source.operation = "https://a:8443/1.0/operations/1".into();
    migration.source.websockets = [("control".into(), "s3cret".into())].into();
    migration.source.base_image = "ab12".into();
    migration = migration.ephemeral().profiles(["web"]);
    golden! { lxd:
        lxd.target("m2").instances().create(migration) => r#"POST /1.0/instances?target=m2
content-type: application/json

{"name":"c1","source":{"type":"migration","mode":"pull","operation":"https://a:8443/1.0/operations/1","secrets":{"control":"s3cret"},"base-image":"ab12"},"profiles":["web"],"ephemeral":true}"#,
        lxd.instances().create(InstancesPost::new("c1", InstanceSource::simplestreams("https://s", "22.04")))
            => r#"POST /1.0/instances
content-type: application/json

{"name":"c1","source":{"type":"image","alias":"22.04","server":"https://s","protocol":"simplestreams","mode":"pull"}}"#,
        lxd.instances().create(InstancesPost::new("c1", InstanceSource::lxd("https://s", "x"))) => r#"POST /1.0/instances
content-type: application/json

{"name":"c1","source":{"type":"image","alias":"x","server":"https://s","protocol":"lxd","mode":"pull"}}"#,
        c1.copy_to("c2") => "GET /1.0/instances/c1",
        c1.snapshot("s").copy_to("c2") => "GET /1.0/instances/c1/snapshots/s",
        c1.move_to(InstancePost::to_pool("fast")) => r#"POST /1.0/instances/c1
content-type: application/json

{"name":"c1","migration":true,"pool":"fast"}"#,
        c1.offer(InstancePost::default()) => r#"POST /1.0/instances/c1
content-type: application/json

{"name":"c1","migration":true}"#,
        c1.move_to(InstancePost::to_project("p")).wait() => r#"POST /1.0/instances/c1
content-type: application/json

{"name":"c1","migration":true,"project":"p"}"#,
        lxd.target("m2").instance("c1").move_to(InstancePost::default()) => r#"POST /1.0/instances/c1?target=m2
content-type: application/json

{"name":"c1","migration":true}"#,
        c1.rebuild(InstanceSource::alias("busybox")) => r#"POST /1.0/instances/c1/rebuild
content-type: application/json

{"source":{"type":"image","alias":"busybox"}}"#,
        c1.stop() => r#"PUT /1.0/instances/c1/state
content-type: application/json

{"action":"stop","force":false,"stateful":false,"timeout":-1}"#,
        c1.restart() => r#"PUT /1.0/instances/c1/state
content-type: application/json

{"action":"restart","force":false,"stateful":false,"timeout":-1}"#,
        c1.delete().force() => "DELETE /1.0/instances/c1?force=1",
        c1.restore("s").stateful() => r#"PUT /1.0/instances/c1
content-type: application/json

{"restore":"s","stateful":true}"#,
    }
}

#[test]
fn what_belongs_to_an_instance() {
    let lxd = lxd();
    let c1 = lxd.instance("c1");
    golden! { lxd:
        c1.metadata().get() => "GET /1.0/instances/c1/metadata",
        c1.metadata().patch(|m| m.expiry_date = Some(1)) => r#"PATCH /1.0/instances/c1/metadata
content-type: application/json

{"expiry_date":1}"#,
        c1.uefi_vars().get() => "GET /1.0/instances/c1/uefi-vars",
        c1.templates().names() => "GET /1.0/instances/c1/metadata/templates",
        c1.templates().get("a b").bytes() => "GET /1.0/instances/c1/metadata/templates?path=a%20b",
        c1.templates().put("t", "text") => "POST /1.0/instances/c1/metadata/templates?path=t
content-type: application/octet-stream

text",
        c1.templates().delete("t") => "DELETE /1.0/instances/c1/metadata/templates?path=t",
        c1.logs().names() => "GET /1.0/instances/c1/logs",
        c1.logs().get("lxc.log") => "GET /1.0/instances/c1/logs/lxc.log",
        c1.logs().delete("x") => "DELETE /1.0/instances/c1/logs/x",
        c1.exec_outputs().get("x") => "GET /1.0/instances/c1/logs/exec-output/x",
        c1.console_log() => "GET /1.0/instances/c1/console",
        c1.clear_console_log() => "DELETE /1.0/instances/c1/console",
        c1.backups().list() => "GET /1.0/instances/c1/backups?recursion=1",
        c1.backups().create(InstanceBackupsPost::new("b")) => r#"POST /1.0/instances/c1/backups
content-type: application/json

{"name":"b"}"#,
        c1.backup("b").rename("x") => r#"POST /1.0/instances/c1/backups/b
content-type: application/json

{"name":"x"}"#,
        c1.backup("b").export() => "GET /1.0/instances/c1/backups/b/export",
        c1.backup("b").delete() => "DELETE /1.0/instances/c1/backups/b",
        lxd.instances().import("backup").name("c2").pool("p") => "POST /1.0/instances
content-type: application/octet-stream
x-lxd-name: c2
x-lxd-pool: p

backup",
    }
}

#[test]
fn images_in_two_files() {
    let lxd = lxd();
    let parts = |name: &str| {
        let boundary = "lxd-proto-5b8f0c1e7d2a49c6b3f1a80e64d97c25";
        let head = |name: &str| {
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
                Content-Type: application/octet-stream\r\n\r\n"
            )
        };
        let (meta, root) = (head("metadata"), head(name));
        format!("{meta}<meta>\r\n{root}<root>\r\n--{boundary}--\r\n")
    };
    let kind = "content-type: multipart/form-data; boundary=lxd-proto-5b8f0c1e7d2a49c6b3f1a80e64d97c25";
    let root = parts("rootfs");
    // The readers are said to have as many bytes as are shown for them.
    golden! { lxd:
        lxd.images().upload_split(Payload::sized("meta", 6), Payload::sized("root", 6))
            => format!("POST /1.0/images\ncontent-length: {}\n{kind}\n\n{root}", root.len()),
        lxd.images()
            .upload_split(Payload::sized("meta", 6), Payload::reader("root"))
            .virtual_machine()
            .profiles(["a", "b c"])
            => format!("POST /1.0/images\n{kind}\nx-lxd-profiles: profile=a&profile=b%20c\n\n{}", parts("rootfs.img")),
    }
}

#[test]
fn images_from_everywhere() {
    let lxd = lxd();
    let all = lxd.images();
    let mut published = ImagesPost::from_instance("c1").public().alias("web").property("os", "x");
    published.compression_algorithm = "none".into();
    golden! { lxd:
        all.create(published) => r#"POST /1.0/images
content-type: application/json

{"source":{"type":"instance","name":"c1"},"public":true,"properties":{"os":"x"},"aliases":[{"name":"web","description":""}],"compression_algorithm":"none"}"#,
        all.create(ImagesPost::from_snapshot("c1", "s")) => r#"POST /1.0/images
content-type: application/json

{"source":{"type":"snapshot","name":"c1/s"}}"#,
        all.create(ImagesPost::from_simplestreams("https://s", "22.04")) => r#"POST /1.0/images
content-type: application/json

{"source":{"type":"image","mode":"pull","server":"https://s","protocol":"simplestreams","alias":"22.04"}}"#,
        all.create(ImagesPost::from_lxd("https://s", "x")) => r#"POST /1.0/images
content-type: application/json

{"source":{"type":"image","mode":"pull","server":"https://s","protocol":"lxd","alias":"x"}}"#,
        all.create(ImagesPost::from_url("https://s/x")) => r#"POST /1.0/images
content-type: application/json

{"source":{"type":"url","mode":"pull","url":"https://s/x"}}"#,
        lxd.image("ab12").refresh() => "POST /1.0/images/ab12/refresh",
        lxd.image("ab12").secret() => "POST /1.0/images/ab12/secret",
        lxd.image("ab12").export() => "GET /1.0/images/ab12/export",
        lxd.image("ab12").export().secret("s3cret".into()).pieces() => "GET /1.0/images/ab12/export?secret=s3cret",
        lxd.image("ab12").copy_to(&lxd.project("p")) => "GET /1.0/images/ab12",
        lxd.image_alias("a").image() => "GET /1.0/images/aliases/a",
    }
}
