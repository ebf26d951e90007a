import sys; sys.path.insert(0,'/work/main/tests')
from support.sites import *
def test_it(sites, conda_in_process, tmp_path):
    sites.first.fail("*/pytorch/*/*repodata*.zst", "truncated")
    import conda_torchmirror.catalog as c, traceback
    orig = c._failures.__exit__
    def ex(self, kind, error, tr):
        if error is not None:
            traceback.print_exception(error)
            print("CACHE", self.fetch.cache_path_json, self.fetch.repo_interface_cls)
        return orig(self, kind, error, tr)
    c._failures.__exit__=ex
    r = conda_in_process(*ASK, "-p", tmp_path/f"e")
    c._failures.__exit__=orig
    print(r)
    for n,m in sites.all.items():
        print(n, [(q.method,q.path,q.headers.get("Range"),q.status) for q in m.requests])
    assert 0
