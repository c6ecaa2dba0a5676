//! Warnings, and the hardware: what the server says of itself.

use lxd_proto::{
    Lxd,
    error::ApiErrorKind,
    resources::{WarningSeverity, WarningStatus},
};
use lxd_tests::{Daemon, Lab, Server, everywhere, with_websockets};

everywhere!(resources);

/// pylxd: P031.
fn resources<C: Lab>(server: &Server<C>) {
    let resources = server.lxd.server().resources().send().unwrap();
    let cpu = &resources.cpu;
    let threads: usize = cpu.sockets.iter().flat_map(|socket| &socket.cores).map(|core| core.threads.len()).sum();
    assert_eq!((cpu.architecture.as_str(), cpu.total), (std::env::consts::ARCH, threads as u64));
    assert!(resources.memory.total > resources.memory.used && resources.memory.used > 0);
    assert_eq!(resources.storage.total, resources.storage.disks.len() as u64 + partitions(&resources.storage.disks));
    assert_eq!(resources.pci.total, resources.pci.devices.len() as u64);
    assert_eq!(resources.network.cards.len() as u64, resources.network.total);
    assert!(!resources.system.kind.is_empty());
    // It is asked anew each time.
    assert_eq!(server.lxd.server().resources().send().unwrap().cpu.total, cpu.total);
}

fn partitions(disks: &[lxd_proto::resources::ResourcesStorageDisk]) -> u64 {
    disks.iter().map(|disk| disk.partitions.len() as u64).sum()
}

/// With a daemon of its own: warnings are everybody's.
mod of_a_daemon {
    use super::*;

    with_websockets!(are_acknowledged_and_removed);

    fn are_acknowledged_and_removed<C: Lab>(like: &Server<C>) {
        let daemon = Daemon::start(like, 8516);
        let server = daemon.connect(like);
        // There are always some here: no virtual machines, or no AppArmor.
        let warnings = server.lxd.warnings().list().send().unwrap();
        let found = warnings.first().expect("a warning");
        assert_eq!((&found.status, found.location.as_str(), found.project.as_str()), (&WarningStatus::New, "none", ""));
        assert_eq!(found.severity, WarningSeverity::Low);
        assert!(!found.kind.is_empty() && found.count > 0);
        let times = [&found.first_seen_at, &found.last_seen_at].map(|time| time.unix().unwrap());
        assert!(times[0] <= times[1]);
        assert_eq!(server.lxd.warnings().names().send().unwrap().len(), warnings.len());

        let warning = server.lxd.warning(&found.uuid);
        let same = warning.get().send().unwrap();
        assert_eq!((&same.uuid, &same.kind, &same.severity), (&found.uuid, &found.kind, &found.severity));
        warning.acknowledge().wait().send().unwrap();
        assert_eq!(warning.get().send().unwrap().status, WarningStatus::Acknowledged);
        warning.edit(|warning| warning.status = WarningStatus::New).send().unwrap();
        assert_eq!(warning.get().send().unwrap().status, WarningStatus::New);
        let mut put = warning.get().send().unwrap().writable().unwrap();
        put.status = WarningStatus::Acknowledged;
        warning.replace(put).wait().send().unwrap();
        assert_eq!(warning.get().send().unwrap().status, WarningStatus::Acknowledged);
        let wrong = warning.patch(|p| p.status = Some("bogus".into())).wait().send().unwrap_err();
        assert_eq!(wrong.api(), Some(ApiErrorKind::BadRequest));
        warning.delete().wait().send().unwrap();
        assert!(warning.get().send().unwrap_err().is_not_found());
        assert!(!server.lxd.warnings().names().send().unwrap().contains(&found.uuid));
    }
}
