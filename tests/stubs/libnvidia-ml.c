/* A stand-in of libnvidia-ml.so.1 with the NVML calls that conda-torchmirror makes. */
#include "stub.h"

static int handles[16];
typedef int *nvmlDevice_t;

static int index_of(nvmlDevice_t device) { return (int)(device - handles); }

int nvmlInit_v2(void) { return stub_call("nvmlInit_v2"); }

int nvmlSystemGetDriverVersion(char *text, unsigned size) {
    snprintf(text, size, "%s", stub_text("DRIVER", -1, "550.54.14"));
    return stub_call("nvmlSystemGetDriverVersion");
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = (unsigned)stub_number("COUNT", -1, 0);
    return stub_call("nvmlDeviceGetCount_v2");
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
    *device = handles + index;
    if ((int)index == stub_number("LOST", -1, -1)) return 15;
    return stub_call("nvmlDeviceGetHandleByIndex_v2");
}

int nvmlDeviceGetName(nvmlDevice_t device, char *text, unsigned size) {
    snprintf(text, size, "%s", stub_text("NAME", index_of(device), "NVIDIA Stub"));
    return stub_call("nvmlDeviceGetName");
}

int nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
    int cc = stub_number("CC", index_of(device), 86);
    *major = cc / 10;
    *minor = cc % 10;
    return stub_call("nvmlDeviceGetCudaComputeCapability");
}

int nvmlDeviceGetUUID(nvmlDevice_t device, char *text, unsigned size) {
    int i, digit = stub_number("UUID", index_of(device), index_of(device));
    char full[41] = "GPU-XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX";
    for (i = 4; full[i]; i++)
        if (full[i] == 'X') full[i] = (char)('0' + digit);
    snprintf(text, size, "%s", full);
    return stub_call("nvmlDeviceGetUUID");
}

int nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned *now, unsigned *later) {
    int mig = stub_number("MIG", index_of(device), -1);
    if (mig < 0) return 3;
    *now = *later = (unsigned)mig;
    return stub_call("nvmlDeviceGetMigMode");
}
