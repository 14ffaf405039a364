"""DigitalOcean's own Python client, unmodified, against the simulator named on the command line.

Each scenario checks what the client sees; a failed check ends the process with a traceback and status 1.
"""

import json
import urllib.request

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from pydo_client import BASE, SCENARIO, connect, equal, refused, request_for, until



def droplet_life(do):
    answer = do.droplets.create(body=request_for(name="edge-1", tags=["env:demo"]))
    droplet = answer["droplet"]
    equal(droplet["status"], "new")
    equal(droplet["networks"], {"v4": [], "v6": []})
    action_id = answer["links"]["actions"][0]["id"]
    until("the create action's end", lambda it: it["action"]["status"] == "completed",
          lambda: do.actions.get(action_id=action_id))
    active = until("an active droplet", lambda it: it["status"] == "active",
                   lambda: do.droplets.get(droplet_id=droplet["id"])["droplet"])
    equal(sorted(it["type"] for it in active["networks"]["v4"]), ["private", "public"])

    do.tags.create(body={"name": "by-hand"})
    do.tags.assign_resources(
        tag_id="by-hand",
        body={"resources": [{"resource_id": str(droplet["id"]), "resource_type": "droplet"}]},
    )
    tagged = until("the droplet in the listing by tag", lambda it: it["meta"]["total"] == 1,
                   lambda: do.droplets.list(tag_name="by-hand"))
    equal(sorted(tagged["droplets"][0]["tags"]), ["by-hand", "env:demo"])
    equal(do.tags.get(tag_id="by-hand")["tag"]["resources"]["droplets"]["count"], 1)

    until("an unlocked droplet", lambda it: it is not None, lambda: act(do, droplet["id"], {"type": "snapshot", "name": "keep"}))
    snapshots = until("the snapshot in the listing", lambda it: it["meta"]["total"] == 1,
                      lambda: do.snapshots.list(resource_type="droplet"))
    equal(snapshots["snapshots"][0]["resource_id"], str(droplet["id"]))

    until("the droplet's destruction", lambda it: it, lambda: destroy(do, droplet["id"]))
    gone = until("a 404", lambda it: it.get("id") == "not_found", lambda: do.droplets.get(droplet_id=droplet["id"]))
    equal(gone["message"], "The resource you were accessing could not be found.")
    do.snapshots.delete(snapshot_id=snapshots["snapshots"][0]["id"])
    until("an empty listing", lambda it: it["meta"]["total"] == 0, lambda: do.snapshots.list())


def act(do, droplet_id, body):
    """The action, or nothing while another event holds the droplet."""
    try:
        return do.droplet_actions.post(droplet_id=droplet_id, body=body)
    except HttpResponseError as error:
        equal(error.status_code, 422)
        assert "pending event" in str(error), error
        return None


def destroy(do, droplet_id):
    try:
        do.droplets.destroy(droplet_id=droplet_id)
        return True
    except HttpResponseError as error:
        equal(error.status_code, 422)
        assert "pending event" in str(error), error
        return False


def sixty_droplets(do):
    created = []
    for ten in range(6):
        names = [f"fleet-{ten}{one}" for one in range(10)]
        created += do.droplets.create(body=request_for(names=names, tags=["fleet"]))["droplets"]
    equal(len(created), 60)
    until("sixty listed droplets", lambda it: it["meta"]["total"] == 60, lambda: do.droplets.list(tag_name="fleet"))

    seen, page, pages = [], 1, 0
    while True:
        answer = do.droplets.list(per_page=20, page=page, tag_name="fleet")
        equal(len(answer["droplets"]), 20)
        equal(answer["meta"]["total"], 60)
        seen += [it["id"] for it in answer["droplets"]]
        pages += 1
        following = answer.get("links", {}).get("pages", {}).get("next")
        if following is None:
            break
        assert following.startswith(BASE + "/v2/droplets?"), following
        page += 1
    equal(pages, 3)
    equal(sorted(seen), sorted(it["id"] for it in created))

    for droplet_id in seen:
        until("the droplet's destruction", lambda it: it, lambda: destroy(do, droplet_id))
    until("an empty account", lambda it: it["meta"]["total"] == 0, lambda: do.droplets.list())


def dns_records(do):
    zone = "arcadia-demo.com"
    equal(do.domains.create(body={"name": zone})["domain"]["ttl"], 1800)
    equal(sorted(it["type"] for it in do.domains.list_records(domain_name=zone)["domain_records"]),
          ["NS", "NS", "NS", "SOA"])
    record = do.domains.create_record(
        domain_name=zone, body={"type": "A", "name": "acme", "data": "192.0.2.1", "ttl": 300})["domain_record"]
    found = do.domains.list_records(domain_name=zone, name="acme." + zone, type="A")["domain_records"]
    equal(found, [record])
    changed = do.domains.update_record(
        domain_name=zone, domain_record_id=record["id"],
        body={"type": "A", "name": "acme", "data": "192.0.2.2", "ttl": 60})["domain_record"]
    equal((changed["id"], changed["data"], changed["ttl"]), (record["id"], "192.0.2.2", 60))
    patched = do.domains.patch_record(
        domain_name=zone, domain_record_id=record["id"], body={"type": "A", "data": "192.0.2.3"})["domain_record"]
    equal((patched["name"], patched["data"]), ("acme", "192.0.2.3"))
    error = refused(422, do.domains.create_record, domain_name=zone,
                    body={"type": "CNAME", "name": "www", "data": "acme.example.com"})
    assert "needs to end with a dot" in str(error), error
    host = do.domains.create_record(
        domain_name=zone, body={"type": "CNAME", "name": "www", "data": "acme.example.com."})["domain_record"]
    equal(host["data"], "acme.example.com")
    do.domains.delete_record(domain_name=zone, domain_record_id=record["id"])
    equal(do.domains.get_record(domain_name=zone, domain_record_id=record["id"])["id"], "not_found")
    do.domains.delete(domain_name=zone)
    equal(do.domains.list()["domains"], [])


def catalogue_and_errors(do):
    account = do.account.get()["account"]
    equal(account["status"], "active")
    slugs = [it["slug"] for it in do.sizes.list(per_page=200)["sizes"]]
    assert "s-1vcpu-1gb" in slugs, slugs
    assert "nyc3" in [it["slug"] for it in do.regions.list(per_page=200)["regions"]]
    image = do.images.get(image_id="ubuntu-24-04-x64")["image"]
    equal(do.images.get(image_id=image["id"])["image"]["slug"], "ubuntu-24-04-x64")
    refused(422, do.droplets.create, body=request_for(name="x") | {"size": "no-such"})
    try:
        connect(token="").droplets.list()
    except ClientAuthenticationError as error:
        equal(error.status_code, 401)
    else:
        raise AssertionError("an empty token was accepted")
    limit = json.dumps({"route": "GET /v2/account", "kind": "rate_limit", "times": 1}).encode()
    urllib.request.urlopen(urllib.request.Request(BASE + "/_sim/faults", data=limit, method="POST")).close()
    equal(refused(429, do.account.get).response.headers["retry-after"], "1")
    equal(do.account.get()["account"]["status"], "active")


SCENARIOS = {
    "droplet_life": droplet_life,
    "sixty_droplets": sixty_droplets,
    "dns_records": dns_records,
    "catalogue_and_errors": catalogue_and_errors,
}

SCENARIOS[SCENARIO](connect())
print("passed", SCENARIO)
