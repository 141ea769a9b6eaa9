/* Kinds that never heed being told to stop: they write FILE.began, FILE being their input, and look
 * for FILE until it is there. */
#include <spillway/kind_abi.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int wait_for_file(const struct spillway_kind_call* call) {
  char path[512], began[512 + 8];
  if (call->input_size >= sizeof path) return SPILLWAY_KIND_BAD_INPUT;
  memcpy(path, call->input, call->input_size);
  path[call->input_size] = 0;
  snprintf(began, sizeof began, "%s.began", path);
  FILE* file = fopen(began, "a");
  if (!file) return SPILLWAY_KIND_FAILED;
  fclose(file);
  const struct timespec pause = {0, 1000000};
  while (access(path, F_OK) != 0) nanosleep(&pause, NULL);
  return call->set_value(call->host, "done", 4) == 0 ? SPILLWAY_KIND_OK : SPILLWAY_KIND_NO_MEMORY;
}

static const struct spillway_kind kOnCore = {
    .size = sizeof(struct spillway_kind),
    .version = 1,
    .name = "stubborn.core",
    .run = wait_for_file,
};
static const struct spillway_kind kBlocking = {
    .size = sizeof(struct spillway_kind),
    .version = 1,
    .traits = SPILLWAY_KIND_BLOCKING,
    .name = "stubborn.blocking",
    .run = wait_for_file,
};
static const struct spillway_kind* const kKinds[] = {&kOnCore, &kBlocking};
static const struct spillway_kind_module_info kModule = {
    .size = sizeof(struct spillway_kind_module_info),
    .abi = SPILLWAY_KIND_ABI,
    .kind_count = 2,
    .kinds = kKinds,
};

const struct spillway_kind_module_info* spillway_kind_module(void) { return &kModule; }
