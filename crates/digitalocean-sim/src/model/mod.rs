//! The account: resources, actions with their own timeline, a change log. A state machine that knows nothing
//! of HTTP and never looks at a clock: it is told the time, and does what has become due by (time, sequence).

pub(crate) mod actions;
mod addresses;
pub(crate) mod billing;
pub(crate) mod catalogue;
pub(crate) mod creation;
pub(crate) mod domains;
pub(crate) mod droplet_actions;
pub(crate) mod droplets;
pub(crate) mod finance;
mod firewall_rules;
pub(crate) mod firewalls;
pub(crate) mod fixtures;
pub(crate) mod images;
pub(crate) mod keys;
pub(crate) mod load_balancers;
pub(crate) mod log;
pub(crate) mod mutate;
mod mutate_others;
mod overview;
pub(crate) mod projects;
pub(crate) mod records;
pub(crate) mod refusal;
pub(crate) mod reserved_ips;
mod shelf;
pub(crate) mod tags;
pub(crate) mod urn;
mod volume_actions;
pub(crate) mod volume_snapshots;
pub(crate) mod volumes;
pub(crate) mod vpcs;
mod work;

pub use overview::Marked;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serializer;
use serde_json::Value;

use crate::clock::after_ms;
use crate::options::{Options, Profile, Span, Timings};
use actions::Action;
use addresses::Addresses;
use billing::{Billing, Period};
use catalogue::Catalogue;
use domains::Domain;
use droplets::{Droplet, Shelves, Status};
use firewalls::Firewall;
use fixtures::Fixtures;
use images::Image;
use keys::SshKey;
use load_balancers::LoadBalancer;
use log::{ChangeKind, Kind, Log, Origin};
use projects::Projects;
use reserved_ips::ReservedIp;
use shelf::Shelf;
use tags::Tags;
use volume_snapshots::VolumeSnapshot;
use volumes::Volume;
use vpcs::Vpc;

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) profile: Profile,
    pub(crate) timings: Timings,
    pub(crate) droplet_limit: u32,
    resize_needs_off: bool,
    now: Timestamp,
    random: fastrand::Rng,
    /// Apart from the rest, so that a further UUID does not change how long something takes.
    uuids: fastrand::Rng,
    agenda: BTreeMap<(Timestamp, u64), Event>,
    agenda_seq: u64,
    ids: Ids,
    pub(crate) catalogue: Catalogue,
    addresses: Addresses,
    droplets: BTreeMap<u64, Droplet>,
    shelves: Shelves,
    actions: BTreeMap<u64, Action>,
    droplet_actions: BTreeMap<u64, Vec<u64>>,
    images: BTreeMap<u64, Arc<Image>>,
    listed_images: BTreeSet<u64>,
    domains: BTreeMap<String, Domain>,
    tags: Tags,
    keys: BTreeMap<u64, SshKey>,
    volumes: Shelf<Volume>,
    volume_snapshots: Shelf<VolumeSnapshot>,
    reserved_ips: Shelf<ReservedIp>,
    firewalls: Shelf<Firewall>,
    load_balancers: Shelf<LoadBalancer>,
    vpcs: Shelf<Vpc>,
    fixtures: Fixtures,
    projects: Projects,
    billing: Billing,
    pub(crate) finance_secret: secrecy::SecretString,
    imports: Vec<finance::ImportedInvoice>,
    log: Log,
}

/// Something that becomes true later without anybody asking again.
#[derive(Debug, Clone)]
enum Event {
    DropletListed(u64),
    DropletListedByTag(u64),
    DropletGone(u64),
    DropletLost(u64),
    StatusSettles { droplet_id: u64, status: Status },
    SizeFlips { droplet_id: u64, size: String, disk: bool },
    AddressAppears(u64),
    ActionEnds(u64),
    Unlocks { droplet_id: u64, action_id: u64 },
    ImageListed(u64),
    ImageGone(u64),
    BackupDue(u64),
    FirewallSettles { firewall_id: String, settles_with: u64, failed: bool },
    FirewallsForget(u64),
    LoadBalancerReady { id: String, failed: bool },
    MonthEnds(Period),
}

/// What a fault asks of the work of one request, beyond what the request itself says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Twist {
    /// What is created stays out of listings for so long.
    pub(crate) hide_ms: Option<u64>,
    /// A droplet that is created stays `new`, although its create action completes.
    pub(crate) never_active: bool,
    /// The action ends `errored` and has no effect.
    pub(crate) error_action: bool,
    /// The action ends `completed` and has no effect.
    pub(crate) no_effect: bool,
    /// The action takes so much longer.
    pub(crate) slow_ms: u64,
    /// The public address of a droplet that is created appears so long after it is active.
    pub(crate) late_address_ms: u64,
    /// A droplet that is created is not found by its id for so long.
    pub(crate) not_yet_ms: u64,
    /// What is destroyed lingers so much longer.
    pub(crate) linger_ms: u64,
    /// A droplet that is created is lost after so long.
    pub(crate) vanish_ms: Option<u64>,
    /// A page of a listing is cut as if so many more entries stood before it.
    pub(crate) shift: i64,
}

/// Numbers such as the real service hands out: large, growing, never used twice.
#[derive(Debug)]
struct Ids {
    droplet: u64,
    action: u64,
    image: u64,
    record: u64,
    key: u64,
}

impl Ids {
    fn after(skipped: u64) -> Ids {
        let (droplet, action) = (700_100_000 + skipped, 3_500_000_000 + skipped);
        let (image, record) = (280_000_122 + skipped, 1_900_000_000 + skipped);
        Ids { droplet, action, image, record, key: 51_200_000 + skipped }
    }

