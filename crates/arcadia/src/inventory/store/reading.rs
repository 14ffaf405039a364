//! The statements of lists, now and as of a past time. One text holds every filter; each statement begins where its
//! index leads it, so that neither engine has to guess.

use super::super::ResourceId;
use super::terms::words_of;
use arcadia_sql::{row, statements};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// No word has a separator in it; a `%` it may have.
macro_rules! word {
    ($argument:literal) => {
        concat!(
            " AND ({text(",
            $argument,
            ")} IS NULL OR ",
            words_of!("r"),
            " LIKE '% ' || replace(lower(",
            $argument,
            "), '%', '\\%') || '%' ESCAPE '\\')"
        )
    };
}

/// `$1` to `$15`: whatever is asked for, each NULL where it does not matter.
macro_rules! fits {
    () => {
        concat!(
            "({text($1)} IS NULL OR r.tenant_id = $1) AND ({text($2)} IS NULL OR r.kind = $2)
            AND ({text($3)} IS NULL OR r.status = $3) AND ({text($4)} IS NULL OR r.region = $4)
            AND ({uuid($5)} IS NULL OR r.cloud_project_id = $5) AND ({uuid($6)} IS NULL OR r.deployment_id = $6)
            AND CASE {text($7)} WHEN 'without' THEN r.deleted_at IS NULL WHEN 'only' THEN r.deleted_at IS NOT NULL
                ELSE TRUE END
            AND ({text($8)} IS NULL OR replace(CAST(r.tags AS TEXT), $8, '') <> CAST(r.tags AS TEXT))
            AND ({text($9)} IS NULL OR lower(r.name) = lower($9))
            AND ({text($10)} IS NULL OR substr(lower(r.name), 1, length($10)) = lower($10))",
            word!("$11"), word!("$12"), word!("$13"), word!("$14"), word!("$15")
        )
    };
}

/// `$16` is the limit, `$17` the id of the last one of the page before, or what is beyond every id.
macro_rules! in_order {
    (newest, $id:literal) => {
        concat!(" AND ", $id, " < $17 ORDER BY ", $id, " DESC LIMIT $16")
    };
    (oldest, $id:literal) => {
        concat!(" AND ", $id, " > $17 ORDER BY ", $id, " LIMIT $16")
    };
}

/// The last one's name before its id; `$argument` is that name.
macro_rules! by_name {
    ($id:literal, $argument:literal) => {
        concat!(
            " AND (r.name, ",
            $id,
            ") > ({text(",
            $argument,
            ")}, {uuid($17)}) ORDER BY r.name, ",
            $id,
            " LIMIT $16"
        )
    };
}

macro_rules! columns {
    ($id:literal, $seen:literal) => {
        concat!(
            "SELECT ", $id, " AS id, r.kind, r.provider_id, r.name, r.region, r.status, r.size_slug, r.cloud_project_id,
            r.tenant_id, r.deployment_id, r.owner_reason, r.owner_since, r.parent_kind, r.parent_id, r.tags, r.attrs,
            r.monthly_cost_minor, r.provider_created_at, r.first_seen_at, ", $seen, " AS last_seen_at, r.deleted_at "
        )
    };
}

/// From `cloud_resources`, and what else is said of the rows.
macro_rules! now {
    ($and:literal, $order:expr) => {
        concat!(columns!("r.id", "r.last_seen_at"), "FROM cloud_resources AS r WHERE ", fits!(), $and, $order)
    };
}

/// What is in `$found`, whose limit comes before the rows are read. PostgreSQL would read a whole table beside it.
macro_rules! among {
    (sqlite, $found:expr) => {
        concat!(" IN (", $found, ")")
    };
    (postgres, $found:expr) => {
        concat!(" = ANY (ARRAY(", $found, "))")
    };
}

macro_rules! sorted {
    (newest, $id:literal) => {
        concat!(" ORDER BY ", $id, " DESC")
    };
    (oldest, $id:literal) => {
        concat!(" ORDER BY ", $id)
    };
}

