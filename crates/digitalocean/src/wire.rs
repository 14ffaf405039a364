//! How the API's loose JSON becomes strict types: null lists, prices of float origin, ids of two kinds.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de::Error};

/// `null` (and, with `#[serde(default)]`, an absent key) is the type's default.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Five places are what the price list has; what lies beyond is noise of a binary float.
const PRICE_PLACES: u32 = 5;

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl TextOrNumber {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Unsigned(number) => number.to_string(),
            Self::Signed(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
        }
    }
}

/// A price sent as a JSON number of float origin, rounded to five places.
pub(crate) fn price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    Ok(decimal(deserializer)?.round_dp(PRICE_PLACES))
}

/// A decimal number, sent as a string or as a JSON number.
pub(crate) fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let text = TextOrNumber::deserialize(deserializer)?.into_text();
    text.trim().parse().map_err(|_| D::Error::custom("not a decimal number"))
}

/// [`decimal`], where the key may be absent or null.
pub(crate) fn optional_decimal<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Decimal>, D::Error> {
    let Some(sent) = Option::<TextOrNumber>::deserialize(deserializer)? else { return Ok(None) };
    match sent.into_text().trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| D::Error::custom("not a decimal number")),
    }
}

/// An id that is an integer in one listing and a string in another.
pub(crate) fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(TextOrNumber::deserialize(deserializer)?.into_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Priced {
        #[serde(deserialize_with = "price")]
        price: Decimal,
        #[serde(default, deserialize_with = "optional_decimal")]
        rest: Option<Decimal>,
        #[serde(default, deserialize_with = "or_default")]
        tags: Vec<String>,
    }

    #[test]
    fn a_price_of_float_origin_is_rounded_to_five_places() {
        let priced: Priced = serde_json::from_str(r#"{"price":0.00743999984115362,"tags":null}"#).unwrap();
        assert_eq!(priced.price.to_string(), "0.00744");
        assert_eq!(priced.rest, None);
        assert_eq!(priced.tags, Vec::<String>::new());
    }

    #[test]
    fn whole_numbers_strings_and_empty_strings_are_understood() {
        let priced: Priced = serde_json::from_str(r#"{"price":6,"rest":"-12.34"}"#).unwrap();
        assert_eq!(priced.price, Decimal::from(6));
        assert_eq!(priced.rest.unwrap().to_string(), "-12.34");
        let priced: Priced = serde_json::from_str(r#"{"price":"6.0","rest":""}"#).unwrap();
        assert_eq!(priced.rest, None);
        assert!(serde_json::from_str::<Priced>(r#"{"price":"free"}"#).is_err());
    }
}
