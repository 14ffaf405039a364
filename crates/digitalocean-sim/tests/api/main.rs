//! The simulator over real HTTP on a free port, with time moved by hand.

mod control;
mod domains;
mod droplets;
mod faults;
mod limits;
mod paging;
mod site;