/// A page of what has a term, `$18`. Each is asked by itself: how few fit all that is asked for is what PostgreSQL guesses
/// wrong, and then reads and sorts a whole kind. SQLite joins as it is told, and tests no more of a row than it must.
macro_rules! now_with_term {
    (sqlite, $order:ident) => {
        concat!(
            columns!("r.id", "r.last_seen_at"),
            "FROM cloud_resource_terms AS t CROSS JOIN cloud_resources AS r
            WHERE r.id = t.resource_id AND t.term = $18 AND ",
            fits!(),
            in_order!($order, "t.resource_id")
        )
    };
    ($engine:ident, $order:ident) => {
        concat!(
            columns!("r.id", "r.last_seen_at"),
            "FROM cloud_resources AS r WHERE r.id",
            among!(
                $engine,
                concat!(
                    "SELECT t.resource_id FROM cloud_resource_terms AS t WHERE t.term = $18 AND (SELECT ",
                    fits!(),
                    " FROM cloud_resources AS r WHERE r.id = t.resource_id)",
                    in_order!($order, "t.resource_id")
                )
            ),
            sorted!($order, "r.id")
        )
    };
}

/// From `cloud_resource_versions`; `$18` is the time.
macro_rules! as_of {
    ($from:literal, $and:literal, $order:expr) => {
        concat!(
            columns!("r.resource_id", "{time(NULL)}"),
            "FROM ",
            $from,
            "cloud_resource_versions AS r
            WHERE r.from_at <= $18 AND (r.to_at IS NULL OR r.to_at > $18) AND ",
            fits!(),
            $and,
            $order
        )
    };
}

/// A page of what an index says was so at `$18`: `$table` as `t`, and `$so`.
macro_rules! page_as_of {
    ($engine:ident, $order:ident, $table:literal, $so:literal) => {
        concat!(
            columns!("r.resource_id", "{time(NULL)}"),
            "FROM cloud_resource_versions AS r
            WHERE r.from_at <= $18 AND (r.to_at IS NULL OR r.to_at > $18) AND r.resource_id",
            among!(
                $engine,
                concat!(
                    "SELECT t.resource_id FROM ",
                    $table,
                    " AS t WHERE ",
                    $so,
                    " AND (SELECT ",
                    fits!(),
                    " FROM cloud_resource_versions AS r WHERE r.resource_id = t.resource_id
                        AND r.from_at <= $18 AND (r.to_at IS NULL OR r.to_at > $18))",
                    in_order!($order, "t.resource_id")
                )
            ),
            sorted!($order, "r.resource_id")
        )
    };
}

macro_rules! in_status_as_of {
    ($engine:ident, $order:ident) => {
        page_as_of!(
            $engine,
            $order,
            "cloud_resource_versions",
            "t.status = $3 AND t.from_at <= $18 AND (t.to_at IS NULL OR t.to_at > $18)"
        )
    };
}

macro_rules! with_term_as_of {
    (sqlite, $order:ident) => {
        as_of!(
            "cloud_resource_terms AS t CROSS JOIN ",
            " AND r.resource_id = t.resource_id AND t.term = $19",
            in_order!($order, "t.resource_id")
        )
    };
    ($engine:ident, $order:ident) => {
        page_as_of!($engine, $order, "cloud_resource_terms", "t.term = $19")
    };
}

/// What was gone at `$18`, found in its index alone before anything else of it is read.
macro_rules! gone_as_of {
    ($order:expr) => {
        as_of!(
            "(SELECT resource_id, from_at FROM cloud_resource_versions WHERE deleted_at IS NOT NULL
                AND from_at <= $18 AND (to_at IS NULL OR to_at > $18)) AS gone CROSS JOIN ",
            " AND r.resource_id = gone.resource_id AND r.from_at = gone.from_at",
            $order
        )
    };
}

