-- What searches and tags are walked by in the order of names. See the twin for SQLite; the two differ where words are split.

-- Append-only, as cloud_resource_terms: `tag=…`, `word=…` and `name=…` beside each name that the resource had with them.
CREATE TABLE cloud_resource_named_terms (
    term TEXT COLLATE "C" NOT NULL,
    -- In the order of cloud_resources.name.
    name TEXT NOT NULL,
    resource_id UUID NOT NULL,
    PRIMARY KEY (term, name, resource_id)
);

WITH known AS (
    SELECT id, name, tags,
        ' ' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
            lower((name || ' ' || provider_id || ' ' || CAST(tags AS TEXT) || ' ' || COALESCE(attrs ->> 'public_ipv4', ''))
                COLLATE "C"),
            '-', ' '), '.', ' '), '_', ' '), ':', ' '), '/', ' '), '"', ' '), ',', ' '), '[', ' '), ']', ' '),
            '@', ' '), '\', ' '), '+', ' '), '=', ' ') AS words
    FROM cloud_resources)
INSERT INTO cloud_resource_named_terms (term, name, resource_id)
SELECT 'tag=' || tag, name, id FROM known, jsonb_array_elements_text(known.tags) AS tag
UNION SELECT 'name=' || substr(lower(name COLLATE "C"), 1, 200), name, id FROM known
UNION SELECT 'word=' || substr(word, 1, 60), name, id FROM known, regexp_split_to_table(words, ' +') AS word
WHERE word <> '';

-- What was gone at a past time is told by the index alone, and the names of a past time are kept in their order.
DROP INDEX cloud_resource_versions_deleted;
CREATE INDEX cloud_resource_versions_deleted ON cloud_resource_versions (resource_id, from_at, to_at)
    WHERE deleted_at IS NOT NULL;
CREATE INDEX cloud_resource_versions_by_name ON cloud_resource_versions (name, resource_id, from_at, to_at);
