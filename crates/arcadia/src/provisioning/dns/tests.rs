//! The pure half: which change leads from what was seen to what is wanted.

use super::*;

fn record(id: u64, data: &str, ttl: u32) -> Record {
    let kind = RecordType::A;
    Record {
        id: RecordId(id),
        kind,
        name: "www".to_owned(),
        data: data.to_owned(),
        priority: None,
        port: None,
        ttl,
        weight: None,
        flags: None,
        tag: None,
    }
}

fn wanted(data: &str, ttl: Option<u32>) -> Wanted {
    Wanted {
        domain: "example.com".to_owned(),
        kind: RecordType::A,
        name: "www".to_owned(),
        data: data.to_owned(),
        ttl,
    }
}

#[test]
fn nothing_there_is_a_creation_and_the_same_is_no_change() {
    let there = Seen { records: vec![record(1, "192.0.2.1", 60)], ..Seen::default() };
    assert!(matches!(wanted("192.0.2.1", None).change_from(&Seen::default()), Change::Create(_)));
    assert_eq!(wanted("192.0.2.1", None).change_from(&there), Change::Nothing(RecordId(1)));
    assert_eq!(wanted("192.0.2.1", Some(60)).change_from(&there), Change::Nothing(RecordId(1)));
}

#[test]
fn an_overwrite_keeps_what_was_not_asked_to_change() {
    let there = Seen { records: vec![record(1, "192.0.2.1", 60)], ..Seen::default() };
    let Change::Overwrite { with, .. } = wanted("192.0.2.9", None).change_from(&there) else {
        panic!("another address is an overwrite")
    };
    assert_eq!((with.data.as_str(), with.ttl), ("192.0.2.9", Some(60)));
    assert!(matches!(wanted("192.0.2.1", Some(90)).change_from(&there), Change::Overwrite { .. }));
}

#[test]
fn of_several_records_one_stays() {
    let there =
        Seen { records: vec![record(1, "192.0.2.1", 60), record(2, "192.0.2.2", 60)], ..Seen::default() };
    let change = wanted("192.0.2.1", None).change_from(&there);
    assert!(matches!(change, Change::Overwrite { delete, .. } if delete == [RecordId(2)]));
}

#[test]
fn hosts_compare_equal_however_they_are_written() {
    assert!(same_data("example.com", "Target.Example.com.", "target.example.com"));
    assert!(same_data("example.com", "example.com.", "@"));
    assert!(!same_data("example.com", "192.0.2.1", "192.0.2.2"));
}
