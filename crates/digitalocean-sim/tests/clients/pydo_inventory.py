"""DigitalOcean's own Python client through every operation that the service makes use of.

Operations are counted as they are called; one that is on the list and was not called fails the test.
"""

import json
import urllib.request

from azure.core.exceptions import HttpResponseError

from pydo_client import BASE, connect, equal, request_for, until

EXPECTED = """
account.get actions.get actions.list regions.list sizes.list images.list images.get
droplets.list droplets.get droplets.create droplets.destroy droplets.list_snapshots droplets.list_backups
droplet_actions.post droplet_actions.get droplet_actions.list snapshots.list snapshots.get snapshots.delete
domains.list domains.get domains.create domains.delete domains.list_records domains.get_record domains.create_record
domains.update_record domains.patch_record domains.delete_record
volumes.list volumes.get volumes.create volumes.delete volume_actions.post_by_id volume_snapshots.list
volume_snapshots.create volume_snapshots.delete_by_id
reserved_ips.list reserved_ips.get reserved_ips.create reserved_ips.delete reserved_ips_actions.post
reserved_ips_actions.list firewalls.list firewalls.get firewalls.create firewalls.update firewalls.delete
load_balancers.list load_balancers.get load_balancers.create load_balancers.delete vpcs.list vpcs.get
projects.list projects.get projects.get_default projects.create projects.update projects.patch projects.delete
projects.list_resources projects.assign_resources
databases.list_clusters kubernetes.list_clusters
balance.get billing_history.list invoices.list invoices.get_by_uuid invoices.get_summary_by_uuid
invoices.get_csv_by_uuid tags.list tags.get tags.create tags.delete tags.assign_resources tags.unassign_resources
""".split()


class Counted:
    """Passes every call on, and remembers which operations there were."""

    def __init__(self, thing, called, path=""):
        self._thing, self._called, self._path = thing, called, path

    def __getattr__(self, name):
        return Counted(getattr(self._thing, name), self._called, f"{self._path}.{name}".lstrip("."))

    def __call__(self, *arguments, **named):
        self._called.add(self._path)
        answer = self._thing(*arguments, **named)
        if isinstance(answer, dict) and answer.get("id") in ("not_found", "unauthorized"):
            raise AssertionError(f"{self._path}: {answer}")
        return answer


