//! Creates the droplet, or adopts the one that an earlier attempt created. Nothing else of the plan costs money
//! before it, and nothing tells two droplets of one name apart but the step's mark.

use crate::cloud::Cloud;
use crate::provisioning::{OrHalt as _, droplets, provider};
use arcadia_saga::{Outcome, Policy, Run, Step, Undo, Undoing, shape};
use digitalocean::{CreateDroplet as Request, DropletId, ImageId, ImageRef};
use jiff::Timestamp;

shape! {
    /// A droplet to be.
    pub struct DropletWanted {
        /// A host name.
        pub droplet_name: String,
        /// The provider's slug.
        pub droplet_region: String,
        /// The provider's slug.
        pub droplet_size: String,
        /// The provider's slug, or a number.
        pub droplet_image: String,
        /// Beside our own marks.
        pub droplet_tags: Option<Vec<String>>,
        /// Run at the first boot.
        pub droplet_user_data: Option<String>,
        /// Whether the provider backs it up.
        pub droplet_backups: Option<bool>,
    }
}

shape! {
    /// A droplet that exists.
    pub struct CreatedDroplet {
        /// The provider's id.
        pub droplet_id: u64,
        /// When we learnt of it, by our clock.
        pub droplet_created_at: Timestamp,
    }
}

/// See the file's head.
#[derive(Debug, Clone, Copy)]
pub struct CreateDroplet;

impl Step<Cloud> for CreateDroplet {
    const NAME: &'static str = "create_droplet";
    const LEAVES_MARKS: bool = true;
    type Needs = DropletWanted;
    type Gives = CreatedDroplet;
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy::provider()
    }

    async fn execute(&self, run: &Run<Cloud>, wanted: DropletWanted) -> Outcome<CreatedDroplet> {
        if run.in_doubt() {
            match droplets::adopt(run).await? {
                Some(droplet) => return Ok(created(run, droplet.id)),
                None => run.seen_nothing()?,
            }
        }
        let made = provider(run).droplets().create(&request(run, wanted)).await.or_halt(run)?;
        Ok(created(run, made.droplet.id))
    }

    async fn compensate(
        &self,
        run: &Run<Cloud>,
        undoing: Undoing<DropletWanted, (), CreatedDroplet>,
    ) -> Undo {
        match undoing.gave {
            Some(made) => {
                droplets::destroy_known(run, DropletId(made.droplet_id), made.droplet_created_at).await
            }
            None => droplets::destroy_made_here(run).await,
        }
    }
}

fn created(run: &Run<Cloud>, id: DropletId) -> CreatedDroplet {
    CreatedDroplet { droplet_id: id.0, droplet_created_at: run.clock().now() }
}

fn request(run: &Run<Cloud>, wanted: DropletWanted) -> Request {
    let image = match wanted.droplet_image.parse::<ImageId>() {
        Ok(id) => ImageRef::Id(id),
        Err(_) => ImageRef::Slug(wanted.droplet_image),
    };
    Request {
        name: wanted.droplet_name,
        region: Some(wanted.droplet_region),
        size: wanted.droplet_size,
        image,
        backups: wanted.droplet_backups.unwrap_or(false),
        tags: droplets::tags(run, wanted.droplet_tags.unwrap_or_default()),
        user_data: wanted.droplet_user_data.map(Into::into),
        ..Request::default()
    }
}