    fn next(last: &mut u64) -> u64 {
        *last += 1;
        *last
    }

    fn droplet(&mut self) -> u64 {
        Ids::next(&mut self.droplet)
    }

    fn action(&mut self) -> u64 {
        Ids::next(&mut self.action)
    }

    fn image(&mut self) -> u64 {
        Ids::next(&mut self.image)
    }

    fn record(&mut self) -> u64 {
        Ids::next(&mut self.record)
    }

    fn key(&mut self) -> u64 {
        Ids::next(&mut self.key)
    }
}

/// One page of a listing; `page` counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) page: usize,
    pub(crate) per_page: usize,
    /// As if so many more entries stood before the page, or fewer: a listing that changes between its pages.
    pub(crate) shift: i64,
}

impl Window {
    fn skipped(self) -> usize {
        let skipped = (self.page - 1).saturating_mul(self.per_page);
        skipped.saturating_add_signed(isize::try_from(self.shift.saturating_neg()).unwrap_or_default())
    }

    /// The page's items and the number of all items.
    pub(crate) fn cut<T>(self, mut items: impl Iterator<Item = T>) -> (Vec<T>, usize) {
        let mut total = items.by_ref().take(self.skipped()).count();
        let page: Vec<T> = items.by_ref().take(self.per_page).collect();
        total += page.len() + items.count();
        (page, total)
    }

    /// As `cut`, for a set that knows its own size.
    fn cut_set(self, set: &BTreeSet<u64>) -> (Vec<u64>, usize) {
        let page = set.iter().skip(self.skipped()).take(self.per_page).copied().collect();
        (page, set.len())
    }
}

/// The service writes times with second precision.
pub(crate) fn seconds<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&whole_second(*at))
}

pub(crate) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

impl Account {
    pub(crate) fn new(options: &Options, now: Timestamp) -> Account {
        let mut account = Account {
            profile: options.profile,
            timings: options.timings,
            droplet_limit: options.droplet_limit,
            resize_needs_off: options.resize_needs_off,
            now,
            random: fastrand::Rng::with_seed(options.seed),
            uuids: fastrand::Rng::with_seed(options.seed ^ 0x1d_fade),
            agenda: BTreeMap::new(),
            agenda_seq: 0,
            ids: Ids::after(options.ids_skipped),
            catalogue: Catalogue::new(options.profile),
            addresses: Addresses::default(),
            droplets: BTreeMap::new(),
            shelves: Shelves::default(),
            actions: BTreeMap::new(),
            droplet_actions: BTreeMap::new(),
            images: BTreeMap::new(),
            listed_images: BTreeSet::new(),
            domains: BTreeMap::new(),
            tags: Tags::default(),
            keys: BTreeMap::new(),
            volumes: Shelf::default(),
            volume_snapshots: Shelf::default(),
            reserved_ips: Shelf::default(),
            firewalls: Shelf::default(),
            load_balancers: Shelf::default(),
            vpcs: Shelf::default(),
            fixtures: Fixtures::default(),
            projects: Projects::default(),
            billing: Billing::default(),
            finance_secret: options.finance_secret.clone(),
            imports: Vec::new(),
            log: Log::default(),
        };
        account.found_default_project();
        account.open_books();
        account
    }

    fn uuid(&mut self) -> String {
        let bytes = self.uuids.u128(..).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// Moves the account's time to `now`, doing on the way what becomes due, each at its own time.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((due, _), event) = entry.remove_entry();
            self.now = self.now.max(due);
            self.happen(event);
        }
        self.now = self.now.max(now);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn changes(&self) -> &[log::Change] {
        &self.log.changes
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::DropletListed(id) => self.droplet_listed(id),
            Event::DropletListedByTag(id) => self.droplet_listed_by_tag(id),
            Event::DropletGone(id) => self.droplet_gone(id),
            Event::DropletLost(id) => self.droplet_lost(id),
            Event::StatusSettles { droplet_id, status } => self.status_settles(droplet_id, status),
            Event::SizeFlips { droplet_id, size, disk } => self.size_flips(droplet_id, &size, disk),
            Event::AddressAppears(id) => self.address_appears(id),
            Event::ActionEnds(id) => self.action_ends(id),
            Event::Unlocks { droplet_id, action_id } => self.unlocks(droplet_id, action_id),
            Event::ImageListed(id) => self.image_listed(id),
            Event::ImageGone(id) => self.image_gone(id),
            Event::BackupDue(id) => self.backup_due(id),
            Event::FirewallSettles { firewall_id, settles_with, failed } => {
                self.firewall_settles(&firewall_id, settles_with, failed);
            }
            Event::FirewallsForget(droplet_id) => self.firewalls_forget(droplet_id),
            Event::LoadBalancerReady { id, failed } => self.load_balancer_ready(&id, failed),
            Event::MonthEnds(period) => self.month_ends(period),
        }
    }

    fn schedule(&mut self, delay_ms: u64, event: Event) {
        self.schedule_at(after_ms(self.now, delay_ms), event);
    }

    fn schedule_at(&mut self, due: Timestamp, event: Event) {
        self.agenda_seq += 1;
        self.agenda.insert((due, self.agenda_seq), event);
    }

    fn draw(&mut self, span: Span) -> u64 {
        span.draw_ms(&mut self.random)
    }

    fn note(
        &mut self,
        by: Origin,
        change: ChangeKind,
        kind: Kind,
        id: impl ToString,
        name: &str,
        fields: Value,
    ) {
        self.log.add(self.now, by, change, (kind, id.to_string(), name), fields);
    }
}
