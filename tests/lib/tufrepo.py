# SPDX-License-Identifier: LGPL-2.1-or-later
"""An independent writer of TUF repositories, good and evil: Python's standard library and the openssl command."""
import copy
import datetime
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import urllib.parse

TOP_LEVEL = ("root", "timestamp", "snapshot", "targets")

_KINDS = {
    "ed25519": (["-algorithm", "ed25519"], "ed25519", "ed25519"),
    "ecdsa": (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "ecdsa", "ecdsa-sha2-nistp256"),
    "rsa": (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "rsa", "rsassa-pss-sha256"),
    "rsa-pkcs1": (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "rsa", "rsa-pkcs1v15-sha256"),
}


def canonical(value):
    """Canonical JSON (OLPC), as bytes."""
    return _canonical(value).encode()


def _canonical(value):
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        return "{" + ",".join(_canonical(key) + ":" + _canonical(value[key]) for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value)
    raise TypeError(f"{value!r} has no canonical form")


def expiry(days):
    """The TUF form of the moment that many days from now."""
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


class Key:
    """A key pair. Made by openssl, which signs with it too."""

    def __init__(self, kind="ed25519"):
        options, self.keytype, self.scheme = _KINDS[kind]
        self.private = _openssl("genpkey", *options)
        public = _openssl("pkey", "-pubout", data=self.private).decode()
        if kind == "ed25519":
            public = _openssl("pkey", "-pubout", "-outform", "DER", data=self.private)[-32:].hex()
        self.json = {"keytype": self.keytype, "scheme": self.scheme, "keyval": {"public": public}}
        self.id = hashlib.sha256(canonical(self.json)).hexdigest()

    def alias(self, keyid):
        """The same key under another key id."""
        other = copy.copy(self)
        other.id = keyid
        return other

    def sign(self, data):
        """The signature over data, hex."""
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("key", "data")]
            for path, content in zip(paths, (self.private, data)):
                with open(path, "wb") as file:
                    file.write(content)
            if self.keytype == "ed25519":
                return _openssl("pkeyutl", "-sign", "-rawin", "-inkey", paths[0], "-in", paths[1]).hex()
            options = []
            if self.scheme.startswith("rsassa-pss"):
                options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]
            return _openssl("dgst", "-sha256", "-sign", paths[0], *options, paths[1]).hex()


_pool = []


def pooled_key(index):
    """Ed25519 keys that tests share, since making one takes a process."""
    while len(_pool) <= index:
        _pool.append(Key())
    return _pool[index]


