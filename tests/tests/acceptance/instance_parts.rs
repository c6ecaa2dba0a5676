//! What belongs to an instance: metadata, templates, logs, console.

use std::time::{Duration, Instant};

use http::{Method, Request};
use lxd_proto::{Body, Changed, Endpoint, Error, Lxd, Path, Response, resources::Operation};
use lxd_tests::{Lab, Server, everywhere, with_websockets};
use serde_json::json;

everywhere!(have_metadata_and_templates, have_logs);

mod with_commands {
    use super::*;

    with_websockets!(have_a_console_log);

    fn have_a_console_log<C: Lab>(server: &Server<C>) {
        let container = server.running("console");
        let line = "a line of the test";
        let has = || match container.console_log().bytes().send() {
            Ok(log) => String::from_utf8_lossy(&log).contains(line),
            // How 5.0.2 says that nothing was written.
            Err(error) if error.to_string().contains("open : no such file") => false,
            Err(error) => panic!("{error}"),
        };
        assert!(!has());
        container.exec(["sh", "-c", &format!("echo {line} >/dev/console")]).status().send().unwrap();
        // Nobody says when the server has read it.
        let end = Instant::now() + Duration::from_secs(20);
        while !has() {
            assert!(Instant::now() < end, "nothing comes to the console");
            std::thread::sleep(Duration::from_millis(50));
        }
        container.clear_console_log().wait().send().unwrap();
        assert!(!has());
    }
}

fn have_metadata_and_templates<C: Lab>(server: &Server<C>) {
    let container = server.stopped("meta");
    let (metadata, templates) = (container.metadata(), container.templates());
    let old = metadata.get().send().unwrap();
    assert_eq!(old.properties["os"], "BusyBox");
    assert_eq!(old.templates["/etc/hostname"].when, ["create", "copy", "rename"]);
    assert_eq!(templates.names().send().unwrap(), ["hostname.tpl"]);
    assert_eq!(templates.get("hostname.tpl").bytes().send().unwrap(), "{{ container.name }}\n");

    templates.put("motd.tpl", "This is {{ container.name }}.\n").wait().send().unwrap();
    metadata
        .edit(|metadata| {
            let motd = metadata.templates.entry("/etc/motd".into()).or_default();
            motd.template = "motd.tpl".into();
            motd.when = vec!["start".into()];
        })
        .send()
        .unwrap();
    let edited = metadata.get().send().unwrap();
    assert_eq!(edited.templates.len(), 2);
    assert_eq!((&edited.properties, edited.expiry_date), (&old.properties, old.expiry_date));
    metadata.patch(|metadata| metadata.expiry_date = Some(4_000_000_000)).wait().send().unwrap();
    assert_eq!(metadata.get().send().unwrap().expiry_date, 4_000_000_000);

    container.start().wait().send().unwrap();
    let motd = container.files().get("/etc/motd").bytes().send().unwrap();
    assert_eq!(motd, format!("This is {}.\n", container.name()));
    templates.delete("motd.tpl").wait().send().unwrap();
    assert_eq!(templates.names().send().unwrap(), ["hostname.tpl"]);
    assert!(templates.get("motd.tpl").bytes().send().unwrap_err().is_not_found());
}

/// Has the output of a command recorded: an endpoint of one's own.
struct Record(String);

impl Endpoint for Record {
    type Output = Changed<Operation>;

    fn request(&self) -> Result<lxd_proto::Request, Error> {
        let post = json!({"command": ["echo", "hello"], "record-output": true});
        let mut request = Request::new(Body::Bytes(post.to_string().into()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Path::root().join("instances").name(&self.0).join("exec").uri()?;
        Ok(request)
    }

    fn response(&self, response: Response) -> Result<Changed<Operation>, Error> {
        Changed::read(&response)
    }
}

fn have_logs<C: Lab>(server: &Server<C>) {
    let container = server.running("logs");
    let logs = container.logs();
    assert!(logs.names().send().unwrap().iter().any(|name| name == "lxc.conf"));
    let conf = logs.get("lxc.conf").bytes().send().unwrap();
    let conf = std::str::from_utf8(&conf).unwrap();
    assert!(conf.contains(&format!("lxc.uts.name = {}", container.name())), "{conf}");
    assert!(logs.get("none.log").bytes().send().unwrap_err().api().is_some());
    let refused = logs.delete("lxc.conf").wait().send().unwrap_err();
    assert!(refused.to_string().contains("may not be deleted"), "{refused}");
    // What a command wrote and LXD recorded is among them, and can be removed.
    let done = server.lxd.call(Record(container.name().into())).wait().send().unwrap();
    let output = done.metadata.get("output").unwrap()["1"].as_str().unwrap().rsplit('/').next().unwrap();
    assert!(logs.names().send().unwrap().iter().any(|name| name == output));
    assert_eq!(logs.get(output).bytes().send().unwrap(), "hello\n");
    logs.delete(output).wait().send().unwrap();
    assert!(!logs.names().send().unwrap().iter().any(|name| name == output));
    assert!(logs.get(output).bytes().send().is_err());
}
