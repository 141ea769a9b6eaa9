#include "tests/system/rig.h"

#include <sys/stat.h>

#include <algorithm>

#include "tests/support/eventually.h"

namespace spillway::test {

std::string binary(const std::string& name) { return std::string(SPILLWAY_BINARIES "/") + name; }

std::size_t Ran::lines_of_errors() const {
  return static_cast<std::size_t>(std::count(err.begin(), err.end(), '\n'));
}

Ran run_program(std::vector<std::string> argv, const std::string& input,
                std::chrono::seconds timeout) {
  const TempDir dir("spillway-run");
  Ran ran;
  auto process = Process::start({.argv = std::move(argv),
                                 .input = input,
                                 .output = dir.file("out"),
                                 .errors = dir.file("err")});
  if (!process) {
    ran.err = process.error().message;
    return ran;
  }
  const auto exit = process->wait(timeout);
  if (exit && exit->signal == 0) ran.code = exit->code;
  ran.out = process->output();
  ran.err = process->errors();
  return ran;
}

bool file_says(const std::string& path, const std::string& text) {
  return eventually(kSoon, [&] { return read_text(path).find(text) != std::string::npos; });
}

Rig::Rig(TestbedOptions options) {
  options.directory = dir_.path();
  options.binaries = SPILLWAY_BINARIES;
  auto bed = Testbed::start(std::move(options));
  if (bed) {
    bed_ = *std::move(bed);
  } else {
    problem_ = bed.error().message;
  }
}

bool Rig::listens() {
  return eventually(kSoon, [this] { return intake::Client::connect(bed_->socket()).ok(); });
}

const std::string& Rig::link() {
  if (!link_.empty()) return link_;
  (void)eventually(kSoon, [&] { return !(link_ = read_text(file("cloud/link.txt"))).empty(); });
  if (!link_.empty()) link_.pop_back();  // the line's end
  return link_;
}

std::string Rig::cloud_url() { return link().substr(0, link().find("/login#")); }

const std::string& Rig::admin_token() {
  if (!token_.empty()) return token_;
  token_ = run_program({binary("spwctl"), "login", link(), "--name", "test"}).out;
  if (!token_.empty()) token_.pop_back();
  return token_;
}

Ran Rig::spwctl(std::vector<std::string> arguments) {
  const std::string token = file("token");
  if (read_text(token).empty()) {
    write_text(token, admin_token() + "\n");
    ::chmod(token.c_str(), 0600);
  }
  std::vector<std::string> all = {binary("spwctl"), "--url", cloud_url(),
                                  "--token-file",   token,   "--json"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_program(all);
}

Ran Rig::spillway(std::vector<std::string> arguments, const std::string& input) {
  arguments.insert(arguments.begin(), binary("spillway"));
  arguments.insert(arguments.end(), {"--socket", bed_->socket()});
  return run_program(std::move(arguments), input);
}

std::string Rig::output(std::vector<std::string> arguments) {
  std::string text = spillway(std::move(arguments)).out;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace spillway::test
