//! Creates a droplet so that it is created once, whatever happens to the answer: a tag that nobody else has is looked
//! for before anything is created again. Costs money unless `DIGITALOCEAN_API_URL` points at a simulator; where that runs
//! faster than real time, `SPEED` says how much.

use std::io::Write;
use std::time::Duration;

use digitalocean::{Client, CreateDroplet, DEFAULT_BASE_URL, Droplet, DropletStatus, Error, Purpose};

const TAG: &str = "order:4711";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Fails only when a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let base_url = std::env::var("DIGITALOCEAN_API_URL").unwrap_or_else(|_| DEFAULT_BASE_URL.to_owned());
    let token = std::env::var("DO_API_TOKEN")?;
    let speed = std::env::var("SPEED").map_or(Ok(1.0), |speed| speed.parse())?;
    let client = Client::builder(base_url).token(Purpose::Provisioning, token).speed(speed).build()?;

    let mut droplet = create_once(&client).await?;
    while droplet.status != DropletStatus::Active || droplet.public_ipv4().is_none() {
        client.clock().sleep(Duration::from_secs(5)).await;
        droplet = match client.droplets().get(droplet.id).await {
            // Straight after a creation this means "not yet".
            Err(error) if error.is_not_found() => continue,
            found => found?,
        };
    }
    writeln!(std::io::stdout(), "{} is active at {:?}", droplet.id, droplet.public_ipv4())?;
    Ok(())
}

async fn create_once(client: &Client) -> Result<Droplet, Error> {
    let wanted = CreateDroplet {
        name: "edge-1".into(),
        region: Some("fra1".into()),
        size: "s-1vcpu-1gb".into(),
        image: "ubuntu-24-04-x64".into(),
        tags: vec![TAG.into()],
        ..CreateDroplet::default()
    };
    match client.droplets().create(&wanted).await {
        Ok(created) => Ok(created.droplet),
        Err(error) if error.is_in_doubt() => {
            // It appears in listings some seconds after it exists.
            for _ in 0..6 {
                client.clock().sleep(Duration::from_secs(10)).await;
                if let Some(found) = client.droplets().list_tagged(TAG).await?.into_iter().next() {
                    return Ok(found);
                }
            }
            Err(error)
        }
        Err(error) => Err(error),
    }
}
