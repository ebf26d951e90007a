"""Sharded indexes, as CEP 16 has them."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path

from conda_torchmirror.index.sparse import scan

from .channels import zstd_compress

#: Whether this conda reads shards: `conda.gateways.shards` came with conda 26.
READ = importlib.util.find_spec("conda.gateways.shards") is not None


def write(folder: Path) -> None:
    """Put shards beside an index."""
    import msgpack

    index = json.loads((folder / "repodata.json").read_text())
    names: dict[str, dict] = {}
    for section in scan.SECTIONS:
        for fn, record in index[section].items():
            part = names.setdefault(record["name"], {key: {} for key in scan.SECTIONS})
            hashes = {key: bytes.fromhex(record[key]) for key in ("md5", "sha256")}
            part[section][fn] = {**record, **hashes}
    hashes = {}
    for name, part in names.items():
        content = zstd_compress(msgpack.dumps(part))
        hashes[name] = hashlib.sha256(content).digest()
        (folder / f"{hashes[name].hex()}.msgpack.zst").write_bytes(content)
    info = {"subdir": folder.name, "base_url": "", "shards_base_url": ""}
    document = {"info": info, "version": 1, "shards": hashes}
    (folder / "repodata_shards.msgpack.zst").write_bytes(zstd_compress(msgpack.dumps(document)))
