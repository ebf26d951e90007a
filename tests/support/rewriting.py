"""Ways to rewrite a text towards the mirrors and back, for tests of the editor."""

from __future__ import annotations

from conda_torchmirror.envfiles.channel_entry import EntryRewriter
from conda_torchmirror.envfiles.rewrite import Rewritten, rewrite

TUNA = "https://mirrors.tuna.tsinghua.edu.cn/anaconda"
M = f"{TUNA}/cloud"
UP = "https://conda.anaconda.org"
TUNA_PYPI = "https://pypi.tuna.tsinghua.edu.cn/simple"


def there(text: str, *preference: str, pip: bool = False, subdir: str | None = None) -> Rewritten:
    rewriter = EntryRewriter("rewrite", preference or ("tuna",), subdir=subdir)
    return rewrite(text.encode(), rewriter, pip=pip)


def back(text: str, *preference: str, pip: bool = False) -> Rewritten:
    return rewrite(text.encode(), EntryRewriter("upstream", preference or ("tuna",)), pip=pip)


def codes(result: Rewritten) -> list[str]:
    return [notice.code for notice in result.notices]


def env(channels: str, dependencies: str = "- python") -> str:
    return f"channels: {channels}\ndependencies:\n  {dependencies}\n"
