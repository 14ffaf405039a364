--
-- PostgreSQL database dump
--

\restrict za3KW2edph5AO3t1qQqq79ehgNk8BCMyBMd1gcJqtvy1t1F3BOLmHlrILJ9bezF

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: arcadia_beats; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.arcadia_beats (
    writer uuid NOT NULL,
    beat bigint NOT NULL
);


--
-- Name: arcadia_holds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.arcadia_holds (
    id uuid NOT NULL,
    is_open boolean NOT NULL,
    reason text NOT NULL,
    held_at timestamp with time zone NOT NULL,
    known jsonb NOT NULL,
    released_by text,
    released_because text,
    released_at timestamp with time zone
);


--
-- Name: arcadia_installation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.arcadia_installation (
    only_row bigint NOT NULL,
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT arcadia_installation_only_row_check CHECK ((only_row = 1))
);


--
-- Name: arcadia_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.arcadia_migrations (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone NOT NULL
);


--
-- Name: cloud_deployment_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cloud_deployment_events (
    deployment_id uuid NOT NULL,
    version bigint NOT NULL,
    from_state text,
    to_state text NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    saga_id uuid,
    at timestamp with time zone NOT NULL
);


--
-- Name: cloud_deployment_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cloud_deployment_keys (
    owner text NOT NULL,
    key text NOT NULL,
    body_hash text NOT NULL,
    deployment_id uuid NOT NULL,
    is_provisioned boolean NOT NULL,
    inserted_at timestamp with time zone NOT NULL
);


--
-- Name: cloud_deployments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cloud_deployments (
    id uuid NOT NULL,
    tenant_id text NOT NULL,
    slug text NOT NULL,
    display_name text NOT NULL,
    hostname text NOT NULL,
    region text NOT NULL,
    plan jsonb NOT NULL,
    state text NOT NULL,
    template_code text,
    template_version text,
    droplet_id bigint,
    ip text,
    saga_id uuid,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT cloud_deployments_state_check CHECK ((state = ANY (ARRAY['provisioning'::text, 'trial'::text, 'active'::text, 'past_due'::text, 'paused'::text, 'suspended'::text, 'cancelled'::text, 'archived'::text])))
);


--
-- Name: cloud_project_tenants; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cloud_project_tenants (
    project_id uuid NOT NULL,
    number bigint NOT NULL,
    tenant_id text,
    from_at timestamp with time zone,
    recorded_at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL
);


--
-- Name: cloud_projects; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cloud_projects (
    id uuid NOT NULL,
    provider text NOT NULL,
    provider_id text NOT NULL,
    name text NOT NULL,
    purpose text NOT NULL,
    is_default boolean NOT NULL,
    is_internal boolean NOT NULL,
    tenant_id text,
    created_at timestamp with time zone,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    stale_strike_count bigint NOT NULL,
    struck_at timestamp with time zone,
    deleted_at timestamp with time zone
);


--
-- Name: cloud_provisioned; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cloud_provisioned (
    resource_id uuid NOT NULL,
    spec jsonb NOT NULL,
    spec_version bigint NOT NULL,
    saga_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);


--
-- Name: cloud_resource_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cloud_resource_events (
    id uuid NOT NULL,
    resource_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    source text NOT NULL,
    data jsonb NOT NULL,
    CONSTRAINT cloud_resource_events_kind_check CHECK ((kind = ANY (ARRAY['discovered'::text, 'updated'::text, 'deleted'::text, 'restored'::text, 'tagged'::text, 'attributed'::text, 'drift_detected'::text])))
);


--
-- Name: cloud_resource_owners; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cloud_resource_owners (
    resource_id uuid NOT NULL,
    number bigint NOT NULL,
    from_at timestamp with time zone NOT NULL,
    tenant_id text,
    deployment_id uuid,
    project_id uuid,
    reason text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    source text NOT NULL
);


--
-- Name: cloud_resource_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cloud_resource_versions (
    resource_id uuid NOT NULL,
    from_at timestamp with time zone NOT NULL,
    to_at timestamp with time zone,
    provider text NOT NULL,
    kind text NOT NULL,
    provider_id text NOT NULL,
    name text NOT NULL,
    region text,
    status text,
    size_slug text,
    cloud_project_id uuid,
    tenant_id text,
    deployment_id uuid,
    owner_reason text NOT NULL,
    owner_since timestamp with time zone,
    parent_kind text,
    parent_id text,
    tags jsonb NOT NULL,
    attrs jsonb NOT NULL,
    monthly_cost_minor bigint,
    provider_created_at timestamp with time zone,
    first_seen_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone
);


--
-- Name: cloud_resources; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cloud_resources (
    id uuid NOT NULL,
    provider text NOT NULL,
    kind text NOT NULL,
    provider_id text NOT NULL,
    name text NOT NULL,
    region text,
    status text,
    size_slug text,
    cloud_project_id uuid,
    tenant_id text,
    deployment_id uuid,
    tags jsonb NOT NULL,
    attrs jsonb NOT NULL,
    monthly_cost_minor bigint,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    stale_strike_count bigint NOT NULL,
    deleted_at timestamp with time zone,
    parent_kind text,
    parent_id text,
    parent_left_at timestamp with time zone,
    owner_reason text DEFAULT 'none'::text NOT NULL,
    owner_since timestamp with time zone,
    owner_project_id uuid,
    provider_created_at timestamp with time zone,
    fingerprint bigint,
    seen_run_id uuid,
    struck_run_id uuid,
    struck_at timestamp with time zone,
    CONSTRAINT cloud_resources_owner_reason_check CHECK ((owner_reason = ANY (ARRAY['operator'::text, 'deployment'::text, 'parent'::text, 'project'::text, 'internal'::text, 'unallocated'::text, 'none'::text])))
);


--
-- Name: saga_clock; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.saga_clock (
    id bigint NOT NULL,
    origin timestamp with time zone NOT NULL,
    CONSTRAINT saga_clock_id_check CHECK ((id = 1))
);


--
-- Name: saga_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.saga_events (
    saga_id uuid NOT NULL,
    seq bigint NOT NULL,
    number bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    step_idx bigint,
    actor text NOT NULL,
    data jsonb NOT NULL
);


--
-- Name: saga_idempotency_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.saga_idempotency_keys (
    tenant_id text NOT NULL,
    key text NOT NULL,
    body_hash text NOT NULL,
    saga_id uuid NOT NULL,
    inserted_at timestamp with time zone NOT NULL
);


--
-- Name: saga_locks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.saga_locks (
    name text NOT NULL,
    saga_id uuid NOT NULL
);


--
-- Name: saga_nodes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.saga_nodes (
    id uuid NOT NULL,
    name text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    dead boolean NOT NULL,
    steps jsonb NOT NULL
);


--
-- Name: saga_queues; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.saga_queues (
    name text NOT NULL
);


--
-- Name: saga_runs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.saga_runs (
    id uuid NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    steps jsonb NOT NULL,
    inputs jsonb NOT NULL,
    context jsonb NOT NULL,
    tenant_id text,
    deployment_id uuid,
    triggered_by text NOT NULL,
    cancel_requested boolean NOT NULL,
    error jsonb,
    attention jsonb,
    clean jsonb,
    resolved jsonb,
    unique_key text,
    queue text NOT NULL,
    priority bigint NOT NULL,
    current_step_idx bigint NOT NULL,
    next_step text NOT NULL,
    step_state text NOT NULL,
    step_attempts bigint NOT NULL,
    step_waits bigint NOT NULL,
    step_started_at timestamp with time zone,
    step_prior jsonb,
    step_memo jsonb,
    doubt_until timestamp with time zone,
    waiting_for text,
    wake_at timestamp with time zone,
    owner uuid,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    nudge bigint NOT NULL,
    crashes bigint NOT NULL,
    inserted_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    updated_at timestamp with time zone NOT NULL,
    rewound boolean DEFAULT false NOT NULL,
    CONSTRAINT saga_runs_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'compensating'::text, 'rolled_back'::text, 'failed'::text]))),
    CONSTRAINT saga_runs_step_state_check CHECK ((step_state = ANY (ARRAY['ready'::text, 'running'::text, 'waiting'::text])))
);


