//! IPv4 addresses that belong to nobody: the documentation networks first, then the benchmarking network
//! for accounts of tens of thousands. An address is unique while its droplet lives.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// First usable address and how many there are.
const NETWORKS: [(Ipv4Addr, u32); 4] = [
    (Ipv4Addr::new(203, 0, 113, 2), 252),
    (Ipv4Addr::new(198, 51, 100, 2), 252),
    (Ipv4Addr::new(192, 0, 2, 2), 252),
    (Ipv4Addr::new(198, 18, 0, 2), 131_068),
];

#[derive(Debug, Default)]
pub(super) struct Addresses {
    taken: BTreeSet<u32>,
    next: u32,
}

impl Addresses {
    fn count() -> u32 {
        NETWORKS.iter().map(|(_, count)| count).sum()
    }

    fn nth(mut at: u32) -> Ipv4Addr {
        for (first, count) in NETWORKS {
            if at < count {
                return Ipv4Addr::from(u32::from(first) + at);
            }
            at -= count;
        }
        Ipv4Addr::UNSPECIFIED
    }

    /// The next address that nobody has; `None` when every one is taken.
    pub(super) fn take(&mut self) -> Option<Ipv4Addr> {
        for _ in 0..Addresses::count() {
            let at = self.next;
            self.next = (self.next + 1) % Addresses::count();
            if self.taken.insert(at) {
                return Some(Addresses::nth(at));
            }
        }
        None
    }

    pub(super) fn give_back(&mut self, address: Ipv4Addr) {
        let mut base = 0;
        for (first, count) in NETWORKS {
            if let Some(offset) = u32::from(address).checked_sub(u32::from(first))
                && offset < count
            {
                self.taken.remove(&(base + offset));
                return;
            }
            base += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_unique_while_it_is_taken_and_comes_round_again_afterwards() {
        let mut addresses = Addresses::default();
        let all: BTreeSet<Ipv4Addr> =
            (0..Addresses::count()).map(|_| addresses.take().expect("one is free")).collect();
        assert_eq!(all.len() as u32, Addresses::count());
        assert_eq!(addresses.take(), None);
        let returned = Ipv4Addr::new(198, 51, 100, 7);
        addresses.give_back(returned);
        assert_eq!(addresses.take(), Some(returned));
    }
}
