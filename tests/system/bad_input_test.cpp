#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "common/wire/topics.h"
#include "tests/support/eventually.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

namespace {

// Says something to the agent's socket that no client would; whether it was hung up on.
bool hung_up_on(const std::string& path, const std::string& bytes) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  bool ended = false;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const timeval patience{30, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    char answer[4096];
    ssize_t size = 0;
    while ((size = ::recv(socket, answer, sizeof answer, 0)) > 0) {
    }
    ended = size == 0 || errno == ECONNRESET;
  }
  ::close(socket);
  return ended;
}

struct LocalAgent {
  TempDir dir{"spillway-bad"};
  // A file of this [agent] section's lines, and more.
  std::string config(const std::string& lines, const std::string& more = "") const {
    write_text(dir.file("agent.toml"), "[agent]\ndevice = \"pump-7\"\n" + lines + more);
    return dir.file("agent.toml");
  }
  std::string paths() const {
    return "state_dir = \"" + dir.file("state") + "\"\nsocket = \"" + dir.file("agent.sock") +
           "\"\n";
  }
  Ran start(const std::string& config) const {
    return run_program({binary("spillway-agent"), "--config", config});
  }
  std::string broker(const std::string& uri, const Credentials& who) const {
    return "[broker]\nuri = \"" + uri + "\"\nca = \"" + who.ca + "\"\ncert = \"" + who.certificate +
           "\"\nkey = \"" + who.key + "\"\nreconnect_cap = \"1s\"\n";
  }
  // Runs the agent until its log says `text`, and a local task after that.
  bool says_and_works(const std::string& config, const std::string& text) const {
    auto agent = Process::start({.argv = {binary("spillway-agent"), "--config", config},
                                 .output = dir.file("log"),
                                 .errors = dir.file("log")});
    if (!agent || !file_says(dir.file("log"), text)) return false;
    const bool listens =
        eventually(kSoon, [&] { return intake::Client::connect(dir.file("agent.sock")).ok(); });
    if (!listens) return false;
    return run_program(
               {binary("spillway"), "submit", "echo", "--wait", "--socket", dir.file("agent.sock")})
               .code == 0;
  }
};

}  // namespace

TEST_GROUP(BadInput) {
  LocalAgent local;

  void check_line(const Ran& ran, int code, const std::vector<std::string>& words) {
    for (const std::string& word : words) {
      if (!ran.says(word)) FAIL(("'" + word + "' is not in: " + ran.err).c_str());
    }
    if (ran.code != code) FAIL((std::to_string(ran.code) + ": " + ran.err).c_str());
    CHECK_EQUAL(1, ran.lines_of_errors());
  }
};

TEST(BadInput, an_unknown_key_is_named_with_its_place_and_the_nearest_one) {
  check_line(local.start(local.config(local.paths() + "grase = \"2s\"\n")), 1,
             {"agent.toml:5", "grase", "grace"});
}

TEST(BadInput, a_wrong_option_of_any_program_is_named_in_one_line_with_the_nearest_one) {
  for (const char* program : {"spillway-agent", "spillway-cloud"}) {
    check_line(run_program({binary(program), "--confg", "x.toml"}), 2,
               {std::string(program) + ": there is no option '--confg'; did you mean '--config'?"});
  }
  check_line(run_program({binary("spillway"), "ls", "--jsn"}), 2,
             {"spillway: there is no option '--jsn'"});
  check_line(run_program({binary("spwctl"), "fleet", "status", "--outptu", "json"}), 2,
             {"spwctl: there is no option '--outptu'"});
}

TEST(BadInput, a_password_that_is_not_there_or_open_to_others_is_named_by_check) {
  const std::string file = local.dir.file("password");
  const std::string section =
      "[broker]\nuri = \"mqtt://127.0.0.1:1\"\nusername = \"u\"\n"
      "password_file = \"" +
      file + "\"\n";
  write_text(local.dir.file("cloud.toml"), section);
  const std::pair<const char*, std::string> programs[] = {
      {"spillway-agent", local.config(local.paths(), section)},
      {"spillway-cloud", local.dir.file("cloud.toml")}};
  for (const auto& each : programs) {
    const auto checked = [&each] {
      return run_program({binary(each.first), "--check", "--config", each.second});
    };
    ::unlink(file.c_str());
    check_line(checked(), 1, {file});
    write_text(file, "geheim\n");
    ::chmod(file.c_str(), 0666);
    check_line(checked(), 1, {file, "chmod 640"});
    ::chmod(file.c_str(), 0600);
    CHECK_EQUAL(0, checked().code);
  }
}

