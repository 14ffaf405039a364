//! The kit tried on itself: a good engine passes, and each broken one is found.

mod broken;
mod shelf;
mod whole;
