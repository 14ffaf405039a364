//! The real limits, 250 a minute and 5,000 an hour, under a full sync of 2,000 droplets with their backups and fifty
//! deployments at once: the limits are kept, and the deployments hardly notice the sync.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use digitalocean::{
    Client, Clock, CreateDroplet, DropletId, DropletStatus, Error, Purpose, RecordDraft, RecordType,
};
use digitalocean_sim::{Options, RateLimits, Timings};
use futures_util::future::join_all;

use crate::site::{PROVISIONING_TOKEN, SYNC_TOKEN, Site, options};

const ZONE: &str = "arcadia-demo.com";
const DROPLETS: usize = 2_000;
const DEPLOYMENTS: usize = 50;
const SYNC_WORKERS: usize = 8;
const MARK: &str = "managed-by-arcadia-cloud";

/// What of the droplets being provisioned is known, from one listing for all of them.
type Known = Arc<Mutex<HashMap<u64, DropletStatus>>>;

async fn site() -> Site {
    let options = Options { limits: RateLimits::default(), timings: Timings::realistic(), ..options() };
    let site = Site::start(options).await;
    site.simulator.add_domain(ZONE).unwrap();
    for n in 0..DROPLETS {
        site.make(&format!("old-{n}"), "old");
    }
    site.simulator.advance(Duration::from_secs(3_600));
    site
}

/// Sends a request again for as long as the limit keeps it from being executed.
async fn patiently<T, F: Future<Output = Result<T, Error>>>(clock: &dyn Clock, send: impl Fn() -> F) -> T {
    loop {
        match send().await {
            Ok(done) => return done,
            Err(error) => match error.is_rate_limited() {
                Some(wait) => clock.sleep(wait).await,
                None => panic!("{error}"),
            },
        }
    }
}

/// Creates a droplet, waits until it is active, points a name at it: the calls that the service makes.
async fn provision(client: Client, n: usize, known: Known) {
    let clock = Arc::clone(client.clock());
    let name = format!("tenant-{n}");
    let wanted = CreateDroplet {
        name: name.clone(),
        region: Some("nyc3".to_owned()),
        size: "s-1vcpu-1gb".to_owned(),
        image: "ubuntu-24-04-x64".into(),
        tags: vec![MARK.to_owned(), format!("arcadia-step-{n}")],
        ..CreateDroplet::default()
    };
    let droplets = client.droplets();
    let created = patiently(&*clock, || droplets.create(&wanted)).await.droplet.id;
    known.lock().unwrap().insert(created.0, DropletStatus::New);
    while known.lock().unwrap()[&created.0] != DropletStatus::Active {
        clock.sleep(Duration::from_secs(1)).await;
    }
    let droplet = patiently(&*clock, || droplets.get(created)).await;
    let records = client.records(ZONE);
    assert_eq!(patiently(&*clock, || records.list_named(&name, None).into_future()).await.len(), 0);
    let address = droplet.public_ipv4().unwrap().to_string();
    let record = RecordDraft::new(RecordType::A, &name, address);
    patiently(&*clock, || records.create(&record)).await;
}

/// One listing every five seconds for all that are waited for.
async fn watch(client: Client, known: Known) {
    let clock = Arc::clone(client.clock());
    loop {
        clock.sleep(Duration::from_secs(5)).await;
        let listing = patiently(&*clock, || client.droplets().list_tagged(MARK).into_future()).await;
        let mut known = known.lock().unwrap();
        for droplet in listing {
            if let Some(seen) = known.get_mut(&droplet.id.0) {
                *seen = droplet.status;
            }
        }
    }
}

/// How long each deployment took, in simulated milliseconds.
async fn deployments(client: Client) -> Vec<i128> {
    let known = Known::default();
    let watching = tokio::spawn(watch(client.clone(), Arc::clone(&known)));
    let clock = Arc::clone(client.clock());
    let all = (0..DEPLOYMENTS).map(|n| {
        let (client, known, clock) = (client.clone(), Arc::clone(&known), Arc::clone(&clock));
        tokio::spawn(async move {
            let began = clock.now();
            provision(client, n, known).await;
            clock.now().duration_since(began).as_millis()
        })
    });
    let took = join_all(all).await.into_iter().map(Result::unwrap).collect();
    watching.abort();
    took
}

