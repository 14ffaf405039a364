//! Who owns what, decided from facts.
