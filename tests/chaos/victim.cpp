#include "tests/chaos/victim.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "tests/support/temp_dir.h"

namespace spillway::chaos {

Victim::Victim(std::string name, test::Command command, const std::string& folder,
               std::string faults)
    : name_(std::move(name)),
      command_(std::move(command)),
      faults_(std::move(faults)),
      control_path_(folder + "/" + name_ + ".faults"),
      control_(&none_) {
  command_.output = command_.errors = folder + "/" + name_ + ".log";
  if (faults_.empty()) return;
  const int file = ::open(control_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* memory = MAP_FAILED;
  if (file >= 0 && ::ftruncate(file, sizeof(Control)) == 0) {
    memory = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  }
  if (file >= 0) ::close(file);
  if (memory == MAP_FAILED) {
    faults_.clear();
    return;
  }
  control_ = static_cast<Control*>(memory);
  command_.env["LD_PRELOAD"] = faults_;
  command_.env[kControlVariable] = control_path_;
  // Sanitizers want to be loaded first; what is loaded here only passes calls on.
  command_.env["ASAN_OPTIONS"] = "verify_asan_link_order=0:exitcode=99";
}

Victim::~Victim() {
  process_.reset();
  if (control_ != &none_) ::munmap(control_, sizeof(Control));
}

Status Victim::start() {
  note_end();
  process_.reset();
  log_ = test::read_text(command_.errors).size();
  kills_ = control_->kills;
  auto process = test::Process::start(command_);
  if (!process) return process.error();
  process_.emplace(*std::move(process));
  killed_ = asked_ = false;
  ++starts_;
  return {};
}

void Victim::kill() {
  killed_ = true;
  if (process_) process_->kill();
}

std::optional<test::Exit> Victim::stop(std::chrono::milliseconds patience) {
  if (!process_) return std::nullopt;
  asked_ = true;
  process_->signal(SIGCONT);
  process_->signal(SIGTERM);
  auto exit = process_->wait(patience);
  kill();
  return exit;
}

void Victim::note_end() {
  if (!process_ || process_->running()) return;
  const auto exit = process_->wait(std::chrono::milliseconds(0));
  std::string said = test::read_text(command_.errors);
  said.erase(0, log_);
  ends_.push_back(
      {exit.value_or(test::Exit{}), killed_ || control_->kills != kills_, asked_, std::move(said)});
  process_.reset();
}

std::vector<End> Victim::take_ends() {
  note_end();
  return std::exchange(ends_, {});
}

void Victim::calm() {
  control_->write_error = control_->sync_error = 0;
  control_->error_every = control_->sync_delay_ms = 0;
  control_->wall_step_us = 0;
  control_->fail_point = FailPoint::none;
}

}  // namespace spillway::chaos
