/* A plugin that misbehaves as the environment variable HOSTILE asks. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "spillway/kind_abi.h"

static int run(const struct spillway_kind_call* call) {
  const char* how = call->arg_count > 0 ? call->args[0].value : "";
  if (strcmp(how, "status") == 0) return 777;
  if (strcmp(how, "silent") == 0) return SPILLWAY_KIND_FAILED;
  if (strcmp(how, "memory") == 0) return SPILLWAY_KIND_NO_MEMORY;
  if (strcmp(how, "noise") == 0) {
    call->set_error(call->host, "line\nbreak\x1b[31m");
    return SPILLWAY_KIND_BAD_INPUT;
  }
  if (strcmp(how, "null error") == 0) {
    call->set_error(call->host, NULL);
    return SPILLWAY_KIND_BAD_INPUT;
  }
  if (strcmp(how, "huge") == 0) {
    /* The size alone must be refused: there is nothing to read at that length. */
    return call->set_value(call->host, "x", UINT64_MAX) != 0 ? SPILLWAY_KIND_NO_MEMORY
                                                             : SPILLWAY_KIND_OK;
  }
  if (strcmp(how, "null value") == 0) {
    return call->set_value(call->host, NULL, 5) != 0 ? SPILLWAY_KIND_FAILED : SPILLWAY_KIND_OK;
  }
  if (strcmp(how, "null range") == 0) {
    return call->parallel_for(call->host, 5, NULL, NULL) != 0 ? SPILLWAY_KIND_FAILED
                                                              : SPILLWAY_KIND_OK;
  }
  call->set_value(call->host, "first", 5);
  call->set_value(call->host, "last", 4);
  return SPILLWAY_KIND_OK;
}

static double work(uint64_t input_size, const struct spillway_kind_arg* args, uint32_t arg_count) {
  (void)input_size;
  (void)args;
  (void)arg_count;
  return -1.0;
}

static char words[600];
static struct spillway_kind_arg_spec spec;
static const struct spillway_kind_arg_spec* specs[1];
static struct spillway_kind kind;
static const struct spillway_kind* kinds[1];
static struct spillway_kind_module_info module;

const struct spillway_kind_module_info* spillway_kind_module(void) {
  const char* how = getenv("HOSTILE");
  if (how == NULL) how = "";
  kind = (struct spillway_kind){sizeof kind,      1,   0xffffffffu, 0, "hostile",
                                "does\nas asked", run, work};
  spec =
      (struct spillway_kind_arg_spec){sizeof spec, SPILLWAY_ARG_CHOICE, "how", NULL, "a,b", 0, 0};
  specs[0] = &spec;
  kinds[0] = &kind;
  module = (struct spillway_kind_module_info){sizeof module, SPILLWAY_KIND_ABI, 1, 0, kinds};
  if (strcmp(how, "no module") == 0) return NULL;
  if (strcmp(how, "tiny module") == 0) module.size = 4;
  if (strcmp(how, "short module") == 0) module.size = 8;
  if (strcmp(how, "future abi") == 0) module.abi = 99;
  if (strcmp(how, "no list") == 0) module.kinds = NULL;
  if (strcmp(how, "no kinds") == 0) module.kind_count = 0;
  if (strcmp(how, "countless kinds") == 0) module.kind_count = 0xffffffffu;
  if (strcmp(how, "null kind") == 0) kinds[0] = NULL;
  if (strcmp(how, "short kind") == 0) kind.size = 8;
  if (strcmp(how, "no run") == 0) kind.run = NULL;
  if (strcmp(how, "no name") == 0) kind.name = NULL;
  if (strstr(how, "arg") != NULL) {
    kind.arg_specs = specs;
    kind.arg_spec_count = 1;
  }
  if (strcmp(how, "old arg") == 0) kind.size = offsetof(struct spillway_kind, arg_specs);
  if (strcmp(how, "null arg") == 0) specs[0] = NULL;
  if (strcmp(how, "short arg") == 0) spec.size = 8;
  if (strcmp(how, "nameless arg") == 0) spec.name = NULL;
  if (strcmp(how, "wordless arg") == 0) spec.words = NULL;
  if (strcmp(how, "wordy arg") == 0) {
    memset(words, 'w', sizeof words - 1);
    spec.words = words;
  }
  if (strcmp(how, "typeless arg") == 0) spec.type = 6;
  if (strcmp(how, "bad name") == 0) kind.name = "../../etc/passwd";
  return &module;
}