--
-- Name: saga_schedule_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.saga_schedule_events (
    name text NOT NULL,
    number bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    verb text NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL
);


--
-- Name: saga_schedules; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.saga_schedules (
    name text NOT NULL,
    cron text NOT NULL,
    paused boolean NOT NULL,
    next_tick timestamp with time zone NOT NULL,
    next_at timestamp with time zone NOT NULL,
    last_tick timestamp with time zone,
    last_saga_id uuid,
    last_skipped_tick timestamp with time zone,
    skipped bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL
);


--
-- Name: saga_signals; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.saga_signals (
    saga_id uuid NOT NULL,
    name text NOT NULL,
    data jsonb NOT NULL,
    actor text NOT NULL,
    expired boolean NOT NULL,
    inserted_at timestamp with time zone NOT NULL
);


--
-- Name: saga_step_results; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.saga_step_results (
    saga_id uuid NOT NULL,
    step_idx bigint NOT NULL,
    step_name text NOT NULL,
    status text NOT NULL,
    in_doubt boolean NOT NULL,
    prior jsonb,
    output jsonb,
    error jsonb,
    attempts bigint NOT NULL,
    compensation_attempts bigint NOT NULL,
    runner uuid NOT NULL,
    epoch bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    compensation_started_at timestamp with time zone,
    compensation_finished_at timestamp with time zone,
    CONSTRAINT saga_step_results_status_check CHECK ((status = ANY (ARRAY['running'::text, 'waiting'::text, 'completed'::text, 'failed'::text, 'compensating'::text, 'compensated'::text, 'compensation_failed'::text])))
);


--
-- Name: sync_runs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sync_runs (
    id uuid NOT NULL,
    kind text NOT NULL,
    saga_id uuid,
    actor text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    pages bigint NOT NULL,
    expected bigint,
    received bigint NOT NULL,
    complete boolean NOT NULL,
    suspicious boolean NOT NULL,
    discovered bigint NOT NULL,
    updated bigint NOT NULL,
    restored bigint NOT NULL,
    struck bigint NOT NULL,
    deleted bigint NOT NULL,
    error text
);


--
-- Data for Name: arcadia_beats; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: arcadia_holds; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: arcadia_installation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.arcadia_installation VALUES (1, '01a1f7f8-3000-7172-be70-8e59fcc5208c', '2026-11-20 08:00:00+00');


--
-- Data for Name: arcadia_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.arcadia_migrations VALUES ('0001_saga', 'a724b537837c7456200feebb4b1650225e7d3701617b063d6541b89cf3af226e', '2026-11-20 22:34:33.429324+00');
INSERT INTO public.arcadia_migrations VALUES ('0002_inventory', '6c13f99028624973976b8950efdd03a09ebaf5b6ba7f2aff5bcbda04012c1427', '2026-11-20 22:34:33.653332+00');
INSERT INTO public.arcadia_migrations VALUES ('0003_deployments', '243a22052d8dfee9c4b529a50c3a1ed4d56bfe7e8be3e750bfe430c3864d3e6a', '2026-11-20 22:34:33.728071+00');
INSERT INTO public.arcadia_migrations VALUES ('0004_inventory_syncs', 'b3bc6e5112712a4f548de696319b63957cccd7cc969a014119f11bb77635154b', '2026-11-20 22:34:33.794902+00');
INSERT INTO public.arcadia_migrations VALUES ('0005_recovery', '2737fe3876ec918c56cff6174c36b8a0ab0177c557d06164f3786b34a8ff6ba9', '2026-11-20 22:34:33.895798+00');


