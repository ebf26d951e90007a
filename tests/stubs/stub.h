/* What the stand-ins of NVIDIA's libraries say comes from the environment:
   STUB_<CALL>      the code that a call answers (0 where unset), or "hang"
   STUB_CUDA        the value of cuDriverGetVersion, such as 12040
   STUB_DRIVER      the driver version, such as 550.54.14
   STUB_COUNT       how many devices there are
   STUB_NAME_<i>, STUB_CC_<i> (86 is 8.6), STUB_UUID_<i> (one digit of the UUID), STUB_MIG_<i>
   STUB_ORDER       libcuda's order of the devices, such as "10" for the second one first
   STUB_LOG         a file to which each call adds its name */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *stub_text(const char *name, int index, const char *otherwise) {
    char full[64];
    const char *value;
    if (index < 0) snprintf(full, sizeof full, "STUB_%s", name);
    else snprintf(full, sizeof full, "STUB_%s_%d", name, index);
    value = getenv(full);
    return value ? value : otherwise;
}

static int stub_number(const char *name, int index, int otherwise) {
    const char *value = stub_text(name, index, NULL);
    return value ? atoi(value) : otherwise;
}

static int stub_call(const char *name) {
    const char *log = getenv("STUB_LOG"), *value = stub_text(name, -1, "0");
    if (log) {
        FILE *file = fopen(log, "a");
        if (file) { fprintf(file, "%s\n", name); fclose(file); }
    }
    if (!strcmp(value, "hang")) for (;;) sleep(60);
    if (!strcmp(value, "crash")) abort();
    return atoi(value);
}
