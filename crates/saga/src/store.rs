//! Every statement of the engine. A runner's write is conditional on owner, epoch and seq.

use crate::rows::{SagaRow, StepRow};
use arcadia_sql::statements;

statements! {
    pub(crate) INSERT_SAGA = "
        INSERT INTO saga_runs (id, kind, status, steps, inputs, context, tenant_id, deployment_id, triggered_by,
            cancel_requested, queue, priority, current_step_idx, next_step, step_state, step_attempts, step_waits,
            wake_at, unique_key, epoch, seq, nudge, crashes, inserted_at, updated_at)
        VALUES ($1, $2, 'pending', $3, $4, $5, $6, $7, $8, FALSE, $9, $10, 0, $11, 'ready', 0, 0,
            CASE WHEN {int($12)} IS NULL THEN NULL ELSE {now+$12} END, $14, 0, 0, 0, 0, $13, $13)
        ON CONFLICT DO NOTHING";
    pub(crate) UNIQUE_HOLDER = "
        SELECT id FROM saga_runs
        WHERE unique_key = {text($1)} AND status IN ('pending', 'running', 'compensating')";
    /// Who is under way under the unique key of that saga, which has ended.
    pub(crate) KEY_TAKEN_BY = "
        SELECT id, unique_key FROM saga_runs
        WHERE unique_key = (SELECT unique_key FROM saga_runs WHERE id = $1) AND status IN ('pending', 'running', 'compensating')";

    pub(crate) TAKE_LOCK = "INSERT INTO saga_locks (name, saga_id) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    pub(crate) LOCK_HOLDER = "SELECT saga_id FROM saga_locks WHERE name = $1";
    pub(crate) FREE_LOCKS = "DELETE FROM saga_locks WHERE saga_id = $1";
    pub(crate) LOCKS = "SELECT name FROM saga_locks ORDER BY name";

    pub(crate) TAKE_KEY = "
        INSERT INTO saga_idempotency_keys (tenant_id, key, body_hash, saga_id, inserted_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, key) DO NOTHING";
    pub(crate) KEY_HOLDER = "
        SELECT body_hash, saga_id FROM saga_idempotency_keys WHERE tenant_id = $1 AND key = $2";

    /// Due and unowned, of steps that this build knows.
    pub(crate) CLAIM_DUE: SagaRow = "
        UPDATE saga_runs
        SET owner = $1, epoch = epoch + 1, seq = seq + 1, wake_at = NULL,
            status = CASE WHEN status = 'pending' THEN 'running' ELSE status END,
            started_at = COALESCE(started_at, $2), updated_at = $2
        WHERE id IN (
            SELECT id FROM saga_runs
            WHERE queue = $5 AND owner IS NULL AND wake_at IS NOT NULL AND wake_at <= {now}
                AND next_step {any($3)}
            ORDER BY wake_at LIMIT $4 {skip_locked})
        RETURNING {columns}";

    /// What no living node owns, held. A node that froze in the middle of a claim can own what it claimed after the others
    /// buried and forgot it, so that its absence from the table counts as death.
    pub(crate) HOLD_ORPHANS = "
        SELECT id FROM saga_runs
        WHERE owner IS NOT NULL AND owner NOT IN (SELECT id FROM saga_nodes WHERE NOT dead)
            AND (next_step {any($1)}) = {bool($2)}
        ORDER BY owner, id LIMIT $3 {skip_locked}";
    /// Of those held before: by now a node that has just enlisted is seen, and nobody's claim can come between. Only who
    /// was in a call can have crashed its process.
    pub(crate) TAKE_OVER: SagaRow = "
        UPDATE saga_runs
        SET owner = $1, epoch = epoch + 1, seq = seq + 1, updated_at = $2,
            crashes = crashes + CASE WHEN step_state = 'ready' THEN 0 ELSE 1 END,
            step_state = CASE WHEN step_state = 'waiting' THEN 'running' ELSE step_state END
        WHERE id {any($3)} AND owner IS NOT NULL AND owner NOT IN (SELECT id FROM saga_nodes WHERE NOT dead)
        RETURNING {columns}";

    pub(crate) NEXT_DUE = "
        SELECT wake_at FROM saga_runs
        WHERE queue = $2 AND owner IS NULL AND wake_at IS NOT NULL AND next_step {any($1)}
        ORDER BY wake_at LIMIT 1";
    pub(crate) ADD_QUEUE = "INSERT INTO saga_queues (name) VALUES ($1) ON CONFLICT DO NOTHING";
    pub(crate) LOCK_QUEUE = "SELECT name FROM saga_queues WHERE name = $1 {for_update}";
    pub(crate) RUNNING_IN_QUEUE = "SELECT COUNT(*) FROM saga_runs WHERE owner IS NOT NULL AND queue = $1";

    /// The queues in which anything waits, found one after the other in the index of what is due.
    pub(crate) QUEUES = "
        WITH RECURSIVE queues (name) AS (
            SELECT MIN(queue) FROM saga_runs WHERE owner IS NULL AND wake_at IS NOT NULL UNION ALL
            SELECT (SELECT MIN(queue) FROM saga_runs WHERE owner IS NULL AND wake_at IS NOT NULL AND queue > name)
            FROM queues WHERE name IS NOT NULL)
        SELECT name FROM queues WHERE name IS NOT NULL";
    /// Due for a while, and no live node knows the step. The index begins with the queue: of a million that wait, none is
    /// read.
    pub(crate) PARK_UNKNOWN = sqlite "
        UPDATE saga_runs INDEXED BY saga_runs_due
        SET attention = $1, waiting_for = 'a person: no node knows this step', wake_at = NULL, updated_at = $2
        WHERE queue {any($5)} AND owner IS NULL AND wake_at < {now+$3} AND NOT (next_step {any($4)})"
        postgres "
        UPDATE saga_runs
        SET attention = $1, waiting_for = 'a person: no node knows this step', wake_at = NULL, updated_at = $2
        WHERE queue {any($5)} AND owner IS NULL AND wake_at < {now+$3} AND NOT (next_step {any($4)})";
    /// A build that knows the step has come.
    pub(crate) UNPARK_KNOWN = "
        UPDATE saga_runs
        SET attention = NULL, waiting_for = NULL, wake_at = {now}, updated_at = $1
        WHERE attention IS NOT NULL AND owner IS NULL AND wake_at IS NULL
            AND status NOT IN ('completed', 'rolled_back', 'failed')
            AND attention ->> 'reason' = 'unknown_step' AND next_step {any($2)}";
    /// A dead node's sagas whose step this build does not know go back to the queue, of those held before. What was woken
    /// may have been in a call: it is in doubt, too.
    pub(crate) RELEASE_UNKNOWN = "
        UPDATE saga_runs
        SET owner = NULL, epoch = epoch + 1, seq = seq + 1, crashes = crashes + 1, wake_at = {now}, updated_at = $1,
            step_state = CASE WHEN step_state = 'ready' THEN 'ready' ELSE 'running' END
        WHERE id {any($2)} AND owner IS NOT NULL AND owner NOT IN (SELECT id FROM saga_nodes WHERE NOT dead)";
    pub(crate) LIVE_STEPS = "SELECT steps FROM saga_nodes WHERE NOT dead";
    /// Dead nodes, and sagas of nodes that are not even in the table.
    pub(crate) DEAD_NODES = "
        SELECT (SELECT COUNT(*) FROM saga_nodes WHERE dead) + (SELECT COUNT(*) FROM saga_runs
            WHERE owner IS NOT NULL AND owner NOT IN (SELECT id FROM saga_nodes))";
    pub(crate) OWNED_BY = "SELECT id, epoch FROM saga_runs WHERE owner = $1";
    /// The node has it and does not drive it. What it was doing is in doubt.
    pub(crate) GIVE_BACK_STRAY = "
        UPDATE saga_runs
        SET owner = NULL, epoch = epoch + 1, seq = seq + 1, crashes = crashes + 1, wake_at = {now}, updated_at = $4,
            step_state = CASE WHEN step_state = 'ready' THEN 'ready' ELSE 'running' END
        WHERE id = $1 AND owner = $2 AND epoch = $3";

    /// One transition. A nudge that the runner has not seen turns its wait into a wake-up at once, also where it waits for
    /// a person.
    pub(crate) WRITE_SAGA = "
        UPDATE saga_runs
        SET seq = seq + 1, status = $5, context = COALESCE({json($6)}, context), error = COALESCE({json($7)}, error), attention = $8, clean = $9,
            current_step_idx = $10, next_step = $11, step_state = $12, step_attempts = $13, step_waits = $14,
            step_started_at = $15, step_prior = $16, step_memo = $17, doubt_until = $18, waiting_for = $19,
            crashes = $20, finished_at = $21, updated_at = $22,
            owner = CASE WHEN {bool($23)} THEN NULL ELSE owner END,
            wake_at = CASE
                WHEN {int($24)} IS NULL AND (nudge = $25 OR {time($21)} IS NOT NULL OR NOT {bool($23)}) THEN NULL
                WHEN nudge <> $25 THEN {now} ELSE {now+$24} END
        WHERE id = $1 AND owner = $2 AND epoch = $3 AND seq = $4
            AND NOT ({bool($26)} AND cancel_requested)
        RETURNING nudge, cancel_requested";

    /// For a step that waited its claim was the intent: its call may have been made, and is in doubt.
    pub(crate) PARK_POISONED = "
        UPDATE saga_runs
        SET seq = seq + 1, attention = $4, owner = NULL, wake_at = NULL, updated_at = $5,
            waiting_for = COALESCE('a person: ' || ({json($4)} ->> 'message'), 'a person'),
            step_state = CASE WHEN step_state = 'waiting' THEN 'running' ELSE step_state END
        WHERE id = $1 AND owner = $2 AND epoch = $3
        RETURNING seq, current_step_idx";

    pub(crate) WRITE_STEP = "
        INSERT INTO saga_step_results (saga_id, step_idx, step_name, status, in_doubt, prior, output, error, attempts,
            compensation_attempts, runner, epoch, started_at, finished_at, compensation_started_at,
            compensation_finished_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        ON CONFLICT (saga_id, step_idx) DO UPDATE SET
            status = excluded.status, in_doubt = excluded.in_doubt, prior = excluded.prior, output = excluded.output,
            error = excluded.error, attempts = excluded.attempts,
            compensation_attempts = excluded.compensation_attempts, runner = excluded.runner,
            epoch = excluded.epoch, finished_at = excluded.finished_at,
            compensation_started_at = excluded.compensation_started_at,
            compensation_finished_at = excluded.compensation_finished_at";

    /// A compensation ended: the rest of the row is what it was.
    pub(crate) WRITE_UNDONE = "
        UPDATE saga_step_results
        SET status = $3, error = $4, compensation_attempts = $5, runner = $6, epoch = $7, compensation_started_at = $8,
            compensation_finished_at = $9
        WHERE saga_id = $1 AND step_idx = $2";

    pub(crate) WRITE_EVENT = "
        INSERT INTO saga_events (saga_id, seq, number, at, kind, step_idx, actor, data)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

    /// A saga that begins on the node that was asked for it: claimed from the start.
    pub(crate) INSERT_CLAIMED = "
        INSERT INTO saga_runs (id, kind, status, steps, inputs, context, tenant_id, deployment_id, triggered_by,
            cancel_requested, queue, priority, current_step_idx, next_step, step_state, step_attempts, step_waits,
            step_started_at, owner, epoch, seq, nudge, crashes, inserted_at, started_at, updated_at)
        VALUES ($1, $2, 'running', $3, $4, '{}', $5, $6, $7, FALSE, $8, $9, 0, $10,
            CASE WHEN {bool($11)} THEN 'running' ELSE 'ready' END, CASE WHEN {bool($11)} THEN 1 ELSE 0 END, 0,
            CASE WHEN {bool($11)} THEN {time($13)} ELSE NULL END, $12, 1, 1, 0, 0, $13, $13, $13)
        ON CONFLICT (id) DO NOTHING";

    /// The same writes as the four statements above, by columns. Not found by their owner, who may run thousands.
    pub(crate) WRITE_BATCH = sqlite "SELECT 1" postgres "
        WITH crt AS (
            INSERT INTO saga_runs (id, kind, status, steps, inputs, context, tenant_id, deployment_id, triggered_by,
                cancel_requested, queue, priority, current_step_idx, next_step, step_state, step_attempts, step_waits,
                step_started_at, owner, epoch, seq, nudge, crashes, inserted_at, started_at, updated_at)
            SELECT v.id, v.kind, 'running', v.steps::jsonb, v.inputs::jsonb, '{}'::jsonb, v.tenant, v.deployment, v.by,
                FALSE, v.queue, v.priority, 0, v.next, CASE WHEN v.intended <> 0 THEN 'running' ELSE 'ready' END,
                v.intended, 0, CASE WHEN v.intended <> 0 THEN v.at END, v.owner, 1, 1, 0, 0, v.at, v.at, v.at
            FROM unnest({uuids($1)}, {texts($2)}, {texts($3)}, {texts($4)}, {texts($5)},
                    {uuids($6)}, {texts($7)}, {texts($8)}, {ints($9)}, {texts($10)},
                    {ints($11)}, {uuids($12)}, {times($13)})
                AS v (id, kind, steps, inputs, tenant, deployment, by, queue, priority, next, intended, owner, at)
            ON CONFLICT (id) DO NOTHING RETURNING id),
        upd AS (
            UPDATE saga_runs r
            SET seq = r.seq + 1, status = v.status, context = COALESCE(v.context::jsonb, r.context),
                error = COALESCE(v.error::jsonb, r.error),
                attention = v.attention::jsonb, clean = v.clean::jsonb, current_step_idx = v.idx, next_step = v.next,
                step_state = v.state, step_attempts = v.attempts, step_waits = v.waits, step_started_at = v.started,
                step_prior = v.prior::jsonb, step_memo = v.memo::jsonb, doubt_until = v.doubt,
                waiting_for = v.waiting, crashes = v.crashes, finished_at = v.finished, updated_at = v.updated,
                owner = CASE WHEN v.released <> 0 THEN NULL ELSE r.owner END,
                wake_at = CASE
                    WHEN v.wake IS NULL AND (r.nudge = v.nudge OR v.finished IS NOT NULL OR v.released = 0) THEN NULL
                    WHEN r.nudge <> v.nudge THEN {now} ELSE {plus({now}, v.wake)} END
            FROM unnest({uuids($14)}, {uuids($15)}, {ints($16)}, {ints($17)}, {texts($18)},
                    {texts($19)}, {texts($20)}, {texts($21)}, {texts($22)}, {ints($23)},
                    {texts($24)}, {texts($25)}, {ints($26)}, {ints($27)}, {times($28)},
                    {texts($29)}, {texts($30)}, {times($31)}, {texts($32)}, {ints($33)},
                    {times($34)}, {times($35)}, {ints($36)}, {ints($37)}, {ints($38)},
                    {ints($39)})
                AS v (id, owner, epoch, seq, status, context, error, attention, clean, idx, next, state, attempts, waits, started, prior, memo, doubt, waiting, crashes, finished, updated, released, wake, nudge, guarded)
            WHERE r.id = v.id AND (r.owner = v.owner) IS TRUE AND r.epoch = v.epoch AND r.seq = v.seq
                AND NOT (v.guarded <> 0 AND r.cancel_requested)
            RETURNING r.id, r.nudge, r.cancel_requested),
        led AS (
            INSERT INTO saga_step_results (saga_id, step_idx, step_name, status, in_doubt, prior, output, error,
                attempts, compensation_attempts, runner, epoch, started_at, finished_at, compensation_started_at,
                compensation_finished_at)
            SELECT v.id, v.idx, v.name, v.status, v.in_doubt <> 0, v.prior::jsonb, v.output::jsonb, v.error::jsonb,
                v.attempts, v.undo_attempts, v.runner, v.epoch, v.started, v.finished, v.undo_started, v.undo_finished
            FROM unnest({uuids($40)}, {ints($41)}, {texts($42)}, {texts($43)}, {ints($44)},
                    {texts($45)}, {texts($46)}, {texts($47)}, {ints($48)}, {ints($49)},
                    {uuids($50)}, {ints($51)}, {times($52)}, {times($53)}, {times($54)},
                    {times($55)})
                AS v (id, idx, name, status, in_doubt, prior, output, error, attempts, undo_attempts, runner, epoch, started, finished, undo_started, undo_finished)
            WHERE (v.id IN (SELECT id FROM upd)) IS TRUE
            ON CONFLICT (saga_id, step_idx) DO UPDATE SET
                status = excluded.status, in_doubt = excluded.in_doubt, prior = excluded.prior,
                output = excluded.output, error = excluded.error, attempts = excluded.attempts,
                compensation_attempts = excluded.compensation_attempts, runner = excluded.runner,
                epoch = excluded.epoch, finished_at = excluded.finished_at,
                compensation_started_at = excluded.compensation_started_at,
                compensation_finished_at = excluded.compensation_finished_at),
        evt AS (
            INSERT INTO saga_events (saga_id, seq, number, at, kind, step_idx, actor, data)
            SELECT v.id, v.seq, v.number, v.at, v.kind, v.idx, v.actor, v.data::jsonb
            FROM unnest({uuids($56)}, {ints($57)}, {ints($58)}, {times($59)}, {texts($60)},
                    {ints($61)}, {texts($62)}, {texts($63)})
                AS v (id, seq, number, at, kind, idx, actor, data)
            WHERE (v.id IN (SELECT id FROM upd)) IS TRUE),
        fre AS (
            DELETE FROM saga_locks
            WHERE saga_id {any($64)} AND (saga_id IN (SELECT id FROM upd)) IS TRUE)
        SELECT id, 0::bigint AS nudge, FALSE AS cancel_requested FROM crt
        UNION ALL SELECT id, nudge, cancel_requested FROM upd";

    pub(crate) FENCE = "SELECT id FROM saga_runs WHERE id = $1 AND owner = $2 AND epoch = $3 {for_update}";
    pub(crate) STANDING = "SELECT owner, epoch, seq, nudge, cancel_requested FROM saga_runs WHERE id = $1";

    pub(crate) SEQS = "SELECT id, seq FROM saga_runs WHERE id {any($1)}";

    pub(crate) SAGA: SagaRow = "SELECT {columns} FROM saga_runs WHERE id = $1";
    pub(crate) SAGA_FOR_UPDATE: SagaRow = "SELECT {columns} FROM saga_runs WHERE id = $1 {for_update}";
    pub(crate) STEPS: StepRow = "SELECT {columns} FROM saga_step_results WHERE saga_id = $1 ORDER BY step_idx";
    pub(crate) EVENTS = "
        SELECT seq, number, at, kind, step_idx, actor, data FROM saga_events WHERE saga_id = $1
        ORDER BY seq, number";
    pub(crate) LIST: SagaRow = "
        SELECT {columns} FROM saga_runs
        WHERE ({text($1)} IS NULL OR status = $1) AND ({text($2)} IS NULL OR kind = $2)
            AND ({uuid($3)} IS NULL OR deployment_id = $3) AND ({text($4)} IS NULL OR tenant_id = $4)
            AND ({text($5)} IS NULL OR triggered_by = $5) AND ({uuid($6)} IS NULL OR id < $6)
            AND ({time($7)} IS NULL OR inserted_at >= $7) AND ({time($8)} IS NULL OR inserted_at < $8)
            AND ({bool($10)} IS NOT TRUE OR attention IS NOT NULL)
        ORDER BY id DESC LIMIT $9";
    /// Due for long and not claimed, or claimed and silent for long. Neither waits for a person.
    pub(crate) STUCK: SagaRow = "
        SELECT {columns} FROM saga_runs
        WHERE attention IS NULL AND status IN ('pending', 'running', 'compensating')
            AND ((owner IS NULL AND wake_at < {now+$1}) OR (owner IS NOT NULL AND updated_at < {now+$2}))
        ORDER BY id LIMIT $3";
    /// Ended, and nobody's business any more.
    pub(crate) FORGETTABLE = "
        SELECT id FROM saga_runs
        WHERE status IN ('completed', 'rolled_back', 'failed') AND finished_at < $1 AND id > $2
            AND (attention IS NULL OR resolved IS NOT NULL) AND (kind = $4) = {bool($5)}
        ORDER BY id LIMIT $3";
    pub(crate) FORGET_STEPS = "DELETE FROM saga_step_results WHERE saga_id {any($1)}";
    pub(crate) FORGET_EVENTS = "DELETE FROM saga_events WHERE saga_id {any($1)}";
    pub(crate) FORGET_SIGNALS = "DELETE FROM saga_signals WHERE saga_id {any($1)}";
    pub(crate) FORGET_SAGAS = "
        DELETE FROM saga_runs WHERE id {any($1)} AND status IN ('completed', 'rolled_back', 'failed')
        RETURNING id";
    pub(crate) FORGET_KEYS = "
        DELETE FROM saga_idempotency_keys
        WHERE (tenant_id, key) IN
            (SELECT tenant_id, key FROM saga_idempotency_keys WHERE inserted_at < $1 LIMIT $2)";
    pub(crate) OWNED = "SELECT COUNT(*) FROM saga_runs WHERE owner IS NOT NULL";
    pub(crate) UNFINISHED = "
        SELECT COUNT(*) FROM saga_runs WHERE status IN ('pending', 'running', 'compensating')";

    /// A cancel is a nudge: it wakes a waiting saga at once.
    pub(crate) REQUEST_CANCEL = "
        UPDATE saga_runs
        SET cancel_requested = TRUE, nudge = nudge + 1, updated_at = $2,
            wake_at = CASE WHEN owner IS NULL THEN {now} ELSE wake_at END
        WHERE id = $1";

    /// The verbs of operators. Each stands in a transaction that holds the saga's row.
    pub(crate) STEER = "
        UPDATE saga_runs
        SET status = $2, current_step_idx = $3, next_step = $4, step_state = $5, attention = $6, resolved = $7,
            error = $8, nudge = nudge + 1, crashes = 0, waiting_for = NULL, updated_at = $9, finished_at = $10,
            step_attempts = CASE WHEN {bool($11)} THEN 0 ELSE step_attempts END,
            step_waits = CASE WHEN {bool($11)} THEN 0 ELSE step_waits END,
            step_started_at = CASE WHEN {bool($11)} THEN NULL ELSE step_started_at END,
            step_prior = CASE WHEN {bool($11)} THEN NULL ELSE step_prior END,
            step_memo = CASE WHEN {bool($11)} THEN NULL ELSE step_memo END,
            doubt_until = CASE WHEN {bool($11)} THEN NULL ELSE doubt_until END,
            wake_at = CASE WHEN {bool($12)} THEN {now} ELSE NULL END
        WHERE id = $1";
    pub(crate) SAY_CLEAN = "UPDATE saga_runs SET clean = $2 WHERE id = $1";
    /// Whoever has it is fenced off: its next write finds another epoch.
    pub(crate) TAKE_AWAY = "
        UPDATE saga_runs SET owner = NULL, epoch = epoch + 1, seq = seq + 1, wake_at = NULL WHERE id = $1";
    /// Compensations that failed for good stand again, to be tried once more.
    pub(crate) STAND_AGAIN = "
        UPDATE saga_step_results
        SET status = CASE WHEN output IS NULL THEN 'failed' ELSE 'completed' END,
            in_doubt = CASE WHEN output IS NULL THEN TRUE ELSE FALSE END
        WHERE saga_id = $1 AND status = 'compensation_failed'";
    pub(crate) MARK_STEP = "UPDATE saga_step_results SET status = $3, error = $4 WHERE saga_id = $1 AND step_idx = $2";
    pub(crate) ADD_SIGNAL = "
        INSERT INTO saga_signals (saga_id, name, data, actor, expired, inserted_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (saga_id, name) DO NOTHING";
    pub(crate) SIGNAL = "SELECT data, actor, expired FROM saga_signals WHERE saga_id = $1 AND name = $2";
    /// What has not begun yet begins at its own time.
    pub(crate) NUDGE = "
        UPDATE saga_runs
        SET nudge = nudge + 1, updated_at = $2,
            wake_at = CASE WHEN owner IS NULL AND wake_at IS NOT NULL AND status <> 'pending' THEN {now}
                ELSE wake_at END
        WHERE id = $1";

    /// A hint to the other nodes, in the words of the one who gives it.
    pub(crate) HINT = sqlite "SELECT 1 WHERE {text($1)} IS NULL AND {text($2)} IS NULL"
        postgres "SELECT pg_notify({text($1)}, {text($2)})";

    /// A wait stays a wait; what runs or may run is claimed anew.
    pub(crate) DOUBT_UNFINISHED = "
        UPDATE saga_runs
        SET rewound = TRUE, epoch = epoch + 1, seq = seq + 1, updated_at = $1,
            doubt_until = CASE WHEN step_state = 'ready' THEN NULL ELSE COALESCE(doubt_until, {time($1)}) END,
            step_state = CASE WHEN owner IS NOT NULL AND step_state = 'waiting' THEN 'running' ELSE step_state END,
            wake_at = CASE WHEN owner IS NULL THEN wake_at ELSE {now} END, owner = NULL
        WHERE status IN ('pending', 'running', 'compensating')";

    pub(crate) ADD_ORIGIN = "INSERT INTO saga_clock (id, origin) VALUES (1, $1) ON CONFLICT (id) DO NOTHING";
    pub(crate) ORIGIN = "SELECT origin FROM saga_clock WHERE id = 1";
    /// A schedule that is there already keeps its place in time, unless its cron expression changed.
    pub(crate) ADD_SCHEDULE = "
        INSERT INTO saga_schedules (name, cron, paused, next_tick, next_at, skipped, updated_at)
        VALUES ($1, $2, FALSE, $3, $4, 0, $5)
        ON CONFLICT (name) DO UPDATE SET
            cron = excluded.cron, next_tick = excluded.next_tick, next_at = excluded.next_at,
            updated_at = excluded.updated_at
        WHERE saga_schedules.cron <> excluded.cron";
    pub(crate) ENTERED = "SELECT name, cron FROM saga_schedules WHERE name {any($1)}";
    pub(crate) ANY_SCHEDULE_DUE = "
        SELECT name FROM saga_schedules WHERE NOT paused AND next_at <= {now} AND name {any($1)} LIMIT 1";
    /// Those that nobody holds: another node is taking their ticks, or a session hangs.
    pub(crate) DUE_SCHEDULES = "
        SELECT name, next_tick FROM saga_schedules
        WHERE NOT paused AND next_at <= {now} AND name {any($1)} ORDER BY next_at LIMIT $2 {skip_locked}";
    pub(crate) HOLD_SCHEDULE = "SELECT name FROM saga_schedules WHERE name = $1 {for_update}";
    /// For one transaction: what is in a tick's way must not keep the other ticks waiting.
    pub(crate) WAIT_BRIEFLY = sqlite "SELECT 'one writer'"
        postgres "SELECT set_config('lock_timeout', '250ms', TRUE)";
    pub(crate) NEXT_SCHEDULE = "
        SELECT next_at FROM saga_schedules WHERE NOT paused AND name {any($1)} ORDER BY next_at LIMIT 1";
    /// Compare and set: of all nodes that see a tick one moves the schedule on.
    pub(crate) MOVE_ON = "
        UPDATE saga_schedules SET next_tick = $3, next_at = $4, updated_at = $5
        WHERE name = $1 AND next_tick = $2 AND NOT paused";
    pub(crate) TICK_RAN = "UPDATE saga_schedules SET last_tick = $2, last_saga_id = $3 WHERE name = $1";
    pub(crate) TICK_SKIPPED = "
        UPDATE saga_schedules SET last_skipped_tick = $2, skipped = skipped + 1 WHERE name = $1";
    pub(crate) PAUSE = "UPDATE saga_schedules SET paused = $2, updated_at = $3 WHERE name = $1";
    pub(crate) RESUME_AT = "UPDATE saga_schedules SET next_tick = $2, next_at = $3 WHERE name = $1";
    pub(crate) SCHEDULE_EVENT = "
        INSERT INTO saga_schedule_events (name, number, at, verb, actor, reason)
        SELECT $1, COALESCE(MAX(number), 0) + 1, {time($2)}, {text($3)}, {text($4)}, {text($5)}
        FROM saga_schedule_events WHERE name = $1";
    pub(crate) SCHEDULES = "
        SELECT s.name, s.cron, s.paused, s.next_tick, s.next_at, s.last_tick, s.last_saga_id,
            s.last_skipped_tick, s.skipped, r.status AS last_status, r.started_at AS last_started_at,
            r.finished_at AS last_finished_at
        FROM saga_schedules s LEFT JOIN saga_runs r ON r.id = s.last_saga_id
        ORDER BY s.name";

    pub(crate) ADD_NODE = "
        INSERT INTO saga_nodes (id, name, started_at, lease_until, dead, steps)
        VALUES ($1, $2, $3, {now+$4}, FALSE, $5)";
    pub(crate) RENEW_LEASE = "UPDATE saga_nodes SET lease_until = {now+$2} WHERE id = $1 AND NOT dead";
    /// Never oneself: whoever asks lives, however late his renewal is.
    pub(crate) BURY_EXPIRED = "
        UPDATE saga_nodes SET dead = TRUE WHERE NOT dead AND lease_until < {now} AND id <> $1";
    /// On SQLite the holder of the file's lock is alone: everyone else is dead.
    pub(crate) BURY_OTHERS = "UPDATE saga_nodes SET dead = TRUE WHERE NOT dead AND id <> $1";
    pub(crate) BURY_SELF = "UPDATE saga_nodes SET dead = TRUE WHERE id = $1";
    pub(crate) FORGET_DEAD = "
        DELETE FROM saga_nodes
        WHERE dead AND NOT EXISTS (SELECT 1 FROM saga_runs WHERE saga_runs.owner = saga_nodes.id)";
    pub(crate) LIVE_NODES = "SELECT COUNT(*) FROM saga_nodes WHERE NOT dead AND lease_until >= {now}";
}