--
-- Data for Name: cloud_deployment_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cloud_deployment_events VALUES ('01a1f7f8-3000-7cbd-8bf9-08acd11d09e5', 3, 'provisioning', 'active', 'provisioned', 'saga:01a1f7f8-3000-7d56-b103-783ba8cae898', '01a1f7f8-3000-7d56-b103-783ba8cae898', '2026-11-20 08:00:30+00');
INSERT INTO public.cloud_deployment_events VALUES ('01a1f7f8-a530-71eb-9d65-6b0feb3975c4', 4, 'provisioning', 'cancelled', 'provision_failed', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', '01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', '2026-11-20 08:01:59.419+00');


--
-- Data for Name: cloud_deployment_keys; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: cloud_deployments; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cloud_deployments VALUES ('01a1f7f8-3000-7cbd-8bf9-08acd11d09e5', 'acme', 'whole', 'Acme', 'whole.arcadia-demo.com', 'nyc3', '{"size": "s-1vcpu-1gb", "tags": [], "image": "ubuntu-24-04-x64", "backups": false, "user_data": null}', 'active', NULL, NULL, 700100001, '203.0.113.2', '01a1f7f8-3000-7d56-b103-783ba8cae898', 3, '2026-11-20 08:00:00+00', '2026-11-20 08:00:30+00');
INSERT INTO public.cloud_deployments VALUES ('01a1f7f8-a530-71eb-9d65-6b0feb3975c4', 'acme', 'standing', 'Acme', 'standing.arcadia-demo.com', 'nyc3', '{"size": "s-1vcpu-1gb", "tags": [], "image": "ubuntu-24-04-x64", "backups": false, "user_data": null}', 'cancelled', NULL, NULL, NULL, NULL, '01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 4, '2026-11-20 08:00:30+00', '2026-11-20 08:01:59.419+00');
INSERT INTO public.cloud_deployments VALUES ('01a1f7fb-2773-7c12-bc8f-98ceece63e7f', 'acme', 'older-plan', 'Acme', 'older-plan.arcadia-demo.com', 'nyc3', '{"size": "s-1vcpu-1gb", "tags": [], "image": "ubuntu-24-04-x64", "backups": false, "user_data": null}', 'provisioning', NULL, NULL, NULL, NULL, '01a1f7fb-2773-73d6-93f5-25615acb6b52', 1, '2026-11-20 08:03:14.419+00', '2026-11-20 08:03:14.419+00');
INSERT INTO public.cloud_deployments VALUES ('01a1f7fb-2773-78ea-84d2-5edb053c55c7', 'acme', 'pending', 'Acme', 'pending.arcadia-demo.com', 'nyc3', '{"size": "s-1vcpu-1gb", "tags": [], "image": "ubuntu-24-04-x64", "backups": false, "user_data": null}', 'provisioning', NULL, NULL, NULL, NULL, '01a1f7fb-2773-763f-abe2-7e5fc45187c3', 1, '2026-11-20 08:03:14.419+00', '2026-11-20 08:03:14.419+00');


--
-- Data for Name: cloud_project_tenants; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: cloud_projects; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: cloud_provisioned; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cloud_provisioned VALUES ('01a1f7f8-a530-7d35-85b0-1f36550e5d02', '{"image": "ubuntu-24-04-x64", "region": "nyc3", "size_slug": "s-1vcpu-1gb"}', 1, '01a1f7f8-3000-7d56-b103-783ba8cae898', '2026-11-20 08:00:30+00', '2026-11-20 08:00:30+00');


--
-- Data for Name: cloud_resource_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cloud_resource_events VALUES ('01a1f7f8-a530-7409-882c-5cea4b1435d9', '01a1f7f8-a530-7d35-85b0-1f36550e5d02', '2026-11-20 08:00:30+00', 'discovered', 'saga:01a1f7f8-3000-7d56-b103-783ba8cae898', 'saga:01a1f7f8-3000-7d56-b103-783ba8cae898', '{"name": "whole.arcadia-demo.com", "after": {"name": "whole.arcadia-demo.com", "tags": ["arcadia-install-01a1f7f8-3000-7172-be70-8e59fcc5208c", "arcadia-saga-01a1f7f8-3000-7d56-b103-783ba8cae898", "arcadia-step-01a1f7f8-3000-7d56-b103-783ba8cae898-1", "env:test", "managed-by-arcadia-cloud"], "attrs": {"image": "ubuntu-24-04-x64", "vcpus": 1, "disk_gib": 25, "features": ["droplet_agent", "private_networking"], "image_id": 247516813, "vpc_uuid": "f74fecfe-fc71-4742-b678-84805feeadde", "memory_mib": 1024, "public_ipv4": "203.0.113.2", "private_ipv4": "10.186.173.161"}, "parent": null, "region": "nyc3", "status": "active", "size_slug": "s-1vcpu-1gb", "created_at": "2026-11-20T08:00:00Z", "provider_id": "700100001", "monthly_cost_minor": 600}}');
INSERT INTO public.cloud_resource_events VALUES ('01a1f7f8-a530-79f0-8ec1-60e70be34d0f', '01a1f7f8-a530-7d35-85b0-1f36550e5d02', '2026-11-20 08:00:30+00', 'attributed', 'saga:01a1f7f8-3000-7d56-b103-783ba8cae898', 'saga:01a1f7f8-3000-7d56-b103-783ba8cae898', '{"since": "2026-11-20T08:00:30Z", "before": {"reason": "none", "tenant_id": null, "cloud_project_id": null}, "reason": "deployment", "tenant_id": "acme", "deployment_id": "01a1f7f8-3000-7cbd-8bf9-08acd11d09e5", "cloud_project_id": null}');
INSERT INTO public.cloud_resource_events VALUES ('01a1f7f8-cc40-7c84-80d2-b02c4b8929d1', '01a1f7f8-cc40-7b3a-9ae4-e2304defe5c6', '2026-11-20 08:00:40+00', 'discovered', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', '{"name": "standing.arcadia-demo.com", "after": {"name": "standing.arcadia-demo.com", "tags": ["arcadia-install-01a1f7f8-3000-7172-be70-8e59fcc5208c", "arcadia-saga-01a1f7f8-a530-7050-b65b-f3b75ca1ad1d", "arcadia-step-01a1f7f8-a530-7050-b65b-f3b75ca1ad1d-1", "env:test", "managed-by-arcadia-cloud"], "attrs": {"image": "ubuntu-24-04-x64", "vcpus": 1, "disk_gib": 25, "features": ["droplet_agent", "private_networking"], "image_id": 247516813, "vpc_uuid": "f74fecfe-fc71-4742-b678-84805feeadde", "memory_mib": 1024, "public_ipv4": "203.0.113.3", "private_ipv4": "10.186.173.162"}, "parent": null, "region": "nyc3", "status": "active", "size_slug": "s-1vcpu-1gb", "created_at": "2026-11-20T08:00:30Z", "provider_id": "700100002", "monthly_cost_minor": 600}}');
INSERT INTO public.cloud_resource_events VALUES ('01a1f7f8-cc40-7f5d-988b-2aa67662b34d', '01a1f7f8-cc40-7b3a-9ae4-e2304defe5c6', '2026-11-20 08:00:40+00', 'attributed', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', '{"since": "2026-11-20T08:00:40Z", "before": {"reason": "none", "tenant_id": null, "cloud_project_id": null}, "reason": "deployment", "tenant_id": "acme", "deployment_id": "01a1f7f8-a530-71eb-9d65-6b0feb3975c4", "cloud_project_id": null}');
INSERT INTO public.cloud_resource_events VALUES ('01a1f7f8-cc40-79f6-9a29-55d549c13382', '01a1f7f8-cc40-7b3a-9ae4-e2304defe5c6', '2026-11-20 08:00:40+00', 'attributed', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', '{"since": "2026-11-20T08:00:40Z", "before": {"reason": "none", "tenant_id": "acme", "cloud_project_id": null}, "reason": "none", "tenant_id": null, "deployment_id": null, "cloud_project_id": null}');
INSERT INTO public.cloud_resource_events VALUES ('01a1f7f8-cc40-7c94-8c52-071d9fcfabe7', '01a1f7f8-cc40-7b3a-9ae4-e2304defe5c6', '2026-11-20 08:00:40+00', 'deleted', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', '{}');


--
-- Data for Name: cloud_resource_owners; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cloud_resource_owners VALUES ('01a1f7f8-a530-7d35-85b0-1f36550e5d02', 1, '2026-11-20 08:00:30+00', 'acme', '01a1f7f8-3000-7cbd-8bf9-08acd11d09e5', NULL, 'deployment', '2026-11-20 08:00:30+00', 'saga:01a1f7f8-3000-7d56-b103-783ba8cae898', 'saga:01a1f7f8-3000-7d56-b103-783ba8cae898');
INSERT INTO public.cloud_resource_owners VALUES ('01a1f7f8-cc40-7b3a-9ae4-e2304defe5c6', 1, '2026-11-20 08:00:40+00', 'acme', '01a1f7f8-a530-71eb-9d65-6b0feb3975c4', NULL, 'deployment', '2026-11-20 08:00:40+00', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d');
INSERT INTO public.cloud_resource_owners VALUES ('01a1f7f8-cc40-7b3a-9ae4-e2304defe5c6', 2, '2026-11-20 08:00:40+00', NULL, NULL, NULL, 'none', '2026-11-20 08:00:40+00', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 'saga:01a1f7f8-a530-7050-b65b-f3b75ca1ad1d');


--
-- Data for Name: cloud_resource_versions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cloud_resource_versions VALUES ('01a1f7f8-a530-7d35-85b0-1f36550e5d02', '2026-11-20 08:00:30+00', NULL, 'digitalocean', 'droplet', '700100001', 'whole.arcadia-demo.com', 'nyc3', 'active', 's-1vcpu-1gb', NULL, 'acme', '01a1f7f8-3000-7cbd-8bf9-08acd11d09e5', 'deployment', '2026-11-20 08:00:30+00', NULL, NULL, '["arcadia-install-01a1f7f8-3000-7172-be70-8e59fcc5208c", "arcadia-saga-01a1f7f8-3000-7d56-b103-783ba8cae898", "arcadia-step-01a1f7f8-3000-7d56-b103-783ba8cae898-1", "env:test", "managed-by-arcadia-cloud"]', '{"image": "ubuntu-24-04-x64", "vcpus": 1, "disk_gib": 25, "features": ["droplet_agent", "private_networking"], "image_id": 247516813, "vpc_uuid": "f74fecfe-fc71-4742-b678-84805feeadde", "memory_mib": 1024, "public_ipv4": "203.0.113.2", "private_ipv4": "10.186.173.161"}', 600, '2026-11-20 08:00:00+00', '2026-11-20 08:00:30+00', NULL);
INSERT INTO public.cloud_resource_versions VALUES ('01a1f7f8-cc40-7b3a-9ae4-e2304defe5c6', '2026-11-20 08:00:40+00', NULL, 'digitalocean', 'droplet', '700100002', 'standing.arcadia-demo.com', 'nyc3', 'active', 's-1vcpu-1gb', NULL, NULL, NULL, 'none', '2026-11-20 08:00:40+00', NULL, NULL, '["arcadia-install-01a1f7f8-3000-7172-be70-8e59fcc5208c", "arcadia-saga-01a1f7f8-a530-7050-b65b-f3b75ca1ad1d", "arcadia-step-01a1f7f8-a530-7050-b65b-f3b75ca1ad1d-1", "env:test", "managed-by-arcadia-cloud"]', '{"image": "ubuntu-24-04-x64", "vcpus": 1, "disk_gib": 25, "features": ["droplet_agent", "private_networking"], "image_id": 247516813, "vpc_uuid": "f74fecfe-fc71-4742-b678-84805feeadde", "memory_mib": 1024, "public_ipv4": "203.0.113.3", "private_ipv4": "10.186.173.162"}', 600, '2026-11-20 08:00:30+00', '2026-11-20 08:00:40+00', '2026-11-20 08:00:40+00');


--
-- Data for Name: cloud_resources; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cloud_resources VALUES ('01a1f7f8-a530-7d35-85b0-1f36550e5d02', 'digitalocean', 'droplet', '700100001', 'whole.arcadia-demo.com', 'nyc3', 'active', 's-1vcpu-1gb', NULL, 'acme', '01a1f7f8-3000-7cbd-8bf9-08acd11d09e5', '["arcadia-install-01a1f7f8-3000-7172-be70-8e59fcc5208c", "arcadia-saga-01a1f7f8-3000-7d56-b103-783ba8cae898", "arcadia-step-01a1f7f8-3000-7d56-b103-783ba8cae898-1", "env:test", "managed-by-arcadia-cloud"]', '{"image": "ubuntu-24-04-x64", "vcpus": 1, "disk_gib": 25, "features": ["droplet_agent", "private_networking"], "image_id": 247516813, "vpc_uuid": "f74fecfe-fc71-4742-b678-84805feeadde", "memory_mib": 1024, "public_ipv4": "203.0.113.2", "private_ipv4": "10.186.173.161"}', 600, '2026-11-20 08:00:30+00', '2026-11-20 08:00:30+00', 0, NULL, NULL, NULL, NULL, 'deployment', '2026-11-20 08:00:30+00', NULL, '2026-11-20 08:00:00+00', -9041287025332567273, NULL, NULL, NULL);
INSERT INTO public.cloud_resources VALUES ('01a1f7f8-cc40-7b3a-9ae4-e2304defe5c6', 'digitalocean', 'droplet', '700100002', 'standing.arcadia-demo.com', 'nyc3', 'active', 's-1vcpu-1gb', NULL, NULL, NULL, '["arcadia-install-01a1f7f8-3000-7172-be70-8e59fcc5208c", "arcadia-saga-01a1f7f8-a530-7050-b65b-f3b75ca1ad1d", "arcadia-step-01a1f7f8-a530-7050-b65b-f3b75ca1ad1d-1", "env:test", "managed-by-arcadia-cloud"]', '{"image": "ubuntu-24-04-x64", "vcpus": 1, "disk_gib": 25, "features": ["droplet_agent", "private_networking"], "image_id": 247516813, "vpc_uuid": "f74fecfe-fc71-4742-b678-84805feeadde", "memory_mib": 1024, "public_ipv4": "203.0.113.3", "private_ipv4": "10.186.173.162"}', 600, '2026-11-20 08:00:40+00', '2026-11-20 08:00:40+00', 0, '2026-11-20 08:00:40+00', NULL, NULL, NULL, 'none', '2026-11-20 08:00:40+00', NULL, '2026-11-20 08:00:30+00', 29982294440643697, NULL, NULL, NULL);


--
-- Data for Name: saga_clock; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: saga_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.saga_events VALUES ('01a1f7f8-3000-7d56-b103-783ba8cae898', 5, 0, '2026-11-20 08:00:00+00', 'wait', 2, 'runner:01a1f7f8-3000-75b3-a53a-5417832370b1', '{"for": "droplet 700100001 to become active", "delay_ms": 5000}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-3000-7d56-b103-783ba8cae898', 7, 0, '2026-11-20 08:00:05+00', 'wait', 2, 'runner:01a1f7f8-4388-79e9-8cc3-b09fabfc30fd', '{"for": "the droplet to become active; it is new", "delay_ms": 5000}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 5, 0, '2026-11-20 08:00:30+00', 'wait', 2, 'runner:01a1f7f8-a530-76ff-a797-d7ff6eab13c9', '{"for": "droplet 700100002 to become active", "delay_ms": 5000}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 7, 0, '2026-11-20 08:00:35+00', 'wait', 2, 'runner:01a1f7f8-b8b8-7af0-9e07-74dc76a31c8a', '{"for": "the droplet to become active; it is new", "delay_ms": 5000}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 13, 0, '2026-11-20 08:00:40+00', 'compensating', 5, 'runner:01a1f7f8-cc40-789a-9203-4168e62db0c2', '{"step": "point_deployment_dns", "reason": "step_failed:point_deployment_dns", "message": "POST /v2/domains/arcadia-demo.com/records was answered 422 unprocessable_entity: The request was refused. (request 770a68d3-bd47-45f9-a3c0-249b7bf42b0f)", "in_doubt": false, "step_idx": 5, "compensate_from_idx": 4}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 17, 0, '2026-11-20 08:00:40+00', 'retry', 1, 'runner:01a1f7f8-cc40-789a-9203-4168e62db0c2', '{"attempt": 1, "message": "DELETE /v2/droplets/700100002 was answered 422 unprocessable_entity: The request was refused. (request 910d8942-2bc1-4534-8514-7bbb4303fd69)", "delay_ms": 704}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 19, 0, '2026-11-20 08:00:40.704+00', 'retry', 1, 'runner:01a1f7f8-cf00-76f1-b476-19f719f63392', '{"attempt": 2, "message": "DELETE /v2/droplets/700100002 was answered 422 unprocessable_entity: The request was refused. (request 796ca7dd-06fe-4a22-8ab2-bbfd4dcf0101)", "delay_ms": 1386}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 21, 0, '2026-11-20 08:00:42.09+00', 'retry', 1, 'runner:01a1f7f8-d46a-7ff4-9cb2-2954f00d1a49', '{"attempt": 3, "message": "DELETE /v2/droplets/700100002 was answered 422 unprocessable_entity: The request was refused. (request 25055f08-d887-4222-9ec2-77e82f65d1aa)", "delay_ms": 2272}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 23, 0, '2026-11-20 08:00:44.362+00', 'retry', 1, 'runner:01a1f7f8-dd4a-7b7d-ad16-c66889ad3893', '{"attempt": 4, "message": "DELETE /v2/droplets/700100002 was answered 422 unprocessable_entity: The request was refused. (request abd4f7fe-417d-4aa2-b48b-795b93c9b4e6)", "delay_ms": 5163}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 25, 0, '2026-11-20 08:00:49.525+00', 'retry', 1, 'runner:01a1f7f8-f175-7d64-b4c8-e2de70fae608', '{"attempt": 5, "message": "DELETE /v2/droplets/700100002 was answered 422 unprocessable_entity: The request was refused. (request f2c86326-76b2-4778-9d32-803c3b34bdc0)", "delay_ms": 14227}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 27, 0, '2026-11-20 08:01:03.752+00', 'retry', 1, 'runner:01a1f7f9-2908-73d4-a660-bcaae91f710f', '{"attempt": 6, "message": "DELETE /v2/droplets/700100002 was answered 422 unprocessable_entity: The request was refused. (request 1460b423-c57a-4e5b-9f3b-0e72292d87df)", "delay_ms": 27175}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 29, 0, '2026-11-20 08:01:30.927+00', 'retry', 1, 'runner:01a1f7f9-932f-7d27-a333-28dad5282805', '{"attempt": 7, "message": "DELETE /v2/droplets/700100002 was answered 422 unprocessable_entity: The request was refused. (request f93a3620-dd1d-4133-984c-c9d052b45d81)", "delay_ms": 28492}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 31, 0, '2026-11-20 08:01:59.419+00', 'compensation_failed', 1, 'runner:01a1f7fa-027b-7b0f-9753-70c8e0d586d9', '{"message": "DELETE /v2/droplets/700100002 was answered 422 unprocessable_entity: The request was refused. (request f71ba17a-c1b2-463d-9c72-e64585671b9a)", "attempts": 8}');
INSERT INTO public.saga_events VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 34, 0, '2026-11-20 08:02:14.419+00', 'wait', -1, 'runner:01a1f7fa-3d13-7193-ac64-1e97080913e9', '{"for": "what was destroyed to disappear from the provider''s listings", "delay_ms": 15000}');
INSERT INTO public.saga_events VALUES ('01a1f7fb-2773-7238-a239-a90d14e346a8', 3, 0, '2026-11-20 08:03:14.419+00', 'wait', 0, 'runner:01a1f7fb-2773-7dba-be2c-8f61fa3f4872', '{"for": "someone to say `approve`", "delay_ms": 604800000}');
INSERT INTO public.saga_events VALUES ('01a1f7fb-2773-73d6-93f5-25615acb6b52', 4, 0, '2026-11-20 08:03:14.419+00', 'retry', 1, 'runner:01a1f7fb-2773-7ef4-9371-b845936ca5b9', '{"attempt": 1, "message": "POST /v2/droplets lost its connection: connection closed before message completed", "delay_ms": 788}');


--
-- Data for Name: saga_idempotency_keys; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: saga_locks; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.saga_locks VALUES ('deployment:01a1f7f8-a530-71eb-9d65-6b0feb3975c4', '01a1f7f8-a530-7050-b65b-f3b75ca1ad1d');
INSERT INTO public.saga_locks VALUES ('dns:arcadia-demo.com/A/standing', '01a1f7f8-a530-7050-b65b-f3b75ca1ad1d');
INSERT INTO public.saga_locks VALUES ('droplet:1', '01a1f7fb-2773-7238-a239-a90d14e346a8');
INSERT INTO public.saga_locks VALUES ('deployment:01a1f7fb-2773-7c12-bc8f-98ceece63e7f', '01a1f7fb-2773-73d6-93f5-25615acb6b52');
INSERT INTO public.saga_locks VALUES ('dns:arcadia-demo.com/A/older-plan', '01a1f7fb-2773-73d6-93f5-25615acb6b52');
INSERT INTO public.saga_locks VALUES ('deployment:01a1f7fb-2773-78ea-84d2-5edb053c55c7', '01a1f7fb-2773-763f-abe2-7e5fc45187c3');
INSERT INTO public.saga_locks VALUES ('dns:arcadia-demo.com/A/pending', '01a1f7fb-2773-763f-abe2-7e5fc45187c3');


--
-- Data for Name: saga_nodes; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.saga_nodes VALUES ('01a1f7fb-2773-7ef4-9371-b845936ca5b9', 'node', '2026-11-20 08:03:14.419+00', '2026-11-20 08:03:24.419+00', true, '["activate_deployment", "approve", "create_droplet", "create_droplet_snapshot", "delete_dns_record", "destroy_droplet", "echo", "fail", "link_deployment_resource", "mark_deployment_provisioning", "point_deployment_dns", "register_droplet", "sleep", "sync_databases", "sync_domains", "sync_droplet_backups", "sync_droplet_statuses", "sync_droplets", "sync_firewalls", "sync_floating_ips", "sync_kubernetes", "sync_load_balancers", "sync_projects", "sync_snapshots", "sync_volumes", "upsert_dns_record", "wait_droplet_active", ""]');


--
-- Data for Name: saga_queues; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: saga_runs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.saga_runs VALUES ('01a1f7fb-2773-763f-abe2-7e5fc45187c3', 'provision', 'pending', '["mark_deployment_provisioning", "create_droplet", "wait_droplet_active", "register_droplet", "link_deployment_resource", "point_deployment_dns", "activate_deployment"]', '{"tenant_id": "acme", "dns_domain": "arcadia-demo.com", "replace_dns": false, "droplet_name": "pending.arcadia-demo.com", "droplet_size": "s-1vcpu-1gb", "droplet_tags": ["env:test"], "deployment_id": "01a1f7fb-2773-78ea-84d2-5edb053c55c7", "droplet_image": "ubuntu-24-04-x64", "dns_record_ttl": 1800, "droplet_region": "nyc3", "dns_record_name": "pending", "dns_record_type": "A", "droplet_backups": false}', '{}', 'acme', '01a1f7fb-2773-78ea-84d2-5edb053c55c7', 'a-test', false, NULL, NULL, NULL, NULL, NULL, 'provisioning', 0, 0, 'mark_deployment_provisioning', 'ready', 0, 0, NULL, NULL, NULL, NULL, NULL, '2026-11-20 08:03:14.419+00', NULL, 0, 0, 0, 0, '2026-11-20 08:03:14.419+00', NULL, NULL, '2026-11-20 08:03:14.419+00', false);
INSERT INTO public.saga_runs VALUES ('01a1f7f8-3000-7d56-b103-783ba8cae898', 'provision', 'completed', '["mark_deployment_provisioning", "create_droplet", "wait_droplet_active", "register_droplet", "link_deployment_resource", "point_deployment_dns", "activate_deployment"]', '{"tenant_id": "acme", "dns_domain": "arcadia-demo.com", "replace_dns": false, "droplet_name": "whole.arcadia-demo.com", "droplet_size": "s-1vcpu-1gb", "droplet_tags": ["env:test"], "deployment_id": "01a1f7f8-3000-7cbd-8bf9-08acd11d09e5", "droplet_image": "ubuntu-24-04-x64", "dns_record_ttl": 1800, "droplet_region": "nyc3", "dns_record_name": "whole", "dns_record_type": "A", "droplet_backups": false}', '{"ip": "203.0.113.2", "outcome": "created", "droplet_id": 700100001, "droplet_seen": {"name": "whole.arcadia-demo.com", "tags": ["arcadia-install-01a1f7f8-3000-7172-be70-8e59fcc5208c", "arcadia-saga-01a1f7f8-3000-7d56-b103-783ba8cae898", "arcadia-step-01a1f7f8-3000-7d56-b103-783ba8cae898-1", "env:test", "managed-by-arcadia-cloud"], "attrs": {"image": "ubuntu-24-04-x64", "vcpus": 1, "disk_gib": 25, "features": ["droplet_agent", "private_networking"], "image_id": 247516813, "vpc_uuid": "f74fecfe-fc71-4742-b678-84805feeadde", "memory_mib": 1024, "public_ipv4": "203.0.113.2", "private_ipv4": "10.186.173.161"}, "parent": null, "region": "nyc3", "status": "active", "size_slug": "s-1vcpu-1gb", "created_at": "2026-11-20T08:00:00Z", "provider_id": "700100001", "monthly_cost_minor": 600}, "dns_record_id": 1900000005, "droplet_created_at": "2026-11-20T08:00:00Z"}', 'acme', '01a1f7f8-3000-7cbd-8bf9-08acd11d09e5', 'a-test', false, NULL, NULL, NULL, NULL, NULL, 'provisioning', 0, 7, '', 'ready', 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 7, 22, 0, 0, '2026-11-20 08:00:00+00', '2026-11-20 08:00:00+00', '2026-11-20 08:00:30+00', '2026-11-20 08:00:30+00', false);
INSERT INTO public.saga_runs VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 'provision', 'failed', '["mark_deployment_provisioning", "create_droplet", "wait_droplet_active", "register_droplet", "link_deployment_resource", "point_deployment_dns", "activate_deployment"]', '{"tenant_id": "acme", "dns_domain": "arcadia-demo.com", "replace_dns": false, "droplet_name": "standing.arcadia-demo.com", "droplet_size": "s-1vcpu-1gb", "droplet_tags": ["env:test"], "deployment_id": "01a1f7f8-a530-71eb-9d65-6b0feb3975c4", "droplet_image": "ubuntu-24-04-x64", "dns_record_ttl": 1800, "droplet_region": "nyc3", "dns_record_name": "standing", "dns_record_type": "A", "droplet_backups": false}', '{"ip": "203.0.113.3", "droplet_id": 700100002, "droplet_seen": {"name": "standing.arcadia-demo.com", "tags": ["arcadia-install-01a1f7f8-3000-7172-be70-8e59fcc5208c", "arcadia-saga-01a1f7f8-a530-7050-b65b-f3b75ca1ad1d", "arcadia-step-01a1f7f8-a530-7050-b65b-f3b75ca1ad1d-1", "env:test", "managed-by-arcadia-cloud"], "attrs": {"image": "ubuntu-24-04-x64", "vcpus": 1, "disk_gib": 25, "features": ["droplet_agent", "private_networking"], "image_id": 247516813, "vpc_uuid": "f74fecfe-fc71-4742-b678-84805feeadde", "memory_mib": 1024, "public_ipv4": "203.0.113.3", "private_ipv4": "10.186.173.162"}, "parent": null, "region": "nyc3", "status": "active", "size_slug": "s-1vcpu-1gb", "created_at": "2026-11-20T08:00:30Z", "provider_id": "700100002", "monthly_cost_minor": 600}, "droplet_created_at": "2026-11-20T08:00:30Z"}', 'acme', '01a1f7f8-a530-71eb-9d65-6b0feb3975c4', 'a-test', false, '{"step": "point_deployment_dns", "reason": "step_failed:point_deployment_dns", "message": "POST /v2/domains/arcadia-demo.com/records was answered 422 unprocessable_entity: The request was refused. (request 770a68d3-bd47-45f9-a3c0-249b7bf42b0f)", "in_doubt": false, "step_idx": 5, "compensate_from_idx": 4}', '{"left": [{"id": 700100002, "kind": "droplet", "name": "standing.arcadia-demo.com", "monthly_cost_usd": "6"}], "reason": "compensation_failed", "standing": [{"step": "create_droplet", "error": {"step": null, "compensation": "DELETE /v2/droplets/700100002 was answered 422 unprocessable_entity: The request was refused. (request f71ba17a-c1b2-463d-9c72-e64585671b9a)"}, "output": {"droplet_id": 700100002, "droplet_created_at": "2026-11-20T08:00:30Z"}, "step_idx": 1}]}', '[{"id": 700100002, "kind": "droplet", "name": "standing.arcadia-demo.com", "monthly_cost_usd": "6"}]', NULL, NULL, 'provisioning', 0, -1, '', 'ready', 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 15, 42, 0, 0, '2026-11-20 08:00:30+00', '2026-11-20 08:00:30+00', '2026-11-20 08:03:14.419+00', '2026-11-20 08:03:14.419+00', false);
INSERT INTO public.saga_runs VALUES ('01a1f7fb-2773-73d6-93f5-25615acb6b52', 'provision', 'running', '["mark_deployment_provisioning", "create_droplet", "wait_droplet_active", "register_droplet", "point_deployment_dns", "activate_deployment"]', '{"tenant_id": "acme", "dns_domain": "arcadia-demo.com", "replace_dns": false, "droplet_name": "older-plan.arcadia-demo.com", "droplet_size": "s-1vcpu-1gb", "droplet_tags": ["env:test"], "deployment_id": "01a1f7fb-2773-7c12-bc8f-98ceece63e7f", "droplet_image": "ubuntu-24-04-x64", "dns_record_ttl": 1800, "droplet_region": "nyc3", "dns_record_name": "older-plan", "dns_record_type": "A", "droplet_backups": false}', '{}', 'acme', '01a1f7fb-2773-7c12-bc8f-98ceece63e7f', 'a-test', false, NULL, NULL, NULL, NULL, NULL, 'provisioning', 0, 1, 'create_droplet', 'waiting', 2, 0, '2026-11-20 08:03:14.419+00', NULL, NULL, '2026-11-20 08:03:20.419+00', 'another attempt after: POST /v2/droplets lost its connection: connection closed before message completed', '2026-11-20 08:03:15.207+00', NULL, 1, 4, 0, 0, '2026-11-20 08:03:14.419+00', '2026-11-20 08:03:14.419+00', NULL, '2026-11-20 08:03:14.419+00', false);
INSERT INTO public.saga_runs VALUES ('01a1f7fb-2773-7238-a239-a90d14e346a8', 'waiting', 'running', '["approve", "echo"]', '{}', '{}', NULL, NULL, 'system:test', false, NULL, NULL, NULL, NULL, NULL, 'provisioning', 0, 0, 'approve', 'waiting', 1, 1, '2026-11-20 08:03:14.419+00', NULL, NULL, NULL, 'someone to say `approve`', '2026-11-27 08:03:14.419+00', NULL, 1, 3, 0, 0, '2026-11-20 08:03:14.419+00', '2026-11-20 08:03:14.419+00', NULL, '2026-11-20 08:03:14.419+00', false);


--
-- Data for Name: saga_schedule_events; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: saga_schedules; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: saga_signals; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: saga_step_results; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.saga_step_results VALUES ('01a1f7f8-3000-7d56-b103-783ba8cae898', 0, 'mark_deployment_provisioning', 'completed', false, NULL, '{}', NULL, 1, 0, '01a1f7f8-3000-75b3-a53a-5417832370b1', 1, '2026-11-20 08:00:00+00', '2026-11-20 08:00:00+00', NULL, NULL);
INSERT INTO public.saga_step_results VALUES ('01a1f7f8-3000-7d56-b103-783ba8cae898', 1, 'create_droplet', 'completed', false, NULL, '{"droplet_id": 700100001, "droplet_created_at": "2026-11-20T08:00:00Z"}', NULL, 1, 0, '01a1f7f8-3000-75b3-a53a-5417832370b1', 1, '2026-11-20 08:00:00+00', '2026-11-20 08:00:00+00', NULL, NULL);
INSERT INTO public.saga_step_results VALUES ('01a1f7f8-3000-7d56-b103-783ba8cae898', 2, 'wait_droplet_active', 'completed', false, NULL, '{"ip": "203.0.113.2", "droplet_seen": {"name": "whole.arcadia-demo.com", "tags": ["arcadia-install-01a1f7f8-3000-7172-be70-8e59fcc5208c", "arcadia-saga-01a1f7f8-3000-7d56-b103-783ba8cae898", "arcadia-step-01a1f7f8-3000-7d56-b103-783ba8cae898-1", "env:test", "managed-by-arcadia-cloud"], "attrs": {"image": "ubuntu-24-04-x64", "vcpus": 1, "disk_gib": 25, "features": ["droplet_agent", "private_networking"], "image_id": 247516813, "vpc_uuid": "f74fecfe-fc71-4742-b678-84805feeadde", "memory_mib": 1024, "public_ipv4": "203.0.113.2", "private_ipv4": "10.186.173.161"}, "parent": null, "region": "nyc3", "status": "active", "size_slug": "s-1vcpu-1gb", "created_at": "2026-11-20T08:00:00Z", "provider_id": "700100001", "monthly_cost_minor": 600}}', NULL, 1, 0, '01a1f7f8-a530-7daa-ad3c-9f535279d516', 7, '2026-11-20 08:00:00+00', '2026-11-20 08:00:30+00', NULL, NULL);
INSERT INTO public.saga_step_results VALUES ('01a1f7f8-3000-7d56-b103-783ba8cae898', 3, 'register_droplet', 'completed', false, NULL, '{}', NULL, 1, 0, '01a1f7f8-a530-7daa-ad3c-9f535279d516', 7, '2026-11-20 08:00:30+00', '2026-11-20 08:00:30+00', NULL, NULL);
INSERT INTO public.saga_step_results VALUES ('01a1f7f8-3000-7d56-b103-783ba8cae898', 4, 'link_deployment_resource', 'completed', false, NULL, '{}', NULL, 1, 0, '01a1f7f8-a530-7daa-ad3c-9f535279d516', 7, '2026-11-20 08:00:30+00', '2026-11-20 08:00:30+00', NULL, NULL);
INSERT INTO public.saga_step_results VALUES ('01a1f7f8-3000-7d56-b103-783ba8cae898', 5, 'point_deployment_dns', 'completed', false, '{"records": []}', '{"outcome": "created", "dns_record_id": 1900000005}', NULL, 1, 0, '01a1f7f8-a530-7daa-ad3c-9f535279d516', 7, '2026-11-20 08:00:30+00', '2026-11-20 08:00:30+00', NULL, NULL);
INSERT INTO public.saga_step_results VALUES ('01a1f7f8-3000-7d56-b103-783ba8cae898', 6, 'activate_deployment', 'completed', false, NULL, '{}', NULL, 1, 0, '01a1f7f8-a530-7daa-ad3c-9f535279d516', 7, '2026-11-20 08:00:30+00', '2026-11-20 08:00:30+00', NULL, NULL);
INSERT INTO public.saga_step_results VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 5, 'point_deployment_dns', 'failed', false, '{"records": []}', NULL, '{"step": "point_deployment_dns", "reason": "step_failed:point_deployment_dns", "message": "POST /v2/domains/arcadia-demo.com/records was answered 422 unprocessable_entity: The request was refused. (request 770a68d3-bd47-45f9-a3c0-249b7bf42b0f)", "in_doubt": false, "step_idx": 5, "compensate_from_idx": 4}', 1, 0, '01a1f7f8-cc40-789a-9203-4168e62db0c2', 3, '2026-11-20 08:00:40+00', '2026-11-20 08:00:40+00', NULL, NULL);
INSERT INTO public.saga_step_results VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 4, 'link_deployment_resource', 'compensated', false, NULL, '{}', NULL, 1, 1, '01a1f7f8-cc40-789a-9203-4168e62db0c2', 3, '2026-11-20 08:00:40+00', '2026-11-20 08:00:40+00', '2026-11-20 08:00:40+00', '2026-11-20 08:00:40+00');
INSERT INTO public.saga_step_results VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 3, 'register_droplet', 'compensated', false, NULL, '{}', NULL, 1, 1, '01a1f7f8-cc40-789a-9203-4168e62db0c2', 3, '2026-11-20 08:00:40+00', '2026-11-20 08:00:40+00', '2026-11-20 08:00:40+00', '2026-11-20 08:00:40+00');
INSERT INTO public.saga_step_results VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 2, 'wait_droplet_active', 'compensated', false, NULL, '{"ip": "203.0.113.3", "droplet_seen": {"name": "standing.arcadia-demo.com", "tags": ["arcadia-install-01a1f7f8-3000-7172-be70-8e59fcc5208c", "arcadia-saga-01a1f7f8-a530-7050-b65b-f3b75ca1ad1d", "arcadia-step-01a1f7f8-a530-7050-b65b-f3b75ca1ad1d-1", "env:test", "managed-by-arcadia-cloud"], "attrs": {"image": "ubuntu-24-04-x64", "vcpus": 1, "disk_gib": 25, "features": ["droplet_agent", "private_networking"], "image_id": 247516813, "vpc_uuid": "f74fecfe-fc71-4742-b678-84805feeadde", "memory_mib": 1024, "public_ipv4": "203.0.113.3", "private_ipv4": "10.186.173.162"}, "parent": null, "region": "nyc3", "status": "active", "size_slug": "s-1vcpu-1gb", "created_at": "2026-11-20T08:00:30Z", "provider_id": "700100002", "monthly_cost_minor": 600}}', NULL, 1, 1, '01a1f7f8-cc40-789a-9203-4168e62db0c2', 3, '2026-11-20 08:00:30+00', '2026-11-20 08:00:40+00', '2026-11-20 08:00:40+00', '2026-11-20 08:00:40+00');
INSERT INTO public.saga_step_results VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 1, 'create_droplet', 'compensation_failed', false, NULL, '{"droplet_id": 700100002, "droplet_created_at": "2026-11-20T08:00:30Z"}', '{"step": null, "compensation": "DELETE /v2/droplets/700100002 was answered 422 unprocessable_entity: The request was refused. (request f71ba17a-c1b2-463d-9c72-e64585671b9a)"}', 1, 8, '01a1f7fa-027b-7b0f-9753-70c8e0d586d9', 10, '2026-11-20 08:00:30+00', '2026-11-20 08:00:30+00', '2026-11-20 08:00:40+00', '2026-11-20 08:01:59.419+00');
INSERT INTO public.saga_step_results VALUES ('01a1f7f8-a530-7050-b65b-f3b75ca1ad1d', 0, 'mark_deployment_provisioning', 'compensated', false, NULL, '{}', NULL, 1, 1, '01a1f7fa-027b-7b0f-9753-70c8e0d586d9', 10, '2026-11-20 08:00:30+00', '2026-11-20 08:00:30+00', '2026-11-20 08:01:59.419+00', '2026-11-20 08:01:59.419+00');
INSERT INTO public.saga_step_results VALUES ('01a1f7fb-2773-73d6-93f5-25615acb6b52', 0, 'mark_deployment_provisioning', 'completed', false, NULL, '{}', NULL, 1, 0, '01a1f7fb-2773-7ef4-9371-b845936ca5b9', 1, '2026-11-20 08:03:14.419+00', '2026-11-20 08:03:14.419+00', NULL, NULL);


--
-- Data for Name: sync_runs; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Name: arcadia_beats arcadia_beats_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.arcadia_beats
    ADD CONSTRAINT arcadia_beats_pkey PRIMARY KEY (writer);


--
-- Name: arcadia_holds arcadia_holds_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.arcadia_holds
    ADD CONSTRAINT arcadia_holds_pkey PRIMARY KEY (id);


--
-- Name: arcadia_installation arcadia_installation_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.arcadia_installation
    ADD CONSTRAINT arcadia_installation_pkey PRIMARY KEY (only_row);


--
-- Name: arcadia_migrations arcadia_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.arcadia_migrations
    ADD CONSTRAINT arcadia_migrations_pkey PRIMARY KEY (name);


--
-- Name: cloud_deployment_events cloud_deployment_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cloud_deployment_events
    ADD CONSTRAINT cloud_deployment_events_pkey PRIMARY KEY (deployment_id, version);


--
-- Name: cloud_deployment_keys cloud_deployment_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cloud_deployment_keys
    ADD CONSTRAINT cloud_deployment_keys_pkey PRIMARY KEY (owner, key);


--
-- Name: cloud_deployments cloud_deployments_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cloud_deployments
    ADD CONSTRAINT cloud_deployments_pkey PRIMARY KEY (id);


--
-- Name: cloud_project_tenants cloud_project_tenants_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cloud_project_tenants
    ADD CONSTRAINT cloud_project_tenants_pkey PRIMARY KEY (project_id, number);


--
-- Name: cloud_projects cloud_projects_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cloud_projects
    ADD CONSTRAINT cloud_projects_pkey PRIMARY KEY (id);


--
-- Name: cloud_provisioned cloud_provisioned_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cloud_provisioned
    ADD CONSTRAINT cloud_provisioned_pkey PRIMARY KEY (resource_id);


--
-- Name: cloud_resource_events cloud_resource_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cloud_resource_events
    ADD CONSTRAINT cloud_resource_events_pkey PRIMARY KEY (id);


--
-- Name: cloud_resource_owners cloud_resource_owners_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cloud_resource_owners
    ADD CONSTRAINT cloud_resource_owners_pkey PRIMARY KEY (resource_id, number);


--
-- Name: cloud_resource_versions cloud_resource_versions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cloud_resource_versions
    ADD CONSTRAINT cloud_resource_versions_pkey PRIMARY KEY (resource_id, from_at);


--
-- Name: cloud_resources cloud_resources_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cloud_resources
    ADD CONSTRAINT cloud_resources_pkey PRIMARY KEY (id);


--
-- Name: saga_clock saga_clock_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saga_clock
    ADD CONSTRAINT saga_clock_pkey PRIMARY KEY (id);


--
-- Name: saga_events saga_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saga_events
    ADD CONSTRAINT saga_events_pkey PRIMARY KEY (saga_id, seq, number);


--
-- Name: saga_idempotency_keys saga_idempotency_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saga_idempotency_keys
    ADD CONSTRAINT saga_idempotency_keys_pkey PRIMARY KEY (tenant_id, key);


--
-- Name: saga_locks saga_locks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saga_locks
    ADD CONSTRAINT saga_locks_pkey PRIMARY KEY (name);


--
-- Name: saga_nodes saga_nodes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saga_nodes
    ADD CONSTRAINT saga_nodes_pkey PRIMARY KEY (id);


--
-- Name: saga_queues saga_queues_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saga_queues
    ADD CONSTRAINT saga_queues_pkey PRIMARY KEY (name);


--
-- Name: saga_runs saga_runs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saga_runs
    ADD CONSTRAINT saga_runs_pkey PRIMARY KEY (id);


--
-- Name: saga_schedule_events saga_schedule_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saga_schedule_events
    ADD CONSTRAINT saga_schedule_events_pkey PRIMARY KEY (name, number);


--
-- Name: saga_schedules saga_schedules_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saga_schedules
    ADD CONSTRAINT saga_schedules_pkey PRIMARY KEY (name);


--
-- Name: saga_signals saga_signals_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saga_signals
    ADD CONSTRAINT saga_signals_pkey PRIMARY KEY (saga_id, name);


--
-- Name: saga_step_results saga_step_results_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.saga_step_results
    ADD CONSTRAINT saga_step_results_pkey PRIMARY KEY (saga_id, step_idx);


--
-- Name: sync_runs sync_runs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sync_runs
    ADD CONSTRAINT sync_runs_pkey PRIMARY KEY (id);


--
-- Name: arcadia_holds_one_open; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX arcadia_holds_one_open ON public.arcadia_holds USING btree (is_open) WHERE is_open;


--
-- Name: cloud_deployments_hostname; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX cloud_deployments_hostname ON public.cloud_deployments USING btree (hostname) WHERE (state <> ALL (ARRAY['cancelled'::text, 'archived'::text]));


--
-- Name: cloud_deployments_in_state; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cloud_deployments_in_state ON public.cloud_deployments USING btree (state, id);


--
-- Name: cloud_deployments_of_tenant; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cloud_deployments_of_tenant ON public.cloud_deployments USING btree (tenant_id, id);


--
-- Name: cloud_deployments_slug; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX cloud_deployments_slug ON public.cloud_deployments USING btree (tenant_id, slug) WHERE (state <> ALL (ARRAY['cancelled'::text, 'archived'::text]));


--
-- Name: cloud_projects_identity; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX cloud_projects_identity ON public.cloud_projects USING btree (provider, provider_id);


--
-- Name: cloud_projects_of_tenant; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cloud_projects_of_tenant ON public.cloud_projects USING btree (tenant_id) WHERE (tenant_id IS NOT NULL);


--
-- Name: cloud_resource_events_of_resource; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cloud_resource_events_of_resource ON public.cloud_resource_events USING btree (resource_id, at);


--
-- Name: cloud_resource_owners_by_project; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cloud_resource_owners_by_project ON public.cloud_resource_owners USING btree (project_id, resource_id) WHERE (project_id IS NOT NULL);


--
-- Name: cloud_resource_versions_now; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX cloud_resource_versions_now ON public.cloud_resource_versions USING btree (resource_id) WHERE (to_at IS NULL);


--
-- Name: cloud_resource_versions_of_kind; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cloud_resource_versions_of_kind ON public.cloud_resource_versions USING btree (kind, resource_id, from_at);


--
-- Name: cloud_resource_versions_of_tenant; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cloud_resource_versions_of_tenant ON public.cloud_resource_versions USING btree (tenant_id, resource_id, from_at);


--
-- Name: cloud_resources_identity; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX cloud_resources_identity ON public.cloud_resources USING btree (provider, kind, provider_id);


--
-- Name: cloud_resources_of_deployment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cloud_resources_of_deployment ON public.cloud_resources USING btree (deployment_id) WHERE (deployment_id IS NOT NULL);


--
-- Name: cloud_resources_of_parent; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cloud_resources_of_parent ON public.cloud_resources USING btree (parent_kind, parent_id) WHERE (parent_id IS NOT NULL);


--
-- Name: cloud_resources_of_tenant; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cloud_resources_of_tenant ON public.cloud_resources USING btree (tenant_id, id) WHERE (tenant_id IS NOT NULL);


--
-- Name: cloud_resources_that_left; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cloud_resources_that_left ON public.cloud_resources USING btree (id) WHERE ((parent_left_at IS NOT NULL) AND (deleted_at IS NULL));


--
-- Name: cloud_resources_without_project; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cloud_resources_without_project ON public.cloud_resources USING btree (id) WHERE ((cloud_project_id IS NULL) AND (deleted_at IS NULL));


--
-- Name: saga_locks_of_saga; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX saga_locks_of_saga ON public.saga_locks USING btree (saga_id);


--
-- Name: saga_runs_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX saga_runs_due ON public.saga_runs USING btree (queue, wake_at) WHERE ((owner IS NULL) AND (wake_at IS NOT NULL));


--
-- Name: saga_runs_in_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX saga_runs_in_status ON public.saga_runs USING btree (status, id);


--
-- Name: saga_runs_needing_attention; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX saga_runs_needing_attention ON public.saga_runs USING btree (id) WHERE (attention IS NOT NULL);


--
-- Name: saga_runs_of_deployment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX saga_runs_of_deployment ON public.saga_runs USING btree (deployment_id, id) WHERE (deployment_id IS NOT NULL);


--
-- Name: saga_runs_of_tenant; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX saga_runs_of_tenant ON public.saga_runs USING btree (tenant_id, id);


--
-- Name: saga_runs_owned; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX saga_runs_owned ON public.saga_runs USING btree (owner) WHERE (owner IS NOT NULL);


--
-- Name: saga_runs_unique; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX saga_runs_unique ON public.saga_runs USING btree (unique_key) WHERE ((unique_key IS NOT NULL) AND (status = ANY (ARRAY['pending'::text, 'running'::text, 'compensating'::text])));


--
-- Name: saga_schedules_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX saga_schedules_due ON public.saga_schedules USING btree (next_at) WHERE (NOT paused);


--
-- Name: sync_runs_complete; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sync_runs_complete ON public.sync_runs USING btree (kind, started_at) WHERE complete;


--
-- Name: sync_runs_of_kind; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sync_runs_of_kind ON public.sync_runs USING btree (kind, started_at);


--
-- Name: sync_runs_unfinished; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sync_runs_unfinished ON public.sync_runs USING btree (kind) WHERE (finished_at IS NULL);


--
-- PostgreSQL database dump complete
--

\unrestrict za3KW2edph5AO3t1qQqq79ehgNk8BCMyBMd1gcJqtvy1t1F3BOLmHlrILJ9bezF

