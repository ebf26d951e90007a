import pytest, requests
from support.faults import FAULTS
@pytest.mark.parametrize("where",["*/noarch/repodata.json*","*/noarch/filelock*"],ids=["index","package"])
@pytest.mark.parametrize("fault",sorted(FAULTS))
def test_f(fault,where,mirrored,mirror,conda_in_process,tmp_path,condarc):
    mirrored(channels=["conda-forge"],remote_read_timeout_secs=0.5,repodata_fns=["repodata.json"])
    mirror.fail(where,fault)
    p=tmp_path/"e"
    r=conda_in_process("create","-y","-q","-p",p,"filelock")
    e=r.error; subs=[type(x).__name__ for x in getattr(e,"errors",())]
    print("RES",fault,where.split("/")[-1],r.rc,type(e).__name__,subs,round(r.seconds,2),"prefix" if p.exists() else "-", [x.status for x in mirror.requests][-6:], str(e)[:150].replace("\n"," "))
