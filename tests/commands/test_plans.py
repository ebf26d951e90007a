"""Saved plans: written on one machine, carried out on another, refused where they must be."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from support.isolation import Sandbox, reset_conda

from conda_torchmirror.envfiles.file_io import write_folder
from conda_torchmirror.exceptions.plan import (
    PlanAltered,
    PlanFolderTaken,
    PlanMissing,
    PlanTooNew,
    PlanWithoutAddress,
)
from conda_torchmirror.handover import solve
from conda_torchmirror.models import (
    Build,
    Choice,
    Decision,
    Machine,
    Plan,
    Records,
    Request,
    Route,
)
from conda_torchmirror.plans import saved_plan

#: Where each machine keeps its own things, and what differs between two ways to the same package.
NOT_THE_PACKAGE = (
    "extracted_package_dir",
    "link",
    "package_tarball_full_path",
    "_requested_specs",
    "requested_spec",
    "requested_specs",
)
ASK = ("--cuda", "12.4", "--python", "3.12", "pytorch", "torchvision")
CPU = ("--cuda", "cpu", "--python", "3.11", "pytorch=2.1.0")
TOKEN = "tk-hidden-0123"


def conda_meta(prefix):
    """What an environment holds: its records, without what belongs to the machine."""
    found = {}
    for path in (Path(prefix) / "conda-meta").glob("*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        found[path.name] = {k: v for k, v in record.items() if k not in NOT_THE_PACKAGE}
    return found


def index(channels):
    """The records that the servers have, by file name."""
    found = {}
    for path in channels.rglob("repodata.json"):
        repodata = json.loads(path.read_text(encoding="utf-8"))
        found.update({**repodata["packages"], **repodata["packages.conda"]})
    return found


@pytest.fixture
def elsewhere(tmp_path):
    """`elsewhere(pkgs=None, **settings)`: another machine, as variables; its package cache is a
    copy of `pkgs`. It knows no channel, no server and no GPU."""

    def make(pkgs=None, **settings):
        world = Sandbox(tmp_path / f"machine{len(list(tmp_path.iterdir()))}").create()
        world.write_condarc(settings)
        if pkgs is not None:
            shutil.copytree(pkgs, world.pkgs)
        return world, world.variables()

    return make


@pytest.fixture
def make_plan(mirrored, mirror, channels, tmp_path):
    """`make_plan("filelock", ...)`: a plan of these packages of conda-forge, without a solve."""

    def make(*names, folder=tmp_path / "plan", base=None, subdir="linux-64", removed=(), **fields):
        from conda.models.records import PackageRecord

        root = base or mirror.channel_url("conda-forge")
        records = []
        for name in names:
            part, found = next(
                (part, record)
                for part in (subdir, "noarch")
                for record in json.loads(
                    (channels / "conda-forge" / part / "repodata.json").read_text()
                )["packages"].values()
                if record["name"] == name
            )
            fn = f"{name}-{found['version']}-{found['build']}.tar.bz2"
            channel = f"{root}/{part}"
            records.append(PackageRecord(fn=fn, url=f"{channel}/{fn}", channel=channel, **found))
        build = Build("pytorch", "2.5.1", "py3.12_cuda12.4_cudnn9.1.0_0", 0, subdir)
        decision = Decision(
            machine=Machine(subdir, cuda="12.4", cuda_from="--cuda"),
            request=Request({"pytorch": ("pytorch",)}),
            choice=Choice((build,), "3.12", fields.get("cuda", "12.4"), "pytorch-cuda"),
            records=Records((build,), "live"),
            plan=Plan("create", (build.spec,), (), (Route("pytorch", root, "tuna"),), {}, "", ""),
            prefix=None,
            dry_run=False,
        )
        found = solve.Transaction(tuple(records), tuple(records), tuple(removed))
        plan = saved_plan.save(folder, decision, found)
        reset_conda()
        return plan

    return make


def test_carried_out_on_another_machine_without_gpu_or_network(
    mirrored, mirror, upstream, channels, run_conda, sandbox, elsewhere, tmp_path
):
    mirrored(channels=["conda-forge"])
    folder, prefix = tmp_path / "plan", tmp_path / "here"
    told = run_conda("torch-install", "--save-plan", folder, *ASK).ok().stdout
    assert sorted(os.listdir(folder)) == ["explicit.txt", "plan.json"]
    assert "Nothing was installed" in told
    assert not sandbox.envs.exists()

    found = json.loads((folder / "plan.json").read_text())
    records = index(channels)
    lines = (folder / "explicit.txt").read_text().partition("@EXPLICIT\n")[2].splitlines()
    assert len(lines) == len(found["packages"]) > 50
    for line, package in zip(lines, found["packages"], strict=True):
        url, _, md5 = line.partition("#")
        real = records[url.rpartition("/")[2]]
        assert md5 == real["md5"]
        assert (package["size"], package["sha256"]) == (real["size"], real["sha256"])
    assert found["total_download"] == sum(package["size"] for package in found["packages"])
    assert found["torchmirror"]["selected"]["cuda"] == "12.4"
    names = [package["name"] for package in found["packages"]]
    assert names.index("python") < names.index("pytorch") < names.index("torchvision")

    for server in (mirror, upstream):
        server.requests.clear()
    run_conda("torch-install", "--plan", folder, "--download-only").ok()
    asked = [path for server in (mirror, upstream) for path in server.asked()]
    assert len(asked) == len(lines) == len(set(asked))
    run_conda("torch-install", "-y", "-q", "-p", prefix, *ASK).ok()

    mirror.stop()
    upstream.stop()
    there, variables = elsewhere(sandbox.pkgs)
    words = ("torch-install", "--offline", "--plan", folder, "-n", "new")
    result = run_conda(*words, env=variables).ok()
    assert conda_meta(there.envs / "new") == conda_meta(prefix)
    assert "nothing has to be downloaded" in result.stdout
    assert "no NVIDIA driver was found here" in result.stdout


def test_conda_itself_takes_the_explicit_file(make_plan, mirror, conda_in_process, tmp_path):
    plan = make_plan("filelock", "python")
    conda_in_process(
        "create", "-y", "-q", "-p", tmp_path / "env", "--file", plan.folder / "explicit.txt"
    ).ok()
    assert sorted(conda_meta(tmp_path / "env")) == [
        "filelock-3.16.1-stub_0.json",
        f"python-{plan.packages[1]['version']}-stub_0_cpython.json",
    ]
    assert len(mirror.asked("*/filelock-*")) == 1


def test_what_the_channel_says_survives_a_replay(make_plan, channels, conda_in_process, tmp_path):
    # A channel may correct what a package says of itself; from a bare URL conda would not know.
    plan = make_plan("filelock")
    folder = plan.folder
    corrected = {**plan.packages[0], "depends": ["python >=3.9"]}
    document = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps({**document, "packages": [corrected]}))
    conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", folder).ok()
    (record,) = conda_meta(tmp_path / "env").values()
    assert record["depends"] == ["python >=3.9"]
    assert record["sha256"] == plan.packages[0]["sha256"]


def break_explicit(folder):
    path = folder / "explicit.txt"
    path.write_text(path.read_text().replace("filelock-3.16.1", "filelock-3.16.2"))


def break_hash(folder):
    path = folder / "explicit.txt"
    text = path.read_text()
    path.write_text(text[:-2] + ("0" if text[-2] != "0" else "1") + "\n")


def drop_line(folder):
    path = folder / "explicit.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def edit(**changes):
    def change(folder):
        path = folder / "plan.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def edit_package(**changes):
    def change(folder):
        path = folder / "plan.json"
        found = json.loads(path.read_text())
        found["packages"][0].update(changes)
        path.write_text(json.dumps(found))

    return change


def cut_json(folder):
    path = folder / "plan.json"
    path.write_text(path.read_text()[:-20])


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (break_explicit, PlanAltered, "checksum"),
        (break_hash, PlanAltered, "checksum"),
        (drop_line, PlanAltered, "checksum"),
        (cut_json, PlanAltered, "Unterminated string"),
        (edit(packages=[]), PlanAltered, "same packages"),
        (edit(packages=None), PlanAltered, "lacks"),
        (edit(packages=["x"]), PlanAltered, "lacks"),
        (edit(kind="other"), PlanAltered, "another kind"),
        (edit(subdir="win-64"), PlanAltered, "is not for win-64"),
        (edit(schema=2), PlanTooNew, "newer"),
        (edit_package(md5="0" * 32), PlanAltered, "same packages"),
        (edit_package(url="https://evil.example/a.conda"), PlanAltered, "same packages"),
        (edit_package(fn="../../a.conda"), PlanAltered, "URL"),
        (lambda folder: (folder / "explicit.txt").unlink(), PlanMissing, "explicit.txt"),
        (lambda folder: (folder / "plan.json").unlink(), PlanMissing, "plan.json"),
        (shutil.rmtree, PlanMissing, "plan.json"),
    ],
    ids=[
        *("line", "hash", "dropped", "cut", "none", "null", "no-records", "kind", "subdir"),
        *("schema", "md5", "url", "file-name", "no-explicit", "no-json", "no-folder"),
    ],
)
def test_an_altered_plan_is_refused(make_plan, change, error, says):
    folder = make_plan("python", "filelock").folder
    change(folder)
    with pytest.raises(error) as caught:
        saved_plan.load(folder)
    assert str(folder) in str(caught.value)
    assert says in str(caught.value.dump_map())


def test_the_refusal_as_a_person_sees_it(make_plan, mirror, conda_in_process, tmp_path):
    folder = make_plan("filelock").folder
    break_explicit(folder)
    result = conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", folder)
    assert result.rc == 1
    assert "PlanAltered" in result.stderr
    assert "save it again" in result.stderr
    assert not (tmp_path / "env").exists()
    assert mirror.asked("*filelock*") == []


def test_a_file_with_another_hash_is_not_installed(make_plan, mirror, conda_in_process, tmp_path):
    folder = make_plan("filelock").folder
    mirror.fail("*/filelock-*", "wrong_hash")
    result = conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", folder)
    assert result.rc == 1
    assert "sha256" in result.stderr
    assert not (tmp_path / "env").exists()


def test_line_ends_of_version_control_are_no_alteration(make_plan):
    plan = make_plan("filelock", "python")
    path = plan.folder / "explicit.txt"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert saved_plan.load(plan.folder) == plan


@pytest.mark.parametrize("download_only", [False, True], ids=["install", "download"])
def test_another_platform_is_refused(make_plan, run_conda, tmp_path, download_only):
    folder = make_plan("filelock").folder
    words = ["torch-install", "-p", tmp_path / "env", "--plan", folder]
    words += ["--download-only"] if download_only else []
    result = run_conda(*words, env={"CONDA_SUBDIR": "win-64"})
    assert result.rc == 1
    assert "the plan is for linux-64, and this is win-64" in result.stderr
    assert not (tmp_path / "env").exists()


def test_the_cache_can_be_filled_for_another_platform(make_plan, conda_in_process, sandbox):
    folder = make_plan("vc", subdir="win-64").folder
    words = ("torch-install", "--plan", folder, "--platform", "win-64", "--download-only")
    conda_in_process(*words).ok()
    assert (sandbox.pkgs / "vc-14.40-stub_0").is_dir()


def test_offline_without_the_files_says_which_and_what_to_do(make_plan, conda_in_process, tmp_path):
    folder = make_plan("filelock", "python").folder
    conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", folder).ok()
    folder = make_plan("filelock", "python", "sympy").folder
    prefix = tmp_path / "other"
    result = conda_in_process("torch-install", "-p", prefix, "--offline", "--plan", folder)
    assert result.rc == 1
    assert "1 of the plan's 3 packages" in result.stderr
    assert "sympy-1.13.3-stub_0.tar.bz2" in result.stderr
    assert "--download-only" in result.stderr
    assert not prefix.exists()


def test_files_of_a_download_manager_beside_the_plan(
    make_plan, mirror, channels, conda_in_process, tmp_path, sandbox
):
    plan = make_plan("filelock", "sympy", "mpmath")
    forge = channels / "conda-forge" / "noarch"
    shutil.copy(forge / "filelock-3.16.1-stub_0.tar.bz2", plan.folder)
    sandbox.pkgs.mkdir()
    shutil.copy(forge / "sympy-1.13.3-stub_0.tar.bz2", sandbox.pkgs)
    damaged = bytearray((forge / "mpmath-1.3.0-stub_0.tar.bz2").read_bytes())
    damaged[100] ^= 1
    (plan.folder / "mpmath-1.3.0-stub_0.tar.bz2").write_bytes(damaged)
    result = conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", plan.folder).ok()
    assert "1 of them" in result.stdout
    assert mirror.asked("*.tar.bz2") == [
        "/anaconda/cloud/conda-forge/noarch/mpmath-1.3.0-stub_0.tar.bz2"
    ]
    found = conda_meta(tmp_path / "env")
    assert [record["url"] for record in found.values()] == [
        next(p["url"] for p in plan.packages if p["name"] == record["name"])
        for record in found.values()
    ]


def test_the_urls_of_a_plan(make_plan, conda_in_process):
    plan = make_plan("filelock", "python")
    result = conda_in_process("torch-install", "--plan", plan.folder, "--urls").ok()
    expected = [f"{p['url']}#sha256={p['sha256']}" for p in plan.packages]
    assert result.stdout.splitlines() == expected
    assert str(plan.folder) in result.stderr


def test_an_existing_environment_goes_into_the_plan_whole(
    mirrored, conda_in_process, run_conda, sandbox, elsewhere, tmp_path
):
    mirrored(channels=["conda-forge"])
    prefix, folder = tmp_path / "env", tmp_path / "plan"
    conda_in_process("create", "-y", "-q", "-p", prefix, "python=3.11", "tqdm").ok()
    before = conda_meta(prefix)
    words = ("-p", prefix, "--cuda", "cpu", "pytorch=2.1.0")
    conda_in_process("torch-install", "--save-plan", folder, *words, "--download-only").ok()
    assert conda_meta(prefix) == before
    plan = saved_plan.load(folder)
    assert {"tqdm", "python", "pytorch"} <= {package["name"] for package in plan.packages}
    conda_in_process("torch-install", "-y", "-q", *words).ok()

    there, variables = elsewhere(sandbox.pkgs)
    replay = ("torch-install", "--offline", "--plan", folder)
    run_conda(*replay, "-n", "new", env=variables).ok()
    assert conda_meta(there.envs / "new") == conda_meta(prefix)
    # And into an environment that has a part of it.
    shutil.rmtree(prefix)
    conda_in_process("create", "-y", "-q", "-p", prefix, "--offline", "python=3.11", "tqdm").ok()
    conda_in_process(*replay, "-p", prefix).ok()
    assert conda_meta(prefix) == conda_meta(there.envs / "new")


def test_what_the_plan_removed_is_not_left_in(make_plan, conda_in_process, tmp_path):
    prefix = tmp_path / "env"
    conda_in_process("create", "-y", "-q", "-p", prefix, "six").ok()
    folder = make_plan("filelock", removed=["six"]).folder
    result = conda_in_process("torch-install", "-p", prefix, "--plan", folder)
    assert result.rc == 1
    assert f"conda remove --force -p {prefix} six" in result.stderr
    conda_in_process("remove", "-y", "-q", "--force", "-p", prefix, "six").ok()
    conda_in_process("torch-install", "-p", prefix, "--plan", folder).ok()


def test_a_leftover_cpuonly_has_to_leave_first(mirrored, conda_in_process, tmp_path):
    prefix = tmp_path / "env"
    words = ("create", "-y", "-q", "-p", prefix, "-c", "pytorch", "python=3.12", "cpuonly")
    conda_in_process(*words).ok()
    for option in (("--save-plan", tmp_path / "plan"), ("--download-only",), ("--urls", "--solve")):
        result = conda_in_process("torch-install", "-y", "-p", prefix, *option, *ASK)
        assert result.rc == 1
        assert "cpuonly" in result.stderr
    assert "cpuonly-2.0-0.json" in conda_meta(prefix)


@pytest.mark.parametrize("secret", [f"/t/{TOKEN}", "me:h1dden-pw@"], ids=["token", "password"])
def test_secrets_stay_out_of_a_plan_which_works_where_they_are_known(
    make_mirror, channels, condarc, conda_in_process, run_conda, elsewhere, tmp_path, secret
):
    token = secret if secret.startswith("/") else ""
    server = make_mirror(channels, {"conda-forge": token, "pytorch": token})
    base = server.url if token else server.url.replace("//", f"//{secret}")
    private = f"{base}{token}/conda-forge"
    names = ("pytorch", "nvidia", "conda-forge")
    settings = {
        "channels": [private],
        "custom_channels": dict.fromkeys(names, f"{base}{token}"),
    }
    condarc(**settings)
    folder = tmp_path / "plan"
    words = ("--save-plan", folder, *CPU, "tqdm")
    result = conda_in_process("torch-install", *words).ok()
    assert "was read with a token or password" in result.stdout
    written = "".join(path.read_text() for path in folder.iterdir())
    for text in (written, result.stdout, result.stderr):
        assert TOKEN not in text
        assert "h1dden" not in text
    urls = [package["url"] for package in saved_plan.load(folder).packages]
    known = (f"{server.url}/conda-forge/", f"{server.url}/pytorch/")
    assert all(url.startswith(known) for url in urls)

    # Where the same channels are configured, the plan needs nothing else; then it is cached.
    there, variables = elsewhere(**{**settings, "channels": [private, "pytorch"]})
    server.requests.clear()
    run_conda("torch-install", "--plan", folder, "--download-only", env=variables).ok()
    assert len(server.asked(f"{token}/*.tar.bz2")) == len(urls)
    server.stop()
    words = ("torch-install", "--offline", "--plan", folder, "-n", "new")
    run_conda(*words, env=variables).ok()
    assert len(conda_meta(there.envs / "new")) == len(urls)


def test_a_folder_that_holds_something_else_is_left_alone(make_plan, conda_in_process, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "plan.json").write_text('{"kind": "of another tool"}')
    (tmp_path / "file").write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for name in ("mine", "other", "file"):
        # Known before anything is read from a channel.
        result = conda_in_process("torch-install", "--save-plan", tmp_path / name, *ASK)
        assert result.rc == 1
        assert "PlanFolderTaken" in result.stderr
        with pytest.raises(PlanFolderTaken):
            make_plan("filelock", folder=tmp_path / name)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("there", ["nothing", "empty", "plan", "below"])
def test_a_plan_is_saved_where_nothing_or_an_older_one_is(make_plan, tmp_path, there):
    folder = tmp_path / "plan"
    if there == "empty":
        folder.mkdir()
    elif there == "plan":
        make_plan("filelock")
    elif there == "below":
        folder = tmp_path / "a" / "b"
    plan = make_plan("sympy", "mpmath", folder=folder)
    assert saved_plan.load(folder) == plan
    assert sorted(os.listdir(folder.parent)) == [folder.name]


def test_what_goes_wrong_while_saving_leaves_the_older_plan(make_plan, tmp_path):
    plan = make_plan("filelock")
    files = {"explicit.txt": "", "no-folder/plan.json": ""}
    with pytest.raises(OSError, match="no-folder"):
        write_folder(plan.folder, files)
    assert saved_plan.load(plan.folder) == plan
    with pytest.raises(OSError, match="no-folder"):
        write_folder(tmp_path / "new", files)
    assert os.listdir(tmp_path) == ["plan"]


@pytest.mark.parametrize(
    "words",
    [("pytorch=2.3",), ("--cuda", "12.1"), ("--python", "3.11"), ("--save-plan", "x"), ("--list",)],
    ids=["spec", "cuda", "python", "save", "list"],
)
def test_a_plan_goes_with_no_option_that_chooses(make_plan, conda_in_process, words):
    folder = make_plan("filelock").folder
    result = conda_in_process("torch-install", "--plan", folder, *words)
    assert result.rc == 2
    assert "decided when the plan was saved" in result.stderr


def test_a_dry_run_only_shows_the_plan(make_plan, mirror, conda_in_process, tmp_path, sandbox):
    folder = make_plan("filelock", "python").folder
    words = ("torch-install", "-n", "new", "--plan", folder, "--dry-run")
    assert "2 of them" in conda_in_process(*words).ok().stdout
    found = conda_in_process(*words, "--json").ok().json()
    assert found["dry_run"]
    assert found["torchmirror"]["plan"]["packages"] == 2
    assert found["torchmirror"]["to_download"] == found["torchmirror"]["plan"]["total_download"] > 0
    assert found["torchmirror"]["selected"]["cuda"] == "12.4"
    assert mirror.asked("*.tar.bz2") == []
    assert not (sandbox.envs / "new").exists()


def test_json_of_saving_and_of_carrying_out(mirrored, conda_in_process, sandbox, tmp_path):
    mirrored(channels=["conda-forge"])
    folder = tmp_path / "plan"
    words = ("--save-plan", folder, *CPU)
    found = conda_in_process("torch-install", "--json", *words).ok().json()
    assert found["torchmirror"]["plan"] == saved_plan.load(folder).about
    found = conda_in_process("torch-install", "--json", "--plan", folder, "-n", "new").ok().json()
    assert found["success"]
    assert found["torchmirror"]["plan"]["folder"] == str(folder)
    assert len(conda_meta(sandbox.envs / "new")) == found["torchmirror"]["plan"]["packages"]


def test_default_packages_of_the_other_machine_stay_out(make_plan, run_conda, elsewhere, sandbox):
    folder = make_plan("filelock").folder
    run_conda("torch-install", "--plan", folder, "--download-only").ok()
    there, variables = elsewhere(sandbox.pkgs, create_default_packages=["tqdm"])
    words = ("torch-install", "--offline", "--plan", folder, "-n", "new")
    run_conda(*words, env=variables).ok()
    assert list(conda_meta(there.envs / "new")) == ["filelock-3.16.1-stub_0.json"]


def test_an_old_driver_is_said(make_plan, run_conda):
    folder = make_plan("filelock").folder
    words = ("torch-install", "--plan", folder, "--dry-run")
    result = run_conda(*words, env={"CONDA_OVERRIDE_CUDA": "11.8"}).ok()
    assert "the driver here runs only CUDA 11.8" in result.stdout
    result = run_conda(*words, env={"CONDA_OVERRIDE_CUDA": "12.1"}).ok()
    assert "driver" not in result.stdout


def test_pips_torch_stops_a_replay(make_plan, conda_in_process, tmp_path):
    prefix = tmp_path / "env"
    conda_in_process("create", "-y", "-q", "-p", prefix, "python=3.12").ok()
    info = prefix / "lib" / "python3.12" / "site-packages" / "torch-2.5.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.5.1\n")
    (info / "RECORD").write_text("torch/__init__.py,,\n")
    (info / "INSTALLER").write_text("pip\n")
    result = conda_in_process("torch-install", "-p", prefix, "--plan", make_plan("filelock").folder)
    assert result.rc == 1
    assert "PipTorch" in result.stderr


def test_a_package_without_an_address_cannot_be_planned(tmp_path):
    from conda.models.records import PackageRecord

    decision = Decision(
        machine=Machine("linux-64"),
        request=Request({}),
        choice=Choice((), "3.12"),
        records=Records((), "live"),
        plan=Plan("install", (), (), (), {}, "", ""),
        prefix="/env",
        dry_run=False,
    )
    record = PackageRecord(name="mine", version="1", build="0", build_number=0)
    found = solve.Transaction((record,), (), ())
    with pytest.raises(PlanWithoutAddress, match="mine"):
        saved_plan.save(tmp_path / "new", decision, found)
    assert not (tmp_path / "new").exists()


def test_an_administrators_list_of_channels_counts(make_plan, mirrored, conda_in_process, tmp_path):
    folder = make_plan("filelock").folder
    only = "https://conda.example/only"
    mirrored(channels=[only], allowlist_channels=[only])
    result = conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", folder)
    assert result.rc == 1
    assert "Channel" in result.stderr
    assert not (tmp_path / "env").exists()
    mirrored(channels=["conda-forge"], allowlist_channels=["conda-forge"])
    conda_in_process("torch-install", "-p", tmp_path / "env", "--plan", folder).ok()