statements! {
    pub(crate) NEWEST = now!("", in_order!(newest, "r.id"));
    pub(crate) OLDEST = now!("", in_order!(oldest, "r.id"));
    pub(crate) BY_NAME = now!("", by_name!("r.id", "$18"));
    pub(crate) NEWEST_OF_IDS = now!(" AND r.id {any($18)}", in_order!(newest, "r.id"));
    pub(crate) OLDEST_OF_IDS = now!(" AND r.id {any($18)}", in_order!(oldest, "r.id"));
    pub(crate) BY_NAME_OF_IDS = now!(" AND r.id {any($19)}", by_name!("r.id", "$18"));
    pub(crate) NEWEST_OF_TENANT = now!(" AND r.tenant_id = $1", in_order!(newest, "r.id"));
    pub(crate) OLDEST_OF_TENANT = now!(" AND r.tenant_id = $1", in_order!(oldest, "r.id"));
    pub(crate) NEWEST_OF_KIND = now!(" AND r.kind = $2", in_order!(newest, "r.id"));
    pub(crate) OLDEST_OF_KIND = now!(" AND r.kind = $2", in_order!(oldest, "r.id"));
    pub(crate) NEWEST_IN_STATUS = now!(" AND r.status = $3", in_order!(newest, "r.id"));
    pub(crate) OLDEST_IN_STATUS = now!(" AND r.status = $3", in_order!(oldest, "r.id"));
    pub(crate) NEWEST_IN_REGION = now!(" AND r.region = $4", in_order!(newest, "r.id"));
    pub(crate) OLDEST_IN_REGION = now!(" AND r.region = $4", in_order!(oldest, "r.id"));
    pub(crate) NEWEST_IN_PROJECT = now!(" AND r.cloud_project_id = $5", in_order!(newest, "r.id"));
    pub(crate) OLDEST_IN_PROJECT = now!(" AND r.cloud_project_id = $5", in_order!(oldest, "r.id"));
    pub(crate) NEWEST_GONE = now!(" AND r.deleted_at IS NOT NULL", in_order!(newest, "r.id"));
    pub(crate) OLDEST_GONE = now!(" AND r.deleted_at IS NOT NULL", in_order!(oldest, "r.id"));
    pub(crate) NEWEST_WITH_TERM = sqlite (now_with_term!(sqlite, newest)) postgres (now_with_term!(postgres, newest));
    pub(crate) OLDEST_WITH_TERM = sqlite (now_with_term!(sqlite, oldest)) postgres (now_with_term!(postgres, oldest));

    /// The ids of what is found by a term, `$19`, in the order of names. Asked of each row by itself: how few of them have
    /// the name still is what PostgreSQL would guess wrong, and then read the whole table.
    pub(crate) BY_NAME_WITH_TERM = concat!(
        "SELECT t.resource_id FROM cloud_resource_named_terms AS t
        WHERE t.term = $19 AND (t.name, t.resource_id) > ({text($18)}, {uuid($17)})
            AND ({text($2)} IS NULL OR t.kind = $2) AND (
            SELECT r.name = t.name AND ", fits!(), " FROM cloud_resources AS r WHERE r.id = t.resource_id)
        ORDER BY t.name, t.resource_id LIMIT $16");

    pub(crate) BY_NAME_WITH_TERM_AS_OF = concat!(
        "SELECT t.resource_id FROM cloud_resource_named_terms AS t
        WHERE t.term = $20 AND (t.name, t.resource_id) > ({text($19)}, {uuid($17)})
            AND ({text($2)} IS NULL OR t.kind = $2) AND (
            SELECT r.name = t.name AND ", fits!(), " FROM cloud_resource_versions AS r
            WHERE r.resource_id = t.resource_id AND r.from_at <= $18 AND (r.to_at IS NULL OR r.to_at > $18))
        ORDER BY t.name, t.resource_id LIMIT $16");
    /// The ids of those whose names come before `$19`, asked of each row by itself for the same reason.
    pub(crate) BY_NAME_UNTIL = concat!(
        "SELECT t.id FROM cloud_resources AS t
        WHERE t.name < $19 AND (t.name, t.id) > ({text($18)}, {uuid($17)})
            AND (SELECT ", fits!(), " FROM cloud_resources AS r WHERE r.id = t.id)
        ORDER BY t.name, t.id LIMIT $16");
    /// Names before `$20`.
    pub(crate) BY_NAME_UNTIL_AS_OF = as_of!("", " AND r.name < $20", by_name!("r.resource_id", "$19"));

    pub(crate) NEWEST_AS_OF = as_of!("", "", in_order!(newest, "r.resource_id"));
    pub(crate) OLDEST_AS_OF = as_of!("", "", in_order!(oldest, "r.resource_id"));
    pub(crate) BY_NAME_AS_OF = as_of!("", "", by_name!("r.resource_id", "$19"));
    pub(crate) NEWEST_OF_IDS_AS_OF = as_of!("", " AND r.resource_id {any($19)}", in_order!(newest, "r.resource_id"));
    pub(crate) OLDEST_OF_IDS_AS_OF = as_of!("", " AND r.resource_id {any($19)}", in_order!(oldest, "r.resource_id"));
    pub(crate) BY_NAME_OF_IDS_AS_OF =
        as_of!("", " AND r.resource_id {any($20)}", by_name!("r.resource_id", "$19"));
    pub(crate) NEWEST_OF_KIND_AS_OF = as_of!(
        "cloud_resources AS known CROSS JOIN ", " AND r.resource_id = known.id AND known.kind = $2",
        in_order!(newest, "known.id"));
    pub(crate) OLDEST_OF_KIND_AS_OF = as_of!(
        "cloud_resources AS known CROSS JOIN ", " AND r.resource_id = known.id AND known.kind = $2",
        in_order!(oldest, "known.id"));
    pub(crate) NEWEST_GONE_AS_OF = gone_as_of!(in_order!(newest, "gone.resource_id"));
    pub(crate) OLDEST_GONE_AS_OF = gone_as_of!(in_order!(oldest, "gone.resource_id"));
    pub(crate) BY_NAME_GONE_AS_OF = gone_as_of!(by_name!("r.resource_id", "$19"));
    pub(crate) NEWEST_IN_STATUS_AS_OF = sqlite (in_status_as_of!(sqlite, newest)) postgres (in_status_as_of!(postgres, newest));
    pub(crate) OLDEST_IN_STATUS_AS_OF = sqlite (in_status_as_of!(sqlite, oldest)) postgres (in_status_as_of!(postgres, oldest));
    pub(crate) NEWEST_WITH_TERM_AS_OF = sqlite (with_term_as_of!(sqlite, newest)) postgres (with_term_as_of!(postgres, newest));
    pub(crate) OLDEST_WITH_TERM_AS_OF = sqlite (with_term_as_of!(sqlite, oldest)) postgres (with_term_as_of!(postgres, oldest));

    /// One, where it is in the tenant's hands; of any tenant where `$2` is NULL.
    pub(crate) SHOWN = concat!(
        columns!("r.id", "r.last_seen_at"),
        "FROM cloud_resources AS r WHERE r.id = $1 AND ({text($2)} IS NULL OR r.tenant_id = $2)");
    pub(crate) SHOWN_AS_OF = concat!(
        columns!("r.resource_id", "{time(NULL)}"),
        "FROM cloud_resource_versions AS r WHERE r.resource_id = $1 AND ({text($2)} IS NULL OR r.tenant_id = $2)
        AND r.from_at <= $3 AND (r.to_at IS NULL OR r.to_at > $3)");
    pub(crate) PARENT_OF = "
        SELECT parent.id, parent.kind, parent.provider_id, parent.name, parent.tenant_id, parent.deleted_at
        FROM cloud_resources AS child JOIN cloud_resources AS parent ON parent.provider = child.provider
            AND parent.kind = child.parent_kind AND parent.provider_id = child.parent_id
        WHERE child.id = $1";
    pub(crate) DESIRED = "
        SELECT spec, spec_version, saga_id, created_at, updated_at FROM cloud_provisioned WHERE resource_id = $1";
    /// Newest first, from `$2` until before `$3`, older than the event of `$4` and `$5`.
    pub(crate) EVENTS = "
        SELECT id, at, kind, actor, source, data FROM cloud_resource_events
        WHERE resource_id = $1 AND at >= $2 AND at < $3 AND (at, id) < ({time($4)}, {uuid($5)})
        ORDER BY at DESC, id DESC LIMIT $6";
}

row! {
    /// What a list says of a resource.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ListedRow {
        pub id: ResourceId,
        pub kind: String,
        pub provider_id: String,
        pub name: String,
        pub region: Option<String>,
        pub status: Option<String>,
        pub size_slug: Option<String>,
        pub cloud_project_id: Option<Uuid>,
        pub tenant_id: Option<String>,
        pub deployment_id: Option<Uuid>,
        pub owner_reason: String,
        pub owner_since: Option<Timestamp>,
        pub parent_kind: Option<String>,
        pub parent_id: Option<String>,
        pub tags: Value,
        pub attrs: Value,
        pub monthly_cost_minor: Option<i64>,
        pub provider_created_at: Option<Timestamp>,
        pub first_seen_at: Timestamp,
        /// Nobody remembers it of a past time.
        pub last_seen_at: Option<Timestamp>,
        pub deleted_at: Option<Timestamp>,
    }

    /// What a resource lives through.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ParentRow {
        pub id: ResourceId,
        pub kind: String,
        pub provider_id: String,
        pub name: String,
        pub tenant_id: Option<String>,
        pub deleted_at: Option<Timestamp>,
    }

    /// A row of `cloud_provisioned`.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DesiredRow {
        pub spec: Value,
        pub spec_version: i64,
        pub saga_id: Uuid,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
    }

    /// A row of `cloud_resource_events`.
    #[derive(Debug, Clone, PartialEq)]
    pub struct EventRow {
        pub id: Uuid,
        pub at: Timestamp,
        pub kind: String,
        pub actor: String,
        pub source: String,
        pub data: Value,
    }
}
