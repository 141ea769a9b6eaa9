#include "common/kinds/registry.h"

#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>

#include "common/kinds/builtin.h"
#include "common/kinds/inline_context.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

TEST_GROUP(KindRegistry) {
  kinds::KindRegistry registry;
  Labels args;

  static Kind kind_named(const std::string& name) {
    Kind kind;
    kind.name = name;
    kind.run = [](KindContext&) -> Result<Bytes> { return to_bytes("value"); };
    return kind;
  }
  template <class Thrown>
  static Kind kind_that_throws(Thrown thrown) {
    Kind kind = kind_named("thrower");
    kind.run = [thrown](KindContext&) -> Result<Bytes> { throw thrown; };
    return kind;
  }
  Error error_of(const Kind& kind) {
    InlineContext context({}, args);
    return run_kind(kind, context).error();
  }
};

TEST(KindRegistry, finds_what_was_added_and_nothing_else) {
  CHECK(registry.add(kind_named("a.b_1")).ok());
  CHECK(registry.find("a.b_1") != nullptr);
  CHECK(registry.find("a.b") == nullptr);
  CHECK(registry.find("") == nullptr);
}

TEST(KindRegistry, lists_in_order_of_name) {
  for (const char* name : {"c", "a", "b"}) CHECK(registry.add(kind_named(name)).ok());
  std::string names;
  for (const Kind* kind : registry.list()) names += kind->name;
  STRCMP_EQUAL("abc", names.c_str());
}

TEST(KindRegistry, refuses_names_that_are_not_words_joined_by_dots) {
  for (const char* name : {"", ".", ".a", "a.", "a..b", "A", "a-b", "a b", "a/b", "\xc3\xa4"}) {
    Status added = registry.add(kind_named(name));
    CHECK_TEXT(!added.ok(), name);
    CHECK(added.error().code == Code::invalid_argument);
  }
  CHECK(registry.add(kind_named(std::string(64, 'a'))).ok());
  CHECK(!registry.add(kind_named(std::string(65, 'a'))).ok());
}

TEST(KindRegistry, refuses_a_second_kind_of_the_same_name_and_keeps_the_first) {
  Kind first = kind_named("twin");
  first.version = 7;
  CHECK(registry.add(first).ok());
  CHECK(registry.add(kind_named("twin")).error().code == Code::conflict);
  UNSIGNED_LONGS_EQUAL(7, registry.find("twin")->version);
}

TEST(KindRegistry, refuses_a_kind_without_a_body) {
  Kind empty;
  empty.name = "empty";
  CHECK(registry.add(empty).error().code == Code::invalid_argument);
}

TEST(KindRegistry, says_which_name_comes_near) {
  add_builtin_kinds(registry);
  Result<const Kind*> wrong = require_kind(registry, {"hash.sha265", 0, {}});
  CHECK(wrong.error().code == Code::not_found);
  STRCMP_CONTAINS("did you mean 'hash.sha256'?", wrong.error().message.c_str());
  STRCMP_CONTAINS("known: anomaly.score, echo",
                  require_kind(registry, {"x", 0, {}}).error().message.c_str());
}

TEST(KindRegistry, a_version_that_is_not_here_is_told_from_a_name_that_is_not) {
  add_builtin_kinds(registry);
  CHECK(registry.find(KindRef{"echo", 1, {}}) != nullptr);
  CHECK(registry.find(KindRef{"echo", 2, {}}) == nullptr);
  STRCMP_EQUAL("there is no echo@2 here, but echo@1; ask for that, or for the name alone",
               require_kind(registry, {"echo", 2, {}}).error().message.c_str());
}

TEST(KindRegistry, has_the_builtin_kinds_all_with_help) {
  add_builtin_kinds(registry);
  for (const char* name :
       {"echo", "spin", "hash.sha256", "stats.window", "signal.spectrum", "anomaly.score"}) {
    CHECK_TEXT(registry.find(name) != nullptr, name);
    CHECK(!registry.find(name)->help.empty());
    CHECK(registry.find(name)->traits.deterministic);
  }
}

