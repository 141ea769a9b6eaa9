#include "tests/integration/http/spans.h"

#include <set>
#include <string>

#include <CppUTest/TestHarness.h>

namespace spillway::test {

std::size_t spans_of(const boost::json::value& otlp) {
  std::set<std::string> ids;
  std::size_t spans = 0;
  for (const auto& resource : otlp.at("resourceSpans").as_array()) {
    for (const auto& span : resource.at("scopeSpans").at(0).at("spans").as_array()) {
      ids.emplace(span.at("spanId").as_string());
      ++spans;
    }
  }
  CHECK_EQUAL(spans, ids.size());
  return spans;
}

}  // namespace spillway::test
