//! Every request received: the last hundred thousand in full, and how many there were in all.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

/// A request and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestRecord {
    pub seq: u64,
    pub at: Timestamp,
    pub method: String,
    /// Without the query.
    pub path: String,
    pub query: String,
    /// The route's pattern, such as `/v2/droplets/{id}`; empty when there is no such route.
    pub route: String,
    /// `None` while it runs, and for good when the connection was cut or the client left.
    pub status: Option<u16>,
    pub request_id: String,
    /// The kinds of the faults that struck it.
    pub faults: Vec<String>,
}

const KEPT: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    records: VecDeque<RequestRecord>,
    total: u64,
}

impl RequestLog {
    /// Numbers the record, counting from 1, and keeps it.
    pub(crate) fn begin(&mut self, mut record: RequestRecord) -> u64 {
        self.total += 1;
        record.seq = self.total;
        if self.records.len() == KEPT {
            self.records.pop_front();
        }
        self.records.push_back(record);
        self.total
    }

    /// Writes into a record that is still kept.
    pub(crate) fn amend(&mut self, seq: u64, change: impl FnOnce(&mut RequestRecord)) {
        let first = self.total - self.records.len() as u64 + 1;
        let at = seq.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        if let Some(record) = at.and_then(|at| self.records.get_mut(at)) {
            change(record);
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn since(&self, seq: u64) -> impl Iterator<Item = &RequestRecord> {
        let first = self.total - self.records.len() as u64 + 1;
        let skipped = usize::try_from(seq.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        self.records.iter().skip(skipped)
    }
}
