//! Closed lists of the API as enums that stay open: the live API already sends values its
//! specification lacks, so every list ends in `Other`.

/// Declares an enum of known wire words plus `Other(String)`, with `as_str`, `Display`, `From` and serde.
macro_rules! open_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_meta])* #[doc = concat!("`", $word, "`")] $variant,)+
            /// A word this version does not know.
            Other(String),
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(Self::from(word.as_ref()))
            }
        }
    };
}

#[cfg(test)]
#[allow(unreachable_pub, reason = "the macro declares public enums")]
mod tests {
    open_enum! {
        /// A light.
        pub enum Light { Red = "red", DeepBlue = "deep-blue" }
    }

    #[test]
    fn known_words_become_variants_and_unknown_ones_survive_a_round_trip() {
        let lights: Vec<Light> = serde_json::from_str(r#"["red","deep-blue","ultra\u0076iolet"]"#).unwrap();
        assert_eq!(lights, [Light::Red, Light::DeepBlue, Light::Other("ultraviolet".into())]);
        assert_eq!(serde_json::to_string(&lights).unwrap(), r#"["red","deep-blue","ultraviolet"]"#);
    }
}
