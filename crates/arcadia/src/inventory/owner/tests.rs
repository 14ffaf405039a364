//! Who owns what, decided from facts: the order of the reasons.

use super::*;

fn facts() -> Facts {
    Facts {
        id: ResourceId(Uuid::nil()),
        kind: "volume".to_owned(),
        tenant_id: None,
        owner_reason: "none".to_owned(),
        owner_since: None,
        owner_project_id: None,
        cloud_project_id: None,
        deployment_id: None,
        deployment_tenant: None,
        parent_left_at: None,
        parent_row: None,
        parent_deleted_at: None,
        parent_seen_at: None,
        parent_tenant: None,
        parent_owner_project: None,
        parent_project: None,
        project_tenant: None,
        project_is_internal: None,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[track_caller]
fn decides(known: &Facts, reason: Reason, tenant: Option<&str>) {
    let decided = decide(known).owner;
    assert_eq!((decided.reason, decided.tenant_id.as_deref()), (reason, tenant));
}

#[test]
fn an_operator_comes_before_a_deployment_before_a_parent_before_a_project() {
    let mut known = facts();
    decides(&known, Reason::None, None);
    (known.cloud_project_id, known.project_is_internal) = (Some(Uuid::from_u128(1)), Some(false));
    decides(&known, Reason::Unallocated, None);
    known.project_tenant = Some("of-project".to_owned());
    decides(&known, Reason::Project, Some("of-project"));
    (known.parent_row, known.parent_tenant) = (Some(Uuid::from_u128(2)), Some("of-parent".to_owned()));
    decides(&known, Reason::Parent, Some("of-parent"));
    (known.deployment_id, known.deployment_tenant) =
        (Some(Uuid::from_u128(3)), Some("of-deployment".to_owned()));
    decides(&known, Reason::Deployment, Some("of-deployment"));
    (known.owner_reason, known.tenant_id) = ("operator".to_owned(), Some("of-operator".to_owned()));
    decides(&known, Reason::Operator, Some("of-operator"));
}

#[test]
fn the_internal_project_s_resources_are_nobody_s() {
    let known = Facts {
        cloud_project_id: Some(Uuid::from_u128(1)),
        project_is_internal: Some(true),
        project_tenant: Some("never".to_owned()),
        ..facts()
    };
    decides(&known, Reason::Internal, None);
}

#[test]
fn what_is_without_its_parent_stays_with_it_unless_that_was_seen_alive_afterwards() {
    let with = Facts {
        parent_row: Some(Uuid::from_u128(2)),
        parent_tenant: Some("acme".to_owned()),
        parent_seen_at: Some(at(100)),
        ..facts()
    };
    decides(&with, Reason::Parent, Some("acme"));
    let left = |left: i64, deleted: Option<i64>| Facts {
        parent_left_at: Some(at(left)),
        parent_deleted_at: deleted.map(at),
        ..with.clone()
    };
    decides(&left(200, None), Reason::Parent, Some("acme"));
    decides(&left(50, None), Reason::None, None);
    decides(&left(50, Some(300)), Reason::Parent, Some("acme"));
    decides(&left(30, Some(300)), Reason::None, None);
}

#[test]
fn what_no_project_holds_lies_where_its_parent_lies() {
    let project = Some(Uuid::from_u128(9));
    let parent = Facts { parent_row: Some(Uuid::from_u128(2)), parent_project: project, ..facts() };
    let snapshot = Facts { kind: "snapshot".to_owned(), ..parent.clone() };
    assert_eq!(decide(&snapshot).cloud_project_id, project);
    assert_eq!(decide(&parent).cloud_project_id, None, "a volume lies in a project of its own");
}
