/* A plugin that does what its input says: a byte each for what, and for how many bytes follow. */
#include <string.h>

#include "spillway/kind_abi.h"

static void nothing(void* state, uint64_t begin, uint64_t end) {
  (void)state;
  (void)begin;
  (void)end;
}

static int run(const struct spillway_kind_call* call) {
  const uint8_t* at = call->input;
  const uint8_t* end = at + call->input_size;
  char text[256];
  while (end - at >= 2) {
    const uint8_t what = at[0];
    uint64_t size = at[1];
    at += 2;
    if (what >= 0x80) return (int)what - 0x90;
    if (size > (uint64_t)(end - at)) size = (uint64_t)(end - at);
    memcpy(text, at, size);
    text[size] = 0;
    if (what % 4 == 0) call->set_value(call->host, at, size);
    if (what % 4 == 1) call->set_error(call->host, text);
    if (what % 4 == 2) call->parallel_for(call->host, size << (what % 64), nothing, NULL);
    if (what % 4 == 3) call->set_value(call->host, size % 2 ? at : NULL, UINT64_MAX / (size + 1));
    at += size;
  }
  return SPILLWAY_KIND_OK;
}

static const struct spillway_kind kObeys = {
    .size = sizeof(struct spillway_kind),
    .version = 1,
    .name = "fuzz.obeys",
    .run = run,
};
static const struct spillway_kind* const kKinds[] = {&kObeys};
static const struct spillway_kind_module_info kModule = {
    .size = sizeof(struct spillway_kind_module_info),
    .abi = SPILLWAY_KIND_ABI,
    .kind_count = 1,
    .kinds = kKinds,
};

const struct spillway_kind_module_info* spillway_kind_module(void) { return &kModule; }
