"""Writes the software bill of materials of the command or of the Python package: CycloneDX 1.5, JSON.

    cargo metadata --format-version 1 --locked > metadata.json
    python3 packaging/sbom.py metadata.json [PACKAGE [FEATURE ...]] > sbom.json

PACKAGE is `ergoseq` (the command) by default. Every package that a build of it takes in on any system is a component, with its
version, licence, checksum and what it depends on; packages for tests and build scripts are left out. The text depends on nothing but the
metadata and Cargo.lock.
"""

import json
import pathlib
import sys
import tomllib


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def normal_dependencies(node):
    kinds = lambda d: [k["kind"] for k in d["dep_kinds"]]
    return [d["pkg"] for d in node["deps"] if None in kinds(d)]


def component(package, checksums):
    out = {"type": "library", "bom-ref": reference(package), "name": package["name"], "version": package["version"], "purl": reference(package)}
    if package.get("description"):
        out["description"] = " ".join(package["description"].split())
    if package.get("license"):
        out["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if (found := checksums.get((package["name"], package["version"]))) is not None:
        out["hashes"] = [{"alg": "SHA-256", "content": found}]
    return out


def main():
    metadata = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    wanted = sys.argv[2] if len(sys.argv) > 2 else "ergoseq"
    packages = {p["id"]: p for p in metadata["packages"]}
    nodes = {n["id"]: n for n in metadata["resolve"]["nodes"]}
    lock = tomllib.loads((pathlib.Path(metadata["workspace_root"]) / "Cargo.lock").read_text(encoding="utf-8"))
    checksums = {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}
    root = next(i for i in metadata["workspace_members"] if packages[i]["name"] == wanted)
    found, waiting = set(), [root]
    while waiting:
        if (here := waiting.pop()) not in found:
            found.add(here)
            waiting += normal_dependencies(nodes[here])
    ordered = sorted(found, key=lambda i: (packages[i]["name"], packages[i]["version"]))
    unknown = [packages[i]["name"] for i in ordered if not packages[i].get("license")]
    if unknown:
        sys.exit(f"no licence is stated by {', '.join(unknown)}")
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {**component(packages[root], checksums), "type": "application"}},
        "components": [component(packages[i], checksums) for i in ordered if i != root],
        "dependencies": [
            {"ref": reference(packages[i]), "dependsOn": sorted(reference(packages[d]) for d in normal_dependencies(nodes[i]))} for i in ordered
        ],
    }
    json.dump(bom, sys.stdout, indent=2, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
