"""An independent Python client, python-digitalocean, through droplets, domains, snapshots and projects.

Its base address comes from the environment; it always asks with a trailing slash.
"""

import os
import time

import digitalocean

TOKEN = os.environ["DIGITALOCEAN_TOKEN"]


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, got {actual!r}")


def until(what, wanted, read, attempts=2000):
    seen = None
    for _ in range(attempts):
        seen = read()
        if wanted(seen):
            return seen
        time.sleep(0.005)
    raise AssertionError(f"{what} did not come about; last seen {seen!r}")


def free(call):
    """The answer, or nothing while another event holds the droplet."""
    try:
        return call() or True
    except digitalocean.DataReadError as error:
        assert "pending event" in str(error), error
        return None


manager = digitalocean.Manager(token=TOKEN)
equal(manager.get_account().status, "active")

droplet = digitalocean.Droplet(
    token=TOKEN, name="edge-1", region="nyc3", image="ubuntu-24-04-x64", size_slug="s-1vcpu-1gb", tags=["env:demo"])
droplet.create()
active = until("an active droplet", lambda it: it.status == "active", lambda: manager.get_droplet(droplet.id))
assert active.ip_address and active.private_ip_address, active
equal(len(until("a listed droplet", bool, lambda: manager.get_all_droplets(tag_name="env:demo"))), 1)
until("a free droplet", bool, lambda: free(lambda: active.take_snapshot("keep")))
action = until("the snapshot's end", lambda it: it.status == "completed",
               lambda: (active.load(), active.get_actions())[1][0])
equal(action.type, "snapshot")
snapshots = until("the snapshot in the listing", bool, manager.get_droplet_snapshots)
equal(manager.get_snapshot(snapshots[0].id).name, "keep")
until("a free droplet", bool, lambda: free(lambda: active.rename("edge-1b")))
until("the new name", lambda it: it.name == "edge-1b", lambda: manager.get_droplet(droplet.id))

digitalocean.Domain(token=TOKEN, name="arcadia-demo.com", ip_address="192.0.2.1").create()
domain = manager.get_domain("arcadia-demo.com")
created = domain.create_new_domain_record(type="A", name="www", data="192.0.2.2")
record = digitalocean.Record.get_object(TOKEN, "arcadia-demo.com", created["domain_record"]["id"])
record.data = "192.0.2.3"
record.save()
equal([it.data for it in domain.get_records() if it.name == "www"], ["192.0.2.3"])
record.destroy()
equal([it.name for it in manager.get_all_domains()], ["arcadia-demo.com"])

project = digitalocean.Project(token=TOKEN, name="acme", purpose="Web Application", description="a tenant", environment="Staging")
project.create_project()
found = [it for it in manager.get_all_projects() if it.name == "acme"][0]
found.assign_resource([f"do:droplet:{droplet.id}"])
equal([it["urn"] for it in found.get_all_resources()] if isinstance(found.get_all_resources()[0], dict)
      else [str(it) for it in found.get_all_resources()], [f"do:droplet:{droplet.id}"])
manager.get_default_project().assign_resource([f"do:droplet:{droplet.id}"])
found.delete_project()

snapshots[0].destroy()
until("the snapshot's end", lambda it: not it, manager.get_all_snapshots)
until("the droplet's destruction", bool, lambda: free(active.destroy))
until("an empty account", lambda it: not it, manager.get_all_droplets)
domain.destroy()
print("passed python-digitalocean")
