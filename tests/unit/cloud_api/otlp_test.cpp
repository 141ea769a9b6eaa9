#include "cloud/api/otlp.h"

#include <boost/json.hpp>
#include <set>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud;

TEST_GROUP(Otlp) {
  TaskPath path;

  void setup() override {
    path.id = {Origin{0xaa}, 7};
    path.ended = Wall(std::chrono::seconds(9));
  }
  boost::json::value status() {
    return api::otlp_of(path, "1").at_pointer("/resourceSpans/0/scopeSpans/0/spans/0/status");
  }
};

TEST(Otlp, a_task_that_did_not_succeed_is_an_error_that_says_why) {
  CHECK_EQUAL(1, status().at("code").as_int64());
  for (const char* problem : {"cancelled", "expired", "timeout"}) {
    path.problem = problem;
    CHECK_EQUAL(2, status().at("code").as_int64());
    STRCMP_EQUAL(problem, std::string(status().at("message").as_string()).c_str());
  }
}

TEST(Otlp, the_spans_of_an_attempt_that_did_not_count_say_why_and_those_of_one_that_did_do_not) {
  for (const std::string& note : {std::string("cancelled"), std::string()}) {
    const bool ghost = !note.empty();
    path.spans = {{SpanPart::run, Lane::edge, "pump-7", Wall(std::chrono::seconds(1)),
                   Wall(std::chrono::seconds(2)), Epoch{1}, ghost, note}};
    const boost::json::value told = api::otlp_of(path, "1");
    const auto& status =
        told.at_pointer("/resourceSpans/0/scopeSpans/0/spans/1/status").as_object();
    CHECK_EQUAL(ghost, status.contains("code"));
    if (!ghost) continue;
    CHECK_EQUAL(2, status.at("code").as_int64());
    STRCMP_EQUAL("cancelled", std::string(status.at("message").as_string()).c_str());
  }
}

TEST(Otlp, spans_have_ids_of_their_own_whatever_they_are_about_and_the_same_ones_each_time) {
  const Wall second = std::chrono::seconds(1);
  for (int i = 0; i < 20; ++i) {
    path.spans.push_back(
        {SpanPart::queued, Lane::cloud, "cloud", second, second, Epoch{2}, false, ""});
  }
  const boost::json::value told = api::otlp_of(path, "1");
  CHECK(told == api::otlp_of(path, "1"));
  std::set<std::string> ids;
  for (const auto& resource : told.at("resourceSpans").as_array()) {
    for (const auto& span : resource.at("scopeSpans").at(0).at("spans").as_array()) {
      ids.emplace(span.at("spanId").as_string());
    }
  }
  CHECK_EQUAL(21u, ids.size());
  // A span that is still open has its id already: it is told when it has ended.
  path.spans[0].to.reset();
  const auto later = api::otlp_of(path, "1").at_pointer("/resourceSpans/1/scopeSpans/0/spans/18");
  CHECK(later == told.at_pointer("/resourceSpans/1/scopeSpans/0/spans/19"));
}
