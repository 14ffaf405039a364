//! Lists the account's droplets with their price a month: `DO_API_TOKEN=… cargo run --example inventory`.
//! `DIGITALOCEAN_API_URL` points it at a simulator.

use std::io::Write;

use digitalocean::{Client, DEFAULT_BASE_URL, Purpose};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Fails only when a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let base_url = std::env::var("DIGITALOCEAN_API_URL").unwrap_or_else(|_| DEFAULT_BASE_URL.to_owned());
    let client = Client::builder(base_url).token(Purpose::Sync, std::env::var("DO_API_TOKEN")?).build()?;
    let client = client.for_purpose(Purpose::Sync);

    let mut out = std::io::stdout().lock();
    let droplets = client.droplets().list().await?;
    for droplet in &droplets {
        let price = droplet.size.as_ref().map(|size| size.price_monthly).unwrap_or_default();
        writeln!(out, "{:>12}  {:<10} {:>9} $/month  {}", droplet.id, droplet.status, price, droplet.name)?;
    }
    if droplets.is_short() {
        writeln!(out, "the account changed while it was read: what is missing here is unknown, not gone")?;
    }
    Ok(())
}
