#include "common/base/trace_context.h"

#include <set>

#include <CppUTest/TestHarness.h>

using namespace spillway;

namespace {

constexpr char kGiven[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

}  // namespace

TEST_GROUP(TraceContext) { TaskId id{Origin{0xaa}, 7}; };

TEST(TraceContext, a_traceparent_is_read_as_the_standard_says) {
  const auto context = parse_traceparent(kGiven);
  CHECK(context.has_value());
  STRCMP_EQUAL("0af7651916cd43dd8448eb211c80319c", context->trace_id.c_str());
  STRCMP_EQUAL("b7ad6b7169203331", context->parent_id.c_str());
  // Of a later version, what is known of it counts.
  std::string later = kGiven;
  later[1] = '1';
  CHECK(parse_traceparent(later + "-more").has_value());
}

TEST(TraceContext, what_is_none_is_refused_and_a_task_begins_a_trace_of_its_own) {
  for (const std::string bad :
       {"", "00-abc", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}) {
    CHECK_FALSE(parse_traceparent(bad).has_value());
    CHECK(check_trace(bad).ok() == bad.empty());
    const TraceContext own = trace_of(bad, id);
    CHECK_EQUAL(32U, own.trace_id.size());
    CHECK(own.parent_id.empty());
  }
}

TEST(TraceContext, a_task_goes_on_with_the_trace_it_came_with_and_has_spans_of_its_own_in_it) {
  const TraceContext context = trace_of(kGiven, id);
  STRCMP_EQUAL("b7ad6b7169203331", context.parent_id.c_str());
  const auto carried = parse_traceparent(traceparent(kGiven, id, Epoch{1}));
  CHECK(carried.has_value());
  STRCMP_EQUAL(context.trace_id.c_str(), carried->trace_id.c_str());
  CHECK(carried->parent_id == span_id(id, Epoch{1}, SpanPart::attempt));
}

TEST(TraceContext, traces_and_spans_of_tasks_in_a_row_are_told_apart) {
  std::set<std::string> traces, spans;
  for (std::uint64_t seq = 1; seq <= 1000; ++seq) {
    const TaskId task{Origin{0xaa}, seq};
    traces.insert(trace_of("", task).trace_id);
    for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
      for (const SpanPart part :
           {SpanPart::task, SpanPart::queued, SpanPart::run, SpanPart::answer, SpanPart::attempt}) {
        spans.insert(span_id(task, Epoch{epoch}, part));
      }
    }
  }
  CHECK_EQUAL(1000U, traces.size());
  CHECK_EQUAL(15'000U, spans.size());
}
