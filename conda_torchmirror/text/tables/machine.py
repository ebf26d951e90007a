"""English sentences about a machine: what each code of the evidence says. Found by `messages`.

The facts of a notice fill them in. In `messages.text` their codes begin with `machine.`.
"""

from __future__ import annotations

from ..messages import Table

TEXT: Table = {
    "cuda_from_libcuda": "The driver runs CUDA {cuda} (conda's own detection).",
    "cuda_overridden": "CUDA {cuda} is set by {variable}; this machine's driver is not asked.",
    "cuda_hidden": "{variable} is empty, which hides this machine's driver.",
    "cuda_unusable": "{variable} is {value!r}, which is no CUDA version such as 12.4.",
    "cuda_given": "CUDA {cuda} is given with --cuda; this machine's driver is not asked.",
    "cuda_described": "CUDA {cuda} is what the driver of the machine in {file} runs.",
    "cuda_kept": "no NVIDIA driver was found here; {torch} of this environment is for CUDA {cuda}, "
    "so this is for a machine that runs it (`--cuda cpu` takes a CPU build)",
    "minor_version_kept": "CUDA {cuda} is newer than the {driver} of the environment's PyTorch; a "
    "driver for that runs it by NVIDIA's minor-version compatibility, without PTX (`--cuda-compat "
    "strict` refuses it)",
    "cuda_stays": "CUDA {cuda}: the environment's pytorch is not named, and stays; it runs on a "
    "driver for CUDA {asked}",
    "variant_kept": "{torch} of this environment is for {variant}, which stays (`--cuda cpu` takes "
    "a CPU build)",
    "cuda_not_asked": "A CPU build is asked for; this machine's driver is not asked.",
    "cuda_foreign": "The target is {subdir}, this machine is {native}: its driver does not count. "
    "--cuda or CONDA_OVERRIDE_CUDA says which CUDA the target has.",
    "cuda_not_detected": "conda found no NVIDIA driver.",
    "other_gpu": "{gpu} is a GPU that wheels of PyTorch for {variant} are built for.",
    "arch_overridden": "Compute capability {arch} is set by {variable}.",
    "arch_hidden": "{variable} is empty, which hides the compute capability.",
    "arch_unusable": "{variable} is {value!r}, which is no compute capability such as 8.6; it is "
    "ignored.",
    "arch_unknown": "The GPU's compute capability is not known, so no build is turned down "
    "because of it.",
    "not_on_gpu_here": "These builds do not run on the GPU of this computer ({gpus}). If they are "
    "for it, leave `--cuda` out.",
    "not_on_driver_here": "These builds do not run with the driver of this computer, which runs "
    "CUDA {cuda}. If they are for it, leave `--cuda` out.",
    "gpus_listed": "{source} lists: {gpus}.",
    "driver_without_gpu": "There is an NVIDIA driver, but it offers no GPU here, as on a login "
    "node of a cluster. For a node that has one, say which CUDA its driver runs with --cuda.",
    "gpu_denied": "Your account may not open {files}, and the GPU is used through them. Ask the "
    "administrator for access, often by the group video or render.",
    "uvm_missing": "/dev/nvidia-uvm is missing, which CUDA needs. `nvidia-modprobe -u -c 0`, as "
    "root, makes it; a container has to be given it.",
    "memory_limited": "CUDA needs more address space than `ulimit -v` allows here ({limit} kB). "
    "Raise that limit, or ask who set it.",
    "driver_shadowed": "LD_LIBRARY_PATH puts the libcuda.so.1 of {folder} first, which does not "
    "fit the driver in the kernel. Take that folder out; if it is the driver's own, restart "
    "this machine.",
    "gpus_hidden": "CUDA_VISIBLE_DEVICES={value!r} hides every GPU; the choice is made as if it "
    "were not set.",
    "gpu_left_out": "CUDA_VISIBLE_DEVICES={value!r} leaves out {gpu}.",
    "gpu_lowest": "The GPUs differ; {gpu} has the lowest compute capability, and decides for "
    "{others} too. CUDA_VISIBLE_DEVICES can leave a GPU out.",
    "gpu_sliced": "{gpu} is divided by MIG; a slice has the capability of the whole.",
    "driver_version": "The driver is {driver}.",
    "driver_library_missing": "The driver's library ({library}) cannot be loaded: {tried}",
    "driver_error": "{library}: {call} answered {error_code} ({error}).",
    "driver_mismatch": "The driver in the kernel and its library have different versions, as "
    "after an update without a restart. Restart this machine.",
    "driver_hangs": "The driver did not answer within {seconds:g} seconds.",
    "probe_died": "The process that asks the driver ended with code {exit_code}.",
    "smi_missing": "There is no nvidia-smi either.",
    "smi_hangs": "{program} did not answer within {seconds:g} seconds.",
    "smi_unreadable": "{program} ended with code {exit_code} and said nothing usable: {text!r}",
    "wsl": "This is WSL 2: the driver is the one of Windows, and Windows' minimum versions hold.",
    "jetson": "This is a Jetson ({model}): its GPU needs NVIDIA's own builds of PyTorch; those of "
    "conda channels are for servers.",
    "container_without_driver": "The host has an NVIDIA driver, but this container does not see "
    "it. Start it with GPU support (`--gpus all` with Docker).",
    "gpu_without_driver": "There is an NVIDIA device on the PCI bus ({device}), but no driver for "
    "it. Install NVIDIA's driver, or pass --cuda for the version you will install.",
    "rosetta": "conda runs under Rosetta on an Apple Silicon Mac: builds for osx-64 are for Intel "
    "Macs. Use a conda for osx-arm64, whose builds use Apple's GPU.",
    "mac_builds": "macOS has no CUDA: its builds of PyTorch use the CPU",
    "mac_builds_mps": "macOS has no CUDA: its builds of PyTorch, here called CPU builds, use "
    "Apple's GPU by MPS",
    "glibc": "glibc is {version} ({source}).",
    "macos": "macOS is {version} ({source}).",
    "python_from_prefix": "Python {python} is in the environment.",
    "python_given": "Python {python} is given with --python.",
    "python_described": "Python {python} is that of the environment whose facts these are.",
    "python_newest": "The environment has no Python yet; the newest that fits is taken.",
    "fact_unknown": "{fact} could not be read: {error}",
    "record_broken": "Conda's record {file} cannot be read, so nothing is known of what is "
    "installed.",
    "record_broken.hint": "Delete that file, then run `conda install{where} {package}`.",
    "pins_unreadable": "{file} is no UTF-8 text, so neither conda nor torch-install can read its "
    "pins.",
    "pins_unreadable.hint": "Save it as UTF-8, without a byte order mark.",
    "pin_unreadable": "{file} holds `{spec}`, which is no match spec that conda can read.",
    "pin_unreadable.hint": "Correct that line, or remove it.",
    # Notices on a choice for a machine whose facts were read from a file.
    "described": "decided by the facts in {file}, not for this machine",
    "typed": "`{option}` takes the place of {value}, which {file} says",
    "python_kept": "Python {python} of {prefix} takes the place of {value}, which {file} says",
}