TEST(BadInput, a_key_of_another_certificate_is_named_by_check) {
  for (const std::string name : {"one", "other"}) {
    const std::string file = local.dir.file(name);
    CHECK_EQUAL(0, run_program({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                                "/CN=pump-1", "-keyout", file + ".key", "-out", file + ".pem"})
                       .code);
  }
  const auto section = [this](const std::string& key) {
    const auto line = [this](const char* name, const std::string& file) {
      return std::string(name) + " = \"" + local.dir.file(file) + "\"\n";
    };
    return "[broker]\nuri = \"mqtts://127.0.0.1:1\"\n" + line("ca", "one.pem") +
           line("cert", "one.pem") + line("key", key);
  };
  for (const bool wrong : {true, false}) {
    const std::string broker = section(wrong ? "other.key" : "one.key");
    write_text(local.dir.file("cloud.toml"), broker);
    const std::pair<const char*, std::string> programs[] = {
        {"spillway-agent", local.config(local.paths(), broker)},
        {"spillway-cloud", local.dir.file("cloud.toml")}};
    for (const auto& each : programs) {
      const Ran ran = run_program({binary(each.first), "--check", "--config", each.second});
      if (wrong) check_line(ran, 1, {"other.key is not the key of", "one.pem"});
      CHECK_EQUAL_TEXT(wrong ? 1 : 0, ran.code, ran.err.c_str());
    }
  }
}

TEST(BadInput, a_kind_that_is_not_there_is_named_by_check_with_the_one_that_was_meant) {
  const std::string agent =
      local.config(local.paths(), "[dispatched_tasks]\nkinds = [\"echo\", \"ecoh\"]\n");
  check_line(run_program({binary("spillway-agent"), "--check", "--config", agent}), 1,
             {"[dispatched_tasks] kinds: there is no kind 'ecoh'", "echo"});
  write_text(local.dir.file("cloud.toml"),
             "[cloud]\nkinds = [\"ecoh\"]\n[broker]\nuri = \"mqtt://127.0.0.1:1\"\n");
  check_line(
      run_program({binary("spillway-cloud"), "--check", "--config", local.dir.file("cloud.toml")}),
      1, {"[cloud] kinds: there is no kind 'ecoh'", "echo"});
  // The updater brings its own, and so may a program or a plugin.
  const std::string known = local.config(
      local.paths(),
      "[dispatched_tasks]\nkinds = [\"device.update\", \"count\"]\n[[command]]\nname = "
      "\"count\"\nargv = [\"/usr/bin/wc\"]\n");
  const Ran good = run_program({binary("spillway-agent"), "--check", "--config", known});
  CHECK_EQUAL_TEXT(0, good.code, good.err.c_str());
}

TEST(BadInput, a_link_is_asked_of_a_cloud_that_runs_and_who_asked_hears_what_to_do) {
  Rig rig;
  if (!rig.good()) FAIL(rig.problem().c_str());
  check_line(
      run_program({binary("spillway-cloud"), "--link", "--config", rig.bed().cloud_config()}), 1,
      {"at a start only", "spwctl token create"});
}

TEST(BadInput, a_store_directory_that_cannot_be_written_stops_the_start) {
  // Not even root may write there.
  const std::string config =
      local.config("state_dir = \"/sys\"\nsocket = \"" + local.dir.file("s") + "\"\n");
  check_line(local.start(config), 1, {"/sys"});
}

TEST(BadInput, a_store_mounted_read_only_stops_the_start_and_keeps_its_tasks) {
  const std::string state = local.dir.file("state"), socket = local.dir.file("agent.sock");
  const std::string config = local.config(local.paths());
  const auto works = [&](const std::vector<std::string>& request) {
    auto agent = Process::start({.argv = {binary("spillway-agent"), "--config", config},
                                 .output = local.dir.file("log"),
                                 .errors = local.dir.file("log")});
    CHECK(agent.ok());
    CHECK(eventually(kSoon, [&] { return intake::Client::connect(socket).ok(); }));
    return run_program(request).code == 0;
  };
  CHECK(works({binary("spillway"), "submit", "echo", "--not-before", "1s", "--socket", socket}));
  const std::string mount_and =
      "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" || exit 99; exec \"$@\"";
  const Ran ran = run_program({"unshare", "--mount", "--map-root-user", "sh", "-c", mount_and,
                               state, binary("spillway-agent"), "--config", config});
  if (ran.code == 99 || ran.says("unshare: ")) {
    UT_PRINT("skipped: this machine lets nobody mount");
  } else {
    check_line(ran, 1, {state, "read-only"});
  }
  CHECK(works({binary("spillway"), "wait", "1", "--socket", socket}));
}

