#include "tests/demo/workload.h"

#include <chrono>
#include <fstream>
#include <sstream>

#include "common/crypto/sha256.h"
#include "common/kinds/builtin.h"
#include "common/kinds/inline_context.h"
#include "common/kinds/registry.h"
#include "tests/support/recordings.h"

namespace spillway::demo {
namespace {

constexpr std::size_t kPiece = 60 * 1024;  // bytes, below the limit for inline inputs

// Pieces of whole lines, each with the header.
std::vector<std::string> cut(const std::string& recording) {
  std::vector<std::string> pieces;
  std::size_t at = recording.find('\n');
  if (at == std::string::npos) return {recording};
  const std::string header = recording.substr(0, ++at);
  while (at < recording.size()) {
    std::size_t end = std::min(recording.size(), at + kPiece - header.size());
    if (end < recording.size()) end = recording.rfind('\n', end) + 1;
    if (end <= at) return {recording};  // a line longer than a piece: the kinds say what is wrong
    pieces.push_back(header + recording.substr(at, end - at));
    at = end;
  }
  return pieces;
}

Labels args_of(const std::string& kind) {
  // Fine steps: more of the work that the data is worth, without a larger value.
  if (kind == "stats.window") return {{"window", "240"}, {"step", "12"}};
  if (kind == "spin") return {{"iterations", "2000000"}};
  if (kind == "signal.spectrum") return {{"window", "256"}, {"step", "16"}};
  return {};
}

Result<Work> compute(const kinds::KindRegistry& registry, const std::string& kind,
                     const std::string& piece) {
  Result<const Kind*> known = kinds::require_kind(registry, {kind, 0, {}});
  if (!known) return known.error();
  Work work;
  work.spec.kind.name = kind;
  work.spec.args = args_of(kind);
  work.spec.input.bytes = to_bytes(piece);
  kinds::InlineContext context(work.spec.input.bytes, work.spec.args);
  Result<Bytes> value = kinds::run_kind(**known, context);
  if (!value) return value.error();
  work.expected = crypto::sha256(*value);
  return work;
}

}  // namespace

Result<Workload> make_workload(const std::vector<std::string>& recordings,
                               const std::string& kind) {
  kinds::KindRegistry registry;
  kinds::add_builtin_kinds(registry);
  std::vector<std::string> names{"stats.window", "signal.spectrum", "anomaly.score"};
  if (!kind.empty()) names = {kind};
  Workload workload;
  workload.recordings = recordings.size();
  auto start = std::chrono::steady_clock::now();
  for (const std::string& recording : recordings) {
    for (const std::string& piece : cut(recording)) {
      for (const std::string& name : names) {
        Result<Work> work = compute(registry, name, piece);
        // The last piece of a recording may be too short for a kind; it is then left out.
        if (!work && workload.works.empty()) return work.error();
        if (work) workload.works.push_back(*std::move(work));
      }
    }
  }
  if (workload.works.empty()) {
    return fail(Code::invalid_argument, "no rows; a recording is a CSV with a header and rows");
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  workload.mean_seconds = took.count() / double(workload.works.size());
  return workload;
}

std::vector<std::string> made_up_recordings(std::uint64_t seed) {
  std::vector<std::string> recordings;
  for (std::uint64_t i = 0; i < 6; ++i) {
    auto dialect = i % 2 == 0 ? support::Dialect::comma : support::Dialect::semicolon;
    recordings.push_back(support::generate_recording(seed + i, 3000, dialect));
  }
  return recordings;
}

Result<std::string> read_recording(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    return fail(Code::not_found, path + ": cannot be read; --input takes CSV files");
  }
  return text.str();
}

}  // namespace spillway::demo
