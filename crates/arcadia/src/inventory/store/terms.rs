//! The statements over the terms that resources have or ever had: where a list begins to look.

use arcadia_sql::statements;

/// All that a text search looks through, in words with a space before each. Rust's side of it is `words` in `terms.rs`.
macro_rules! words_of {
    ($row:literal) => {
        words_of!($row, "")
    };
    ($row:literal, $collate:literal) => {
        concat!(
            "' ' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(",
            "replace(lower((",
            $row,
            ".name || ' ' || ",
            $row,
            ".provider_id || ' ' || CAST(",
            $row,
            ".tags AS TEXT) || ' ' || COALESCE(",
            $row,
            ".attrs ->> 'public_ipv4', ''))",
            $collate,
            "), '-', ' '), '.', ' '), '_', ' '), ':', ' '), '/', ' '), '\"', ' '), ',', ' '), '[', ' '), ']', ' '), ",
            "'@', ' '), '\\', ' '), '+', ' '), '=', ' ')"
        )
    };
}
pub(crate) use words_of;

macro_rules! plain_terms {
    ($lower:literal) => {
        concat!(
            "SELECT 'tenant=' || tenant_id AS term, id FROM known WHERE tenant_id IS NOT NULL ",
            "UNION SELECT 'project=' || cloud_project_id, id FROM known WHERE cloud_project_id IS NOT NULL ",
            "UNION SELECT 'deployment=' || deployment_id, id FROM known WHERE deployment_id IS NOT NULL ",
            "UNION SELECT 'region=' || region, id FROM known WHERE region IS NOT NULL ",
            "UNION SELECT 'name=' || substr(",
            $lower,
            ", 1, 200), id FROM known "
        )
    };
}