TEST(BadInput, a_second_agent_on_the_same_store_or_socket_is_refused) {
  const std::string config = local.config(local.paths());
  auto first = Process::start({.argv = {binary("spillway-agent"), "--config", config},
                               .output = local.dir.file("log"),
                               .errors = local.dir.file("log")});
  CHECK(first.ok());
  CHECK(file_says(local.dir.file("log"), "running"));
  const Ran same_store = local.start(config);
  CHECK_EQUAL(1, same_store.code);
  CHECK(same_store.says("agent.db"));
  const Ran same_socket =
      local.start(local.config("state_dir = \"" + local.dir.file("other") + "\"\nsocket = \"" +
                               local.dir.file("agent.sock") + "\"\n"));
  CHECK_EQUAL(1, same_socket.code);
  CHECK(same_socket.says("agent.sock"));
  CHECK(first->running());
  CHECK_EQUAL(0, run_program({binary("spillway"), "submit", "echo", "--wait", "--socket",
                              local.dir.file("agent.sock")})
                     .code);
}

TEST(BadInput, a_missing_certificate_is_named_and_tasks_run_here) {
  const Credentials nobody{local.dir.file("no-ca"), local.dir.file("no-cert"),
                           local.dir.file("no-key")};
  const std::string config =
      local.config(local.paths(), local.broker("mqtts://127.0.0.1:1", nobody));
  CHECK(local.says_and_works(config, "cannot read " + local.dir.file("no-ca")));
}

TEST(BadInput, no_broker_is_said_with_its_address_and_tasks_run_here) {
  auto pki = Pki::create(local.dir.path());
  CHECK(pki.ok());
  auto device = pki->device("pump-7");
  CHECK(device.ok());
  const std::string port = std::to_string(free_port());
  const std::string config =
      local.config(local.paths(), local.broker("mqtts://127.0.0.1:" + port, *device));
  CHECK(local.says_and_works(config, "no connection to the broker: "));
}

TEST(BadInput, a_broker_of_another_authority_is_not_trusted_and_tasks_run_here) {
  TempDir theirs("spillway-theirs");
  auto pki = Pki::create(theirs.path(), "theirs");
  auto ours = Pki::create(local.dir.path(), "ours");
  CHECK(pki.ok() && ours.ok());
  auto server = pki->server();
  auto device = ours->device("pump-7");
  CHECK(server.ok() && device.ok());
  auto broker = Broker::start({.directory = theirs.path(), .tls = *server, .accounts = {"pump-7"}});
  CHECK(broker.ok());
  const std::string config = local.config(local.paths(), local.broker(broker->uri(), *device));
  CHECK(local.says_and_works(config, "certificate"));
}

TEST(BadInput, bad_tasks_are_refused_with_one_line_and_nothing_is_lost) {
  Rig rig;
  if (!rig.good()) FAIL(rig.problem().c_str());
  CHECK(rig.listens());
  const std::string before = rig.output({"submit", "echo"});
  write_text(rig.file("cut.csv"), "time;a;b\n1;2;3\n2;4\n");
  const Ran truncated =
      rig.spillway({"submit", "stats.window", "-i", rig.file("cut.csv"), "--wait"});
  check_line(truncated, 1, {"line 3"});
  check_line(rig.spillway({"submit", "ecko"}), 3, {"ecko", "echo"});
  write_text(rig.file("large"), std::string(65 * 1024, 'x'));
  check_line(rig.spillway({"submit", "echo", "-i", rig.file("large")}), 2, {"65536"});
  CHECK_EQUAL(0, rig.spillway({"wait", before}).code);
}

TEST(BadInput, garbage_on_the_socket_ends_that_client_only) {
  Rig rig;
  if (!rig.good()) FAIL(rig.problem().c_str());
  CHECK(rig.listens());
  const std::string before = rig.output({"submit", "echo"});
  CHECK(hung_up_on(rig.bed().socket(), std::string(64, '\xff')));
  CHECK(hung_up_on(rig.bed().socket(), std::string("\x08\0\0\0garbage!", 12)));
  CHECK(rig.bed().agent().running());
  CHECK_EQUAL(0, rig.spillway({"wait", before}).code);
}

