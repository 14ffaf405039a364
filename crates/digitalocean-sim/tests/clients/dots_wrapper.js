// An independent JavaScript client, dots-wrapper, through droplets, domains, snapshots and projects.

const { createRequire } = require("node:module");
const { setTimeout: pause } = require("node:timers/promises");
const assert = require("node:assert/strict");

const [, , base, folder] = process.argv;
const { createApiClient } = createRequire(folder + "/")("dots-wrapper");
const api = createApiClient({ token: process.env.DIGITALOCEAN_TOKEN, endpoint: base + "/v2" });

async function until(what, wanted, read) {
  let seen;
  for (let attempt = 0; attempt < 2000; attempt += 1) {
    seen = await read();
    if (wanted(seen)) return seen;
    await pause(5);
  }
  throw new Error(`${what} did not come about; last seen ${JSON.stringify(seen)}`);
}

/** The answer, or nothing while another event holds the droplet. */
async function free(call) {
  try {
    return (await call()) || true;
  } catch (error) {
    assert.equal(error.response?.status, 422, error);
    assert.match(error.response.data.message, /pending event/);
    return undefined;
  }
}

async function droplets() {
  const wanted = { name: "edge-1", region: "nyc3", size: "s-1vcpu-1gb", image: "ubuntu-24-04-x64", tags: ["env:demo"] };
  const created = await api.droplet.createDroplet(wanted);
  assert.equal(created.status, 202);
  const droplet_id = created.data.droplet.id;
  const read = () => api.droplet.getDroplet({ droplet_id });
  await until("an active droplet", (it) => it.data.droplet.status === "active", read);
  await until("a listed droplet", (it) => it.data.meta.total === 1, () => api.droplet.listDroplets({ tag_name: "env:demo" }));
  await until("a free droplet", Boolean, () => free(() => api.droplet.snapshotDroplet({ droplet_id, name: "keep" })));
  const listed = await until("the snapshot", (it) => it.data.meta.total === 1, () => api.snapshot.listSnapshots({}));
  const snapshot_id = listed.data.snapshots[0].id;
  assert.equal((await api.snapshot.getSnapshot({ snapshot_id })).data.snapshot.name, "keep");
  await api.snapshot.deleteSnapshot({ snapshot_id });
  await until("a free droplet", Boolean, () => free(() => api.droplet.powerOffDroplet({ droplet_id })));
  await until("an off droplet", (it) => it.data.droplet.status === "off", read);
  return droplet_id;
}

async function domains() {
  const domain_name = "arcadia-demo.com";
  await api.domain.createDomain({ name: domain_name });
  const created = await api.domain.createDomainRecord({ domain_name, type: "A", name: "www", data: "192.0.2.1" });
  const domain_record_id = created.data.domain_record.id;
  await api.domain.updateDomainRecord({ domain_name, domain_record_id, type: "A", name: "www", data: "192.0.2.2" });
  const records = await api.domain.listDomainRecords({ domain_name });
  assert.equal(records.data.domain_records.find((it) => it.id === domain_record_id).data, "192.0.2.2");
  await api.domain.deleteDomainRecord({ domain_name, domain_record_id });
  assert.equal((await api.domain.listDomains({})).data.domains.length, 1);
  await api.domain.deleteDomain({ name: domain_name });
}

async function projects(droplet_id) {
  const created = await api.project.createProject({ name: "acme", purpose: "Web Application" });
  const project_id = created.data.project.id;
  const urn = `do:droplet:${droplet_id}`;
  const assigned = await api.project.assignResourcesToProject({ project_id, resources: [urn] });
  assert.equal(assigned.data.resources[0].status, "assigned");
  const members = await api.project.listProjectResources({ project_id });
  assert.deepEqual(members.data.resources.map((it) => it.urn), [urn]);
  await api.project.assignResourcesToDefaultProject({ resources: [urn] });
  assert.equal((await api.project.listProjects({})).data.projects.length, 2);
  await api.project.deleteProject({ project_id });
}

async function main() {
  const droplet_id = await droplets();
  await domains();
  await projects(droplet_id);
  await until("the droplet's destruction", Boolean, () => free(() => api.droplet.deleteDroplet({ droplet_id })));
  await until("an empty account", (it) => it.data.meta.total === 0, () => api.droplet.listDroplets({}));
  console.log("passed dots-wrapper");
}

main().catch((error) => {
  console.error(error.response?.data ?? "", error);
  process.exit(1);
});
