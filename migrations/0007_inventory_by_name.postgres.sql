-- What searches and tags are walked by in the order of names. See the twin for SQLite; the two differ where words are split.

-- Names are in the order of their bytes, as SQLite has them, whatever the database's own order is.
ALTER TABLE cloud_resources ALTER COLUMN name TYPE TEXT COLLATE "C";
ALTER TABLE cloud_resource_versions ALTER COLUMN name TYPE TEXT COLLATE "C";

-- Append-only, as cloud_resource_terms: `tag=…` and `word=…` beside each name that the resource had with them.
CREATE TABLE cloud_resource_named_terms (
    term TEXT COLLATE "C" NOT NULL,
    -- In the order of cloud_resources.name.
    name TEXT COLLATE "C" NOT NULL,
    resource_id UUID NOT NULL,
    -- It never changes: a kind with a word or tag is told by the index alone.
    kind TEXT NOT NULL,
    PRIMARY KEY (term, name, resource_id) INCLUDE (kind)
);

WITH known AS (
    SELECT resource_id AS id, kind, name, tags,
        ' ' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
            lower((name || ' ' || provider_id || ' ' || CAST(tags AS TEXT) || ' ' || COALESCE(attrs ->> 'public_ipv4', ''))
                COLLATE "C"),
            '-', ' '), '.', ' '), '_', ' '), ':', ' '), '/', ' '), '"', ' '), ',', ' '), '[', ' '), ']', ' '),
            '@', ' '), '\', ' '), '+', ' '), '=', ' ') AS words
    FROM cloud_resource_versions)
INSERT INTO cloud_resource_named_terms (term, name, resource_id, kind)
SELECT 'tag=' || tag, name, id, kind FROM known, jsonb_array_elements_text(known.tags) AS tag
UNION SELECT 'word=' || substr(word, 1, 60), name, id, kind FROM known, regexp_split_to_table(words, ' +') AS word
WHERE word <> '';

-- What was gone at a past time is told by the index alone, and the names of a past time are kept in their order.
DROP INDEX cloud_resource_versions_deleted;
CREATE INDEX cloud_resource_versions_deleted ON cloud_resource_versions (resource_id, from_at, to_at)
    WHERE deleted_at IS NOT NULL;
CREATE INDEX cloud_resource_versions_by_name ON cloud_resource_versions (name, resource_id, from_at, to_at);
