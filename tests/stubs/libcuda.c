/* A stand-in of libcuda.so.1 with the calls that conda and conda-torchmirror make. */
#include "stub.h"

static int device_at(int index) {
    const char *order = stub_text("ORDER", -1, NULL);
    return order ? order[index] - '0' : index;
}

int cuInit(unsigned flags) {
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    (void)flags;
    if (visible && !*visible) return 100; /* as the real one: no device */
    return stub_call("cuInit");
}

int cuDriverGetVersion(int *version) {
    *version = stub_number("CUDA", -1, 12040);
    return stub_call("cuDriverGetVersion");
}

int cuDeviceGetCount(int *count) {
    *count = stub_number("COUNT", -1, 0);
    return stub_call("cuDeviceGetCount");
}

int cuDeviceGet(int *device, int index) {
    *device = device_at(index);
    return stub_call("cuDeviceGet");
}

int cuDeviceGetName(char *name, int size, int device) {
    snprintf(name, (size_t)size, "%s", stub_text("NAME", device, "NVIDIA Stub"));
    return stub_call("cuDeviceGetName");
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
    int cc = stub_number("CC", device, 86);
    *value = attribute == 75 ? cc / 10 : attribute == 76 ? cc % 10 : -1;
    return stub_call("cuDeviceGetAttribute");
}

int cuDeviceGetUuid(unsigned char *uuid, int device) {
    int digit = stub_number("UUID", device, device);
    memset(uuid, digit * 0x11, 16);
    return stub_call("cuDeviceGetUuid");
}
