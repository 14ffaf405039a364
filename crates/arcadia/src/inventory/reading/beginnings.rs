//! Names that begin alike but for upper and lower case lie together in the order of names only as far as they are written
//! alike: each way to write the beginning is found by a look or two at the index.

use super::super::store::terms;
use arcadia_sql::{Db, Error, args};

/// After so many looks all names are walked over instead.
const LOOKS_MAX: usize = 40;

/// The ways in which names are written that begin so, in order; nothing where there are too many, or what the databases
/// might not agree on.
pub(super) async fn as_written(
    db: &Db,
    beginning: &str,
    is_past: bool,
) -> Result<Option<Vec<String>>, Error> {
    if beginning.is_empty() || !beginning.is_ascii() {
        return Ok(None);
    }
    let statement = if is_past { &terms::EVER_NAME_FROM } else { &terms::NAME_FROM };
    let (mut found, mut from) = (Vec::new(), beginning.to_ascii_uppercase());
    for _ in 0..LOOKS_MAX {
        let Some((name,)) = db.fetch_optional::<(String,)>(statement, args![from]).await? else {
            return Ok(Some(found));
        };
        let written = name.get(..beginning.len()).filter(|written| written.eq_ignore_ascii_case(beginning));
        if let Some(written) = written {
            from = end_of(written);
            found.push(written.to_owned());
        } else if let Some(next) = first_after(beginning, &name) {
            from = next;
        } else {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Every name that begins so comes before this.
pub(super) fn end_of(beginning: &str) -> String {
    format!("{beginning}{}", char::MAX)
}

/// The first way to write `beginning` that comes after `name`, which does not begin so.
fn first_after(beginning: &str, name: &str) -> Option<String> {
    let (upper, lower) = (beginning.to_ascii_uppercase(), beginning.to_ascii_lowercase());
    let alike =
        upper.bytes().zip(name.bytes()).take_while(|(one, other)| *one == other.to_ascii_uppercase()).count();
    (0..=alike).rev().find_map(|at| {
        let is_after = |c: &char| name[at..].chars().next().is_none_or(|there| *c > there);
        let next =
            [&upper, &lower].into_iter().filter_map(|text| text[at..].chars().next()).find(is_after)?;
        Some(format!("{}{next}{}", &name[..at], &upper[at + 1..]))
    })
}

#[cfg(test)]
mod tests {
    use super::first_after;

    #[test]
    fn the_next_way_to_write_a_beginning_is_the_first_one_after_a_name() {
        for (name, next) in [
            ("A", Some("B-1")),
            ("B", Some("B-1")),
            ("B-", Some("B-1")),
            ("B-2", Some("b-1")),
            ("Z", Some("b-1")),
            ("a", Some("b-1")),
            ("b", Some("b-1")),
            ("b-2", None),
            ("bé", None),
            ("c", None),
        ] {
            assert_eq!(first_after("b-1", name).as_deref(), next, "after {name}");
        }
        assert_eq!(first_after("ab", "AC").as_deref(), Some("Ab"));
        assert_eq!(first_after("ab", "Ac").as_deref(), Some("aB"));
    }
}
