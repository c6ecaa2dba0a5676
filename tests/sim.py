"""pylxd, unchanged, takes a container through its life on the simulated LXD: tests/sim starts both."""

import sys

import pylxd
import urllib3

urllib3.disable_warnings()
done = 0


def check(what, fine):
    global done
    assert fine, what
    done += 1


def life(client, tarball):
    image = client.images.create(tarball, wait=True)
    image.add_alias("busybox", "")
    check("alias", client.images.get_by_alias("busybox").fingerprint == image.fingerprint)
    config = {"name": "c1", "source": {"type": "image", "alias": "busybox"}}
    c1 = client.instances.create(config, wait=True)
    check("created", c1.status == "Stopped")
    c1.start(wait=True)
    check("started", client.instances.get("c1").status == "Running")
    check("listed", [one.name for one in client.instances.all()] == ["c1"])
    check("state", c1.state().network["lo"]["state"] == "up")
    c1.config["user.k"] = "v"
    c1.save(wait=True)
    check("saved", client.instances.get("c1").config["user.k"] == "v")
    result = c1.execute(["sh", "-c", "echo out; echo err >&2; exit 3"])
    check("executed", (result.exit_code, result.stdout, result.stderr) == (3, "out\n", "err\n"))
    c1.files.put("/root/file", b"content")
    check("file", c1.files.get("/root/file") == b"content")
    c1.snapshots.create("s1", wait=True)
    c1.files.put("/root/file", b"other")
    c1.restore_snapshot("s1", wait=True)
    check("restored", c1.files.get("/root/file") == b"content")
    copied = client.instances.create({"name": "c2", "profiles": ["default"], "source": {"type": "copy", "source": "c1"}}, wait=True)
    check("copied", [one.name for one in copied.snapshots.all()] == ["s1"])
    copied.rename("c3", wait=True)
    check("renamed", client.instances.exists("c3"))
    c1.stop(wait=True, force=True)
    published = c1.publish(wait=True)
    check("published", len(client.images.all()) == 2)
    profile = client.profiles.create("p1", config={"limits.cpu": "1"})
    profile.description = "changed"
    profile.save()
    check("profile", client.profiles.get("p1").description == "changed")
    profile.delete()
    network = client.networks.create("net1", config={"ipv4.address": "10.9.8.1/24", "ipv6.address": "none"})
    check("network", network.managed)
    network.delete()
    pool = client.storage_pools.create({"name": "pool1", "driver": "dir"})
    pool.volumes.create({"name": "v1", "type": "custom"})
    check("volume", pool.volumes.get("custom", "v1").name == "v1")
    pool.volumes.get("custom", "v1").delete()
    pool.delete()
    for name in ["c1", "c3"]:
        client.instances.get(name).delete(wait=True)
    for one in [image, published]:
        client.images.get(one.fingerprint).delete(wait=True)
    check("nothing left", not client.instances.all() and not client.images.all())


socket, https, certificate, key, tarball = sys.argv[1:]
tarball = open(tarball, "rb").read()
life(pylxd.Client(endpoint="http+unix://" + socket.replace("/", "%2F")), tarball)
life(pylxd.Client(endpoint=https, cert=(certificate, key), verify=False), tarball)
print(f"{done} checks of pylxd, by the Unix socket and by HTTPS: all well")
