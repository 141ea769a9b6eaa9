#include "agent/ota/update_kind.h"

#include <filesystem>

#include "agent/ota/spool.h"
#include "common/kinds/inline_context.h"
#include "common/kinds/registry.h"
#include "tests/support/temp_dir.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::ota;

TEST_GROUP(UpdateKind) {
  test::TempDir dir{"spillway-ota"};
  Spool spool{dir.path()};
  Labels args{{"url", "https://host/a.raucb"}, {"sha256", std::string(64, 'a')}};
  void setup() override { std::filesystem::create_directory(spool.inbox().directory()); }
  Result<Bytes> update() {
    kinds::InlineContext context({}, args);
    return update_kind(dir.path()).run(context);
  }
  bool asked() { return spool.inbox().request()->has_value(); }
};

TEST(UpdateKind, leaves_the_request_in_the_inbox) {
  CHECK(update().ok());
  STRCMP_EQUAL("https://host/a.raucb", spool.inbox().request()->value().source.c_str());
  CHECK(!spool.request()->has_value());
}

TEST(UpdateKind, refuses_what_is_not_an_address_with_a_digest) {
  args["sha256"] = "";
  CHECK(update().error().code == Code::invalid_argument);
  args["sha256"] = "abc";
  CHECK(update().error().code == Code::invalid_argument);
  args = {{"url", "/etc/shadow"}, {"sha256", std::string(64, 'a')}};
  CHECK(update().error().code == Code::invalid_argument);
  args["url"] = "http://host/a.raucb";
  CHECK(update().error().code == Code::invalid_argument);
  args.clear();
  CHECK(update().error().code == Code::invalid_argument);
  CHECK(!asked());
}

TEST(UpdateKind, says_which_args_it_takes) {
  kinds::KindRegistry registry;
  CHECK(registry.add(update_kind(dir.path())).ok());
  const Kind& kind = *registry.find("device.update");
  CHECK(kinds::check_args(kind, args).ok());
  STRCMP_EQUAL("device.update: unknown arg 'sha265'; did you mean 'sha256'?",
               kinds::check_args(kind, {{"sha265", "a"}}).error().message.c_str());
}

TEST(UpdateKind, asks_once_for_an_update_that_is_under_way_and_again_for_one_that_failed) {
  Progress progress{UpdatePhase::installing,
                    {Request::Action::install, args["url"], args["sha256"]}};
  CHECK(spool.keep(progress).ok());
  CHECK(update().ok());
  CHECK(!asked());
  progress.phase = UpdatePhase::failed;
  CHECK(spool.keep(progress).ok());
  CHECK(update().ok());
  CHECK(asked());
}

TEST(UpdateKind, fails_when_no_updater_is_there) {
  std::filesystem::remove(spool.inbox().directory());
  CHECK(update().error().code == Code::io);
}
