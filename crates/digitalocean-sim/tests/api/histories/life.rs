//! What happens to an account: droplets come, change and go, other things beside them, and time passes.

use std::collections::BTreeMap;

use digitalocean_sim::{ClockMode, Options, Timings};
use fastrand::Rng;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::site::{Site, options};

const SIZES: [&str; 4] = ["s-1vcpu-1gb", "s-1vcpu-2gb", "s-2vcpu-4gb", "s-4vcpu-8gb"];
/// Everything that a CSV, a JSON text or a person's eye could stumble over.
const NAMES: [&str; 5] =
    ["plain", "a, \"quoted\" one", "two\nlines", "Zürich 東京 \u{1f680}", " ; leading = and '"];

/// One droplet at one size. `to` is open while it stands.
pub(super) struct Stretch {
    pub(super) id: u64,
    pub(super) size: &'static str,
    pub(super) from_s: i64,
    pub(super) to_s: Option<i64>,
}

pub(super) struct Life {
    pub(super) site: Site,
    pub(super) rng: Rng,
    pub(super) stretches: Vec<Stretch>,
    droplets: Vec<u64>,
    others: Vec<(&'static str, String)>,
    pub(super) prices: BTreeMap<String, (Decimal, Decimal)>,
}

pub(super) fn decimal(value: &Value) -> Decimal {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).parse().unwrap()
}

impl Life {
    pub(super) async fn begin(seed: u64) -> Life {
        let rng = Rng::with_seed(seed);
        // Half of them begin before seconds counted, and one in three in the scenario, where there is a tax.
        let start = if seed.is_multiple_of(2) { "2025-11-20T10:00:00Z" } else { "2026-02-11T23:59:58Z" };
        let clock = ClockMode::Manual { start: start.parse().unwrap() };
        let site = Site::with(Options { clock, timings: Timings::instant(), seed, ..options() }).await;
        if seed.is_multiple_of(3) {
            site.post("/_sim/scenario", json!({ "name": "april-2026", "seed": seed })).await;
        }
        let (_, sizes) = site.get("/v2/sizes?per_page=200").await;
        let price = |size: &Value| {
            let slug = size["slug"].as_str().unwrap().to_owned();
            (slug, (decimal(&size["price_hourly"]), decimal(&size["price_monthly"])))
        };
        let prices = sizes["sizes"].as_array().unwrap().iter().map(price).collect();
        Life { site, rng, stretches: Vec::new(), droplets: Vec::new(), others: Vec::new(), prices }
    }

    fn now_s(&self) -> i64 {
        self.site.simulator.now().as_second()
    }

