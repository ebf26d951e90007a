"""Which language is spoken, and that what a program reads is English in any."""

from __future__ import annotations

import gettext
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conda_torchmirror.text import language, translation
from conda_torchmirror.text.language import CHINESE, ENGLISH, in_english, preferred
from conda_torchmirror.text.layout import bullet, columns, width, wrapped
from conda_torchmirror.text.messages import clauses, listed, plural, text
from conda_torchmirror.text.output import clean

OURS = "CONDA_TORCHMIRROR_LANG"


@pytest.fixture
def chinese(monkeypatch):
    monkeypatch.setenv(OURS, "zh")
    language.forget()


@pytest.mark.parametrize(
    ("setting", "environ", "windows", "found"),
    [
        ("", {}, None, ENGLISH),
        ("zh", {OURS: "en", "LANG": "en_US.UTF-8"}, None, CHINESE),
        ("en", {OURS: "zh", "LANG": "zh_CN.UTF-8"}, 0x0804, ENGLISH),
        (" ZH ", {}, None, CHINESE),
        ("auto", {OURS: "zh"}, None, CHINESE),
        ("", {OURS: "zh_CN"}, None, CHINESE),
        ("", {OURS: "zh-CN.UTF-8", "LANG": "en_US.UTF-8"}, None, CHINESE),
        ("", {OURS: "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, None, ENGLISH),
        ("", {OURS: "zh_TW", "LANG": "zh_CN.UTF-8"}, None, CHINESE),
        ("auto", {OURS: "auto", "LANG": "zh_CN.UTF-8"}, None, CHINESE),
        ("klingon", {"LANG": "zh_CN.UTF-8"}, None, CHINESE),
        ("", {OURS: "en", "LANGUAGE": "zh"}, None, ENGLISH),
        ("", {"LANGUAGE": "zh_CN:en", "LC_ALL": "en_US.UTF-8"}, None, CHINESE),
        ("", {"LANGUAGE": "fr:zh_CN", "LANG": "fr_FR.UTF-8"}, None, CHINESE),
        ("", {"LANGUAGE": "en:zh", "LANG": "zh_CN.UTF-8"}, None, ENGLISH),
        ("", {"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, None, ENGLISH),
        ("", {"LC_ALL": "", "LC_MESSAGES": "zh_CN", "LANG": "en_US"}, None, CHINESE),
        ("", {"LC_MESSAGES": "POSIX", "LANG": "zh_CN"}, None, ENGLISH),
        ("", {"LC_CTYPE": "zh_CN.UTF-8"}, None, ENGLISH),
        ("", {"LANG": "zh_CN.GB18030@stroke"}, None, CHINESE),
        ("", {"LANG": "zh-Hans-CN"}, None, CHINESE),
        ("", {"LANG": "zh_SG.UTF-8"}, None, CHINESE),
        ("", {"LANG": "zh_TW.UTF-8"}, None, ENGLISH),
        ("", {"LANG": "zh-Hant-HK"}, None, ENGLISH),
        ("", {"LANG": "de_DE.UTF-8"}, None, ENGLISH),
        ("", {}, 0x0804, CHINESE),  # zh-CN
        ("", {}, 0x1004, CHINESE),  # zh-SG
        ("", {}, 0x0404, ENGLISH),  # zh-TW
        ("", {}, 0x0409, ENGLISH),  # en-US
        ("", {"LANG": "en_US.UTF-8"}, 0x0804, ENGLISH),
    ],
)
def test_the_first_that_says_a_language_decides(setting, environ, windows, found):
    assert preferred(setting, environ, lambda: windows) == found


def test_the_setting_is_read_from_a_file_and_from_a_variable(condarc, monkeypatch):
    import conda.base.context

    assert conda.base.context
    condarc(plugins={"torchmirror_language": "zh"})
    assert text("show.version") == "版本"
    monkeypatch.setenv("CONDA_PLUGINS_TORCHMIRROR_LANGUAGE", "en")
    conda.base.context.reset_context()
    language.forget()
    assert text("show.version") == "version"


@pytest.mark.parametrize("held", ["zh", ["zh"], 7, {"a": "b"}])
def test_no_setting_of_any_shape_breaks_a_sentence(condarc, held):
    condarc(plugins=held)
    assert text("show.version") == "version"
    condarc(plugins={"torchmirror_language": held})
    assert text("show.version") in ("version", "版本")


def test_a_language_that_there_is_not_is_told(condarc, conda_in_process):
    condarc(plugins={"torchmirror_language": "klingon"})
    result = conda_in_process("torch-mirror", "status")
    assert result.rc == 1
    assert "the setting torchmirror_language in" in result.words
    assert "it takes one of auto, en, zh, not 'klingon'" in result.words


def test_json_is_english(conda_in_process, monkeypatch):
    words = ("torch-install", "--dry-run", "--offline", "--cuda", "12.4", "--python", "3.12")
    plain = conda_in_process(*words, "--json").ok().json()
    listed = conda_in_process("torch-mirror", "list", "--json").ok().stdout
    failed = conda_in_process("torch-install", "-n", "x", "--cuda", "x", "--json").json()
    monkeypatch.setenv(OURS, "zh")
    assert "以上为预览" in conda_in_process(*words).ok().stdout
    result = conda_in_process(*words, "--json").ok()
    assert result.json() == plain
    assert result.stderr.isascii()
    assert conda_in_process("torch-mirror", "list", "--json").ok().stdout == listed
    again = conda_in_process("torch-install", "-n", "x", "--cuda", "x", "--json").json()
    assert again["message"] == failed["message"] == "`--cuda x` is not understood"
    assert again["guidance"] == failed["guidance"]


OFFLINE = ("torch-install", "--offline", "--platform", "linux-64", "--cuda", "12.4")


@pytest.mark.parametrize(
    "words",
    [
        (*OFFLINE, "-d"),
        (*OFFLINE, "-d", "--python", "3.9"),
        (*OFFLINE, "-d", "--python", "3.8"),
        (*OFFLINE, "-d", "pytorch=2.3.1", "--source", "pytorch"),
        (*OFFLINE, "-d", "--explain"),
        (*OFFLINE, "-d", "--cuda", "11.8", "--source", "pytorch", "--explain"),
        (*OFFLINE, "--list"),
        (*OFFLINE, "--list", "--source", "pytorch", "torchvision"),
        (*OFFLINE, "-d", "--source", "wheels"),
        (*OFFLINE, "--urls"),
        (*OFFLINE, "-d", "--python", "3.20"),
        (*OFFLINE, "-d", "pytorch=2.3", "torchvision=0.20"),
        (*OFFLINE, "-d", "pytorch=1.8.2", "cudatoolkit=10.2", "--cuda", "10.2"),
        (*OFFLINE, "-d", "pytorch=1.8.2"),
        (*OFFLINE, "-d", "pytorch=="),
        (*OFFLINE, "-d", "--source", "wheels", "pytorch=9"),
        (*OFFLINE, "-d", "other::pytorch"),
        (*OFFLINE, "-d", "-f", "no-such-file.yml"),
        (*OFFLINE, "-d", "--mirror", "klingon"),
        (*OFFLINE, "-y"),
        (*OFFLINE, "-y", "-n", "new"),
        ("torch-install", "--plan", "no-such-folder"),
        ("torch-mirror", "status"),
        ("torch-mirror", "enable", "-d"),
        ("torch-mirror", "enable", "--mirror", "klingon"),
        ("torch-mirror", "test", "--offline"),
        ("torch-mirror", "rewrite", "no-such-file"),
        ("torch-verify", "-n", "no-such-environment"),
    ],
    ids=" ".join,
)
def test_json_is_the_same_in_any_language(conda_in_process, monkeypatch, tmp_path, words):
    monkeypatch.chdir(tmp_path)
    found = {}
    for spoken in (ENGLISH, CHINESE):
        monkeypatch.setenv(OURS, spoken)
        language.forget()
        result = conda_in_process(*words, "--json")
        found[spoken] = (result.rc, result.stdout, result.stderr)
    assert found[CHINESE] == found[ENGLISH]
    assert found[ENGLISH][1].startswith("{")


def test_what_is_kept_is_english_with_what_was_put_into_it(chinese):
    why = text("rule.mkl_ijit")
    facts = {"pin": "mkl<2024.1", "why": why}
    assert text("rule_pin", facts) == f"仅本次安装锁定：mkl<2024.1（{why}）"
    with in_english():
        said = text("rule_pin", facts)
    english = "undefined symbol iJIT_NotifyEvent with MKL 2024.1 and newer"
    assert said == f"pinned for this installation only: mkl<2024.1 ({english})"
    joined = clauses([why, listed([why, "x"])])
    assert translation.Translated is type(joined)
    assert joined.english.isascii()
    # As in the file of a plan that is saved without --json.
    about = {"needs": {"reason": joined}, "rows": [joined]}
    assert clean(about) == {"needs": {"reason": joined.english}, "rows": [joined.english]}


def test_plurals(chinese):
    assert plural("file.entries", 1) == "1 处"
    assert plural("file.entries", 2) == "2 处"
    assert text("file.entries") == "? 处"


def test_sites_have_their_chinese_names_and_stand_as_chinese_does(chinese):
    facts = {"mirror": "nju", "what": "x"}
    assert text("probe_refused", facts) == "南京大学拒绝连接"
    assert text("probe_refused", {"mirror": "tuna"}) == "清华大学 TUNA 拒绝连接"
    assert text("probe_refused", {"mirror": "upstream"}) == "官方源拒绝连接"
    assert text("probe_refused", {"mirror": "my-lab.example"}) == "my-lab.example 拒绝连接"
    assert text("status.at", {"mirror": "tuna", "reason": "x"}) == "清华大学 TUNA：x"
    # A folder of the user's keeps its name.
    assert text("enabled", {"file": "/家 庭/文件 夹"}) == "已写入：/家 庭/文件 夹"


def test_facts_with_braces_and_marks_change_nothing(chinese):
    assert text("enabled", {"file": "{x}\0{0}"}) == "已写入：{x}{0}"


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", "版本"), ("gbk", "版本"), ("ascii", "version")]
)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_console_that_has_no_chinese_gets_english(monkeypatch, chinese, encoding, shown, stream):
    monkeypatch.setattr(sys, stream, io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert text("show.version") == shown


@pytest.mark.parametrize("encoding", ["gbk", "big5", "cp1252", "utf-8"])
def test_a_pipe_of_any_encoding_holds_whole_sentences(encoding):
    done = subprocess.run(
        [sys.executable, "-m", "conda_torchmirror", "upstream", "no-such-file"],
        env={**os.environ, OURS: "zh", "PYTHONIOENCODING": encoding, "NO_COLOR": "1"},
        capture_output=True,
        check=False,
    )
    said = done.stderr.decode(encoding)
    whole = "no-such-file 保持原样：没有这个文件"
    english = "no-such-file is left as it is: there is no such file"
    assert said.strip() == (whole if encoding in ("gbk", "utf-8") else english)


def test_without_a_catalog_there_is_english(monkeypatch, chinese, tmp_path):
    monkeypatch.setattr(translation, "FOLDER", str(tmp_path))
    monkeypatch.setattr(translation, "_catalogs", {})
    assert text("show.version") == "version"


def test_the_catalog_says_what_gettext_reads():
    for folder in translation.LOCALES.values():
        path = Path(translation.FOLDER, folder, "LC_MESSAGES", f"{translation.DOMAIN}.mo")
        with path.open("rb") as file, path.open("rb") as again:
            ours, whole = translation.Translations(file), gettext.GNUTranslations(again)
        keys = [key for key in whole._catalog if key]
        assert len(keys) > 800
        for key in keys:
            context, _, word = (key if isinstance(key, str) else key[0]).partition("\x04")
            if isinstance(key, str):
                assert ours.pgettext(context, word) == whole.pgettext(context, word) != ""
                assert ours.pgettext(context, word[:-1]) == word[:-1]
                assert ours.pgettext(f"x{context}", word) == word
        for code, pair in (("file.entries", ("{count} entry", "{count} entries")),):
            for n in (0, 1, 2):
                assert ours.npgettext(code, *pair, n) == whole.npgettext(code, *pair, n)
                assert ours.npgettext("x", *pair, n) == pair[n != 1]


@pytest.mark.parametrize("content", [b"", b"\xde\x12\x04\x95", b"x" * 5000])
def test_a_broken_catalog_is_none(monkeypatch, chinese, tmp_path, content):
    folder = tmp_path / "zh_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / f"{translation.DOMAIN}.mo").write_bytes(content)
    monkeypatch.setattr(translation, "FOLDER", str(tmp_path))
    monkeypatch.setattr(translation, "_catalogs", {})
    assert text("show.version") == "version"


# Lines

WIDE = "汉字，。：；（）、“”「」《》！？"
PROSE = st.lists(
    st.one_of(
        st.text(alphabet=WIDE, min_size=1, max_size=20),
        st.sampled_from(["CUDA", "12.4", "`conda torch-install -n NEW`", "x" * 20, "（`-v`）"]),
    ),
    max_size=8,
).map(" ".join)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(PROSE, st.integers(40, 90))
def test_lines_of_any_mixture_fit_and_lose_nothing(prose, most):
    lines = wrapped(prose, "  - ", "    ", most=most)
    assert "".join("".join(lines).split()) == "-" * bool(lines) + "".join(prose.split())
    commands = prose.count("`conda torch-install -n NEW`")
    assert sum(line.count("`conda torch-install -n NEW`") for line in lines) == commands
    # Punctuation that no line may begin with stays with what it follows, however much there is.
    runs = max([0, *(len(run) for run in _runs(prose))])
    assert all(width(line) <= max(most, 4 + 32 + 2 * runs) for line in lines)


def _runs(prose):
    word = ""
    for char in prose:
        word = word + char if char in WIDE[2:] else ""
        yield word


@given(st.text(alphabet="汉字，。（）ab ", min_size=1, max_size=200))
def test_no_line_begins_with_a_comma_or_ends_with_a_bracket(prose):
    lines = wrapped(prose.strip("，。（） ") or "字", most=40)
    for line in lines[1:]:
        assert line[0] not in "，。）" or " " in prose
    for line in lines[:-1]:
        assert line[-1] != "（" or " " in prose


@given(st.text(alphabet="ab.`()\t -", max_size=60), st.integers(0, 20))
def test_lines_of_ascii_end_where_those_of_a_mixture_do(words, most):
    words = words.strip() or "a"
    beside = wrapped(f"{words} 字", "- ", "  ", most=most)
    alone = wrapped(words, "- ", "  ", most=most)
    assert "\n".join(beside).removesuffix("字").rstrip() == "\n".join(alone).rstrip()


def test_columns_with_full_width_cells_align():
    lines = columns([("驱动", "a"), ("gpu", "b"), ("环境路径", "c")])
    assert {width(line[: -len(line.split()[-1])]) for line in lines} == {2 + 8 + 2}


def test_a_bullet_of_chinese_fits_a_terminal(chinese):
    for code in ("minor_version_compat", "plan_next", "file_any_cuda"):
        assert all(width(line) <= 80 for line in bullet(text(code)))
