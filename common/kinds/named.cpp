#include "common/kinds/named.h"

#include <algorithm>

namespace spillway::kinds {

Status check_named(const KindRegistry& known, const std::vector<std::string>& others,
                   const std::vector<std::string>& names, const std::string& key) {
  for (const std::string& name : names) {
    if (std::find(others.begin(), others.end(), name) != others.end()) continue;
    const Result<const Kind*> kind = require_kind(known, {name, 0, {}});
    if (!kind) return fail(Code::invalid_argument, key + ": " + kind.error().message);
  }
  return {};
}

}  // namespace spillway::kinds