TEST(BadInput, garbage_on_the_topics_is_refused_counted_and_logged_once) {
  Rig rig;
  if (!rig.good()) FAIL(rig.problem().c_str());
  CHECK(rig.bed().wait_for_link(kSoon));
  const std::string device = Testbed::kDevice;
  const auto publish = [&](const std::string& who, wire::Direction direction) {
    auto credentials = rig.bed().pki().device(who);
    CHECK(credentials.ok());
    std::vector<std::string> command = {"mosquitto_pub",
                                        "-h",
                                        "127.0.0.1",
                                        "-p",
                                        std::to_string(rig.bed().broker().port()),
                                        "--cafile",
                                        credentials->ca,
                                        "--cert",
                                        credentials->certificate,
                                        "--key",
                                        credentials->key,
                                        "-V",
                                        "5",
                                        "-q",
                                        "1",
                                        "-i",
                                        "intruder-" + who,
                                        "-t",
                                        wire::to_string({device, direction, wire::Channel::ack}),
                                        "-m",
                                        "garbage"};
    const std::vector<std::string> login = rig.bed().broker().login_options(who);
    command.insert(command.end(), login.begin(), login.end());
    const Ran ran = run_program(command);
    if (ran.code != 0) FAIL(ran.err.c_str());
  };
  // Each throws out the one whose certificate it has: no name is connected twice.
  const auto works = [&] {
    return rig.spillway({"submit", "echo", "--prefer", "cloud", "--wait"}).code == 0;
  };
  publish("cloud", wire::Direction::down);
  CHECK(file_says(rig.agent_log(), "malformed message"));
  CHECK(works());
  publish(device, wire::Direction::up);
  CHECK(file_says(rig.cloud_log(), "malformed message"));
  CHECK(works());
  CHECK(rig.output({"status", "--json"}).find("\"refused_messages\":1") != std::string::npos);
}

TEST(BadInput, a_word_that_is_no_command_or_option_is_named_with_what_was_meant) {
  check_line(run_program({binary("spillway"), "lst"}), 2, {"'lst'", "'ls'", "spillway --help"});
  check_line(run_program({binary("spillway"), "--sockets"}), 2, {"'--sockets'"});
  check_line(run_program({binary("spillway")}), 2, {"a command is missing", "spillway --help"});
  check_line(run_program({binary("spwctl"), "devices"}), 2, {"'devices'", "'device'"});
  check_line(run_program({binary("spwctl"), "device", "lst"}), 2, {"'lst'", "'list'"});
  check_line(run_program({binary("spwctl"), "device"}), 2, {"spwctl device --help"});
  for (const char* name : {"spillway-agent", "spillway-ota", "spillway-cloud", "spillway-demo"}) {
    const Ran ran = run_program({binary(name), "--no-such-flag"});
    CHECK_EQUAL(2, ran.code);
    CHECK_TEXT(ran.says("--no-such-flag") && ran.says("--help"), ran.err.c_str());
  }
}

TEST(BadInput, a_configuration_that_is_missing_or_no_TOML_is_named_with_its_line) {
  for (const char* name : {"spillway-agent", "spillway-cloud"}) {
    const auto start = [&](const std::string& file) {
      return run_program({binary(name), "--config", file});
    };
    check_line(start(local.dir.file("none.toml")), 1, {"none.toml", "--config"});
    check_line(start(local.dir.path()), 1, {local.dir.path(), "not a regular file"});
    const std::string file = local.dir.file("half.toml");
    write_text(file, "# a comment\n[plugins\n");
    check_line(start(file), 1, {"half.toml:2"});
    write_text(file, "[plugins]\nfiles = here\n");
    check_line(start(file), 1, {"half.toml:2"});
    write_text(file, "[plugin]\n");
    check_line(start(file), 1, {"half.toml:1", "'plugins'"});
  }
}

TEST(BadInput, a_port_that_is_taken_stops_the_cloud_and_is_named_with_its_key) {
  auto broker = Broker::start({.directory = local.dir.path()});
  CHECK(broker.ok());
  const std::string taken = "127.0.0.1:" + std::to_string(broker->port());
  write_text(local.dir.file("cloud.toml"), "[cloud]\nstate_dir = \"" + local.dir.file("cloud") +
                                               "\"\n[http]\nlisten = \"" + taken +
                                               "\"\n[broker]\nuri = \"" + broker->uri() +
                                               "\"\nca = \"\"\ncert = \"\"\nkey = \"\"\n");
  const Ran ran = run_program({binary("spillway-cloud"), "--config", local.dir.file("cloud.toml")});
  check_line(ran, 1, {taken, "in use", "[http] listen"});
}

