#include "agent/cli/submit_options.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "agent/cli/names.h"
#include "agent/cli/text.h"

namespace spillway::cli {
namespace {

using std::chrono::milliseconds;

Error in_option(std::string_view option, Error error) {
  error.message = std::string(option) + ": " + error.message;
  return error;
}

template <class T>
Status set_duration(std::string_view option, const std::string& text, T& field) {
  if (text.empty()) return {};
  Result<milliseconds> duration = parse_duration(text);
  if (!duration) return in_option(option, std::move(duration).error());
  field = *duration;
  return {};
}

template <class E, std::size_t N>
Status set_word(std::string_view option, const Name<E> (&names)[N], const std::string& word,
                E& field) {
  if (word.empty()) return {};
  if (const std::optional<E> value = value_of(names, word)) {
    field = *value;
    return {};
  }
  std::string known;
  for (const Name<E>& name : names) known += (known.empty() ? "" : ", ") + std::string(name.word);
  return fail(Code::invalid_argument, std::string(option) + ": '" + word + "' is none of " + known);
}

Status set_pairs(std::string_view option, const std::vector<std::string>& texts, Labels& field) {
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(Code::invalid_argument,
                  std::string(option) + ": '" + text + "' is not NAME=VALUE");
    }
    if (!field.emplace(text.substr(0, equals), text.substr(equals + 1)).second) {
      return fail(Code::invalid_argument,
                  std::string(option) + ": '" + text.substr(0, equals) + "' is given twice");
    }
  }
  return {};
}

Status set_durations(const SubmitOptions& options, TaskSpec& spec) {
  if (Status s = set_duration("--deadline", options.deadline, spec.deadline); !s) return s;
  if (Status s = set_duration("--not-before", options.not_before, spec.not_before); !s) return s;
  if (Status s = set_duration("--run-timeout", options.run_timeout, spec.run_timeout); !s) return s;
  if (Status s = set_duration("--queue-timeout", options.queue_timeout, spec.queue_timeout); !s) {
    return s;
  }
  if (Status s = set_duration("--retention", options.retention, spec.retention); !s) return s;
  return set_duration("--key-window", options.key_window, spec.idempotency_window);
}

Status set_retry(const SubmitOptions& options, RetryPolicy& retry) {
  retry.max_attempts = options.retry.value_or(retry.max_attempts);
  const std::size_t colon = options.backoff.find(':');
  if (Status s = set_duration("--backoff", options.backoff.substr(0, colon), retry.base); !s)
    return s;
  if (colon == std::string::npos) return {};
  return set_duration("--backoff", options.backoff.substr(colon + 1), retry.cap);
}

Status set_needs(const SubmitOptions& options, Needs& needs) {
  needs.cpu = options.cpu.value_or(needs.cpu);
  needs.tags = options.tags;
  if (options.memory.empty()) return {};
  Result<std::uint64_t> memory = parse_size(options.memory);
  if (!memory) return in_option("--memory", std::move(memory).error());
  needs.memory = *memory;
  return {};
}

Status set_choices(const SubmitOptions& options, TaskSpec& spec) {
  if (Status s = set_word("--priority", kBands, options.band, spec.band); !s) return s;
  if (Status s = set_word("--prefer", kPrefers, options.prefer, spec.prefer); !s) return s;
  if (Status s = set_word("--data", kScopes, options.data, spec.data); !s) return s;
  if (Status s = set_word("--effects", kEffects, options.effects, spec.effects); !s) return s;
  return set_word("--on-disconnect", kOnDisconnect, options.on_disconnect, spec.on_disconnect);
}

Error too_large(const std::string& name) {
  return fail(Code::invalid_argument,
              "the input " + name + " is over " + std::to_string(kInlineLimit) +
                  " bytes, the limit of a task's input; larger ones are not supported yet");
}

Result<Bytes> read_up_to_limit(std::istream& in, const std::string& name) {
  Bytes bytes(kInlineLimit + 1);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (in.bad()) return fail(Code::io, "cannot read the input " + name);
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  if (bytes.size() > kInlineLimit) return too_large(name);
  return bytes;
}

}  // namespace

Result<TaskSpec> spec_of(const SubmitOptions& options) {
  Result<KindRef> kind = parse_kind_ref(options.kind);
  if (!kind) return std::move(kind).error();
  TaskSpec spec;
  spec.kind = *std::move(kind);
  spec.idempotency_key = options.key;
  spec.work = options.work;
  spec.tenant = options.tenant;
  spec.trace = options.trace;
  if (Status s = set_pairs("--arg", options.args, spec.args); !s) return std::move(s).error();
  if (Status s = set_pairs("--label", options.labels, spec.labels); !s) return std::move(s).error();
  if (Status s = set_durations(options, spec); !s) return std::move(s).error();
  if (Status s = set_retry(options, spec.retry); !s) return std::move(s).error();
  if (Status s = set_needs(options, spec.needs); !s) return std::move(s).error();
  if (Status s = set_choices(options, spec); !s) return std::move(s).error();
  if (Status s = validate(spec); !s) return std::move(s).error();
  return spec;
}

Result<Bytes> read_input(const std::string& path, std::istream& in) {
  if (path.empty()) return Bytes();
  if (path == "-") return read_up_to_limit(in, "from standard input");
  const std::string name = "'" + path + "'";
  struct stat file {};
  if (stat(path.c_str(), &file) == 0 && S_ISDIR(file.st_mode)) {
    return fail(Code::invalid_argument, "the input " + name + " is a directory");
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    const int error = errno;
    return fail(error == ENOENT   ? Code::not_found
                : error == EACCES ? Code::denied
                                  : Code::io,
                "cannot open the input " + name + ": " + std::strerror(error));
  }
  return read_up_to_limit(stream, name);
}

}  // namespace spillway::cli
