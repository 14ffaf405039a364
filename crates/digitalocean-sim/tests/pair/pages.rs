//! Paging while the account changes: no object twice, none that stayed lost at the end of the list, no half a list.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};

use digitalocean::{Certainty, CreateProject, DropletId, ErrorKind};
use digitalocean_sim::{Fault, FaultKind, Kind, Mutation, Stage};
use futures_util::StreamExt;

use crate::site::{Site, droplet, options};

const TAGGED: usize = 1_234;
const TAG: &str = "fleet";

async fn fleet() -> (Site, Vec<u64>) {
    let site = Site::start(options()).await;
    let ids = (0..TAGGED).map(|n| site.make(&format!("fleet-{n}"), TAG)).collect();
    (site, ids)
}

#[tokio::test]
async fn at_every_page_size_no_droplet_comes_twice_while_others_come_and_go() {
    let (site, ids) = fleet().await;
    let client = site.plain_client();
    // Those come and go behind the rest of the fleet, so that what was there all along stays on its page.
    let mut extra: Vec<u64> = Vec::new();
    for size in 1..=200 {
        let mut pages = client.droplets().list_tagged(TAG).per_page(size).pages();
        let (mut seen, mut count, mut asked) = (HashSet::new(), 0, 0);
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            assert!(page.len() <= size as usize);
            assert!(page.iter().all(|droplet| droplet.tags == [TAG]), "the filter was lost on the way");
            count += page.len();
            seen.extend(page.iter().map(|droplet| droplet.id.0));
            asked += 1;
            if asked % 5 == 0 {
                extra.push(site.make("extra", TAG));
                if extra.len() > 3 {
                    site.destroy(extra.remove(0));
                }
            }
        }
        assert_eq!(seen.len(), count, "page size {size}: a droplet came twice");
        assert!(
            ids.iter().all(|id| seen.contains(id)),
            "page size {size}: one that was there all along is missing"
        );
    }
}

#[tokio::test]
async fn entries_that_shift_between_pages_come_once_and_a_short_listing_says_so() {
    let (site, ids) = fleet().await;
    let client = site.plain_client();
    let list = || client.droplets().list_tagged(TAG).per_page(100);
    for by in [7, -7] {
        site.simulator.clear_faults();
        site.simulator.inject(Fault::new("GET /v2/droplets", FaultKind::ShiftPage { by }).after(4).once());
        let listing = list().await.unwrap();
        let distinct: HashSet<u64> = listing.iter().map(|droplet| droplet.id.0).collect();
        assert_eq!(distinct.len(), listing.len());
        // Entries pushed back are seen twice and lose nothing; entries pulled forward slip past between two pages.
        let missing = ids.len() - distinct.len();
        assert_eq!(listing.is_short(), missing > 0);
        assert_eq!(missing, 7);
    }
}

#[tokio::test]
async fn one_that_slipped_past_is_not_made_up_for_by_one_that_came() {
    let (site, ids) = fleet().await;
    let (simulator, first, asked) = (site.simulator.clone(), ids[0], AtomicU32::new(0));
    // Before the second page the first droplet goes, and the 101st takes the 100th place; before the third another comes.
    let client = site.plain_client().guarded(move |_| {
        let change = match asked.fetch_add(1, Ordering::Relaxed) {
            1 => Mutation::destroy(Kind::Droplet, first),
            2 => Mutation::create(Kind::Droplet, droplet("late", TAG)),
            _ => return Ok(()),
        };
        simulator.mutate(&change).map(|_| ()).map_err(|error| error.to_string())
    });
    let listing = client.droplets().list_tagged(TAG).per_page(100).await.unwrap();
    let missing: Vec<&u64> =
        ids.iter().filter(|id| !listing.iter().any(|droplet| droplet.id.0 == **id)).collect();
    assert_eq!(missing, [&ids[100]], "it was there all along");
    assert_eq!(listing.total, Some(listing.len() as u64), "the count is the announced one all the same");
    assert!(listing.is_short());
}

#[tokio::test]
async fn names_of_any_script_come_back_as_they_were_sent() {
    let site = Site::start(options()).await;
    let client = site.plain_client();
    let id = DropletId(site.make("edge-1", TAG));
    // A tag is ASCII: it is refused as a body, and is nobody's in a path and in a query.
    let tag = "größe:東京/?#%";
    let error = client.tags().create(tag).await.unwrap_err();
    assert_eq!((error.status(), error.certainty()), (Some(400), Certainty::Certain), "{error}");
    assert!(client.tags().get(tag).await.unwrap_err().is_not_found());
    assert_eq!(client.droplets().list_tagged(tag).await.unwrap().len(), 0);
    for name in ["東京 & \"co\" = 100% ?#/..", "e\u{301}\u{1f680}\u{202e}", "two\nlines"] {
        client.droplets().snapshot(id, name).await.unwrap();
        let snapshots = client.snapshots().list().await.unwrap();
        assert!(snapshots.iter().any(|snapshot| snapshot.name == name), "{name:?}: {snapshots:?}");
        let project =
            CreateProject { name: name.to_owned(), purpose: name.to_owned(), ..CreateProject::default() };
        assert_eq!(client.projects().create(&project).await.unwrap().name, name);
    }
}

#[tokio::test]
async fn a_page_that_fails_fails_the_listing_wherever_it_stands() {
    let (site, _) = fleet().await;
    let client = site.plain_client();
    for page in [0, 6, 12] {
        for kind in [
            FaultKind::Status { status: 500, message: None, at: Stage::Before },
            FaultKind::CutAfter,
            FaultKind::Garbage { at: Stage::After },
            FaultKind::Truncate,
        ] {
            site.simulator.clear_faults();
            site.simulator.inject(Fault::new("GET /v2/droplets", kind.clone()).after(page).once());
            let error = client.droplets().list_tagged(TAG).per_page(100).await.unwrap_err();
            assert!(error.is_in_doubt(), "{kind:?}: {error}");
            assert_ne!(error.kind(), ErrorKind::EndlessListing);
        }
    }
    site.simulator.clear_faults();
    assert_eq!(client.droplets().list_tagged(TAG).per_page(100).await.unwrap().len(), TAGGED);
}
