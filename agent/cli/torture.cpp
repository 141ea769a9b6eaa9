#include "agent/cli/torture.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

namespace spillway::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "spillway-torture";

std::string find_program() {
  std::error_code error;
  const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path() / kProgram;
  if (!error && ::access(beside.c_str(), X_OK) == 0) return beside.string();
  const std::string installed = std::string("/usr/lib/spillway/") + kProgram;
  return ::access(installed.c_str(), X_OK) == 0 ? installed : std::string();
}

}  // namespace

Result<int> run_torture(Session& session, const TortureOptions& options) {
  const std::string program = find_program();
  if (program.empty()) {
    return fail(Code::not_found,
                std::string(kProgram) + " is not installed; the package of that name has it");
  }
  std::vector<std::string> argv = {program, "--board", "--minutes",
                                   std::to_string(options.minutes)};
  if (!options.folder.empty()) argv.insert(argv.end(), {"--in", options.folder});
  if (session.json()) argv.emplace_back("--json");
  std::vector<char*> pointers;
  pointers.reserve(argv.size() + 1);
  for (std::string& argument : argv) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  session.console().out.flush();
  ::execv(program.c_str(), pointers.data());
  return fail(Code::io, program + ": " + std::strerror(errno));
}

}  // namespace spillway::cli
