"""English sentences about an installed PyTorch: what is wrong, and under `.hint` what to do.

Found by `messages`; in `messages.text` their codes begin with `check.`.
"""

from __future__ import annotations

from ..messages import Table

TEXT: Table = {
    # The verdict, and words of the table of facts.
    "fine": "PyTorch works.",
    "fine_untried": "PyTorch works on the CPU; no GPU was tried.",
    "no_gpu": "PyTorch works, but not on the GPU.",
    "broken": "PyTorch does not work.",
    "does_not_load": "does not load",
    "device_fine": "computes correctly",
    "device_fails": "does not compute",
    "device_unused": "not used",
    "message": "Message:",
    "label_build": "build",
    "label_from": "from",
    "label_code": "GPU code",
    # The step during which the process ended.
    "step_python": "starting Python",
    "step_import": "import {name}",
    "step_product": "a matrix product on {name}",
    "step_convolution": "a convolution on {name} ({library})",
    "step_after": "the step after {kind}",
    "exit_code": "exit code {number}",
    "this_version": "this version",
    "for_arch": " (compute capability {arch})",
    "installed_but": "The packages are installed, but the check of PyTorch failed:",
    "static_fine": "{torch} ({build}) fits this machine and its partners.",
    "wheel_from": "Its wheel came from {place}.",
    "wheel_export": "`conda env export` leaves out where that is: `conda torch-install --source "
    "wheels -f FILE --print environment.yml` completes the file.",
    "static_wrong": "{torch} ({build}) has problems:",
    "static_unread": "Whether PyTorch is installed cannot be told:",
    "static_machine": "CUDA of the driver: {cuda}, driver: {driver}, GPUs: {gpus}.",
    "reinstall": "`conda torch-install{again} --force-reinstall`",
    "reinstall_pip": "`conda run{where} python -m pip uninstall -y torch`, then `conda "
    "torch-install{same}`",
    "fix_nothing": "There is nothing wrong with PyTorch here that `conda torch-install` mends.",
    "fix_command": "`conda torch-install{where}` puts a PyTorch that fits this machine here.",
    "fix_question": "Run it",
    # Reports of many machines.
    "collect_counts": "Machines: {count}; working: {fine}; not on the GPU: {no_gpu}; not tried: "
    "{untried}; not working: {broken}; without a report that can be read: {unread}.",
    "collect_host": "machine",
    "collect_result": "result",
    "collect_torch": "PyTorch",
    "collect_gpu": "GPU",
    "collect_status_fine": "works",
    "collect_status_no_gpu": "not on GPU",
    "collect_status_untried": "not tried",
    "collect_status_broken": "broken",
    "collect_status_unread": "no report",
    "collect_on": "On: {hosts}",
    "collect_empty": "it has no file whose name ends in .json",
    "collect_many": "it has {count} such files, more than {limit}",
    "collect_untried": "Only the facts of the machine are here; PyTorch was not tried.",
    "collect_untried.hint": "There, run `conda torch-verify -n NAME --json > HOST.json`.",
    "collect_unread": "{file} cannot be read: {detail}.",
    "collect_unread.hint": "On that machine, `conda torch-verify -n NAME --json > HOST.json` "
    "writes it anew.",
    "collect_facts": "{file} does not hold the facts of a machine as this version knows them.",
    "collect_facts.hint": "On that machine, `conda torch-verify --facts > HOST.facts.json` writes "
    "it anew.",
    "collect_other": "{file} is no report of `conda torch-verify --json`.",
    "collect_other.hint": "On that machine, `conda torch-verify -n NAME --json > HOST.json` "
    "writes one.",
    "collect_field": "{file} is no report: the value of `{field}` is not as a report has it.",
    "collect_field.hint": "On that machine, `conda torch-verify -n NAME --json > HOST.json` "
    "writes it anew.",
    "collect_newer": "{file} has the format {schema}, of a newer version.",
    "collect_newer.hint": "Install the newest conda-torchmirror here.",
    "collect_twice": "Several files are reports of {host}.",
    "collect_twice.hint": "Delete the older one.",
    "collect_error": "conda could not begin the check ({name}).",
    "collect_error.hint": "Run `conda torch-verify{where}` there, which says why.",
    "collect_no_environment": "The environment that was to be checked is not there.",
    "collect_no_environment.hint": "`conda torch-install{where}` makes it there; where its name "
    "was wrong, check the right one.",
    "collect_code": "The cause `{code}` is not known to this version.",
    "collect_code.hint": "Run `conda torch-verify{where}` there, which explains it.",
    # Causes.
    "mkl_ijit": "MKL 2024.1 and newer lack a symbol that this PyTorch build needs.",
    "mkl_ijit.hint": 'Run `conda install{where} "mkl<2024.1"`.',
    "openmp_twice": "Two copies of the OpenMP library are loaded, mostly one of conda's and one "
    "of pip's.",
    "openmp_twice.hint": "Do not set KMP_DUPLICATE_LIB_OK. Install NumPy, SciPy and the like with "
    "conda too, or make a fresh environment: `conda torch-install -n NEW`.",
    "numpy_abi": "This PyTorch was built against NumPy 1, and NumPy 2 is installed.",
    "numpy_abi.hint": 'Run `conda install{where} "numpy<2"`.',
    "partner_mismatch": "torchvision was built for another PyTorch, so its operators are missing.",
    "partner_mismatch.hint": "Run `conda torch-install{same}`, which installs the matching set.",
    "driver_too_old": "The NVIDIA driver is too old for CUDA {cuda}.",
    "driver_too_old.hint": "Update the driver, or run `conda torch-install{install}`, which takes "
    "a build that this driver runs.",
    "driver_unusable": "The NVIDIA driver of this machine does not run.",
    "driver_unusable.hint": "`nvidia-smi` says more; after an update of the driver, restart.",
    "ptx_toolchain": "The driver is older than CUDA {cuda}, and has to compile code for this GPU, "
    "which it cannot.",
    "ptx_toolchain.hint": "Update the driver, or run `conda torch-install{install} --cuda-compat "
    "strict`.",
    "no_kernel_image": "This build has no code for this GPU{of_arch}.",
    "no_kernel_image.hint": "`conda torch-install{install} --dry-run --explain` says which builds "
    "have.",
    "driver_mixed": "Parts of the NVIDIA driver have different versions, as after an update "
    "without a restart.",
    "driver_mixed.hint": "If a folder of LD_LIBRARY_PATH has a libcuda.so.1, such as a toolkit's "
    "`compat`, take it out; if none has, restart the machine.",
    "driver_stub": "A CUDA toolkit's stub is loaded in place of the driver's library.",
    "driver_stub.hint": "Take the toolkit's folder `stubs` out of LD_LIBRARY_PATH, then run `conda "
    "torch-verify{where}` again.",
    "host_memory": "CUDA could not reserve memory of this computer when it started.",
    "host_memory.hint": "Raise the limit that `ulimit -v` shows, or on a cluster ask for more "
    "memory; then run `conda torch-verify{where}` again.",
    "gpu_busy": "Another program has the GPU for itself.",
    "gpu_busy.hint": "`nvidia-smi` shows which; wait for it, then run `conda torch-verify{where}` "
    "again.",
    "gpu_memory": "The GPU's memory is taken by other programs.",
    "gpu_memory.hint": "`nvidia-smi` shows which; close one, then run `conda torch-verify{where}` "
    "again.",
    "gpu_unseen": "There is a driver, but no GPU that this process may use.",
    "gpu_unseen.hint": "Look at CUDA_VISIBLE_DEVICES; on a cluster, run on a node with a GPU.",
    "driver_missing": "PyTorch finds no NVIDIA driver.",
    "driver_missing.hint": "Install NVIDIA's driver; in a container, start it with GPU support.",
    "cuda_unknown": "CUDA could not start, as after a machine slept with the driver loaded.",
    "cuda_unknown.hint": "Restart the machine, or reload the kernel module nvidia_uvm.",
    "cudnn": "cuDNN cannot be loaded, or another version of it is found first.",
    "cudnn.hint": "Look for a cuDNN on LD_LIBRARY_PATH or PATH; the environment brings its own.",
    "glibc_old": "This build needs a newer C library than the system has.",
    "glibc_old.hint": "`conda torch-install --list` shows older releases; or take a newer system "
    "or container image.",
    "mkl_missing": "MKL, which this build needs, is missing or has another major version.",
    "mkl_missing.hint": "Run `conda install{where} mkl`.",
    "cuda_library": "A CUDA library is missing, or another version of it is found first.",
    "cuda_library.hint": "Unset LD_LIBRARY_PATH and run `conda torch-verify{where}` again; if that "
    "does not help, make a fresh environment: `conda torch-install -n NEW`.",
    "paging_file": "The paging file of Windows is too small to load PyTorch's libraries "
    "(WinError 1455).",
    "paging_file.hint": "Close what uses much memory, or enlarge the paging file: Advanced system "
    "settings, Performance, Advanced, Virtual memory; then run `conda torch-verify{where}`.",
    "dll_procedure": "A DLL is found, but in a version that does not fit (WinError 127).",
    "dll_procedure.hint": "Another program's DLL comes first on PATH, or pip and conda are mixed; "
    "try a fresh environment: `conda torch-install -n NEW`.",
    "dll_init": "A DLL could not be initialised (WinError 1114).",
    "dll_init.hint": "Install the current Microsoft Visual C++ Redistributable (x64).",
    "dll_missing": "A DLL, or one that it needs, is not found (WinError 126).",
    "dll_missing.hint": "Install the current Microsoft Visual C++ Redistributable (x64); then run "
    "{reinstall}.",
    "truncated": "A file of the installation is damaged or incomplete.",
    "truncated.hint": "Run `conda clean --packages`, then {reinstall}.",
    "undefined_symbol": "Two libraries that do not belong together are loaded.",
    "undefined_symbol.hint": "Mostly pip and conda packages are mixed, or a partner is of another "
    "release; make a fresh environment: `conda torch-install -n NEW`.",
    "library_missing": "A library that PyTorch needs is not in the environment.",
    "library_missing.hint": "Run {reinstall}.",
    "torch_missing": "PyTorch is not installed in this environment.",
    "torch_missing.hint": "Run `conda torch-install{install}`.",
    "torch_files_missing": "conda lists pytorch ({build}) here, but its files are missing.",
    "torch_files_missing.hint": "Run {reinstall}.",
    "wheel_files_missing": "pip lists {build} here, but its files are missing.",
    "wheel_files_missing.hint": "Run {reinstall}.",
    "module_missing": "A Python package that is needed is missing.",
    "module_missing.hint": "Run `conda install{where} {module}`, with the package's own name where "
    "it differs.",
    "unexplained": "The cause is none of those that are known here.",
    "unexplained.hint": "Search the message in PyTorch's issues.",
    "no_python": "There is no Python in this environment.",
    "no_python.hint": "Run `conda torch-install{install}` to install Python and PyTorch.",
    "python_forbidden": "The system does not let you run this environment's Python.",
    "python_forbidden.hint": "Where somebody else made the environment, ask for the right to read "
    "and run its files; where its disk is mounted with `noexec`, make one elsewhere: `conda "
    "torch-install -p FOLDER`.",
    "python_foreign": "This environment's Python does not run on this system: it is for another "
    "platform, or damaged.",
    "python_foreign.hint": "If it is another machine's, run `conda torch-verify{where}` there; for "
    "this one, make a fresh environment: `conda torch-install -n NEW`.",
    "python_files": "Python's own files are missing in this environment, or may not be read.",
    "python_files.hint": "Where somebody else made the environment, ask for the right to read its "
    "files; else make a fresh one: `conda torch-install -n NEW`.",
    "crashed": "Python ended with {reason} while it was busy with: {step}.",
    "crashed.hint": "Mostly libraries that do not belong together; try a fresh environment: `conda "
    "torch-install -n NEW`.",
    "illegal_instruction": "This build uses instructions that this computer's CPU does not have.",
    "illegal_instruction.hint": "`conda torch-install --list` shows other releases; `--source` "
    "takes the builds of another channel.",
    "timed_out": "It was not done after {seconds:g} seconds, while busy with: {step}.",
    "timed_out.hint": "Run `conda torch-verify{where}` again; the first run of a new installation "
    "is the slowest.",
    "cpu_build": "This is a CPU build, which does not use the GPU.",
    "cpu_build.hint": "Run `conda torch-install{install}`; with `--cuda cpu` if a CPU build is "
    "what you want.",
    "convolution_fails": "A matrix product works on {device}, a convolution does not: {library} "
    "does not run on this GPU.",
    "convolution_fails.hint": "`conda torch-install{install} --dry-run --explain` says which build "
    "brings a cuDNN for this GPU.",
    "wrong_convolution": "{device} computes a wrong convolution with {library}.",
    "wrong_convolution.hint": "{library} may lack a file, or find one of another version: "
    "{reinstall} replaces it. Until then do not trust results of this "
    "GPU.",
    "wrong_result": "{device} computes a wrong product.",
    "wrong_result.hint": "Try another driver or release; do not trust results of this GPU.",
    "elsewhere": "PyTorch is loaded from {file}, which is outside this environment.",
    "elsewhere.hint": "Remove that copy with `conda run{where} python -m pip uninstall -y torch`, "
    "or set PYTHONNOUSERSITE=1.",
    "ignored_variable": "{name} is set and was not passed on; with it Python may load something "
    "else.",
    "library_path": "LD_LIBRARY_PATH is set; libraries in it are found before the environment's.",
    "gpu_untried": "This build is for {platform}, and this machine has no GPU that it could be "
    "tried on.",
    "gpu_untried.hint": "Where there is one, run `conda torch-verify{where} --require-gpu`.",
    "gpu_hidden": "This build is for {platform}; {variable} hides every GPU from it, so none was "
    "tried.",
    "gpu_hidden.hint": "Without that variable, run `conda torch-verify{where} --require-gpu`.",
    "gpu_skipped": "A GPU works, though none was expected.",
    "torch_twice": "{pip} of pip and {conda} of conda lie in the same place.",
    "torch_twice.hint": "Remove pip's with `conda run{where} python -m pip uninstall -y torch`, "
    "then run {reinstall}.",
    "cpuonly_left": "The package cpuonly keeps this environment on CPU builds.",
    "cpuonly_left.hint": "If it is to use the GPU, run `conda torch-install{install}`, which "
    "removes it.",
    "cudnn_too_new": "cuDNN {cudnn} runs on GPUs from compute capability {floor} on, and this one "
    "has {arch}: convolutions fail.",
    "cudnn_too_new.hint": "Run `conda torch-install{install}`, which takes a cuDNN for this GPU.",
    "set_mismatch": "{partner} was built for `{spec}`, and {torch} is installed.",
    "set_mismatch.hint": "Run `conda torch-install{same}`, which installs the matching set.",
    "rule_broken": "{installed} does not go with {torch}: {why}.",
    "rule_broken.hint": 'Run `conda install{where} "{pin}"`.',
    "rule_broken_pip": "{installed} does not go with {torch}: {why}.",
    "rule_broken_pip.hint": 'Run `conda run{where} python -m pip install "{pin}"`.',
    "pin_missing": "{torch} needs `{pin}` ({why}); `conda update --all` would undo that.",
    "pin_missing.hint": "Add the line `{pin}` to conda-meta/pinned of the environment.",
    "mps_unavailable": "This build has MPS, but macOS offers no GPU to it.",
}
