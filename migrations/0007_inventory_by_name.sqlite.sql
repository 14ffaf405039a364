-- What searches and tags are walked by in the order of names: a name may say nothing of what is looked for, so that a walk
-- over all names could find the first page late. See the twin for PostgreSQL; the two differ where words are split.

-- Append-only, as cloud_resource_terms: `tag=…` and `word=…` beside each name that the resource had with them.
CREATE TABLE cloud_resource_named_terms (
    term TEXT NOT NULL,
    name TEXT NOT NULL,
    resource_id UUID NOT NULL,
    -- It never changes: a kind with a word or tag is told by the index alone.
    kind TEXT NOT NULL,
    PRIMARY KEY (term, name, resource_id)
) WITHOUT ROWID;

WITH known AS (
    SELECT resource_id AS id, kind, name, tags,
        ' ' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
            lower(name || ' ' || provider_id || ' ' || CAST(tags AS TEXT) || ' ' || COALESCE(attrs ->> 'public_ipv4', '')),
            '-', ' '), '.', ' '), '_', ' '), ':', ' '), '/', ' '), '"', ' '), ',', ' '), '[', ' '), ']', ' '),
            '@', ' '), '\', ' '), '+', ' '), '=', ' ') AS words
    FROM cloud_resource_versions),
lists AS (SELECT id, kind, name, '["' || replace(words, ' ', '","') || '"]' AS list FROM known)
INSERT INTO cloud_resource_named_terms (term, name, resource_id, kind)
SELECT 'tag=' || tag.value, known.name, known.id, known.kind FROM known, json_each(known.tags) AS tag
UNION SELECT 'word=' || substr(word.value, 1, 60), lists.name, lists.id, lists.kind
    FROM lists, json_each(CASE WHEN json_valid(list) THEN list ELSE '[]' END) AS word WHERE word.value <> '';

-- What was gone at a past time is told by the index alone, and the names of a past time are kept in their order.
DROP INDEX cloud_resource_versions_deleted;
CREATE INDEX cloud_resource_versions_deleted ON cloud_resource_versions (resource_id, from_at, to_at)
    WHERE deleted_at IS NOT NULL;
CREATE INDEX cloud_resource_versions_by_name ON cloud_resource_versions (name, resource_id, from_at, to_at);
