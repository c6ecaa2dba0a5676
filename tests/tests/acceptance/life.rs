//! One container's whole life.

use lxd_proto::{Lxd, resources::InstancesPost};
use lxd_tests::{Lab, Server, everywhere, unique};

everywhere!(created_started_stopped_deleted);

fn created_started_stopped_deleted<C: Lab>(server: &Server<C>) {
    let name = unique("life");
    let lxd = &server.lxd;
    let created = lxd.instances().create(InstancesPost::from_alias(&name, "busybox")).wait().send().unwrap();
    assert_eq!(created.name, name);
    let container = lxd.instance(&name);
    assert_eq!(container.get().send().unwrap().status, "Stopped");
    container.start().wait().send().unwrap();
    assert_eq!(container.state().send().unwrap().status, "Running");
    container.stop().force().wait().send().unwrap();
    container.delete().wait().send().unwrap();
    assert!(container.get().send().unwrap_err().is_not_found());
}
