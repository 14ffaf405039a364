//! What a step needs and gives, as data: the field names and types of a struct, so that a plan whose
//! steps do not fit together is refused when it is built.

/// One field of a [`Shape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The key in the saga's inputs or context.
    pub name: &'static str,
    /// The Rust type as written, such as `u64` or `Option<String>`.
    pub of: &'static str,
}

impl Field {
    /// An optional field may be absent.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.of.starts_with("Option<")
    }

    /// The type without its `Option`.
    #[must_use]
    pub fn inner(&self) -> &'static str {
        self.of.strip_prefix("Option<").and_then(|rest| rest.strip_suffix('>')).map_or(self.of, str::trim)
    }
}

/// A struct whose fields are known to the plan's check. Made by [`shape!`](crate::shape).
pub trait Shape {
    /// The fields in order.
    const FIELDS: &'static [Field];
}

impl Shape for () {
    const FIELDS: &'static [Field] = &[];
}

/// Declares a struct with serde's derives and its [`Shape`].
///
/// ```
/// arcadia_saga::shape! {
///     /// A droplet that exists.
///     pub struct CreatedDroplet { pub droplet_id: u64 }
/// }
/// ```
#[macro_export]
macro_rules! shape {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$field_meta:meta])* $field_vis:vis $field:ident : $of:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        $vis struct $name { $($(#[$field_meta])* $field_vis $field: $of),* }

        impl $crate::Shape for $name {
            const FIELDS: &'static [$crate::Field] =
                &[$($crate::Field { name: stringify!($field), of: stringify!($of) }),*];
        }
    };
}

#[cfg(test)]
mod tests {
    use super::Shape as _;

    crate::shape! { struct Wanted { name: String, backups: Option<bool>, tags: Vec<String> } }

    #[test]
    fn a_shape_knows_its_fields_and_which_may_be_absent() {
        let fields: Vec<_> = Wanted::FIELDS.iter().map(|f| (f.name, f.inner(), f.is_optional())).collect();
        assert_eq!(
            fields,
            [("name", "String", false), ("backups", "bool", true), ("tags", "Vec<String>", false)]
        );
    }
}
