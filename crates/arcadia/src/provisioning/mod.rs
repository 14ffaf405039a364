//! The steps that change the account at the provider, and what they share.

pub mod steps;
