//! What the provider offers and which zones the account has, kept for some minutes, so that a request is checked
//! without a call. Something unknown is looked for once more, but not at every request: a caller who makes up
//! names must not use up the rate budget.

use arcadia_saga::Clock;
use digitalocean::{Client, Image, Purpose, Region, Size};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long what was read counts as the truth.
const FRESH_FOR: Duration = Duration::from_secs(300);
/// Something unknown is not looked for again sooner than this.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// The longest that a request waits for the provider, budget and retries included.
const PATIENCE: Duration = Duration::from_secs(10);

/// The provider's offer, as last read.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    pub regions: Vec<Region>,
    pub sizes: Vec<Size>,
    pub images: Vec<Image>,
    /// The account's DNS zones, lower case.
    pub zones: Vec<String>,
}

impl Offer {
    /// The region of that slug.
    #[must_use]
    pub fn region(&self, slug: &str) -> Option<&Region> {
        self.regions.iter().find(|region| region.slug == slug)
    }

    /// The size of that slug.
    #[must_use]
    pub fn size(&self, slug: &str) -> Option<&Size> {
        self.sizes.iter().find(|size| size.slug == slug)
    }

    /// The image of that slug or number.
    #[must_use]
    pub fn image(&self, name: &str) -> Option<&Image> {
        let number = name.parse::<u64>().ok();
        self.images
            .iter()
            .find(|image| image.slug.as_deref() == Some(name) || number.is_some_and(|id| image.id.0 == id))
    }

    /// The zone in which a hostname lies: the longest of those it ends with.
    #[must_use]
    pub fn zone_of(&self, hostname: &str) -> Option<&str> {
        let lies_in = |zone: &&str| {
            hostname.strip_suffix(*zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.zones.iter().map(String::as_str).filter(lies_in).max_by_key(|zone| zone.len())
    }
}

/// The provider did not answer in time, or not as it should.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    #[error("the provider's catalogue could not be read")]
    Failed(#[from] digitalocean::Error),
    #[error("the provider's catalogue was not read within {} s", PATIENCE.as_secs())]
    TooLate,
}

/// The offer, shared by all requests of this process.
#[derive(Debug)]
pub struct Catalogue {
    client: Client,
    clock: Clock,
    read: Mutex<Option<Read>>,
}

#[derive(Debug, Clone)]
struct Read {
    offer: Arc<Offer>,
    at: Duration,
}

impl Catalogue {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(client: Client, clock: Clock) -> Catalogue {
        Catalogue { client: client.for_purpose(Purpose::Provisioning), clock, read: Mutex::new(None) }
    }

    /// An offer that `knows` what is asked for, where there is one: what was read before, else the present one.
    ///
    /// # Errors
    /// [`Unavailable`], when nothing fresh enough is at hand and the provider cannot be reached.
    pub async fn offer(&self, knows: impl Fn(&Offer) -> bool) -> Result<Arc<Offer>, Unavailable> {
        tokio::time::timeout(PATIENCE, self.kept_or_read(knows)).await.map_err(|_| Unavailable::TooLate)?
    }

    async fn kept_or_read(&self, knows: impl Fn(&Offer) -> bool) -> Result<Arc<Offer>, Unavailable> {
        // Held over the calls: requests that come meanwhile share the answer.
        let mut read = self.read.lock().await;
        if let Some(Read { offer, at }) = &*read {
            let age = self.clock.monotonic().saturating_sub(*at);
            if age < LOOK_AGAIN_AFTER || (age < FRESH_FOR && knows(offer)) {
                return Ok(Arc::clone(offer));
            }
        }
        let at = self.clock.monotonic();
        let offer = Arc::new(self.read_all().await?);
        *read = Some(Read { offer: Arc::clone(&offer), at });
        Ok(offer)
    }

    async fn read_all(&self) -> Result<Offer, digitalocean::Error> {
        let client = &self.client;
        let (regions, sizes, images, domains) = tokio::try_join!(
            client.regions().list().into_future(),
            client.sizes().list().into_future(),
            client.images().list().into_future(),
            client.domains().list().into_future(),
        )?;
        let zones = domains.iter().map(|domain| domain.name.to_ascii_lowercase()).collect();
        Ok(Offer { regions: regions.items, sizes: sizes.items, images: images.items, zones })
    }
}

#[cfg(test)]
mod tests {
    use super::Offer;

    #[test]
    fn a_hostname_lies_in_the_longest_zone_that_ends_it_at_a_dot() {
        let zones = ["example.com", "eu.example.com", "ample.com"].map(str::to_owned).to_vec();
        let offer = Offer { zones, ..Offer::default() };
        assert_eq!(offer.zone_of("a.example.com"), Some("example.com"));
        assert_eq!(offer.zone_of("a.eu.example.com"), Some("eu.example.com"));
        assert_eq!(offer.zone_of("example.com"), Some("example.com"));
        assert_eq!(offer.zone_of("b.ample.com"), Some("ample.com"));
        assert_eq!(offer.zone_of("a.example.org"), None);
    }
}
