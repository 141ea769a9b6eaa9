#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <string>

#include "tests/support/eventually.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

namespace {

// What systemd listens on.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    bound_ = ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~NotifySocket() { ::close(socket_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  bool bound() const { return bound_; }
  bool hears(const std::string& text) {
    return eventually(kSoon, [&] {
      char message[512];
      ssize_t size = 0;
      while ((size = ::recv(socket_, message, sizeof message, 0)) > 0) {
        heard_ += std::string(message, std::size_t(size)) + "\n";
      }
      return heard_.find(text) != std::string::npos;
    });
  }

 private:
  int socket_;
  bool bound_ = false;
  std::string heard_;
};

void replace_in(const std::string& path, const std::string& from, const std::string& to) {
  std::string text = read_text(path);
  text.replace(text.find(from), from.size(), to);
  write_text(path, text);
}

}  // namespace

TEST_GROUP(Service){};

TEST(Service, sigterm_drains_ends_with_0_and_leaves_the_rest_for_the_next_start) {
  Rig rig;
  if (!rig.good()) FAIL(rig.problem().c_str());
  CHECK(rig.listens());
  const std::string done = rig.output({"submit", "echo", "--wait"});
  const std::string later = rig.output({"submit", "echo", "--not-before", "1h"});
  CHECK_FALSE(later.empty());
  CHECK(file_says(rig.cloud_log(), "running"));  // before that, nothing handles a signal
  for (Process* process : {&rig.bed().agent(), &rig.bed().cloud()}) {
    process->signal(SIGTERM);
    const auto exit = process->wait(kSoon);
    CHECK(exit.has_value());
    LONGS_EQUAL(0, exit->signal);
    LONGS_EQUAL(0, exit->code);
  }
  CHECK(file_says(rig.agent_log(), "draining"));
  CHECK(file_says(rig.cloud_log(), "stopped"));
  CHECK(rig.bed().start_agent().ok());
  CHECK(rig.listens());
  CHECK_EQUAL(0, rig.spillway({"show", later}).code);
}

TEST(Service, sighup_takes_up_what_it_can_and_survives_a_broken_file) {
  Rig rig;
  if (!rig.good()) FAIL(rig.problem().c_str());
  CHECK(rig.listens());
  CHECK(file_says(rig.agent_log(), "running"));
  replace_in(rig.bed().agent_config(), "grace = \"2s\"", "grace = \"3s\"\nlog_level = \"debug\"");
  rig.bed().agent().signal(SIGHUP);
  CHECK(file_says(rig.agent_log(), "configuration reloaded"));
  replace_in(rig.bed().agent_config(), "grace", "grase");
  rig.bed().agent().signal(SIGHUP);
  CHECK(file_says(rig.agent_log(), "the configuration was not reloaded"));
  CHECK(file_says(rig.agent_log(), "grase"));
  CHECK_EQUAL(0, rig.spillway({"status"}).code);
  CHECK(file_says(rig.cloud_log(), "running"));
  rig.bed().cloud().signal(SIGHUP);
  CHECK(file_says(rig.cloud_log(), "configuration reloaded"));
}

TEST(Service, systemd_is_told_that_it_is_ready_alive_and_stopping) {
  const TempDir dir("spillway-notify");
  NotifySocket systemd(dir.file("notify"));
  CHECK(systemd.bound());
  write_text(dir.file("agent.toml"), "[agent]\ndevice = \"pump-7\"\nstate_dir = \"" +
                                         dir.file("state") + "\"\nsocket = \"" +
                                         dir.file("agent.sock") + "\"\ngrace = \"40s\"\n");
  auto agent =
      Process::start({.argv = {binary("spillway-agent"), "--config", dir.file("agent.toml")},
                      .env = {{"NOTIFY_SOCKET", dir.file("notify")}, {"WATCHDOG_USEC", "500000"}},
                      .output = dir.file("log"),
                      .errors = dir.file("log")});
  CHECK(agent.ok());
  CHECK(systemd.hears("READY=1"));
  CHECK(systemd.hears("WATCHDOG=1"));
  agent->signal(SIGTERM);
  CHECK(systemd.hears("STOPPING=1\nEXTEND_TIMEOUT_USEC=42000000"));  // two seconds above the grace
  const auto exit = agent->wait(kSoon);
  CHECK(exit && exit->ok());
}
