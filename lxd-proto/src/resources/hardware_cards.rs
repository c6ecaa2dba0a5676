//! The cards and devices of a server, a part of `/1.0/resources`.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use crate::compat::model;

model! {
    /// The graphics cards.
    pub struct ResourcesGpu {
        /// Each of them.
        pub cards: Vec<ResourcesGpuCard>,
        /// How many there are.
        pub total: u64,
    }

    /// A graphics card.
    pub struct ResourcesGpuCard {
        /// Its driver.
        pub driver: String,
        /// Its driver's version.
        pub driver_version: String,
        /// Its devices.
        pub drm: Option<ResourcesGpuCardDrm>,
        /// The virtual cards that can be made of it, by kind (`resources_gpu_mdev`).
        pub mdev: BTreeMap<String, ResourcesGpuCardMdev>,
        /// The NUMA node it is at.
        pub numa_node: u64,
        /// What NVIDIA says of it.
        pub nvidia: Option<ResourcesGpuCardNvidia>,
        /// Where it is on the PCI bus.
        pub pci_address: String,
        /// The product's name.
        pub product: String,
        /// The product's id, hex.
        pub product_id: String,
        /// Its virtual functions.
        pub sriov: Option<ResourcesGpuCardSriov>,
        /// Where it is on the USB bus.
        pub usb_address: String,
        /// The maker's name.
        pub vendor: String,
        /// The maker's id, hex.
        pub vendor_id: String,
    }

    /// A graphics card's devices.
    pub struct ResourcesGpuCardDrm {
        /// The card's device, `major:minor`.
        pub card_device: String,
        /// The card's name.
        pub card_name: String,
        /// The control node's device, `major:minor`.
        pub control_device: String,
        /// The control node's name.
        pub control_name: String,
        /// Its number.
        pub id: u64,
        /// The render node's device, `major:minor`.
        pub render_device: String,
        /// The render node's name.
        pub render_name: String,
    }

    /// A kind of virtual graphics card.
    pub struct ResourcesGpuCardMdev {
        /// How it is used: `vfio-pci`.
        pub api: String,
        /// How many more can be made.
        pub available: u64,
        /// What it is, in words.
        pub description: String,
        /// The UUIDs of those that there are.
        pub devices: Vec<String>,
        /// Its name.
        pub name: String,
    }

    /// What NVIDIA says of a graphics card.
    pub struct ResourcesGpuCardNvidia {
        /// Its architecture.
        pub architecture: String,
        /// Its brand.
        pub brand: String,
        /// The card's device, `major:minor`.
        pub card_device: String,
        /// The card's name.
        pub card_name: String,
        /// CUDA's version.
        pub cuda_version: String,
        /// Its model.
        pub model: String,
        /// NVRM's version.
        pub nvrm_version: String,
        /// Its UUID.
        pub uuid: String,
    }

    /// A graphics card's virtual functions.
    pub struct ResourcesGpuCardSriov {
        /// How many there are now.
        pub current_vfs: u64,
        /// How many there can be.
        pub maximum_vfs: u64,
        /// Each of them.
        pub vfs: Vec<ResourcesGpuCard>,
    }

    /// The network cards.
    pub struct ResourcesNetwork {
        /// Each of them.
        pub cards: Vec<ResourcesNetworkCard>,
        /// How many there are.
        pub total: u64,
    }

    /// A network card.
    pub struct ResourcesNetworkCard {
        /// Its driver.
        pub driver: String,
        /// Its driver's version.
        pub driver_version: String,
        /// Its firmware's version.
        pub firmware_version: String,
        /// The NUMA node it is at.
        pub numa_node: u64,
        /// Where it is on the PCI bus.
        pub pci_address: String,
        /// Its ports.
        pub ports: Vec<ResourcesNetworkCardPort>,
        /// The product's name.
        pub product: String,
        /// The product's id, hex.
        pub product_id: String,
        /// Its virtual functions.
        pub sriov: Option<ResourcesNetworkCardSriov>,
        /// Where it is on the USB bus.
        pub usb_address: String,
        /// Its vDPA device.
        pub vdpa: Option<ResourcesNetworkCardVdpa>,
        /// The maker's name.
        pub vendor: String,
        /// The maker's id, hex.
        pub vendor_id: String,
    }

    /// A network card's port.
    pub struct ResourcesNetworkCardPort {
        /// Its MAC address.
        pub address: String,
        /// Whether it agrees with the other end on the speed.
        pub auto_negotiation: bool,
        /// Its interface's name.
        pub id: String,
        /// Its InfiniBand devices.
        pub infiniband: Option<ResourcesNetworkCardPortInfiniband>,
        /// Whether there is another end.
        pub link_detected: bool,
        /// `full` or `half`.
        pub link_duplex: String,
        /// Its speed, in Mbit/s.
        pub link_speed: u64,
        /// Its number.
        pub port: u64,
        /// What plugs fit: `twisted pair`, `fibre`, `other`.
        pub port_type: String,
        /// `ethernet` or `infiniband`.
        pub protocol: String,
        /// The speeds it has, as `1000baseT/Full`.
        pub supported_modes: Vec<String>,
        /// The plugs that fit.
        pub supported_ports: Vec<String>,
        /// `internal` or `external`.
        pub transceiver_type: String,
    }

    /// An InfiniBand port's devices.
    pub struct ResourcesNetworkCardPortInfiniband {
        /// The ISSM device's number, `major:minor`.
        pub issm_device: String,
        /// The ISSM device's name.
        pub issm_name: String,
        /// The MAD device's number, `major:minor`.
        pub mad_device: String,
        /// The MAD device's name.
        pub mad_name: String,
        /// The verb device's number, `major:minor`.
        pub verb_device: String,
        /// The verb device's name.
        pub verb_name: String,
    }

    /// A network card's virtual functions.
    pub struct ResourcesNetworkCardSriov {
        /// How many there are now.
        pub current_vfs: u64,
        /// How many there can be.
        pub maximum_vfs: u64,
        /// Each of them.
        pub vfs: Vec<ResourcesNetworkCard>,
    }

    /// A network card's vDPA device.
    pub struct ResourcesNetworkCardVdpa {
        /// Its device.
        pub device: String,
        /// Its name.
        pub name: String,
    }

    /// The PCI devices.
    pub struct ResourcesPci {
        /// Each of them.
        pub devices: Vec<ResourcesPciDevice>,
        /// How many there are.
        pub total: u64,
    }

    /// A PCI device.
    pub struct ResourcesPciDevice {
        /// Its driver.
        pub driver: String,
        /// Its driver's version.
        pub driver_version: String,
        /// The IOMMU group it is in.
        pub iommu_group: u64,
        /// The NUMA node it is at.
        pub numa_node: u64,
        /// Where it is on the PCI bus.
        pub pci_address: String,
        /// The product's name.
        pub product: String,
        /// The product's id, hex.
        pub product_id: String,
        /// The maker's name.
        pub vendor: String,
        /// The maker's id, hex.
        pub vendor_id: String,
        /// What it says of itself (`resources_pci_vpd`).
        pub vpd: ResourcesPciVpd,
    }

    /// What a PCI device says of itself.
    pub struct ResourcesPciVpd {
        /// By key.
        pub entries: BTreeMap<String, String>,
        /// The product's name.
        pub product_name: String,
    }

    /// The USB devices.
    pub struct ResourcesUsb {
        /// Each of them.
        pub devices: Vec<ResourcesUsbDevice>,
        /// How many there are.
        pub total: u64,
    }

    /// A USB device.
    pub struct ResourcesUsbDevice {
        /// The number of its bus.
        pub bus_address: u64,
        /// Its number on the bus.
        pub device_address: u64,
        /// Its interfaces.
        pub interfaces: Vec<ResourcesUsbDeviceInterface>,
        /// The product's name.
        pub product: String,
        /// The product's id, hex.
        pub product_id: String,
        /// Its serial number.
        pub serial: String,
        /// Its speed, in Mbit/s.
        pub speed: f64,
        /// The maker's name.
        pub vendor: String,
        /// The maker's id, hex.
        pub vendor_id: String,
    }

    /// A USB device's interface.
    pub struct ResourcesUsbDeviceInterface {
        /// What it is for, in words.
        pub class: String,
        /// What it is for, as a number.
        pub class_id: u64,
        /// Its driver.
        pub driver: String,
        /// Its driver's version.
        pub driver_version: String,
        /// Its number.
        pub number: u64,
        /// What it is for within that, in words.
        pub subclass: String,
        /// What it is for within that, as a number.
        pub subclass_id: u64,
    }
}
