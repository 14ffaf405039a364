//! What DigitalOcean offers: regions, sizes with their prices, public images.
//! The regions that the published specification does not know exist in the live profile only.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::Serialize;

use super::images::{Image, ImageType};
use crate::options::Profile;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Region {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) features: Vec<&'static str>,
    pub(crate) available: bool,
    pub(crate) sizes: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Size {
    pub(crate) slug: String,
    pub(crate) memory: u64,
    pub(crate) vcpus: u32,
    pub(crate) disk: u64,
    pub(crate) transfer: f64,
    pub(crate) price_monthly: f64,
    pub(crate) price_hourly: f64,
    pub(crate) regions: Vec<String>,
    pub(crate) available: bool,
    pub(crate) description: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) networking_throughput: Option<u32>,
    pub(crate) disk_info: [DiskInfo; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gpu_info: Option<GpuInfo>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct DiskInfo {
    pub(crate) r#type: &'static str,
    pub(crate) size: Amount,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Amount {
    pub(crate) amount: u64,
    pub(crate) unit: &'static str,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct GpuInfo {
    pub(crate) count: u32,
    pub(crate) model: &'static str,
    pub(crate) vram: Amount,
}

impl Size {
    pub(crate) fn hourly_cost(&self) -> Decimal {
        Decimal::from_f64(self.price_hourly).unwrap_or_default().round_dp(5)
    }

    pub(crate) fn monthly_cost(&self) -> Decimal {
        Decimal::from_f64(self.price_monthly).unwrap_or_default().round_dp(2)
    }
}

pub(crate) fn disk_info(disk_gib: u64) -> [DiskInfo; 1] {
    [DiskInfo { r#type: "local", size: Amount { amount: disk_gib, unit: "gib" } }]
}

const FEATURES: [&str; 6] = ["backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"];

const REGIONS: [(&str, &str); 13] = [
    ("nyc1", "New York 1"),
    ("nyc2", "New York 2"),
    ("nyc3", "New York 3"),
    ("ams3", "Amsterdam 3"),
    ("sfo1", "San Francisco 1"),
    ("sfo2", "San Francisco 2"),
    ("sfo3", "San Francisco 3"),
    ("sgp1", "Singapore 1"),
    ("lon1", "London 1"),
    ("fra1", "Frankfurt 1"),
    ("tor1", "Toronto 1"),
    ("blr1", "Bangalore 1"),
    ("syd1", "Sydney 1"),
];

/// Seen in live answers, absent from the specification's closed list.
const LIVE_REGIONS: [(&str, &str); 4] =
    [("atl1", "Atlanta 1"), ("ric1", "Richmond 1"), ("mem1", "Memphis 1"), ("mkc1", "Kansas City 1")];

/// Open to existing customers only: nothing new can be created there.
const CLOSED_REGIONS: [&str; 1] = ["sfo1"];

/// slug, vcpus, memory in MB, disk in GB, transfer in TB, monthly and hourly price in dollars, description
type SizeRow = (&'static str, u32, u64, u64, f64, f64, f64, &'static str);

const SIZES: [SizeRow; 18] = [
    ("s-1vcpu-512mb-10gb", 1, 512, 10, 0.5, 4.0, 0.00595, "Basic"),
    ("s-1vcpu-1gb", 1, 1024, 25, 1.0, 6.0, 0.00893, "Basic"),
    ("s-1vcpu-1gb-amd", 1, 1024, 25, 1.0, 7.0, 0.01042, "Basic AMD"),
    ("s-1vcpu-1gb-intel", 1, 1024, 25, 1.0, 7.0, 0.01042, "Basic Intel"),
    ("s-1vcpu-1gb-35gb-intel", 1, 1024, 35, 1.0, 8.0, 0.0119, "Basic Intel"),
    ("s-1vcpu-2gb", 1, 2048, 50, 2.0, 12.0, 0.01786, "Basic"),
    ("s-2vcpu-2gb", 2, 2048, 60, 3.0, 18.0, 0.02679, "Basic"),
    ("s-2vcpu-4gb", 2, 4096, 80, 4.0, 24.0, 0.03571, "Basic"),
    ("s-2vcpu-4gb-amd", 2, 4096, 80, 4.0, 28.0, 0.04167, "Basic AMD"),
    ("s-2vcpu-4gb-intel", 2, 4096, 80, 4.0, 28.0, 0.04167, "Basic Intel"),
    ("s-4vcpu-8gb", 4, 8192, 160, 5.0, 48.0, 0.07143, "Basic"),
    ("s-8vcpu-16gb", 8, 16384, 320, 6.0, 96.0, 0.14286, "Basic"),
    ("c-2", 2, 4096, 25, 4.0, 42.0, 0.0625, "CPU-Optimized"),
    ("c-4", 4, 8192, 50, 5.0, 84.0, 0.125, "CPU-Optimized"),
    ("g-2vcpu-8gb", 2, 8192, 25, 4.0, 63.0, 0.09375, "General Purpose"),
    ("g-4vcpu-16gb", 4, 16384, 50, 5.0, 126.0, 0.1875, "General Purpose"),
    ("m-2vcpu-16gb", 2, 16384, 50, 4.0, 84.0, 0.125, "Memory-Optimized"),
    (GPU_SIZE, 20, 245_760, 720, 15.0, 2278.08, 3.39, "H100 GPU - 1X"),
];

const GPU_SIZE: &str = "gpu-h100x1-80gb";
const GPU_REGIONS: [&str; 2] = ["nyc2", "tor1"];

/// slug, name, distribution, smallest disk in GB, size in GB, whether it is an application
type ImageRow = (&'static str, &'static str, &'static str, u64, f64, bool);

const IMAGES: [ImageRow; 10] = [
    ("ubuntu-24-04-x64", "24.04 (LTS) x64", "Ubuntu", 7, 3.76, false),
    ("ubuntu-22-04-x64", "22.04 (LTS) x64", "Ubuntu", 7, 3.18, false),
    ("debian-12-x64", "12 x64", "Debian", 7, 2.51, false),
    ("debian-13-x64", "13 x64", "Debian", 7, 2.62, false),
    ("fedora-42-x64", "42 x64", "Fedora", 10, 2.33, false),
    ("almalinux-9-x64", "AlmaLinux 9", "AlmaLinux", 10, 2.4, false),
    ("rockylinux-9-x64", "9 x64", "Rocky Linux", 10, 2.47, false),
    ("centos-stream-9-x64", "9 Stream x64", "CentOS", 10, 2.71, false),
    ("gpu-h100x1-base", "AI/ML Ready H100x1", "Ubuntu", 25, 19.3, false),
    ("docker-20-04", "Docker on Ubuntu 22.04", "Ubuntu", 25, 4.12, true),
];

/// Offered, but not in the specification's closed list.
const UNSPECIFIED_DISTRIBUTIONS: [&str; 1] = ["AlmaLinux"];

const FIRST_IMAGE_ID: u64 = 247_516_813;

#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) regions: Vec<Region>,
    pub(crate) sizes: BTreeMap<String, Size>,
    /// In the order of the price list.
    pub(crate) size_order: Vec<String>,
    pub(crate) images: Vec<Arc<Image>>,
}

impl Catalogue {
    pub(crate) fn new(profile: Profile) -> Catalogue {
        let live = profile == Profile::Live;
        let mut names = REGIONS.to_vec();
        if live {
            names.extend(LIVE_REGIONS);
        }
        let slugs: Vec<String> = names.iter().map(|(slug, _)| (*slug).to_owned()).collect();
        let sizes: BTreeMap<String, Size> =
            SIZES.iter().map(|row| (row.0.to_owned(), size(row, &slugs, live))).collect();
        let regions = names.iter().map(|(slug, name)| region(slug, name)).collect();
        let images = IMAGES
            .iter()
            .enumerate()
            .map(|(at, row)| Arc::new(image(at as u64, row, &slugs, live)))
            .collect();
        let size_order = SIZES.iter().map(|row| row.0.to_owned()).collect();
        Catalogue { regions, sizes, size_order, images }
    }

    pub(crate) fn region(&self, slug: &str) -> Option<&Region> {
        self.regions.iter().find(|region| region.slug == slug)
    }

    pub(crate) fn size(&self, slug: &str) -> Option<&Size> {
        self.sizes.get(slug)
    }
}

fn offered_in(size: &str, region: &str) -> bool {
    let open = !CLOSED_REGIONS.contains(&region);
    open && (size != GPU_SIZE || GPU_REGIONS.contains(&region))
}

fn region(slug: &str, name: &str) -> Region {
    let sizes = SIZES.iter().map(|row| row.0).filter(|size| offered_in(size, slug));
    Region {
        name: name.to_owned(),
        slug: slug.to_owned(),
        features: FEATURES.to_vec(),
        available: !CLOSED_REGIONS.contains(&slug),
        sizes: sizes.map(str::to_owned).collect(),
    }
}

fn size(row: &SizeRow, regions: &[String], live: bool) -> Size {
    let (slug, vcpus, memory, disk, transfer, price_monthly, price_hourly, description) = *row;
    let gpu = slug == GPU_SIZE;
    Size {
        slug: slug.to_owned(),
        memory,
        vcpus,
        disk,
        transfer,
        price_monthly,
        price_hourly,
        regions: regions.iter().filter(|region| offered_in(slug, region)).cloned().collect(),
        available: true,
        description,
        networking_throughput: live.then_some(2_000),
        disk_info: disk_info(disk),
        gpu_info: gpu.then_some(GpuInfo {
            count: 1,
            model: "nvidia_h100",
            vram: Amount { amount: 80, unit: "gib" },
        }),
    }
}

fn image(at: u64, row: &ImageRow, regions: &[String], live: bool) -> Image {
    let (slug, name, maker, min_disk_size, size_gigabytes, application) = *row;
    let in_spec = !UNSPECIFIED_DISTRIBUTIONS.contains(&maker);
    let distribution = if live || in_spec { maker } else { "Unknown" };
    Image {
        id: FIRST_IMAGE_ID + at * 17,
        name: name.to_owned(),
        distribution: distribution.to_owned(),
        slug: Some(slug.to_owned()),
        public: true,
        regions: regions.to_vec(),
        // 2026-09-29T03:12:58Z and a minute for each: any fixed past moment would do.
        created_at: Timestamp::from_second(1_790_651_578 + 60 * at as i64).unwrap_or(Timestamp::UNIX_EPOCH),
        min_disk_size,
        image_type: ImageType::Base,
        size_gigabytes,
        description: format!("{maker} {name}"),
        tags: Vec::new(),
        status: "available",
        droplet_id: None,
        application,
        leaving: false,
    }
}
