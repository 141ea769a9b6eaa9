#include "spillway/task.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using std::chrono::hours;
using std::chrono::milliseconds;

TEST_GROUP(TaskSpec){static spillway::TaskSpec minimal(){spillway::TaskSpec spec;
spec.kind.name = "echo";
return spec;
}
// Refused, with a message that starts with the field.
static void refuses(const char* field, const std::function<void(spillway::TaskSpec&)>& change) {
  spillway::TaskSpec spec = minimal();
  change(spec);
  Status status = validate(spec);
  CHECK_TEXT(!status.ok(), field);
  CHECK(status.error().code == Code::invalid_argument);
  STRCMP_EQUAL_TEXT(field, status.error().message.substr(0, std::string(field).size()).c_str(),
                    status.error().message.c_str());
}
static void accepts(const std::function<void(spillway::TaskSpec&)>& change) {
  spillway::TaskSpec spec = minimal();
  change(spec);
  Status status = validate(spec);
  CHECK_TEXT(status.ok(), status ? "" : status.error().message.c_str());
}
}
;

TEST(TaskSpec, needs_a_kind_and_nothing_else) {
  accepts([](auto&) {});
  refuses("kind:", [](auto& s) { s.kind.name.clear(); });
}

TEST(TaskSpec, names_its_kind_in_lower_case_words_and_dots) {
  accepts([](auto& s) { s.kind.name = "a_1.b"; });
  accepts([](auto& s) { s.kind.name = std::string(64, 'a'); });
  for (const char* bad : {"Echo", ".a", "a.", "a b", "a/b", "a-b", "\xc3\xa4"}) {
    refuses("kind:", [bad](auto& s) { s.kind.name = bad; });
  }
  refuses("kind:", [](auto& s) { s.kind.name = std::string(65, 'a'); });
}

TEST(TaskSpec, holds_an_inline_input_up_to_the_limit_and_says_what_to_do_above) {
  accepts([](auto& s) { s.input.bytes = Bytes(kInlineLimit); });
  refuses(
      "input: 65537 bytes are over the limit of 65536 for an input; split it into several tasks",
      [](auto& s) { s.input.bytes = Bytes(kInlineLimit + 1); });
}

TEST(TaskSpec, has_its_input_inline_or_as_a_blob_but_not_both) {
  accepts([](auto& s) { s.input.blob = BlobRef{}; });
  refuses("input:", [](auto& s) {
    s.input.blob = BlobRef{};
    s.input.bytes = {1};
  });
}

TEST(TaskSpec, limits_the_number_and_size_of_args_and_labels) {
  using Field = Labels spillway::TaskSpec::*;
  const std::pair<Field, const char*> fields[] = {{&spillway::TaskSpec::args, "args"},
                                                  {&spillway::TaskSpec::labels, "labels"}};
  for (const auto& [field, name] : fields) {
    Field f = field;
    accepts([f](auto& s) { s.*f = {{std::string(64, 'k'), std::string(256, 'v')}, {"e", ""}}; });
    refuses(name, [f](auto& s) { s.*f = {{"", "v"}}; });
    refuses(name, [f](auto& s) { s.*f = {{std::string(65, 'k'), "v"}}; });
    refuses(name, [f](auto& s) { s.*f = {{"k", std::string(257, 'v')}}; });
    refuses(name, [f](auto& s) {
      for (int i = 0; i < 33; ++i) (s.*f)[std::to_string(i)] = "";
    });
  }
}

TEST(TaskSpec, keeps_every_span_between_a_millisecond_and_366_days) {
  using Spec = spillway::TaskSpec;
  using Setter = std::function<void(Spec&, milliseconds)>;
  const std::pair<const char*, Setter> spans[] = {
      {"deadline:", [](Spec& s, milliseconds t) { s.deadline = t; }},
      {"not_before:", [](Spec& s, milliseconds t) { s.not_before = t; }},
      {"run_timeout:", [](Spec& s, milliseconds t) { s.run_timeout = t; }},
      {"queue_timeout:", [](Spec& s, milliseconds t) { s.queue_timeout = t; }},
      {"idempotency_window:", [](Spec& s, milliseconds t) { s.idempotency_window = t; }},
      {"retention:", [](Spec& s, milliseconds t) { s.retention = t; }},
      {"retry.base:", [](Spec& s, milliseconds t) { s.retry.base = t; }},
      {"retry.cap:", [](Spec& s, milliseconds t) { s.retry.cap = t; }}};
  for (const auto& [field, setter] : spans) {
    const Setter& set = setter;
    accepts([&](auto& s) { set(s, milliseconds(1)); });
    accepts([&](auto& s) { set(s, hours(24 * 366)); });
    for (milliseconds bad : {milliseconds(0), milliseconds(-1), milliseconds::min(),
                             milliseconds(hours(24 * 366)) + milliseconds(1)}) {
      refuses(field, [&](auto& s) { set(s, bad); });
    }
  }
}

