/* A kind in plain C: `example.count_byte` counts how often a byte occurs in the input, in parallel.
 * Arg `byte` is its number, 0 to 255 (10, the line feed). The value is the count in decimal. */
#include <spillway/kind_abi.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kPiece = 1 << 20 }; /* bytes between two looks at the stop request */

struct count {
  const struct spillway_kind_call* call;
  uint8_t wanted;
  atomic_ullong total;
};

static void count_range(void* state, uint64_t begin, uint64_t end) {
  struct count* count = state;
  unsigned long long found = 0;
  for (uint64_t i = begin; i < end; ++i) {
    if (i % kPiece == 0 && count->call->stop_requested(count->call->host)) return;
    found += count->call->input[i] == count->wanted;
  }
  atomic_fetch_add(&count->total, found);
}

/* 0 when all args are good. */
static int read_args(const struct spillway_kind_call* call, uint8_t* wanted) {
  for (uint32_t i = 0; i < call->arg_count; ++i) {
    if (strcmp(call->args[i].name, "byte") != 0) return -1;
    char* end = NULL;
    long number = strtol(call->args[i].value, &end, 10);
    if (end == call->args[i].value || *end != 0 || number < 0 || number > 255) return -1;
    *wanted = (uint8_t)number;
  }
  return 0;
}

static int count_byte(const struct spillway_kind_call* call) {
  struct count count = {call, '\n', 0};
  if (read_args(call, &count.wanted) != 0) {
    call->set_error(call->host, "the only arg is byte, a number from 0 to 255");
    return SPILLWAY_KIND_BAD_INPUT;
  }
  if (call->parallel_for(call->host, call->input_size, count_range, &count) != 0) {
    return SPILLWAY_KIND_FAILED;
  }
  if (call->stop_requested(call->host)) return SPILLWAY_KIND_CANCELLED;
  char text[32];
  int length = snprintf(text, sizeof text, "%llu", (unsigned long long)count.total);
  return call->set_value(call->host, text, (uint64_t)length) == 0 ? SPILLWAY_KIND_OK
                                                                  : SPILLWAY_KIND_NO_MEMORY;
}

static const struct spillway_kind_arg_spec kByte = {
    .size = sizeof(struct spillway_kind_arg_spec),
    .type = SPILLWAY_ARG_COUNT,
    .name = "byte",
    .fallback = "10",
    .least = 0,
    .most = 255,
};

static const struct spillway_kind_arg_spec* const kArgs[] = {&kByte};

static const struct spillway_kind kCountByte = {
    .size = sizeof(struct spillway_kind),
    .version = 1,
    .traits = SPILLWAY_KIND_PURE | SPILLWAY_KIND_DETERMINISTIC | SPILLWAY_KIND_SPLITTABLE,
    .name = "example.count_byte",
    .help = "how often a byte occurs; args: byte (10)",
    .run = count_byte,
    .arg_specs = kArgs,
    .arg_spec_count = 1,
};

static const struct spillway_kind* const kKinds[] = {&kCountByte};

static const struct spillway_kind_module_info kModule = {
    .size = sizeof(struct spillway_kind_module_info),
    .abi = SPILLWAY_KIND_ABI,
    .kind_count = 1,
    .kinds = kKinds,
};

const struct spillway_kind_module_info* spillway_kind_module(void) { return &kModule; }
