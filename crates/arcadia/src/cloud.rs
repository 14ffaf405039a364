//! `Cloud`: what every step and every request is handed. Made once per process, from the configuration or,
//! in tests, from parts.

use crate::catalogue::Catalogue;
use crate::provisioning::boots::Boots;
use crate::recovery::Standstill;
use crate::{config::Config, installation, sagas, schedules};
use arcadia_saga::{Clock, PlanError, Registry, Runner, Sagas, Settings};
use arcadia_sql::{Db, MIGRATIONS, Options};
use digitalocean::{Purpose, Retry};
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;

/// A call that queues or is repeated for longer is given back: its saga then waits as a row. It must lie well within a
/// step's time-out, or a call that never left would be taken for one that may have happened.
const CALL_MAX: Duration = Duration::from_secs(20);

/// The service's parts. Cheap to clone through an `Arc`.
#[derive(Debug)]
pub struct Cloud {
    pub db: Db,
    pub digitalocean: digitalocean::Client,
    pub clock: Clock,
    pub sagas: Sagas,
    /// What can be bought at the provider, read now and then.
    pub catalogue: Catalogue,
    /// The droplets that sagas of this node wait for.
    pub boots: Boots,
    /// Why no request may start a saga, if none may.
    pub standstill: Standstill,
    /// A random id of this database: a second installation in the same account is never taken for us.
    pub installation: String,
    /// DNS zones in which a tenant's own token may name a free hostname.
    pub tenant_zones: Vec<String>,
    /// The HTTP time-out of one provider call. Real time.
    pub call_timeout: Duration,
}

/// What a [`Cloud`] is made of; the rest follows.
#[derive(Debug)]
pub struct Parts {
    /// Migrated.
    pub db: Db,
    pub digitalocean: digitalocean::Client,
    pub clock: Clock,
    pub tenant_zones: Vec<String>,
    pub call_timeout: Duration,
}

/// A cloud with the steps and plans that run in it.
#[derive(Debug, Clone)]
pub struct Service {
    pub cloud: Arc<Cloud>,
    pub registry: Arc<Registry<Cloud>>,
}

/// Why there is no cloud to be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("no DigitalOcean token to provision with; set `DO_API_TOKEN` (a simulator takes any)")]
    NoToken,
    #[error("cannot make the folder {folder} for the database")]
    Folder { folder: String, source: std::io::Error },
    #[error(transparent)]
    Database(#[from] arcadia_sql::Error),
    #[error("DigitalOcean's client")]
    Client(#[from] digitalocean::BuildError),
    #[error("the plans do not fit together")]
    Plans(#[from] PlanError),
}

impl Parts {
    fn of(config: &Config, db: Db, digitalocean: digitalocean::Client) -> Parts {
        Parts {
            db,
            digitalocean,
            clock: Clock::machine(config.speed),
            tenant_zones: config.tenant_zones.clone(),
            call_timeout: config.call_timeout,
        }
    }
}

impl Service {
    /// Opens and migrates the configured database and makes everything else.
    ///
    /// # Errors
    /// [`OpenError`] says what is missing or does not answer.
    pub async fn open(config: &Config) -> Result<Service, OpenError> {
        let digitalocean = client(config)?;
        let db = connect(config).await?;
        // Nodes that start together take turns, and a database newer than this build is refused.
        db.migrate(&MIGRATIONS).await?;
        let parts = Parts::of(config, db, digitalocean);
        if config.schedules {
            Service::keeping_the_calendar(parts).await
        } else {
            Service::assemble(parts).await
        }
    }

    /// The same for a command beside a process that may have the embedded database: then nothing is migrated, which
    /// that process did. It starts nothing by the calendar.
    ///
    /// # Errors
    /// As [`Service::open`].
    pub async fn open_beside(config: &Config) -> Result<Service, OpenError> {
        let digitalocean = client(config)?;
        let db = match connect(config).await {
            Ok(db) => {
                db.migrate(&MIGRATIONS).await?;
                db
            }
            Err(OpenError::Database(arcadia_sql::Error::Locked { .. })) => {
                let options = Options { lock_file: false, ..Options::default() };
                Db::connect(config.database_url.expose_secret(), options).await?
            }
            Err(error) => return Err(error),
        };
        Service::assemble(Parts::of(config, db, digitalocean)).await
    }

    /// The service made of `parts`, which starts nothing by the calendar.
    ///
    /// # Errors
    /// The database, or plans that do not fit together.
    pub async fn assemble(parts: Parts) -> Result<Service, OpenError> {
        Service::with_registry(parts, sagas::registry()?).await
    }

    /// The same with every schedule.
    ///
    /// # Errors
    /// The database, or plans that do not fit together.
    pub async fn keeping_the_calendar(parts: Parts) -> Result<Service, OpenError> {
        Service::with_registry(parts, schedules::calendar(sagas::registry()?)?).await
    }

    async fn with_registry(parts: Parts, registry: Registry<Cloud>) -> Result<Service, OpenError> {
        let Parts { db, digitalocean, clock, tenant_zones, call_timeout } = parts;
        let registry = Arc::new(registry);
        let installation = installation::id(&db, &clock).await?.to_string();
        let sagas = Sagas::new(db.clone(), clock.clone(), &registry);
        let catalogue = Catalogue::new(digitalocean.clone(), clock.clone());
        let boots = Boots::default();
        let cloud = Cloud {
            db,
            digitalocean,
            clock,
            sagas,
            catalogue,
            boots,
            standstill: Standstill::default(),
            installation,
            tenant_zones,
            call_timeout,
        };
        Ok(Service { cloud: Arc::new(cloud), registry })
    }

    /// A node that drives the sagas.
    #[must_use]
    pub fn runner(&self, settings: Settings) -> Runner<Cloud> {
        Runner::new(self.cloud.sagas.clone(), Arc::clone(&self.registry), Arc::clone(&self.cloud), settings)
    }
}

/// Opens the configured database as it is.
///
/// # Errors
/// The folder or the database.
pub async fn connect(config: &Config) -> Result<Db, OpenError> {
    if let Some(folder) = config.database_folder() {
        std::fs::create_dir_all(folder)
            .map_err(|source| OpenError::Folder { folder: folder.display().to_string(), source })?;
    }
    Ok(Db::connect(config.database_url.expose_secret(), Options::default()).await?)
}

fn client(config: &Config) -> Result<digitalocean::Client, OpenError> {
    // Already installed is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if !config.tokens.contains_key(&Purpose::Provisioning) {
        return Err(OpenError::NoToken);
    }
    let mut builder = digitalocean::Client::builder(config.digitalocean_api_url.as_str())
        .timeout(config.call_timeout)
        .patience(CALL_MAX)
        .retry(Retry { deadline: CALL_MAX, ..Retry::default() })
        .speed(config.speed);
    for purpose in Purpose::ALL {
        if let Some(token) = config.tokens.get(&purpose) {
            builder = builder.token(purpose, token.clone());
        }
    }
    Ok(builder.build()?)
}