def control(path, body):
    request = urllib.request.Request(BASE + path, data=json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def acts(call):
    """The answer, or nothing while another event is in the way."""
    try:
        return call() or True
    except HttpResponseError as error:
        equal(error.status_code, 422)
        assert "pending event" in str(error), error
        return None


def every_page(key, call):
    entries, page = [], 1
    while True:
        answer = call(page=page, per_page=3)
        entries += answer[key]
        if "next" not in answer.get("links", {}).get("pages", {}):
            equal(len(entries), answer["meta"]["total"])
            return entries
        page += 1


def act(do, droplet_id, body):
    started = until("a free droplet", bool, lambda: acts(lambda: do.droplet_actions.post(droplet_id=droplet_id, body=body)))
    action_id = started["action"]["id"]
    until("the action's end", lambda it: it["action"]["status"] == "completed",
          lambda: do.droplet_actions.get(droplet_id=droplet_id, action_id=action_id))
    return action_id


def compute(do):
    equal(do.account.get()["account"]["status"], "active")
    assert len(every_page("regions", do.regions.list)) > 10 and len(every_page("sizes", do.sizes.list)) > 10
    every_page("images", do.images.list)
    equal(do.images.get(image_id="debian-12-x64")["image"]["distribution"], "Debian")
    created = do.droplets.create(body=request_for(name="edge-1", tags=["env:demo"], backups=True))
    droplet_id = created["droplet"]["id"]
    until("an active droplet", lambda it: it["droplet"]["status"] == "active", lambda: do.droplets.get(droplet_id=droplet_id))
    until("a listed droplet", lambda it: it["meta"]["total"] == 1, lambda: do.droplets.list(name="edge-1"))
    act(do, droplet_id, {"type": "snapshot", "name": "keep"})
    act(do, droplet_id, {"type": "rename", "name": "edge-1b"})
    act(do, droplet_id, {"type": "power_off"})
    until("an off droplet", lambda it: it["droplet"]["status"] == "off", lambda: do.droplets.get(droplet_id=droplet_id))
    act(do, droplet_id, {"type": "resize", "size": "s-1vcpu-2gb", "disk": False})
    resized = act(do, droplet_id, {"type": "power_on"})
    equal(do.actions.get(action_id=resized)["action"]["type"], "power_on")
    assert len(every_page("actions", do.actions.list)) >= 6
    equal(do.droplets.get(droplet_id=droplet_id)["droplet"]["size_slug"], "s-1vcpu-2gb")
    assert do.droplet_actions.list(droplet_id=droplet_id)["meta"]["total"] >= 6
    control("/_sim/time", {"advance_ms": 3 * 24 * 3_600_000})
    assert do.droplets.list_backups(droplet_id=droplet_id)["meta"]["total"] >= 2
    listed = until("the snapshot", lambda it: it["snapshots"], lambda: do.droplets.list_snapshots(droplet_id=droplet_id))
    snapshot_id = listed["snapshots"][0]["id"]
    equal(do.snapshots.get(snapshot_id=snapshot_id)["snapshot"]["resource_id"], str(droplet_id))
    equal(len(every_page("snapshots", do.snapshots.list)), 1)
    do.snapshots.delete(snapshot_id=snapshot_id)
    target = {"resources": [{"resource_id": str(droplet_id), "resource_type": "droplet"}]}
    do.tags.create(body={"name": "by-hand"})
    do.tags.assign_resources(tag_id="by-hand", body=target)
    equal(do.tags.get(tag_id="by-hand")["tag"]["resources"]["droplets"]["count"], 1)
    do.tags.unassign_resources(tag_id="by-hand", body=target)
    assert len(every_page("tags", do.tags.list)) == 2
    do.tags.delete(tag_id="by-hand")
    return droplet_id


def dns(do):
    zone = "arcadia-demo.com"
    do.domains.create(body={"name": zone})
    record = do.domains.create_record(domain_name=zone, body={"type": "A", "name": "www", "data": "192.0.2.1"})
    record_id = record["domain_record"]["id"]
    where = {"domain_name": zone, "domain_record_id": record_id}
    do.domains.update_record(**where, body={"type": "A", "name": "www", "data": "192.0.2.2"})
    do.domains.patch_record(**where, body={"type": "A", "ttl": 60})
    equal(do.domains.get_record(**where)["domain_record"]["ttl"], 60)
    equal(len(every_page("domain_records", lambda **it: do.domains.list_records(domain_name=zone, **it))), 5)
    do.domains.delete_record(**where)
    equal(do.domains.get(domain_name=zone)["domain"]["ttl"], 1800)
    equal(len(every_page("domains", do.domains.list)), 1)
    return zone


def storage_and_network(do, droplet_id):
    body = {"name": "data", "region": "nyc3", "size_gigabytes": 10}
    volume_id = do.volumes.create(body=body)["volume"]["id"]
    equal(every_page("volumes", do.volumes.list)[0]["droplet_ids"], [])
    attach = {"type": "attach", "droplet_id": droplet_id}
    until("the attachment's begin", bool, lambda: acts(lambda: do.volume_actions.post_by_id(volume_id=volume_id, body=attach)))
    until("an attached volume", lambda it: it["volume"]["droplet_ids"] == [droplet_id], lambda: do.volumes.get(volume_id=volume_id))
    snapshot_id = do.volume_snapshots.create(volume_id=volume_id, body={"name": "data-1"})["snapshot"]["id"]
    equal(do.volume_snapshots.list(volume_id=volume_id)["meta"]["total"], 1)
    do.volume_snapshots.delete_by_id(snapshot_id=snapshot_id)
    detach = {"type": "detach", "droplet_id": droplet_id}
    until("the detachment's begin", bool, lambda: acts(lambda: do.volume_actions.post_by_id(volume_id=volume_id, body=detach)))
    until("a free volume", lambda it: it["volume"]["droplet_ids"] == [], lambda: do.volumes.get(volume_id=volume_id))
    do.volumes.delete(volume_id=volume_id)

    ip = do.reserved_ips.create(body={"region": "nyc3"})["reserved_ip"]["ip"]
    assign = {"type": "assign", "droplet_id": droplet_id}
    until("the assignment's begin", bool, lambda: acts(lambda: do.reserved_ips_actions.post(reserved_ip=ip, body=assign)))
    until("an assigned address", lambda it: it["reserved_ip"]["droplet"] is not None, lambda: do.reserved_ips.get(reserved_ip=ip))
    equal(do.reserved_ips_actions.list(reserved_ip=ip)["actions"][0]["type"], "assign_ip")
    equal(every_page("reserved_ips", do.reserved_ips.list)[0]["droplet"]["id"], droplet_id)
    until("an unlocked address", lambda it: not it["reserved_ip"]["locked"], lambda: do.reserved_ips.get(reserved_ip=ip))
    do.reserved_ips.delete(reserved_ip=ip)

    rules = [{"protocol": "tcp", "ports": "443", "sources": {"addresses": ["0.0.0.0/0"]}}]
    firewall_id = do.firewalls.create(body={"name": "edge", "droplet_ids": [droplet_id], "inbound_rules": rules})["firewall"]["id"]
    until("a settled firewall", lambda it: it["firewall"]["status"] == "succeeded", lambda: do.firewalls.get(firewall_id=firewall_id))
    equal(do.firewalls.update(firewall_id=firewall_id, body={"name": "edge-2", "inbound_rules": rules})["firewall"]["droplet_ids"], [])
    equal(every_page("firewalls", do.firewalls.list)[0]["name"], "edge-2")
    do.firewalls.delete(firewall_id=firewall_id)

    forwarding = [{"entry_protocol": "http", "entry_port": 80, "target_protocol": "http", "target_port": 80}]
    body = {"name": "front", "region": "nyc3", "forwarding_rules": forwarding, "droplet_ids": [droplet_id]}
    lb_id = do.load_balancers.create(body=body)["load_balancer"]["id"]
    until("an active load balancer", lambda it: it["load_balancer"]["status"] == "active", lambda: do.load_balancers.get(lb_id=lb_id))
    equal(len(every_page("load_balancers", do.load_balancers.list)), 1)
    do.load_balancers.delete(lb_id=lb_id)
    vpc = every_page("vpcs", do.vpcs.list)[0]
    equal(do.vpcs.get(vpc_id=vpc["id"])["vpc"]["default"], True)


def projects(do, droplet_id, zone):
    project_id = do.projects.create(body={"name": "acme", "purpose": "hosting"})["project"]["id"]
    equal(do.projects.get(project_id=project_id)["project"]["purpose"], "Other: hosting")
    assigned = do.projects.assign_resources(
        project_id=project_id, body={"resources": [f"do:droplet:{droplet_id}", f"do:domain:{zone}"]})
    equal([it["status"] for it in assigned["resources"]], ["assigned", "assigned"])
    members = every_page("resources", lambda **it: do.projects.list_resources(project_id=project_id, **it))
    equal(sorted(it["urn"] for it in members), [f"do:domain:{zone}", f"do:droplet:{droplet_id}"])
    default_id = do.projects.get_default()["project"]["id"]
    do.projects.assign_resources(project_id=default_id, body={"resources": [it["urn"] for it in members]})
    whole = {"name": "acme", "description": "", "purpose": "IoT", "environment": "Staging", "is_default": False}
    equal(do.projects.update(project_id=project_id, body=whole)["project"]["environment"], "Staging")
    equal(do.projects.patch(project_id=project_id, body={"name": "acme-2"})["project"]["name"], "acme-2")
    equal(len(every_page("projects", do.projects.list)), 2)
    do.projects.delete(project_id=project_id)
    for kind in ["database", "kubernetes_cluster"]:
        control("/_sim/mutate", {"kind": kind, "create": {"name": "one"}})
    equal(do.databases.list_clusters()["databases"][0]["name"], "one")
    equal(do.kubernetes.list_clusters()["kubernetes_clusters"][0]["name"], "one")


def billing(do):
    control("/_sim/scenario", {"name": "april-2026"})
    invoices = every_page("invoices", do.invoices.list)
    equal(len(invoices), 137)
    april = invoices[0]["invoice_uuid"]
    items = every_page("invoice_items", lambda **it: do.invoices.get_by_uuid(invoice_uuid=april, **it))
    cents = sum(round(float(it["amount"]) * 100) for it in items)
    equal((len(items), cents), (33, 8692))
    equal(do.invoices.get_summary_by_uuid(invoice_uuid=april)["amount"], "86.92")
    equal(do.invoices.get_summary_by_uuid(invoice_uuid="preview")["billing_period"], "2026-05")
    assert float(do.balance.get()["month_to_date_usage"]) > 0
    equal(do.billing_history.list()["billing_history"][0]["type"], "Payment")
    try:
        do.invoices.get_csv_by_uuid(invoice_uuid=april)
    except json.JSONDecodeError:
        # This client takes every answer for JSON, also the CSV that it asked for.
        pass


called = set()
client = Counted(connect(), called)
droplet = compute(client)
zone = dns(client)
storage_and_network(client, droplet)
projects(client, droplet, zone)
until("the droplet's destruction", bool, lambda: acts(lambda: client.droplets.destroy(droplet_id=droplet)))
client.domains.delete(domain_name=zone)
billing(client)
missing = [operation for operation in EXPECTED if operation not in called]
equal(missing, [])
print("passed inventory", len(EXPECTED), "operations")