statements! {
    /// Adds the terms that these have now.
    pub(crate) KEEP = sqlite (concat!(
        "WITH known AS (SELECT id, tenant_id, cloud_project_id, deployment_id, region, name, tags, ", words_of!("resource"), " AS words FROM cloud_resources AS resource
            WHERE id {any($1)}),
        lists AS (SELECT id, '[\"' || replace(words, ' ', '\",\"') || '\"]' AS list FROM known),
        found AS (", plain_terms!("lower(name)"), "
            UNION SELECT 'tag=' || tag.value, known.id FROM known, json_each(known.tags) AS tag
            UNION SELECT 'word=' || substr(word.value, 1, 60), lists.id
            FROM lists, json_each(CASE WHEN json_valid(list) THEN list ELSE '[]' END) AS word WHERE word.value <> '')
        INSERT INTO cloud_resource_terms (term, resource_id) SELECT term, id FROM found WHERE TRUE
        ON CONFLICT (term, resource_id) DO NOTHING"))
    postgres (concat!(
        "WITH known AS (SELECT id, tenant_id, cloud_project_id, deployment_id, region, name, tags, ", words_of!("resource", " COLLATE \"C\""), " AS words FROM cloud_resources AS resource
            WHERE id {any($1)}),
        found AS (", plain_terms!("lower(name COLLATE \"C\")"), "
            UNION SELECT 'tag=' || tag, id FROM known, jsonb_array_elements_text(known.tags) AS tag
            UNION SELECT 'word=' || substr(word, 1, 60), id FROM known, regexp_split_to_table(words, ' +') AS word
            WHERE word <> '')
        INSERT INTO cloud_resource_terms (term, resource_id) SELECT term, id FROM found ORDER BY term, id
        ON CONFLICT (term, resource_id) DO NOTHING"));

    /// Adds the words and tags that these have now, beside their names and kinds.
    pub(crate) KEEP_NAMED = sqlite (concat!(
        "WITH known AS (SELECT resource.id, resource.kind, resource.name, resource.tags, ", words_of!("resource"), " AS words
            FROM cloud_resources AS resource WHERE id {any($1)}),
        lists AS (SELECT id, kind, name, '[\"' || replace(words, ' ', '\",\"') || '\"]' AS list FROM known)
        INSERT INTO cloud_resource_named_terms (term, name, resource_id, kind)
        SELECT 'tag=' || tag.value, known.name, known.id, known.kind FROM known, json_each(known.tags) AS tag WHERE TRUE
        UNION SELECT 'word=' || substr(word.value, 1, 60), lists.name, lists.id, lists.kind
        FROM lists, json_each(CASE WHEN json_valid(list) THEN list ELSE '[]' END) AS word WHERE word.value <> ''
        ON CONFLICT (term, name, resource_id) DO NOTHING"))
    postgres (concat!(
        "WITH known AS (SELECT resource.id, resource.kind, resource.name, resource.tags, ",
        words_of!("resource", " COLLATE \"C\""), " AS words FROM cloud_resources AS resource WHERE id {any($1)}),
        found AS (SELECT 'tag=' || tag AS term, name, id, kind FROM known, jsonb_array_elements_text(known.tags) AS tag
            UNION SELECT 'word=' || substr(word, 1, 60), name, id, kind
            FROM known, regexp_split_to_table(words, ' +') AS word WHERE word <> '')
        INSERT INTO cloud_resource_named_terms (term, name, resource_id, kind)
        SELECT term, name, id, kind FROM found ORDER BY term, name, id
        ON CONFLICT (term, name, resource_id) DO NOTHING"));

    /// The terms from `$1` until before `$2`, each once, the first `$3`: one look at the index for each.
    pub(crate) TERMS_BETWEEN = "
        WITH RECURSIVE found (term, number) AS (
            SELECT (SELECT MIN(term) FROM cloud_resource_terms WHERE term >= $1 AND term < $2), CAST(1 AS BIGINT)
            UNION ALL
            SELECT (SELECT MIN(next.term) FROM cloud_resource_terms AS next
                WHERE next.term > found.term AND next.term < $2), number + 1
            FROM found WHERE found.term IS NOT NULL AND number < $3)
        SELECT term FROM found WHERE term IS NOT NULL";
    /// Some of those that have or had a term. In an order that only the index has: else PostgreSQL walks over the table,
    /// as if what it looks for lay all over it.
    pub(crate) WITH_TERM = "
        SELECT resource_id FROM cloud_resource_terms WHERE term = $1 ORDER BY resource_id LIMIT $2";
    /// The same of terms from `$1` until before `$2`; one may come twice.
    pub(crate) WITH_TERMS_BETWEEN = "
        SELECT resource_id FROM cloud_resource_terms WHERE term >= $1 AND term < $2
        ORDER BY term, resource_id LIMIT $3";
    pub(crate) OF_TENANT = "SELECT id FROM cloud_resources WHERE tenant_id = $1 LIMIT $2";
    pub(crate) OF_KIND = "SELECT id FROM cloud_resources WHERE kind = $1 LIMIT $2";
    pub(crate) IN_STATUS = "SELECT id FROM cloud_resources WHERE status = $1 LIMIT $2";
    pub(crate) IN_REGION = "SELECT id FROM cloud_resources WHERE region = $1 LIMIT $2";
    pub(crate) IN_PROJECT = "SELECT id FROM cloud_resources WHERE cloud_project_id = $1 LIMIT $2";
    pub(crate) DELETED = "SELECT id FROM cloud_resources WHERE deleted_at IS NOT NULL LIMIT $1";
    pub(crate) IN_STATUS_AS_OF = "
        SELECT resource_id FROM cloud_resource_versions
        WHERE status = $1 AND from_at <= $2 AND (to_at IS NULL OR to_at > $2) ORDER BY resource_id LIMIT $3";
    pub(crate) EVER_DELETED = "
        SELECT resource_id FROM cloud_resource_versions WHERE deleted_at IS NOT NULL ORDER BY resource_id LIMIT $1";
    /// The first name that is not before `$1`.
    pub(crate) NAME_FROM = "SELECT name FROM cloud_resources WHERE name >= $1 ORDER BY name LIMIT 1";
    pub(crate) EVER_NAME_FROM = "SELECT name FROM cloud_resource_versions WHERE name >= $1 ORDER BY name LIMIT 1";
    pub(crate) OF_DEPLOYMENT = "SELECT id FROM cloud_resources WHERE deployment_id = $1 LIMIT $2";
}
