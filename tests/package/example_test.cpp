#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "common/kinds/inline_context.h"
#include "common/kinds/plugin.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

namespace {

// Four threads, one range each.
class ThreadedContext : public InlineContext {
 public:
  using InlineContext::InlineContext;
  void parallel_for(std::size_t n,
                    const std::function<void(std::size_t, std::size_t)>& range) override {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] { range(n * i / 4, n * (i + 1) / 4); });
    }
  }
};

class FailingContext : public InlineContext {
 public:
  using InlineContext::InlineContext;
  void parallel_for(std::size_t, const std::function<void(std::size_t, std::size_t)>&) override {
    throw std::runtime_error("the pool is gone");
  }
};

}  // namespace

// The plugin is the one that was built out of tree; its path comes in by environment.
TEST_GROUP(ExamplePlugin) {
  std::string path;
  KindRegistry registry;
  Labels args;

  void setup() override {
    const char* given = std::getenv("SPILLWAY_EXAMPLE_PLUGIN");
    CHECK_TEXT(given != nullptr, "run by ctest, which builds the plugin first");
    path = given;
  }
  void teardown() override { std::filesystem::remove(path + ".copy"); }

  const Kind& load() {
    Status added = add_plugin(registry, path);
    CHECK_TEXT(added.ok(), added ? "" : added.error().message.c_str());
    return *registry.find("example.count_byte");
  }
  std::string copy(mode_t mode) {
    std::string to = path + ".copy";
    std::filesystem::copy_file(path, to, std::filesystem::copy_options::overwrite_existing);
    CHECK_EQUAL(0, ::chmod(to.c_str(), mode));
    return to;
  }
};

TEST(ExamplePlugin, describes_its_kind) {
  const Kind& kind = load();
  UNSIGNED_LONGS_EQUAL(1, kind.version);
  CHECK(kind.traits.pure && kind.traits.deterministic);
  CHECK(!kind.traits.blocking);
  DOUBLES_EQUAL(101, work_of(kind, 100, args), 0);
}

TEST(ExamplePlugin, counts_alike_on_one_thread_and_on_four) {
  const Kind& kind = load();
  std::string text(3'000'000, 'x');
  for (std::size_t i = 0; i < text.size(); i += 7) text[i] = '\n';
  InlineContext alone(as_bytes(text), args);
  ThreadedContext threaded(as_bytes(text), args);
  CHECK(*run_kind(kind, alone) == to_bytes("428572"));
  CHECK(*run_kind(kind, threaded) == to_bytes("428572"));
}

TEST(ExamplePlugin, takes_its_arg_and_refuses_others) {
  const Kind& kind = load();
  args["byte"] = "97";
  InlineContext context(as_bytes("banana"), args);
  CHECK(*run_kind(kind, context) == to_bytes("3"));
  args["byte"] = "256";
  Result<Bytes> refused = run_kind(kind, context);
  CHECK(refused.error().code == Code::invalid_argument);
  STRCMP_CONTAINS("0 to 255", refused.error().message.c_str());
}

TEST(ExamplePlugin, stops_when_asked) {
  const Kind& kind = load();
  std::stop_source source;
  source.request_stop();
  InlineContext context(as_bytes("banana"), args, source.get_token());
  CHECK(run_kind(kind, context).error().code == Code::cancelled);
}

TEST(ExamplePlugin, never_sees_an_exception_of_the_place_it_runs_at) {
  const Kind& kind = load();
  FailingContext context(as_bytes("banana"), args);
  Result<Bytes> failed = run_kind(kind, context);
  STRCMP_CONTAINS("the pool is gone", failed.error().message.c_str());
}

TEST(ExamplePlugin, loaded_twice_is_a_conflict_of_names) {
  load();
  Status again = add_plugin(registry, path);
  CHECK(again.error().code == Code::conflict);
  STRCMP_CONTAINS("example.count_byte", again.error().message.c_str());
}

TEST(ExamplePlugin, that_anyone_can_write_is_not_loaded) {
  Result<std::vector<Kind>> kinds = load_plugin(copy(0646));
  CHECK(kinds.error().code == Code::denied);
  STRCMP_CONTAINS("chmod o-w", kinds.error().message.c_str());
}

TEST(ExamplePlugin, that_belongs_to_a_stranger_is_not_loaded) {
  std::string file = copy(0644);
  if (::chown(file.c_str(), 54'321, 54'321) != 0) {
    UT_PRINT("skipped: only root can give a file away");
    return;
  }
  Result<std::vector<Kind>> kinds = load_plugin(file);
  CHECK(kinds.error().code == Code::denied);
  STRCMP_CONTAINS("54321", kinds.error().message.c_str());
}