    fn some<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        self.rng.choice(from).cloned()
    }

    pub(super) async fn act(&mut self) {
        match self.rng.u8(0..22) {
            0..=3 => self.create_droplet().await,
            4 => self.destroy_droplet().await,
            5 => self.resize_in_the_panel().await,
            6 => self.resize().await,
            7..=8 => self.change_droplet().await,
            9..=11 => self.make_other().await,
            12 => self.destroy_other().await,
            13 => self.move_to_a_project().await,
            _ => self.wait(),
        }
    }

    fn wait(&mut self) {
        let spans_s = [1, 59, 61, 3_600, 5_401, 86_400, 3 * 86_400 + 17, 9 * 86_400, 31 * 86_400];
        let seconds = self.rng.choice(spans_s).unwrap();
        self.site.advance_s(seconds);
    }

    async fn create_droplet(&mut self) {
        let (size, number) = (self.rng.choice(SIZES).unwrap(), self.rng.u32(..));
        let body = json!({ "name": format!("web-{number}"), "region": "nyc3", "size": size,
            "image": "ubuntu-24-04-x64", "backups": self.rng.bool() });
        let (status, body) = self.site.post("/v2/droplets", body).await;
        assert_eq!(status, 202, "{body}");
        let id = body["droplet"]["id"].as_u64().unwrap();
        self.stretches.push(Stretch { id, size, from_s: self.now_s(), to_s: None });
        self.droplets.push(id);
    }

    async fn destroy_droplet(&mut self) {
        let Some(id) = self.some(&self.droplets.clone()) else { return };
        assert_eq!(self.site.delete(&format!("/v2/droplets/{id}")).await.0, 204);
        self.droplets.retain(|other| *other != id);
        let now_s = self.now_s();
        self.standing(id).to_s = Some(now_s);
    }

    fn standing(&mut self, id: u64) -> &mut Stretch {
        self.stretches.iter_mut().find(|stretch| stretch.id == id && stretch.to_s.is_none()).unwrap()
    }

    fn resized(&mut self, id: u64, size: &'static str) {
        let now_s = self.now_s();
        let stretch = self.standing(id);
        if stretch.from_s == now_s {
            stretch.size = size;
        } else {
            stretch.to_s = Some(now_s);
            self.stretches.push(Stretch { id, size, from_s: now_s, to_s: None });
        }
    }

    async fn resize_in_the_panel(&mut self) {
        let Some(id) = self.some(&self.droplets.clone()) else { return };
        let size = SIZES[self.rng.usize(1..SIZES.len())];
        let set = json!({ "kind": "droplet", "id": id, "set": { "size_slug": size } });
        let before = self.site.droplet(id).await["size_slug"].clone();
        assert_eq!(self.site.post("/_sim/mutate", set).await.0, 200);
        if before != *size {
            self.resized(id, size);
        }
    }

    async fn resize(&mut self) {
        let Some(id) = self.some(&self.droplets.clone()) else { return };
        let size = self.rng.choice(SIZES).unwrap();
        let before = self.site.droplet(id).await["size_slug"].clone();
        self.site.act(id, json!({ "type": "power_off" })).await;
        let (status, _) = self.site.act(id, json!({ "type": "resize", "size": size })).await;
        // A disk cannot shrink, and some are as large already.
        if status == 201 && before != size {
            self.resized(id, size);
        }
    }

    async fn change_droplet(&mut self) {
        let Some(id) = self.some(&self.droplets.clone()) else { return };
        let name = format!("renamed-{}", self.rng.u32(..));
        let snapshot = self.rng.choice(NAMES).unwrap();
        let body = match self.rng.u8(0..5) {
            0 => json!({ "type": "rename", "name": name }),
            1 => json!({ "type": "enable_backups" }),
            2 => json!({ "type": "disable_backups" }),
            3 => {
                let set = json!({ "kind": "droplet", "id": id, "set": { "name": name } });
                assert_eq!(self.site.post("/_sim/mutate", set).await.0, 200);
                return;
            }
            _ => json!({ "type": "snapshot", "name": snapshot }),
        };
        self.site.act(id, body).await;
    }

    async fn make_other(&mut self) {
        let number = self.rng.u32(..);
        let name = self.rng.choice(NAMES).unwrap();
        let on = self.droplets.first().copied();
        let (kind, create) = match self.rng.u8(0..6) {
            0 => {
                let size = self.rng.u64(1..500);
                let name = format!("v{number}");
                ("volume", json!({ "name": name, "region": "nyc3", "size_gigabytes": size }))
            }
            1 => ("reserved_ip", on.map_or(json!({ "region": "nyc3" }), |id| json!({ "droplet_id": id }))),
            2 => ("spaces_bucket", json!({ "name": format!("bucket-{number}") })),
            3 => ("database", json!({ "name": format!("db-{number}") })),
            4 => ("kubernetes_cluster", json!({ "name": format!("k8s-{number}") })),
            _ => ("snapshot", json!({ "droplet_id": on, "name": name })),
        };
        let body = json!({ "kind": kind, "create": create });
        let (status, made) = self.site.post("/_sim/mutate", body).await;
        if status == 200 {
            let id = made["id"].as_str().map_or_else(|| made["id"].to_string(), str::to_owned);
            self.others.push((kind, id));
        }
    }

    async fn destroy_other(&mut self) {
        let Some((kind, id)) = self.some(&self.others.clone()) else { return };
        self.others.retain(|(_, other)| *other != id);
        self.site.post("/_sim/mutate", json!({ "kind": kind, "id": id, "destroy": true })).await;
    }

    async fn move_to_a_project(&mut self) {
        let Some(id) = self.some(&self.droplets.clone()) else { return };
        let name = self.rng.choice(["acme, inc.", "the \"other\" one", "größer"]).unwrap();
        let (_, made) =
            self.site.post("/v2/projects", json!({ "name": name, "purpose": "Just trying out" })).await;
        let (_, all) = self.site.get("/v2/projects?per_page=200").await;
        let known = all["projects"].as_array().unwrap().iter().find(|project| project["name"] == name);
        let project = made["project"]["id"].as_str().or(known.and_then(|it| it["id"].as_str())).unwrap();
        let path = format!("/v2/projects/{project}/resources");
        self.site.post(&path, json!({ "resources": [format!("do:droplet:{id}")] })).await;
    }
}
