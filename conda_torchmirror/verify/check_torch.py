"""Test PyTorch in the interpreter that runs this file, and write the results as lines of JSON.

`run` starts it in the environment to check, so it must run on Python 3.6 and newer, and imports
only the standard library and what it tests. Arguments: the file to write to, and the partners to
import. A line is written after each step, so that after a crash the last one tells where it was.
"""

import json
import sys
import time
import warnings

_BEGAN = time.time()


def _say(step, **facts):
    facts["step"] = step
    facts["seconds"] = round(time.time() - _BEGAN, 3)
    with open(sys.argv[1], "a", encoding="ascii") as out:
        out.write(json.dumps(facts) + "\n")


def _error(error):
    # Include chained errors: torch hides the loader's message behind its own.
    parts = []
    while error is not None and len(parts) < 5:
        parts.append(f"{type(error).__name__}: {error}")
        error = error.__cause__ or error.__context__
    return " | ".join(parts)[:2000]


def _attempt(step, function):
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            facts = function()
    except Exception as error:
        # A warning may say more: cuBLAS fails without a reason where torch names the GPU's code.
        _say(step, error=" | ".join([_error(error), *_said(caught)]))
        return None
    said = _said(caught)
    if said:
        facts["warnings"] = said[:5]
    _say(step, **facts)
    return facts


def _said(caught):
    return [str(w.message)[:1000] for w in caught if issubclass(w.category, UserWarning)]


def _import_torch():
    import torch

    version = torch.version
    return {
        "version": str(torch.__version__),
        "file": str(getattr(torch, "__file__", None)),
        "cuda": getattr(version, "cuda", None),
        "hip": getattr(version, "hip", None),
    }


def _sample():
    import torch

    return {"sample": torch.rand(5, 3).tolist()}


def _numpy():
    import torch

    return {"same": torch.ones(2).numpy().tolist() == [1.0, 1.0]}


def _import_partner(name):
    module = __import__(name)
    facts = {"name": name, "version": str(getattr(module, "__version__", "?"))}
    has_ops = getattr(getattr(module, "extension", None), "_has_ops", None)
    if has_ops is not None:
        facts["ops"] = bool(has_ops())
    return facts


def _product(device):
    """Compute one product here and on a device. Small whole numbers are exact even in TF32."""
    import torch

    left = (torch.arange(4096).reshape(64, 64) % 5).float()
    right = (torch.arange(4096).reshape(64, 64) % 3).float()
    expected = left @ right
    # The sum runs torch's own kernel, the product a bundled library's, which says less of its
    # reasons where it has no code for the GPU.
    (left.to(device) + 1).cpu()
    found = left.to(device) @ right.to(device)
    same = bool(torch.equal((found + 1).cpu(), expected + 1))
    return {"device": str(device), "same": same}


def _convolution(device):
    """Compute one convolution on a device. On NVIDIA GPUs it uses cuDNN, which products do not."""
    import torch

    functional = torch.nn.functional
    image = (torch.arange(192).reshape(1, 3, 8, 8) % 5).float()
    weight = (torch.arange(108).reshape(4, 3, 3, 3) % 3).float()
    # The expected sums as a matrix product, which uses no convolution library.
    expected = (weight.reshape(4, 27) @ functional.unfold(image, 3)).reshape(1, 4, 6, 6)
    found = functional.conv2d(image.to(device), weight.to(device))
    # Algorithms that transform, as Winograd's, round; a wrong result is off by far more.
    same = bool(torch.allclose((found + 1).cpu(), expected + 1, rtol=0.01, atol=0.5))
    facts = {"device": str(device), "same": same}
    facts["library"] = _convolution_library()
    return facts


def _convolution_library():
    import torch

    if getattr(torch.version, "hip", None):
        return "MIOpen"
    try:
        version = torch.backends.cudnn.version()
    except Exception:
        version = None
    return f"cuDNN {version}" if version else "cuDNN"


def _cuda():
    import torch

    facts = {"available": bool(torch.cuda.is_available()), "count": 0}
    facts["count"] = int(torch.cuda.device_count())
    get_arch_list = getattr(torch.cuda, "get_arch_list", None)
    if facts["available"] and get_arch_list is not None:
        facts["archs"] = list(get_arch_list())
    if not facts["available"]:
        try:
            torch.cuda.init()
        except Exception as error:
            facts["reason"] = _error(error)
    return facts


def _device(index):
    import torch

    facts = {"index": index, "name": torch.cuda.get_device_name(index)}
    major, minor = torch.cuda.get_device_capability(index)
    facts["arch"] = f"{major}.{minor}"
    _say("found", **facts)
    facts.update(_product(f"cuda:{index}"))
    return facts


def _try_device(index):
    tried = _attempt("device", lambda: _device(index))
    if tried and tried["same"]:
        _say("convolving", index=index, name=tried["name"], library=_convolution_library())
        _attempt("convolution", lambda: _convolution(f"cuda:{index}"))


def _mps():
    import torch

    mps = getattr(getattr(torch, "backends", None), "mps", None)
    if mps is None:
        return {"built": False, "available": False}
    facts = {"built": bool(mps.is_built()), "available": bool(mps.is_available())}
    if facts["available"]:
        facts.update(_product("mps"))
    return facts


def _main():
    _say("python", version=".".join(map(str, sys.version_info[:3])), prefix=sys.prefix)
    torch = _attempt("torch", _import_torch)
    if torch is None:
        return
    _attempt("sample", _sample)
    if "numpy" in sys.modules:
        _attempt("numpy", _numpy)
    for name in sys.argv[2:]:
        _say("trying", name=name)
        _attempt("partner", lambda name=name: _import_partner(name))
    if torch["cuda"] or torch["hip"]:
        found = _attempt("cuda", _cuda)
        for index in range(found["count"] if found and found["available"] else 0):
            _try_device(index)
    if sys.platform == "darwin":
        _attempt("mps", _mps)
    _say("end")


if __name__ == "__main__":  # whoever imports all modules starts nothing
    _main()
