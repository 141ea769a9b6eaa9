#include <fstream>
#include <string>

#include "agent/ota/rauc_slots.h"
#include "agent/ota/spool.h"
#include "agent/placement/placement.h"
#include "cloud/fleet/history.h"
#include "common/kinds/command.h"
#include "common/kinds/inline_context.h"
#include "common/kinds/plugin.h"
#include "common/sqlite/packing.h"
#include "tests/fuzz/checks.h"
#include "tests/support/temp_dir.h"

namespace spillway::fuzz {
namespace {

Kind shell(const char* script) {
  kinds::CommandOptions options;
  options.name = "fuzz.program";
  options.argv = {"/bin/sh", "-c", script};
  options.most_value = 4096;
  auto kind = kinds::make_command_kind(std::move(options));
  must(kind.ok(), "there is a shell");
  return *std::move(kind);
}

}  // namespace

void packed(ByteView bytes) {
  (void)sqlite::unpack(bytes);
  must(sqlite::unpack(sqlite::pack(bytes)) == Bytes(bytes.begin(), bytes.end()),
       "what is packed comes out again");
}

// What placement has learned, and what the fleet's history keeps.
void saved(ByteView bytes) {
  placement::Placement placement{placement::Policy{}};
  if (placement.load(bytes)) {
    placement::Placement again{placement::Policy{}};
    must(again.load(placement.save()), "what is learned can be kept and read again");
  }
  if (auto block = cloud::decode_block(7, bytes)) (void)cloud::quarter_of(*block);
  (void)cloud::decode_point({}, bytes);
  (void)cloud::decode_fleet_point({}, bytes);
}

// The updater's files, and what firmware tools and the kernel say to it.
void update(ByteView bytes) {
  static const test::TempDir directory("spillway-fuzz");
  const ota::Spool spool(directory.path());
  const std::string text(as_text(bytes));
  for (const char* file : {"request", "progress"}) {
    std::ofstream(directory.file(file), std::ios::binary) << text;
  }
  if (auto request = spool.request(); !request) {
    must_read_well(request.error());
  } else if (*request) {
    must(ota::check(**request).ok(), "a request that is taken up was checked");
    must(spool.leave(**request).ok(), "and can be left again");
    must((*spool.request())->source == (*request)->source, "as it was");
  }
  if (auto progress = spool.progress()) {
    must(spool.keep(*progress).ok() && spool.progress().ok(), "progress is kept and read again");
  }
  (void)ota::slot_in(text);
  if (auto version = ota::version_in(text)) must(!version->empty(), "a version is not empty");
  (void)ota::reason_in(text);
}

void plugin(ByteView bytes) {
  static const std::vector<Kind> kinds = [] {
    auto loaded = kinds::load_plugin(SPILLWAY_FUZZ_PLUGIN);
    must(loaded.ok(), "the plugin can be loaded");
    return *std::move(loaded);
  }();
  const Labels none;
  kinds::InlineContext context(bytes, none);
  const Result<Bytes> value = kinds::run_kind(kinds.front(), context);
  if (!value) return must_read_well(value.error());
  must(value->size() <= bytes.size(), "no more comes back than was given");
}

// The first byte says which way it goes: a value, or what an error quotes.
void program(ByteView bytes) {
  static const Kind kCopies = shell("cat");
  static const Kind kComplains = shell("cat >&2; exit 3");
  if (bytes.empty()) return;
  const ByteView said = bytes.subspan(1);
  const Labels none;
  kinds::InlineContext context(said, none);
  const bool copies = bytes[0] % 2 == 0;
  const Result<Bytes> value = kinds::run_kind(copies ? kCopies : kComplains, context);
  if (!value) must_read_well(value.error());
  must(value.ok() == (copies && said.size() <= 4096), "a program's value is bounded");
  if (value) must(*value == Bytes(said.begin(), said.end()), "and as it was written");
}

}  // namespace spillway::fuzz
