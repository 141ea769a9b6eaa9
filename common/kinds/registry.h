#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "spillway/kind.h"
#include "spillway/status.h"

namespace spillway::kinds {

// The kinds a node can run, by name. Filled by one thread at start-up, before any other thread sees
// it; from then on it never changes and any thread may read it without a lock. Owns its kinds;
// pointers to them stay valid as long as the registry.
class KindRegistry {
 public:
  // `invalid_argument` for a bad name or a missing body, `conflict` for a name already taken.
  Status add(const Kind& kind);

  // nullptr when there is none of that name, or not the one that is asked for.
  const Kind* find(std::string_view name) const;
  const Kind* find(const KindRef& asked) const;

  // In order of name.
  std::vector<const Kind*> list() const;

 private:
  std::map<std::string, Kind, std::less<>> kinds_;
};

// Like find, but says which names come near, or what is here of that name.
Result<const Kind*> require_kind(const KindRegistry& registry, const KindRef& asked);

// Whether the kind, as far as it declares its args, takes these; `invalid_argument` names the arg
// and, for an unknown one, the nearest that is known.
Status check_args(const Kind& kind, const Labels& args);

// The size of the work in the kind's unit; always finite and above 0, whatever the kind answers.
double work_of(const Kind& kind, std::size_t input_bytes, const Labels& args);

// Runs the kind's body on the calling thread, if it takes the args. Whatever it throws becomes an
// Error: `busy` when memory ran out, `internal` otherwise.
Result<Bytes> run_kind(const Kind& kind, KindContext& context);

}  // namespace spillway::kinds