TEST(KindRegistry, turns_every_exception_of_a_kind_into_an_error) {
  CHECK(error_of(kind_that_throws(std::runtime_error("sensor on fire"))).code == Code::internal);
  STRCMP_CONTAINS("sensor on fire",
                  error_of(kind_that_throws(std::runtime_error("sensor on fire"))).message.c_str());
  CHECK(error_of(kind_that_throws(std::bad_alloc())).code == Code::busy);
  CHECK(error_of(kind_that_throws(42)).code == Code::internal);
}

TEST(KindRegistry, measures_work_by_input_unless_the_kind_knows_better) {
  Kind kind = kind_named("sized");
  DOUBLES_EQUAL(11, work_of(kind, 10, args), 0);
  kind.work = [](std::size_t bytes, const Labels&) { return 2.0 * static_cast<double>(bytes); };
  DOUBLES_EQUAL(20, work_of(kind, 10, args), 0);
}

TEST(KindRegistry, does_not_believe_work_that_is_no_positive_number) {
  Kind kind = kind_named("liar");
  for (double lie : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    kind.work = [lie](std::size_t, const Labels&) { return lie; };
    DOUBLES_EQUAL(11, work_of(kind, 10, args), 0);
  }
  kind.work = [](std::size_t, const Labels&) -> double { throw std::runtime_error("no"); };
  DOUBLES_EQUAL(11, work_of(kind, 10, args), 0);
}

TEST(KindRegistry, every_builtin_kind_declares_the_args_that_it_takes) {
  add_builtin_kinds(registry);
  for (const Kind* kind : registry.list()) {
    CHECK_TEXT(kind->args.has_value(), kind->name.c_str());
    for (const KindArg& arg : *kind->args) {
      args.clear();
      if (!arg.fallback.empty()) args[arg.name] = arg.fallback;
      CHECK_TEXT(check_args(*kind, args).ok(), arg.name.c_str());
      STRCMP_CONTAINS(arg.name.c_str(), kind->help.c_str());
    }
    args = {{"no_such_arg", "1"}};
    Status checked = check_args(*kind, args);
    CHECK_TEXT(!checked.ok(), kind->name.c_str());
    STRCMP_CONTAINS(error_of(*kind).message.c_str(), checked.error().message.c_str());
  }
}

TEST(KindRegistry, checks_declared_args_as_the_kind_would_and_leaves_others_to_it) {
  add_builtin_kinds(registry);
  const Kind& window = *registry.find("stats.window");
  STRCMP_EQUAL("stats.window: unknown arg 'windw'; did you mean 'window'?",
               check_args(window, {{"windw", "60"}}).error().message.c_str());
  STRCMP_EQUAL("stats.window: arg window: '0' is not a whole number from 1 to 100000",
               check_args(window, {{"window", "0"}}).error().message.c_str());
  CHECK(check_args(window, {{"window", "60"}, {"quantiles", "0.5,0.9"}}).ok());
  CHECK(check_args(kind_named("anything"), {{"a", "b"}}).ok());
}

// A task as a node that did not check args yet may have taken it.
TEST(KindRegistry, does_not_run_a_task_with_args_that_are_not_declared) {
  Kind kind = kind_named("a");
  kind.args.emplace().push_back({"limit", KindArg::Type::count, 1, 9});
  args = {{"limit", "10"}};
  STRCMP_EQUAL("arg limit: '10' is not a whole number from 1 to 9", error_of(kind).message.c_str());
  args = {{"limit", "9"}};
  InlineContext context({}, args);
  CHECK(run_kind(kind, context).ok());
}

TEST(KindRegistry, refuses_declarations_that_no_value_could_meet) {
  Kind kind = kind_named("a");
  for (const KindArg& bad : {KindArg{""}, KindArg{"n", KindArg::Type::count, 2, 1},
                             KindArg{"n", KindArg::Type::count, -1, 1},
                             KindArg{"n", KindArg::Type::number, std::nan(""), 1},
                             KindArg{"c", KindArg::Type::choice}}) {
    kind.args = {bad};
    CHECK(registry.add(kind).error().code == Code::invalid_argument);
  }
}