/// Lists all droplets and the backups of each; answers how many droplets there were.
async fn sync(client: Client) -> usize {
    let clock = Arc::clone(client.clock());
    let listing = patiently(&*clock, || client.droplets().list().into_future()).await;
    let ids: VecDeque<DropletId> = listing.iter().map(|droplet| droplet.id).collect();
    let (count, ids) = (ids.len(), Arc::new(Mutex::new(ids)));
    let workers = (0..SYNC_WORKERS).map(|_| {
        let (client, ids, clock) = (client.clone(), Arc::clone(&ids), Arc::clone(&clock));
        tokio::spawn(async move {
            loop {
                let Some(id) = ids.lock().unwrap().pop_front() else { return };
                patiently(&*clock, || client.droplets().backups(id).into_future()).await;
            }
        })
    });
    join_all(workers).await.into_iter().for_each(Result::unwrap);
    count
}

/// How often a request was rejected, after the check that none was so twice in a row.
fn rejections(site: &Site) -> usize {
    let attempts = site.attempts.lock().unwrap();
    let mut last: HashMap<&str, Option<u16>> = HashMap::new();
    let mut rejected = 0;
    for (asked, _, status) in attempts.iter() {
        let before = last.insert(asked, *status);
        if *status == Some(429) {
            rejected += 1;
            assert_ne!(before, Some(Some(429)), "{asked} was rejected twice in a row");
        }
    }
    rejected
}

/// Mean and longest, in seconds.
fn summary(took: &[i128]) -> (f64, f64) {
    let seconds: Vec<f64> = took.iter().map(|ms| *ms as f64 / 1e3).collect();
    (seconds.iter().sum::<f64>() / seconds.len() as f64, seconds.iter().copied().fold(0.0, f64::max))
}

async fn alone() -> (f64, f64) {
    let site = site().await;
    let client = site.finish(site.builder(PROVISIONING_TOKEN, PROVISIONING_TOKEN));
    summary(&site.clock.drive(deployments(client)).await)
}

/// The deployments begin when the sync has run for `head_start_s`.
async fn beside_a_sync(sync_token: &str, head_start_s: u64) -> (f64, f64) {
    let site = site().await;
    let builder = site.builder(PROVISIONING_TOKEN, sync_token).patience(Duration::from_secs(3_600));
    let client = site.finish(builder);
    let clock = site.clock.clone();
    let work = async {
        let syncing = tokio::spawn(sync(client.for_purpose(Purpose::Sync)));
        clock.sleep(Duration::from_secs(head_start_s)).await;
        let took = deployments(client).await;
        (took, syncing.await.unwrap())
    };
    let (took, synced) = site.clock.drive(work).await;
    assert!(synced >= DROPLETS, "{synced}");
    let requests = site.simulator.requests().len();
    assert!(requests > DROPLETS + 4 * DEPLOYMENTS, "{requests}");
    let rejected = rejections(&site);
    assert!(rejected <= 2, "{rejected} requests were rejected");
    summary(&took)
}

#[tokio::test]
async fn fifty_deployments_beside_a_full_sync_on_the_same_token_are_delayed_by_less_than_a_tenth() {
    let (mean, longest) = alone().await;
    assert!((10.0..60.0).contains(&mean), "{mean}");
    for head_start_s in [0, 30, 90] {
        let (beside_mean, beside_longest) = beside_a_sync(PROVISIONING_TOKEN, head_start_s).await;
        assert!(beside_mean < mean * 1.1, "{head_start_s}: {beside_mean} s instead of {mean} s");
        assert!(beside_longest < longest * 1.1, "{head_start_s}: {beside_longest} s instead of {longest} s");
    }
}

#[tokio::test]
async fn fifty_deployments_with_a_token_of_their_own_do_not_notice_the_sync() {
    let (mean, longest) = alone().await;
    let (beside_mean, beside_longest) = beside_a_sync(SYNC_TOKEN, 30).await;
    assert!(beside_mean < mean * 1.1, "{beside_mean} s instead of {mean} s");
    assert!(beside_longest < longest * 1.1, "{beside_longest} s instead of {longest} s");
}
