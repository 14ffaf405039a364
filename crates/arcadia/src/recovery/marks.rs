//! Reading our marks back from what bears them.

use arcadia_saga::SagaId;
use digitalocean::DropletId;

const SAGA: &str = "arcadia-saga-";
const STEP: &str = "arcadia-step-";
const SNAPSHOT: &str = "arcadia-snap-";
/// Of a UUID as text.
const UUID_CHARS: usize = 36;

/// Who made a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Maker {
    pub(super) saga: SagaId,
    /// The step's place; unknown where only the saga's mark is left.
    pub(super) step_idx: Option<i64>,
}

/// Who made what bears these tags. The step's mark says more than the saga's.
pub(super) fn of_tags(tags: &[String]) -> Option<Maker> {
    let step = |tag: &String| {
        let (saga, idx) = tag.strip_prefix(STEP)?.rsplit_once('-')?;
        Some(Maker { saga: saga.parse().ok()?, step_idx: Some(idx.parse().ok()?) })
    };
    let saga = |tag: &String| Some(Maker { saga: tag.strip_prefix(SAGA)?.parse().ok()?, step_idx: None });
    tags.iter().find_map(step).or_else(|| tags.iter().find_map(saga))
}

/// Of which droplet a snapshot of that name is, and which saga took it.
pub(super) fn of_snapshot(name: &str) -> Option<(DropletId, SagaId)> {
    let rest = name.strip_prefix(SNAPSHOT)?;
    let (droplet, saga) = rest.split_at_checked(rest.len().checked_sub(UUID_CHARS)?)?;
    Some((DropletId(droplet.strip_suffix('-')?.parse().ok()?), saga.parse().ok()?))
}

/// Those of the tags that are marks of a saga or a step.
pub(super) fn among(tags: &[String]) -> Vec<String> {
    tags.iter().filter(|tag| tag.starts_with(SAGA) || tag.starts_with(STEP)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::{Maker, among, of_snapshot, of_tags};
    use arcadia_saga::{Mark, SagaId};
    use digitalocean::DropletId;

    const ID: &str = "0199a000-0000-7000-8000-000000000001";

    fn saga() -> SagaId {
        ID.parse().unwrap()
    }

    #[test]
    fn a_step_s_mark_is_read_back_and_says_more_than_the_saga_s() {
        let mark = Mark::of(saga(), 12);
        let both = ["env:test".to_owned(), mark.saga.clone(), mark.step.clone()];
        assert_eq!(of_tags(&both), Some(Maker { saga: saga(), step_idx: Some(12) }));
        assert_eq!(of_tags(&both[..2]), Some(Maker { saga: saga(), step_idx: None }));
        assert_eq!(of_tags(&both[..1]), None);
        assert_eq!(among(&both), [mark.saga, mark.step]);
    }

    #[test]
    fn a_snapshot_s_name_is_read_back() {
        assert_eq!(of_snapshot(&format!("arcadia-snap-17-{ID}")), Some((DropletId(17), saga())));
        for other in ["arcadia-snap-17", "arcadia-snap-x-0199a000", ID, "arcadia-snap-é-0000", ""] {
            assert_eq!(of_snapshot(other), None, "{other}");
        }
    }
}