TEST(BadInput, an_operator_without_a_cloud_a_token_or_a_context_is_told_what_to_name) {
  const std::string nobody = "http://127.0.0.1:" + std::to_string(free_port());
  const auto asks = [](std::vector<std::string> words) {
    words.insert(words.begin(), binary("spwctl"));
    words.insert(words.end(), {"fleet", "status"});
    return run_program(words);
  };
  check_line(asks({"--url", nobody}), 6, {nobody, "spillway-cloud", "--url"});
  check_line(asks({"--url", "cloud"}), 2, {"'cloud'", "https://"});
  check_line(asks({"--token-file", local.dir.file("none")}), 3, {"none", "No such file"});
  check_line(asks({"--context", "field"}), 3, {"'field'"});
}

TEST(BadInput, a_file_that_cannot_be_read_as_input_is_named) {
  const std::string none = local.dir.file("none.csv");
  check_line(run_program({binary("spillway"), "submit", "echo", "-i", none}), 3, {none});
  check_line(run_program({binary("spillway"), "kind", "inspect", none}), 3, {none});
  check_line(run_program({binary("spillway"), "kind", "inspect", local.dir.path()}), 1,
             {local.dir.path(), "directory"});
  const std::string file = local.dir.file("bad.csv");
  write_text(file, "");
  check_line(run_program({binary("spillway"), "kind", "inspect", file}), 2, {"empty"});
  write_text(file, std::string("a;\0b\n", 5));
  check_line(run_program({binary("spillway"), "kind", "inspect", file}), 2, {"line 1", "NUL"});
}

TEST(BadInput, a_socket_that_is_not_for_this_user_is_not_called_an_agent_that_is_gone) {
  auto agent =
      Process::start({.argv = {binary("spillway-agent"), "--config", local.config(local.paths())},
                      .output = local.dir.file("log"),
                      .errors = local.dir.file("log")});
  CHECK(agent.ok());
  CHECK(file_says(local.dir.file("log"), "running"));
  if (::getuid() != 0) {
    UT_PRINT("skipped: only root can be somebody else");
    return;
  }
  ::chmod(local.dir.path().c_str(), 0755);
  const Ran ran = run_program({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                               binary("spillway"), "ls", "--socket", local.dir.file("agent.sock")});
  check_line(ran, 4, {"agent.sock", "group"});
}

// Seen from outside: what a process sees below its own root.
TEST(BadInput, a_full_disk_refuses_new_tasks_says_so_and_loses_none) {
  const std::string state = local.dir.file("state"), socket = local.dir.file("agent.sock");
  ::mkdir(state.c_str(), 0700);
  const std::string config = local.config(
      local.paths(), "[budget]\ndisk = \"16MiB\"\ndisk_free = \"0B\"\ninodes_free = 0\n");
  auto agent =
      Process::start({.argv = {"unshare", "--mount", "--map-root-user", "sh", "-c",
                               "mount -t tmpfs -o size=24m none \"$0\" || exit 99; exec \"$@\"",
                               state, binary("spillway-agent"), "--config", config},
                      .output = local.dir.file("log"),
                      .errors = local.dir.file("log")});
  CHECK(agent.ok());
  if (!eventually(kSoon,
                  [&] { return intake::Client::connect(socket).ok() || !agent->running(); }) ||
      !agent->running()) {
    UT_PRINT("skipped: this machine lets nobody mount");
    return;
  }
  const auto submit = [&](const char* later) {
    return run_program(
        {binary("spillway"), "submit", "echo", "--not-before", later, "--socket", socket});
  };
  CHECK_EQUAL(0, submit("1s").code);
  const std::string filler = "/proc/" + std::to_string(agent->pid()) + "/root" + state + "/filler";
  CHECK(run_program({"sh", "-c", "! cat /dev/zero > " + filler}).code == 0);
  // Whether the first task was taken is not known: it may be written once there is room.
  check_line(submit("1h"), 6, {"it cannot write", "no space left", "the same --key"});
  Ran refused;
  CHECK(eventually(2 * kSoon, [&] { return (refused = submit("1h")).code == 1; }));
  check_line(refused, 1, {"no space left", "free some", "try again"});
  CHECK(::unlink(filler.c_str()) == 0);
  CHECK(eventually(kSoon, [&] { return submit("1h").code == 0; }));
  CHECK_EQUAL(0, run_program({binary("spillway"), "wait", "1", "--socket", socket}).code);
}

TEST(BadInput, help_names_the_program_and_not_where_it_lies) {
  for (const char* name : {"spillway", "spillway-agent", "spillway-ota", "spillway-cloud", "spwctl",
                           "spillway-fleetsim"}) {
    const Ran ran = run_program({binary(name), "--help"});
    CHECK_EQUAL(0, ran.code);
    CHECK_TEXT(ran.out.find("Usage: " + std::string(name) + " [") != std::string::npos, name);
  }
}
