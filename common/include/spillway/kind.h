#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "spillway/bytes.h"
#include "spillway/status.h"
#include "spillway/task.h"

namespace spillway {

struct KindTraits {
  bool pure = true;           // no effects outside its value
  bool deterministic = true;  // the same input and args give the same bytes everywhere
  bool checkpointable = false;
  bool blocking = false;  // waits more than it computes: runs on the elastic pool
};

// An arg that a kind takes.
struct KindArg {
  enum class Type : std::uint8_t { text, texts, count, number, numbers, choice };

  std::string name;
  Type type = Type::text;
  double least = 0, most = 0;      // of a count or number, and of each of several numbers
  std::string fallback;            // as it would be given; empty: none, or the kind finds one
  std::vector<std::string> words;  // of a choice
};

// What a running kind sees. Valid only during the call; used by the thread that runs the kind.
class KindContext {
 public:
  virtual ~KindContext() = default;
  virtual ByteView input() const = 0;
  virtual const Labels& args() const = 0;
  // Requested on cancel, timeout and shutdown; long kinds look at it at least every 10 ms.
  virtual std::stop_token stop() const = 0;
  // Calls range(begin, end) on disjoint ranges that cover [0, n), in parallel where the place can;
  // returns when all are done. An exception of a range is rethrown here.
  virtual void parallel_for(std::size_t n,
                            const std::function<void(std::size_t, std::size_t)>& range) = 0;
};

// A named, versioned function. Called from many threads at once.
struct Kind {
  std::string name;  // [a-z0-9_]+(\.[a-z0-9_]+)*, at most 64 characters
  std::uint32_t version = 1;
  KindTraits traits;
  std::function<Result<Bytes>(KindContext&)> run;
  // Size of the work in the kind's own unit, from the input's size and args; > 0. Feeds the
  // estimate of run time; empty: 1 + input bytes.
  std::function<double(std::size_t input_bytes, const Labels& args)> work;
  std::string help;  // one line, with the args it takes
  // Declared: a task with any other arg, or with a value that is not one, is refused when it is
  // submitted, and never runs. Nothing: whatever is given reaches `run`.
  std::optional<std::vector<KindArg>> args = {};
  bool builtin = false;  // every node has it, and takes the same args
  Digest digest{};       // SHA-256 of the file its code is from; zeros: none, or not known

  KindRef ref() const { return {name, version, digest}; }
};

}  // namespace spillway
