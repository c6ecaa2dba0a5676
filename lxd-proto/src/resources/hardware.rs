//! The hardware of a server: `/1.0/resources`.

use alloc::{string::String, vec::Vec};

use super::{
    Server,
    hardware_cards::{ResourcesGpu, ResourcesNetwork, ResourcesPci, ResourcesUsb},
};
use crate::{
    Call, Client, Object,
    compat::model,
    crud::{Get, Resource},
    uri::Path,
};

model! {
    /// What a server's hardware is.
    pub struct Resources {
        /// The processors.
        pub cpu: ResourcesCpu,
        /// The graphics cards.
        pub gpu: ResourcesGpu,
        /// The load (Incus).
        pub load: ResourcesLoad,
        /// The memory.
        pub memory: ResourcesMemory,
        /// The network cards.
        pub network: ResourcesNetwork,
        /// The PCI devices (`resources_pci`).
        pub pci: ResourcesPci,
        /// The disks.
        pub storage: ResourcesStorage,
        /// The machine (`resources_system`).
        pub system: ResourcesSystem,
        /// The USB devices.
        pub usb: ResourcesUsb,
    }

    /// The processors.
    pub struct ResourcesCpu {
        /// Their architecture, as `x86_64`.
        pub architecture: String,
        /// Each of them.
        pub sockets: Vec<ResourcesCpuSocket>,
        /// How many threads they have in all.
        pub total: u64,
    }

    /// A processor.
    pub struct ResourcesCpuSocket {
        /// How long addresses are (Incus).
        pub address_sizes: Option<ResourcesCpuAddressSizes>,
        /// Its caches.
        pub cache: Vec<ResourcesCpuCache>,
        /// Its cores.
        pub cores: Vec<ResourcesCpuCore>,
        /// Its frequency now, in MHz.
        pub frequency: u64,
        /// Its lowest frequency, in MHz.
        pub frequency_minimum: u64,
        /// Its highest frequency, in MHz.
        pub frequency_turbo: u64,
        /// Its name.
        pub name: String,
        /// Its number.
        pub socket: u64,
        /// The maker's name.
        pub vendor: String,
    }

    /// How long addresses are (Incus).
    pub struct ResourcesCpuAddressSizes {
        /// Bits of a physical address.
        pub physical_bits: u64,
        /// Bits of a virtual address.
        pub virtual_bits: u64,
    }

    /// A processor's cache.
    pub struct ResourcesCpuCache {
        /// Its level: 1 is the nearest.
        pub level: u64,
        /// Its size in bytes.
        pub size: u64,
        /// `Data`, `Instruction` or `Unified`.
        #[serde(rename = "type")]
        pub kind: String,
    }

    /// A processor's core.
    pub struct ResourcesCpuCore {
        /// The cluster it is in (Incus).
        pub cluster: u64,
        /// Its number.
        pub core: u64,
        /// The die it is on.
        pub die: u64,
        /// What it can do (Incus).
        pub flags: Vec<String>,
        /// Its frequency now, in MHz.
        pub frequency: u64,
        /// Its threads.
        pub threads: Vec<ResourcesCpuThread>,
    }

    /// A core's thread.
    pub struct ResourcesCpuThread {
        /// Its number on the host.
        pub id: i64,
        /// Whether the kernel gives it no work by itself.
        pub isolated: bool,
        /// The NUMA node it is at.
        pub numa_node: u64,
        /// Whether it is in use.
        pub online: bool,
        /// Its number in the core.
        pub thread: u64,
    }

    /// The memory, in bytes.
    pub struct ResourcesMemory {
        /// The size of a huge page.
        pub hugepages_size: u64,
        /// In huge pages.
        pub hugepages_total: u64,
        /// In huge pages that are used.
        pub hugepages_used: u64,
        /// By NUMA node.
        pub nodes: Vec<ResourcesMemoryNode>,
        /// In all.
        pub total: u64,
        /// Used.
        pub used: u64,
    }

    /// The memory of a NUMA node, in bytes.
    pub struct ResourcesMemoryNode {
        /// In huge pages.
        pub hugepages_total: u64,
        /// In huge pages that are used.
        pub hugepages_used: u64,
        /// The node's number.
        pub numa_node: u64,
        /// In all.
        pub total: u64,
        /// Used.
        pub used: u64,
    }

    /// The host's load (Incus).
    pub struct ResourcesLoad {
        /// Of the last 10 minutes.
        #[serde(rename = "Average10Min")]
        pub average_10_min: f64,
        /// Of the last minute.
        #[serde(rename = "Average1Min")]
        pub average_1_min: f64,
        /// Of the last 5 minutes.
        #[serde(rename = "Average5Min")]
        pub average_5_min: f64,
        /// How many processes there are.
        #[serde(rename = "Processes")]
        pub processes: i64,
    }

    /// The disks.
    pub struct ResourcesStorage {
        /// Each of them.
        pub disks: Vec<ResourcesStorageDisk>,
        /// How many there are.
        pub total: u64,
    }

    /// A disk.
    pub struct ResourcesStorageDisk {
        /// The size of a block in bytes.
        pub block_size: u64,
        /// Its device, `major:minor`.
        pub device: String,
        /// The UUID of its file system (`resources_device_fs_uuid`).
        pub device_fs_uuid: String,
        /// Its name below `/dev/disk/by-id`.
        pub device_id: String,
        /// Its name below `/dev/disk/by-path`.
        pub device_path: String,
        /// Its firmware's version.
        pub firmware_version: String,
        /// Its name.
        pub id: String,
        /// Its model.
        pub model: String,
        /// Whether it is mounted (`resources_disk_mounted`).
        pub mounted: bool,
        /// The NUMA node it is at.
        pub numa_node: u64,
        /// Its partitions.
        pub partitions: Vec<ResourcesStorageDiskPartition>,
        /// Where it is on the PCI bus.
        pub pci_address: String,
        /// Whether it cannot be written.
        pub read_only: bool,
        /// Whether it can be taken out.
        pub removable: bool,
        /// Turns in a minute; 0 for what does not turn, or is not known.
        pub rpm: u64,
        /// Its serial number.
        pub serial: String,
        /// Its size in bytes.
        pub size: u64,
        /// How it is connected: `nvme`, `sata`, `scsi`, `virtio`.
        #[serde(rename = "type")]
        pub kind: String,
        /// Where it is on the USB bus.
        pub usb_address: String,
        /// The URL of the storage pool that is on it (`resources_disk_used_by`).
        pub used_by: String,
        /// Its World Wide Name.
        pub wwn: String,
    }

    /// A disk's partition.
    pub struct ResourcesStorageDiskPartition {
        /// Its device, `major:minor`.
        pub device: String,
        /// The UUID of its file system (`resources_device_fs_uuid`).
        pub device_fs_uuid: String,
        /// Its name.
        pub id: String,
        /// Whether it is mounted (`resources_disk_mounted`).
        pub mounted: bool,
        /// Its number.
        pub partition: u64,
        /// Whether it cannot be written.
        pub read_only: bool,
        /// Its size in bytes.
        pub size: u64,
    }

    /// The machine.
    pub struct ResourcesSystem {
        /// Its case.
        pub chassis: Option<ResourcesSystemChassis>,
        /// The family it is of.
        pub family: String,
        /// Its firmware.
        pub firmware: Option<ResourcesSystemFirmware>,
        /// Its board.
        pub motherboard: Option<ResourcesSystemMotherboard>,
        /// The product's name.
        pub product: String,
        /// Its serial number.
        pub serial: String,
        /// The number it is sold by.
        pub sku: String,
        /// `physical`, `virtual-machine` or `container`.
        #[serde(rename = "type")]
        pub kind: String,
        /// Its UUID.
        pub uuid: String,
        /// The maker's name.
        pub vendor: String,
        /// Its version.
        pub version: String,
    }

    /// The machine's case.
    pub struct ResourcesSystemChassis {
        /// Its serial number.
        pub serial: String,
        /// What it is.
        #[serde(rename = "type")]
        pub kind: String,
        /// The maker's name.
        pub vendor: String,
        /// Its version.
        pub version: String,
    }

    /// The machine's firmware.
    pub struct ResourcesSystemFirmware {
        /// When it was made.
        pub date: String,
        /// The maker's name.
        pub vendor: String,
        /// Its version.
        pub version: String,
    }

    /// The machine's board.
    pub struct ResourcesSystemMotherboard {
        /// The product's name.
        pub product: String,
        /// Its serial number.
        pub serial: String,
        /// The maker's name.
        pub vendor: String,
        /// Its version.
        pub version: String,
    }
}

impl Resource for Resources {
    const KIND: &'static str = "resources";
    const EXTENSION: Option<&'static str> = Some("resources");
    type At = ();

    fn path((): &()) -> Path {
        Path::root().join("resources")
    }
}

impl<C: Client> Object<C, Server> {
    /// Its hardware, of the cluster member that is the target if one is: `GET /1.0/resources` (extension `resources`).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::Lxd;
    ///
    /// let resources = lxd.server().resources().send()?;
    /// println!("{} threads, {} bytes of memory", resources.cpu.total, resources.memory.total);
    /// # Ok(())
    /// # }
    /// ```
    pub fn resources(&self) -> Call<C, Get<Resources>> {
        Call::new(&self.client, Get::new(()))
    }
}
