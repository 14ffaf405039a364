//! Everything at once, at random from a seed: 429s, cuts, server errors, torn bodies. Whatever the client says of a call is
//! true of the account, and a listing is complete or an error.

use std::collections::BTreeSet;

use digitalocean::{Client, CreateDroplet, DropletId, Error, Limits};
use digitalocean_sim::{Fault, FaultKind, Limit, Stage};
use serde_json::Value;

use crate::site::{PROVISIONING_TOKEN, SYNC_TOKEN, Site, options};

const SEEDS: u64 = 6;
const CREATIONS: usize = 60;

fn brew(site: &Site, seed: u64) {
    let status = |status, at| FaultKind::Status { status, message: None, at };
    let kinds = [
        (FaultKind::CutBefore, 0.05),
        (FaultKind::CutAfter, 0.05),
        (status(503, Stage::Before), 0.05),
        (status(500, Stage::After), 0.05),
        (status(422, Stage::Before), 0.05),
        (FaultKind::Html502 { at: Stage::After }, 0.03),
        (FaultKind::Truncate, 0.03),
        (FaultKind::RateLimit { limit: Limit::Burst, retry_after_s: 3 }, 0.15),
    ];
    for (at, (kind, probability)) in kinds.into_iter().enumerate() {
        site.simulator.inject(Fault::new("* *", kind).with_probability(probability, seed * 100 + at as u64));
    }
}

fn existing(site: &Site) -> BTreeSet<String> {
    let name = |droplet: &Value| droplet["name"].as_str().unwrap().to_owned();
    site.simulator.account()["droplets"].as_array().unwrap().iter().map(name).collect()
}

async fn create(client: &Client, name: &str) -> Result<DropletId, Error> {
    let wanted = CreateDroplet {
        name: name.to_owned(),
        region: Some("nyc3".to_owned()),
        size: "s-1vcpu-1gb".to_owned(),
        image: "ubuntu-24-04-x64".into(),
        ..CreateDroplet::default()
    };
    client.droplets().create(&wanted).await.map(|created| created.droplet.id)
}

/// How many creations succeeded, failed for certain, and are in doubt; how many listings were complete.
async fn weather(site: &Site, client: &Client) -> [usize; 4] {
    let mut counts = [0; 4];
    for n in 0..CREATIONS {
        let name = format!("edge-{n}");
        let created = create(client, &name).await;
        let exists = existing(site).contains(&name);
        match &created {
            Ok(_) => assert!(exists, "{name} was said to exist"),
            Err(error) if error.is_in_doubt() => {}
            Err(error) => assert!(!exists, "{name} exists, and was said not to: {error}"),
        }
        counts[created.as_ref().map_or_else(|error| 1 + usize::from(error.is_in_doubt()), |_| 0)] += 1;

        if let Ok(listing) = client.droplets().list().per_page(7).await {
            let listed: BTreeSet<String> = listing.iter().map(|droplet| droplet.name.clone()).collect();
            assert_eq!((listed, listing.is_short()), (existing(site), false));
            counts[3] += 1;
        }
        if let (Ok(id), true) = (created, n % 3 == 0) {
            let destroyed = client.droplets().destroy(id).await;
            // Its first attempt may have done it.
            let is_done = destroyed.as_ref().err().is_none_or(Error::is_not_found);
            assert!(!is_done || !existing(site).contains(&name), "{name} was said to be gone");
            let is_certain = destroyed.as_ref().is_err_and(|error| !error.is_in_doubt() && !is_done);
            assert!(!is_certain || existing(site).contains(&name), "{name} is gone: {destroyed:?}");
        }
    }
    counts
}

#[tokio::test]
async fn whatever_is_said_in_a_storm_is_true() {
    let mut all = [0; 4];
    for seed in 0..SEEDS {
        let site = Site::start(options()).await;
        let client = site.finish(site.builder(PROVISIONING_TOKEN, SYNC_TOKEN).limits(Limits::unlimited()));
        brew(&site, seed);
        let counts = site.clock.drive(weather(&site, &client)).await;
        assert!(counts.iter().all(|count| *count > 0), "seed {seed}: {counts:?}");
        all.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);

        // The same connections serve on when it is over.
        site.simulator.clear_faults();
        let listing = site.clock.drive(async { client.droplets().list().await }).await.unwrap();
        assert_eq!(listing.len(), existing(&site).len(), "seed {seed}");
    }
    assert!(all[3] > CREATIONS, "{all:?}");
}
