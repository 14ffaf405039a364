//! digitalocean-sim