class Repo:
    """A repository in a folder. Change `signed` freely, then write(); write_file() is for what no signer would make."""

    def __init__(self, folder, consistent=True):
        self.folder = str(folder)
        self.metadata = os.path.join(self.folder, "metadata")
        self.targets = os.path.join(self.folder, "targets")
        os.makedirs(self.metadata, exist_ok=True)
        os.makedirs(self.targets, exist_ok=True)
        self.hashes = False  # whether timestamp and snapshot list lengths and hashes
        self.signers = {role: [pooled_key(i)] for i, role in enumerate(TOP_LEVEL)}
        self.signed = {role: self._blank(role) for role in TOP_LEVEL}
        self.signed["root"].update(consistent_snapshot=consistent, keys={}, roles={})
        for role in TOP_LEVEL:
            self.set_keys(role, self.signers[role])
        self.signed["targets"]["targets"] = {}
        self.write("root", "targets", "snapshot", "timestamp")

    def copy(self, folder):
        """Another repository, in a folder that is not there yet, that begins as this one is."""
        other = copy.deepcopy(self)
        other.folder = str(shutil.copytree(self.folder, folder))
        other.metadata, other.targets = (os.path.join(other.folder, name) for name in ("metadata", "targets"))
        return other

    @staticmethod
    def _blank(role):
        return {"_type": role, "spec_version": "1.0.31", "version": 1, "expires": expiry(30)}

    def delegate(self, delegator, role, paths=None, keys=(), threshold=1, sign_with=None, **members):
        """Makes delegator (not written) delegate to role, which is made empty if it is new (and not written).

        Further members of the delegation: terminating, path_hash_prefixes. Keys are by default one that tests share.
        """
        keys = list(keys or [pooled_key(20)])
        delegations = self.signed[delegator].setdefault("delegations", {"keys": {}, "roles": []})
        delegations["keys"].update({key.id: key.json for key in keys})
        entry = {"name": role, "keyids": [key.id for key in keys], "threshold": threshold, "terminating": False} | members
        if paths is not None:
            entry["paths"] = list(paths)
        delegations["roles"].append(entry)
        if role not in self.signed:
            self.signed[role] = self._blank("targets") | {"targets": {}}
            self.signers[role] = keys if sign_with is None else list(sign_with)
        return entry

    def set_keys(self, role, keys, threshold=1, sign_with=None):
        """Gives role its keys in root (root is not written), and its signers."""
        root = self.signed["root"]
        root["keys"].update({key.id: key.json for key in keys})
        root["roles"][role] = {"keyids": [key.id for key in keys], "threshold": threshold}
        self.signers[role] = list(keys if sign_with is None else sign_with)

    def envelope(self, role):
        """The signed document of a role, as it stands."""
        data = canonical(self.signed[role])
        signatures = [{"keyid": key.id, "sig": key.sign(data)} for key in self.signers[role]]
        return {"signatures": signatures, "signed": self.signed[role]}

    def file_name(self, role):
        """Where the role is published at its version."""
        versioned = role == "root" or (role != "timestamp" and self.signed["root"]["consistent_snapshot"])
        name = urllib.parse.quote(role, safe="") + ".json"
        return f"{self.signed[role]['version']}.{name}" if versioned else name

    def delegated(self):
        """The names of delegated roles."""
        return [role for role in self.signed if role not in TOP_LEVEL]

    def path(self, role):
        return os.path.join(self.metadata, self.file_name(role))

    def read(self, role):
        """The bytes served for a role at its version."""
        with open(self.path(role), "rb") as file:
            return file.read()

    def _describe(self, role):
        entry = {"version": self.signed[role]["version"]}
        if self.hashes:
            data = self.read(role)
            entry.update(length=len(data), hashes={"sha256": hashlib.sha256(data).hexdigest()})
        return entry

    def write(self, *roles):
        """Signs and writes roles, in the order given."""
        for role in roles:
            if role == "snapshot":
                meta = self.signed[role].setdefault("meta", {})
                for listed in ["targets", *self.delegated()]:
                    meta[f"{listed}.json"] = self._describe(listed)
            if role == "timestamp":
                self.signed[role]["meta"] = {"snapshot.json": self._describe("snapshot")}
            self.write_file(self.file_name(role), self.envelope(role))

    def write_file(self, name, document):
        """Writes a document, or bytes, as they are."""
        data = document if isinstance(document, bytes) else json.dumps(document, indent=1).encode()
        with open(os.path.join(self.metadata, name), "wb") as file:
            file.write(data)

    def bump(self, *roles):
        """A new version of each role, and of those that list it."""
        wanted = set(roles)
        if wanted.intersection(["targets", *self.delegated()]):
            wanted.add("snapshot")
        if "snapshot" in wanted:
            wanted.add("timestamp")
        ordered = [role for role in ("root", *self.delegated(), "targets", "snapshot", "timestamp")
                   if role in wanted]
        for role in ordered:
            self.signed[role]["version"] += 1
        self.write(*ordered)

    def publish(self):
        """A new version of every targets role, delegated or not, and of what lists them."""
        self.bump("targets", *self.delegated())

    def add_target(self, name, data, custom=None, algorithms=("sha256",), role="targets"):
        """Adds a target to a role, and its file; targets metadata is not written."""
        entry = {"length": len(data), "hashes": {a: hashlib.new(a, data).hexdigest() for a in algorithms}}
        if custom is not None:
            entry["custom"] = custom
        self.signed[role]["targets"][name] = entry
        self.put_target_file(name, data, role)

    def target_file(self, name, role="targets"):
        """The path of the file of a role's target."""
        folder, base = os.path.split(name)
        if self.signed["root"]["consistent_snapshot"]:
            hashes = self.signed[role]["targets"][name]["hashes"]
            base = hashes.get("sha256", hashes.get("sha512", "none")) + "." + base
        return os.path.join(self.targets, folder, base)

    def put_target_file(self, name, data, role="targets"):
        """Makes the file of a target hold data, whatever the metadata says."""
        path = self.target_file(name, role)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