TEST(TaskSpec, limits_its_texts) {
  accepts([](auto& s) { s.tenant = s.trace = s.idempotency_key = std::string(256, 'x'); });
  refuses("idempotency_key:", [](auto& s) { s.idempotency_key = std::string(257, 'x'); });
  refuses("tenant:", [](auto& s) { s.tenant = std::string(257, 'x'); });
  refuses("trace:", [](auto& s) { s.trace = std::string(257, 'x'); });
}

TEST(TaskSpec, limits_what_it_needs) {
  accepts([](auto& s) { s.needs.tags = {"gpu", std::string(64, 't')}; });
  refuses("needs.tags:", [](auto& s) { s.needs.tags = {""}; });
  refuses("needs.tags:", [](auto& s) { s.needs.tags = {std::string(65, 't')}; });
  refuses("needs.tags:", [](auto& s) { s.needs.tags.assign(33, "t"); });
  refuses("needs.cpu:", [](auto& s) { s.needs.cpu = 0; });
  refuses("needs.cpu:", [](auto& s) { s.needs.cpu = 1025; });
}

TEST(TaskSpec, limits_attempts_dependencies_and_work) {
  refuses("retry.max_attempts:", [](auto& s) { s.retry.max_attempts = 0; });
  refuses("retry.max_attempts:", [](auto& s) { s.retry.max_attempts = 101; });
  accepts([](auto& s) { s.after.resize(64); });
  refuses("after:", [](auto& s) { s.after.resize(65); });
  for (double bad : {0.0, -1.0, 1e18, std::nan(""), std::numeric_limits<double>::infinity()}) {
    refuses("work:", [bad](auto& s) { s.work = bad; });
  }
  accepts([](auto& s) { s.work = 1e-9; });
}

TEST(TaskSpec, refuses_choices_that_do_not_exist) {
  refuses("band:", [](auto& s) { s.band = static_cast<Band>(4); });
  refuses("prefer:", [](auto& s) { s.prefer = static_cast<Prefer>(3); });
  refuses("data:", [](auto& s) { s.data = static_cast<DataScope>(2); });
  refuses("effects:", [](auto& s) { s.effects = static_cast<Effects>(3); });
  refuses("on_disconnect:", [](auto& s) { s.on_disconnect = static_cast<OnDisconnect>(3); });
}

TEST(TaskSpec, P11_refuses_edge_only_data_that_prefers_the_cloud) {
  accepts([](auto& s) { s.data = DataScope::edge_only; });
  refuses("data:", [](auto& s) {
    s.data = DataScope::edge_only;
    s.prefer = Prefer::cloud;
  });
}

TEST_GROUP(TaskNames){};

TEST(TaskNames, exist_for_every_state_reason_class_and_band) {
  CHECK(to_string(TaskState::waiting) == "waiting");
  CHECK(to_string(TaskState::expired) == "expired");
  CHECK(to_string(WaitReason::none) == "none");
  CHECK(to_string(WaitReason::no_place) == "no_place");
  CHECK(to_string(FailureClass::none) == "none");
  CHECK(to_string(FailureClass::disconnected) == "disconnected");
  CHECK(to_string(Band::background) == "background");
}

TEST(TaskNames, four_states_are_terminal) {
  int terminal = 0;
  for (int state = 0; state <= 7; ++state) terminal += is_terminal(static_cast<TaskState>(state));
  LONGS_EQUAL(4, terminal);
  CHECK(!is_terminal(TaskState::running));
  CHECK(is_terminal(TaskState::succeeded));
}
