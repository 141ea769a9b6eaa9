/* How a kind is offered from a shared library. Plain C, so that any compiler and language will do.
 *
 * A plugin exports one function, `spillway_kind_module`, which returns a description that stays
 * valid and unchanged as long as the library is loaded. The library is never unloaded.
 *
 *   - `abi` of the module is SPILLWAY_KIND_ABI as the plugin was compiled; a host refuses others.
 *   - Every struct starts with its `size`, sizeof(struct) as its maker was compiled. Later versions
 *     of the same ABI only add fields at the end: read a field only when `size` covers it. A
 *     plugin may rely on all fields of what the host makes.
 *   - Functions of a kind are called from many threads at once, and must neither throw, longjmp,
 *     nor end the thread or process.
 *   - Text is UTF-8 and ends in NUL. Bytes have a length and no NUL.
 */
#ifndef SPILLWAY_KIND_ABI_H
#define SPILLWAY_KIND_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPILLWAY_KIND_ABI 1u

/* Traits of a kind, or-ed together. */
#define SPILLWAY_KIND_PURE 1u          /* no effects outside its value */
#define SPILLWAY_KIND_DETERMINISTIC 2u /* the same input and args give the same bytes */
#define SPILLWAY_KIND_SPLITTABLE 4u    /* uses parallel_for; may be left out, nothing reads it */
#define SPILLWAY_KIND_BLOCKING 8u      /* waits more than it computes */

/* What `run` returns. The numbers are part of the ABI. */
#define SPILLWAY_KIND_OK 0
#define SPILLWAY_KIND_BAD_INPUT 1 /* the input or an arg is wrong: repeating cannot help */
#define SPILLWAY_KIND_FAILED 2    /* anything else that went wrong */
#define SPILLWAY_KIND_CANCELLED 3 /* ended early because stop_requested said so */
#define SPILLWAY_KIND_NO_MEMORY 4

struct spillway_kind_arg {
  const char* name;
  const char* value;
};

/* What the value of an arg must be. The numbers are part of the ABI. */
#define SPILLWAY_ARG_TEXT 0u
#define SPILLWAY_ARG_TEXTS 1u   /* separated by commas */
#define SPILLWAY_ARG_COUNT 2u   /* a whole number from least to most, within 0 to 1e15 */
#define SPILLWAY_ARG_NUMBER 3u  /* from least to most */
#define SPILLWAY_ARG_NUMBERS 4u /* at most 16 of them, separated by commas */
#define SPILLWAY_ARG_CHOICE 5u  /* one of `words` */

/* An arg that a kind takes. */
struct spillway_kind_arg_spec {
  uint32_t size;
  uint32_t type;
  const char* name;
  const char* fallback; /* as it would be given, for people to read; may be NULL */
  const char* words;    /* of a choice, separated by commas; otherwise NULL */
  double least;
  double most;
};

/* One run, made by the host; valid until `run` returns. `host` goes back into every function. */
struct spillway_kind_call {
  uint32_t size;
  uint32_t arg_count;
  const struct spillway_kind_arg* args; /* in order of name */
  const uint8_t* input;
  uint64_t input_size; /* bytes */
  void* host;

  /* Not 0 once the run should end; look at least every 10 ms. From any thread of the run. */
  int (*stop_requested)(void* host);

  /* Calls range(state, begin, end) on disjoint ranges that cover [0, n), on several threads where
   * there are some; returns when all are done. 0, or not 0 when the run must end: return
   * SPILLWAY_KIND_FAILED then. From the thread of `run` only. */
  int (*parallel_for)(void* host, uint64_t n,
                      void (*range)(void* state, uint64_t begin, uint64_t end), void* state);

  /* Sets the value of a run that returns SPILLWAY_KIND_OK; the bytes are copied. The last call
   * counts; without one the value is empty. 0, or not 0 when it is too large or memory ran out:
   * return SPILLWAY_KIND_NO_MEMORY then. From the thread of `run` only. */
  int (*set_value)(void* host, const void* bytes, uint64_t size);

  /* Says what went wrong, for a run that does not return SPILLWAY_KIND_OK; the text is copied. From
   * the thread of `run` only. */
  void (*set_error)(void* host, const char* message);
};

struct spillway_kind {
  uint32_t size;
  uint32_t version; /* of the kind; raise it when the value changes for the same input */
  uint32_t traits;
  uint32_t reserved; /* 0 */
  const char* name;  /* [a-z0-9_]+(\.[a-z0-9_]+)*, at most 64 characters */
  const char* help;  /* one line, with the args it takes; may be NULL */
  int (*run)(const struct spillway_kind_call* call);
  /* Size of the work in a unit of the kind's own, above 0, for the estimate of run time. May be
   * NULL: 1 + input_size. */
  double (*work)(uint64_t input_size, const struct spillway_kind_arg* args, uint32_t arg_count);

  /* The args it takes, at most 64; a task with any other, or with a value that is not one, is
   * refused when it is submitted. NULL: they are not declared, and any reach `run`. A kind of whose
   * `size` these are no part has not declared them. */
  const struct spillway_kind_arg_spec* const* arg_specs;
  uint32_t arg_spec_count;
  uint32_t reserved2; /* 0 */
};

struct spillway_kind_module_info {
  uint32_t size;
  uint32_t abi; /* SPILLWAY_KIND_ABI */
  uint32_t kind_count;
  uint32_t reserved; /* 0 */
  const struct spillway_kind* const* kinds;
};

typedef const struct spillway_kind_module_info* (*spillway_kind_module_fn)(void);

/* The one symbol a plugin exports. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const struct spillway_kind_module_info*
spillway_kind_module(void);

#ifdef __cplusplus
}
#endif

#endif
