//! The DNS records of the account's zones, held against the deployments. A record bears no mark: it is ours where it
//! leads to a droplet of ours, or bears a deployment's hostname.

use super::compare::Sight;
use super::ledger::Ledger;
use super::store::{self, HostnameRow};
use super::{Difference, Disagreement, Error, Proposal, ThingId};
use crate::cloud::Cloud;
use crate::deployments::State;
use arcadia_saga::SagaId;
use arcadia_sql::args;
use digitalocean::{Record, RecordType, qualified_name};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

const POINTING_STEP: &str = "point_deployment_dns";

/// The address records of one hostname.
type ByHostname = BTreeMap<String, Vec<Record>>;

/// The differences. None of them proves anything: records are written by hand as well.
pub(super) async fn differing(cloud: &Cloud, sight: &Sight) -> Result<Vec<Difference>, Error> {
    // The provider before the ledger: what is written between the two has its intent there.
    let zones = Zones::look(cloud).await?;
    let rows: Vec<HostnameRow> = cloud.db.fetch_all(&store::HOSTNAMES, args![]).await?;
    let sagas: HashSet<SagaId> = rows.iter().filter_map(|row| row.saga_id).map(SagaId).collect();
    let ledger = Ledger::of(&cloud.db, &sagas).await?;
    let deployments: HashMap<&str, &HostnameRow> =
        rows.iter().map(|row| (row.hostname.as_str(), row)).collect();

    let mut differences = unknown(cloud, sight, &zones, &ledger, &deployments).await?;
    differences.extend(rows.iter().filter_map(|row| led_elsewhere(row, &zones)));
    Ok(differences)
}

/// What the account's zones say.
struct Zones {
    names: Vec<String>,
    addresses: ByHostname,
}

impl Zones {
    async fn look(cloud: &Cloud) -> Result<Zones, Error> {
        let client = cloud.digitalocean.with_timeout(cloud.call_timeout);
        let (mut names, mut addresses) = (Vec::new(), ByHostname::new());
        for zone in client.domains().list().await?.items {
            let records = match client.records(zone.name.as_str()).list().await {
                Err(error) if error.is_not_found() => continue,
                listed => listed?.items,
            };
            for record in records.into_iter().filter(|record| record.kind == RecordType::A) {
                addresses.entry(qualified_name(&record.name, &zone.name)).or_default().push(record);
            }
            names.push(zone.name.to_ascii_lowercase());
        }
        Ok(Zones { names, addresses })
    }

    fn have(&self, hostname: &str) -> bool {
        let lies_in = |zone: &String| {
            hostname.strip_suffix(zone.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.names.iter().any(lies_in)
    }
}

/// Records that lead to droplets of ours, and of which the ledger does not say that we wrote them.
async fn unknown(
    cloud: &Cloud,
    sight: &Sight,
    zones: &Zones,
    ledger: &Ledger,
    deployments: &HashMap<&str, &HostnameRow>,
) -> Result<Vec<Difference>, Error> {
    let ours: HashSet<String> =
        sight.droplets.values().filter_map(|droplet| Some(droplet.public_ipv4()?.to_string())).collect();
    let all =
        zones.addresses.iter().flat_map(|(hostname, records)| records.iter().map(move |it| (hostname, it)));
    let mut unknown = Vec::new();
    for (hostname, record) in all.filter(|(_, record)| ours.contains(&record.data)) {
        let Some(ledger) = unexplained(deployments.get(hostname.as_str()).copied(), ledger) else {
            continue;
        };
        unknown.push((record.id.0, of_record(hostname, record, Disagreement::UnknownRecord, ledger)));
    }
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    let written: Vec<(Option<Value>,)> = cloud.db.fetch_all(&store::WRITTEN_RECORDS, args![]).await?;
    let id = |output: Option<Value>| output?["dns_record_id"].as_u64();
    let written: HashSet<u64> = written.into_iter().filter_map(|(output,)| id(output)).collect();
    unknown.retain(|(id, _)| !written.contains(id));
    Ok(unknown.into_iter().map(|(_, difference)| difference).collect())
}

/// What the ledger says instead, where it does not say that the record is a deployment's.
fn unexplained(deployment: Option<&HostnameRow>, ledger: &Ledger) -> Option<String> {
    let Some(row) = deployment else { return Some("no deployment has that hostname".to_owned()) };
    let saga = row.saga_id.and_then(|id| ledger.saga(SagaId(id)));
    let pointing = saga.and_then(|saga| Some((saga, saga.idx_of(POINTING_STEP)?)));
    match pointing {
        Some((saga, idx)) if !ledger.was_begun(saga, idx) => Some(format!(
            "saga {} ({}) of deployment {} is {}, and never began step {idx} ({POINTING_STEP})",
            saga.id, saga.kind, row.id, saga.status
        )),
        None if row.ip.is_none() => {
            Some(format!("deployment {} is {} and has no address", row.id, row.state))
        }
        // Where it leads to is looked at by itself.
        _ => None,
    }
}

/// The deployment serves, and its hostname does not lead to it.
fn led_elsewhere(row: &HostnameRow, zones: &Zones) -> Option<Difference> {
    let ip = row.ip.as_ref().filter(|_| State::parse(&row.state) != Some(State::Provisioning))?;
    let says = format!("deployment {} is {} at {ip}", row.id, row.state);
    let records = zones.addresses.get(&row.hostname);
    match records.and_then(|records| records.first()) {
        Some(_) if records.is_some_and(|all| all.iter().any(|record| record.data == *ip)) => None,
        Some(other) => Some(of_record(&row.hostname, other, Disagreement::Differs, says)),
        None if zones.have(&row.hostname) => Some(Difference {
            thing: ThingId { kind: "record".to_owned(), id: row.hostname.clone() },
            advice: "its hostname leads nowhere; write the record again if it should".to_owned(),
            ..bare(&row.hostname, Disagreement::Gone, says)
        }),
        None => None,
    }
}

fn of_record(hostname: &str, record: &Record, disagreement: Disagreement, ledger: String) -> Difference {
    Difference {
        thing: ThingId { kind: "record".to_owned(), id: format!("{hostname}/{}", record.id) },
        advice: format!("it leads to {}; delete or change it by hand if it should not", record.data),
        ..bare(hostname, disagreement, ledger)
    }
}

/// What is told of a record whatever is wrong with it.
fn bare(hostname: &str, disagreement: Disagreement, ledger: String) -> Difference {
    Difference {
        thing: ThingId { kind: "record".to_owned(), id: hostname.to_owned() },
        name: hostname.to_owned(),
        created_at: None,
        marks: Vec::new(),
        monthly_cost_usd: None,
        disagreement,
        ledger,
        proposal: Proposal::Leave,
        advice: String::new(),
        known: false,
    }
}
