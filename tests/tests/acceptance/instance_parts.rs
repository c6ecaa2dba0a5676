//! What belongs to an instance: metadata, templates, logs, console.

use std::time::{Duration, Instant};

use lxd_tests::{Lab, Server, everywhere, with_websockets};

everywhere!(have_metadata_and_templates, have_logs);

mod with_commands {
    use super::*;

    with_websockets!(have_a_console_log);

    fn have_a_console_log<C: Lab>(server: &Server<C>) {
        let container = server.running("console");
        let line = "a line of the test";
        let has = || String::from_utf8_lossy(&container.console_log().bytes().send().unwrap()).contains(line);
        assert!(!has());
        container.exec(["sh", "-c", &format!("echo {line} >/dev/console")]).status().send().unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while !has() {
            assert!(Instant::now() < end, "nothing comes to the console");
        }
        container.clear_console_log().wait().send().unwrap();
        assert!(!has());
    }
}

fn have_metadata_and_templates<C: Lab>(server: &Server<C>) {
    let container = server.with_files("meta");
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
    let late = metadata.replace(old.writable().unwrap()).if_match(old.etag.clone()).wait().send();
    assert!(late.unwrap_err().is_precondition_failed());
    metadata.patch(|metadata| metadata.expiry_date = Some(4_000_000_000)).wait().send().unwrap();
    assert_eq!(metadata.get().send().unwrap().expiry_date, 4_000_000_000);

    container.start().wait().send().unwrap();
    let motd = container.files().get("/etc/motd").bytes().send().unwrap();
    assert_eq!(motd, format!("This is {}.\n", container.name()));
    templates.delete("motd.tpl").wait().send().unwrap();
    assert_eq!(templates.names().send().unwrap(), ["hostname.tpl"]);
    assert!(templates.get("motd.tpl").bytes().send().unwrap_err().is_not_found());
}

fn have_logs<C: Lab>(server: &Server<C>) {
    let container = server.running("logs");
    let logs = container.logs();
    assert!(logs.names().send().unwrap().iter().any(|name| name == "lxc.conf"));
    let conf = logs.get("lxc.conf").bytes().send().unwrap();
    let conf = std::str::from_utf8(&conf).unwrap();
    assert!(conf.contains(&format!("lxc.uts.name = {}", container.name())), "{conf}");
    assert!(logs.get("none.log").bytes().send().unwrap_err().is_not_found());
    let refused = logs.delete("lxc.conf").wait().send().unwrap_err();
    assert!(refused.to_string().contains("may not be deleted"), "{refused}");
    // A log of the last start is kept, and can be removed.
    container.restart().force().wait().send().unwrap();
    let old = "lxc.log.old";
    assert!(logs.names().send().unwrap().iter().any(|name| name == old));
    logs.delete(old).wait().send().unwrap();
    assert!(!logs.names().send().unwrap().iter().any(|name| name == old));
}
