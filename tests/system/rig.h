#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/testbed.h"

namespace spillway::test {

using namespace std::chrono_literals;

// Far more than anything takes; a loaded machine under sanitizers is slow.
inline constexpr std::chrono::seconds kSoon{40};

std::string binary(const std::string& name);

// A program that ran to its end.
struct Ran {
  int code = -1;  // -1: it did not end by itself
  std::string out, err;
  bool says(const std::string& text) const { return err.find(text) != std::string::npos; }
  std::size_t lines_of_errors() const;
};
Ran run_program(std::vector<std::string> argv, const std::string& input = "/dev/null",
                std::chrono::seconds timeout = kSoon);

bool file_says(const std::string& path, const std::string& text);

// Agent, cloud and broker on loopback, and what a person does with them.
class Rig {
 public:
  explicit Rig(TestbedOptions options = {});
  bool good() const { return bed_ != nullptr; }
  const std::string& problem() const { return problem_; }

  Testbed& bed() { return *bed_; }
  std::string file(const std::string& name) const { return dir_.file(name); }
  std::string agent_log() const { return file("spillway-agent.log"); }
  std::string cloud_log() const { return file("spillway-cloud.log"); }
  bool listens();  // the agent answers

  // The cloud's address, and a new token that may do everything. The one-time link makes the
  // first one, so it is asked for once.
  std::string cloud_url();
  const std::string& admin_token();
  // The operator's command line with that token; its answers as JSON.
  Ran spwctl(std::vector<std::string> arguments);

  // The command line, on this agent.
  Ran spillway(std::vector<std::string> arguments, const std::string& input = "/dev/null");
  // What a command prints, without the line's end.
  std::string output(std::vector<std::string> arguments);

 private:
  const std::string& link();

  TempDir dir_{"spillway-system"};
  std::string problem_;
  std::unique_ptr<Testbed> bed_;
  std::string link_, token_;
};

}  // namespace spillway::test
