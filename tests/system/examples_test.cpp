#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <functional>
#include <regex>

#include "cloud/http/client.h"
#include "tests/support/eventually.h"
#include "tests/system/examples.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using cloud::http::Method;
namespace json = boost::json;

namespace {

// Minutes under sanitizers; tests/chaos does the same on a smaller scale.
constexpr char kTooLong[] = "sudo spillway doctor --torture 5";
constexpr char kForever[] = "iterations=1000000000000";

// Mounts of this process's own, so that what the help says of /etc, /run and /var/lib can be done
// there and nowhere else. Why that cannot be; empty: it is so.
std::string own_system(const std::string& directory) {
  if (::unshare(CLONE_NEWNS) != 0) return "this machine lets nobody mount";
  const auto mounted = [](const char* what, const char* where, const char* type,
                          unsigned long how) {
    return ::mount(what, where, type, how, nullptr) == 0;
  };
  const std::string etc = directory + "/etc";
  std::error_code error;
  std::filesystem::create_directory(etc, error);
  if (!mounted("none", "/", nullptr, MS_REC | MS_PRIVATE) ||
      !run_command({"cp", "-a", "/etc/.", etc}) ||
      !mounted(etc.c_str(), "/etc", nullptr, MS_BIND) || !mounted("none", "/run", "tmpfs", 0) ||
      !mounted("none", "/var/lib", "tmpfs", 0)) {
    return "this machine lets nobody mount";
  }
  write_text(directory + "/cmdline", "quiet rauc.slot=A\n");
  (void)mounted((directory + "/cmdline").c_str(), "/proc/cmdline", nullptr, MS_BIND);
  for (const char* made :
       {"/etc/spillway", "/etc/spillway-cloud", "/run/spillway", "/var/lib/spillway-ota/inbox"}) {
    std::filesystem::create_directories(made, error);
  }
  return "";
}

void program(const std::string& path, const std::string& text) {
  write_text(path, "#!/bin/sh\n" + text + "\n");
  ::chmod(path.c_str(), 0755);
}

}  // namespace

// Everything that the examples speak of: an agent, its cloud and broker, a second device, files,
// and tasks in every state. What an example names is looked up in a table; what is not in it stays
// as it is, is not there, and fails.
TEST_GROUP(Examples) {
  TempDir around{"spillway-examples"};
  std::unique_ptr<Rig> rig;
  std::unique_ptr<Broker> plain;
  std::optional<Process> second, linked;
  std::vector<std::pair<std::string, std::function<std::string()>>> table;
  const char* only = std::getenv("SPILLWAY_EXAMPLE");  // those with these words, for who mends one

  std::string file(const std::string& name) const { return around.file(name); }

  void need(bool done, const std::string& what) { CHECK_TEXT(done, what.c_str()); }

  std::string task(std::vector<std::string> words) {
    words.insert(words.begin(), "submit");
    std::string id = rig->output(words);
    need(!id.empty(), "no task was taken");
    return id;
  }
  void does(std::vector<std::string> words) {
    const Ran ran = rig->spillway(words);
    need(ran.code == 0, words[0] + ": " + ran.err);
  }
  json::value asks(std::vector<std::string> words) {
    const Ran ran = rig->spwctl(words);
    need(ran.code == 0, words[0] + " " + words[1] + ": " + ran.err);
    return ran.code == 0 && !ran.out.empty() ? json::parse(ran.out) : json::value();
  }

  // A task of this device as the example needs it.
  std::string task_for(const std::string& line) {
    const auto is = [&](const char* verb) {
      return line.starts_with(std::string("spillway ") + verb + " ");
    };
    if (is("why") || is("wait") || is("events") || is("show")) {
      std::string id = task({"echo"});
      if (!is("wait")) does({"wait", id});
      return id;
    }
    std::string id = task({"echo", "--not-before", "1h"});
    if (is("release")) does({"hold", id});
    if (is("retry")) does({"cancel", id});
    return id;
  }
  // A task that the device gave to the cloud, and one that the cloud gave to it.
  std::string offloaded() {
    std::string id = task({"echo", "--prefer", "cloud"});
    does({"wait", id});
    need(eventually(kSoon,
                    [&] {
                      return rig->spwctl({"task", "why", id}).code == 0;
                    }),
         "not in the cloud");
    return id;
  }
  json::object sent(bool ended) {
    json::object answer =
        asks({"task", "submit", "spin", "--arg", kForever, Testbed::kDevice}).as_object();
    if (ended) asks({"task", "cancel", std::string(answer.at("group").as_string())});
    return answer;
  }
  std::string cloud_task_for(const std::string& line) {
    if (line.starts_with("spillway ")) return task_for(line);
    if (line.find("cancel") == std::string::npos && line.find("retry") == std::string::npos)
      return offloaded();
    return std::string(sent(line.find("retry") != std::string::npos).at("first_task").as_string());
  }
  std::string in_group(const std::string& name) {
    asks({"device", "set-group", "--to", name, Testbed::kDevice});
    return "--group " + name;
  }
  // Over HTTP, as whoever may do everything.
  void writes(Method method, const std::string& target, const std::string& body) {
    auto client = cloud::http::Client::make({rig->cloud_url(), "", 10s});
    auto answer = client->send(method, "/api/v1" + target,
                               {{"authorization", "Bearer " + rig->admin_token()}}, body);
    need(answer.ok() && answer->status < 300, answer.ok() ? answer->body : answer.error().message);
  }
  // A rule that any device that reports breaks.
  void rule(bool enabled) {
    writes(Method::put, "/alerts/rules/up",
           R"({"title":"Up","subject":"uptime_s","compare":"above","value":0,"lasting_s":0,)"
           R"("severity":"info","scope":"device","group":"","enabled":)" +
               std::string(enabled ? "true}" : "false}"));
  }
  std::string alert() {
    rule(true);
    std::string id;
    need(eventually(kSoon,
                    [&] {
                      const json::value all = asks({"alert", "list"});
                      if (!all.as_array().empty())
                        id = std::to_string(all.at(0).at("id").to_number<std::int64_t>());
                      return !id.empty();
                    }),
         "no alert fires");
    return id;
  }
  std::string session() {
    writes(Method::post, "/session", R"({"token":")" + rig->admin_token() + "\"}");
    return std::string(asks({"session", "list"}).at(0).at("id").as_string());
  }
  std::string token() {
    asks({"token", "create", "--name", "short-lived", "--scope", "read"});
    const json::value all = asks({"token", "list"});
    for (const json::value& each : all.as_array()) {
      if (each.at("name") == "short-lived") return std::string(each.at("id").as_string());
    }
    return "";
  }
  // A task runs, and the next one has to wait for it.
  void keep_busy() {
    task({"spin", "--arg", kForever, "--data", "edge-only"});
    task({"echo", "--data", "edge-only", "--band", "background"});
  }

  void stop_all() {
    (void)run_command({"bash", "-c",
                       binary("spillway") + " ls --json --socket " + rig->bed().socket() +
                           " | jq -r '.[].id' | xargs -r " + binary("spillway") +
                           " cancel --socket " + rig->bed().socket()});
  }
  void fail_one() {
    write_text(file("bad"), "no table");
    CHECK_EQUAL(
        1, rig->spillway({"submit", "stats.window", "--retry", "1", "-i", file("bad"), "--wait"})
               .code);
  }

  void start_second() {
    auto device = rig->bed().pki().device("pump-2");
    need(device.ok(), "no certificate");
    write_text(file("second.toml"),
               "[agent]\ndevice = \"pump-2\"\nstate_dir = \"" + file("second") + "\"\nsocket = \"" +
                   file("second.sock") + "\"\n[broker]\nuri = \"" + rig->bed().broker().uri() +
                   "\"\nca = \"" + device->ca + "\"\ncert = \"" + device->certificate +
                   "\"\nkey = \"" + device->key + "\"\n");
    auto started =
        Process::start({.argv = {binary("spillway-agent"), "--config", file("second.toml")},
                        .output = file("second.log"),
                        .errors = file("second.log")});
    need(started.ok(), "no second agent");
    second.emplace(*std::move(started));
    need(eventually(kSoon,
                    [&] {
                      return rig->spwctl({"device", "show", "pump-2"}).code == 0;
                    }),
         "the cloud does not know the second device");
  }

  void start() {
    TestbedOptions options;
    options.http_port = free_port();
    options.simulated = true;
    rig = std::make_unique<Rig>(options);
    need(rig->good(), rig->problem());
    std::filesystem::create_directory(file("plain"));
    auto broker = Broker::start({.directory = file("plain")});
    need(broker.ok(), "no broker without TLS");
    plain = std::make_unique<Broker>(*std::move(broker));
    need(rig->bed().wait_for_link(kSoon), "no link");
    lay_out_files();
    start_second();
  }

  void lay_out_files() {
    std::string rows = "time,value\n";
    for (int i = 0; i < 500; ++i) rows += std::to_string(i) + "," + std::to_string(i % 7) + ".5\n";
    for (const char* name : {"day.csv", "now.csv", "pump.csv"}) write_text(file(name), rows);
    write_text(file("cellar.csv"), "when;temp\n01.02.2024 10:00:00;5,5\n01.02.2024 10:00:10;5,7\n");
    write_text(file("hello.txt"), "hello");
    write_text(file("next.raucb"), "a bundle");
    std::filesystem::create_directory(file("links"));
    write_text(file("links/one.csv"),
               "t_s,capacity_kbit_s,rtt_ms,loss_pct\n0,1000,20,0\n60,500,40,1\n");
    std::filesystem::create_directories(file(".config/spillway"));
    write_text(file(".config/spillway/spwctl.toml"),
               "[spwctl]\ncurrent = \"field\"\n[[context]]\nname = \"field\"\nurl = \"" +
                   rig->cloud_url() + "\"\n");
    std::filesystem::create_directory(file("path"));
    program(file("path/sudo"), "exec \"$@\"");
    program(file("path/journalctl"), "echo a line of the journal");
    program(file("path/rauc"), "exit 0");
    std::filesystem::copy_file(rig->bed().agent_config(), file("agent.toml"));
    std::filesystem::copy_file(rig->bed().cloud_config(), file("cloud.toml"));
    std::filesystem::copy_file(rig->bed().agent_config(), "/etc/spillway/agent.toml");
    std::filesystem::copy_file(rig->bed().cloud_config(), "/etc/spillway-cloud/cloud.toml");
    std::filesystem::create_symlink(rig->bed().socket(), "/run/spillway/agent.sock");
  }

  void fill_table(const std::string& line) {
    const std::string digest(64, '5');
    table = {
        {"7f3a9c21d04b55e6-142x3", [&] { return std::string(sent(true).at("group").as_string()); }},
        {"7f3a9c21d04b55e6-142", [this, line] { return cloud_task_for(line); }},
        {"-q pump", [] { return "-q demo"; }},
        {"pump-1", [] { return Testbed::kDevice; }},
        {"--group lab", [&] { return in_group("lab"); }},
        {"--group field", [&] { return in_group("field"); }},
        {"ack 12", [&] { return "ack " + alert(); }},
        {"9a41c07d22ef", [&] { return session(); }},
        {"3f9c2d", [&] { return token(); }},
        {"| curl --json @- http://collector:4318/v1/traces",
         [] { return "| jq -e '.resourceSpans[0].scopeSpans[0].spans | length > 0'"; }},
        {"--sha256 5f1d…", [=] { return "--sha256 " + digest; }},
        {"--sha256 …", [=] { return "--sha256 " + digest; }},
        {"/data/next.raucb", [&] { return file("next.raucb"); }},
        {"/data/ota", [&] { return file("ota"); }},
        {"/usr/local/share/zsh/site-functions/", [&] { return file(""); }},
        {"mqtt://127.0.0.1:1883", [&] { return plain->uri(); }},
        {"mqtts://broker:8883 --ca ca.pem --cert sim.pem --key sim.key",
         [&] {
           auto who = rig->bed().pki().device("fleetsim");
           return rig->bed().broker().simulator_uri() + " --ca " + who->ca + " --cert " +
                  who->certificate + " --key " + who->key;
         }},
        {"-n 10000", [] { return "-n 20"; }},
        {"-n 1000", [] { return "-n 20"; }},
        {"-n 500", [] { return "-n 20"; }},
        {"--for 300", [] { return "--for 2"; }},
        {"./dev demo", [] { return "spillway-demo --tasks 40"; }},
    };
  }
  std::string filled(std::string line) {
    fill_table(line);
    for (const auto& [words, value] : table) {
      const std::size_t at = line.find(words);
      if (at != std::string::npos) line.replace(at, words.size(), value());
    }
    const std::regex number(" 14[0-9]( |$)");
    for (std::smatch found; std::regex_search(line, found, number);) {
      const std::string id = task_for(line), rest = found[1];
      line.replace(std::size_t(found.position()), std::size_t(found.length()),
                   std::string(" ").append(id).append(rest));
    }
    return line;
  }

  Command command(const std::string& line) const {
    return {.argv = {"bash", "-o", "pipefail", "-c", "cd " + around.path() + "; " + line},
            .env = {{"PATH", file("path") + ":" SPILLWAY_BINARIES ":" + std::getenv("PATH")},
                    {"HOME", around.path()},
                    {"SPILLWAY_SOCKET", rig->bed().socket()},
                    {"SPWCTL_URL", rig->cloud_url()},
                    {"SPWCTL_TOKEN", rig->admin_token()}},
            .output = file("out"),
            .errors = file("err")};
  }

  // What goes on until it is stopped, what it says by then, and the programs that it replaces.
  struct Lasting {
    std::regex line;
    std::string mark;  // in its output; with a slash in front: a file
    int stop = SIGINT;
    std::function<void()> before, after;
  };
  const Lasting* lasting(const std::string& line) {
    static std::vector<Lasting> all;
    Testbed& bed = rig->bed();
    all = {{std::regex("spillway-agent( --config \\S+)?"), "the cloud is there", SIGTERM,
            [&] { bed.kill_agent(); },
            [&] { need(bed.start_agent().ok() && bed.wait_for_link(kSoon), "no agent"); }},
           {std::regex("spillway-cloud( --config \\S+| --link)?"), "connected to the broker",
            SIGTERM, [&] { bed.kill_cloud(); },
            [&] { need(bed.start_cloud().ok() && bed.wait_for_link(kSoon), "no cloud"); }},
           {std::regex("spillway-ota( .*)?"), "/run/spillway-good", SIGTERM,
            [] { ::unlink("/run/spillway-good"); }, [] {}},
           {std::regex("spillway-fleetsim ((?!--for).)*"), "20", SIGINT, [] {}, [] {}},
           {std::regex("spillway-demo .*--keep.*"), "Ctrl-C", SIGINT, [] {}, [] {}},
           {std::regex("spillway events --follow"), "succeeded", SIGINT, [] {}, [] {}},
           {std::regex("spwctl fleet watch"), "online", SIGINT, [] {}, [] {}},
           {std::regex("spwctl device watch.*|spwctl (event|task) tail.*"), Testbed::kDevice,
            SIGINT, [] {}, [] {}}};
    for (const Lasting& each : all) {
      if (std::regex_match(line, each.line)) return &each;
    }
    return nullptr;
  }
  std::string said() const { return read_text(file("out")) + read_text(file("err")); }

  // A link logs in once; the one of the cloud's first start made this test's own token.
  void new_link() {
    rig->bed().kill_cloud();
    std::filesystem::remove(rig->file("cloud/link.txt"));
    auto started = Process::start(
        {.argv = {binary("spillway-cloud"), "--link", "--config", rig->bed().cloud_config()}});
    need(started.ok(), "no cloud");
    linked.emplace(*std::move(started));
    need(eventually(kSoon, [&] { return !read_text(rig->file("cloud/link.txt")).empty(); }),
         "no link");
    std::filesystem::copy_file(rig->file("cloud/link.txt"), file("link.txt"));
  }

  // Something for the watchers to see.
  void stir() {
    static int times = 0;
    (void)rig->spillway({"submit", "echo", "--prefer", "cloud"});
    (void)rig->spwctl(
        {"device", "set-group", "--to", "g" + std::to_string(++times % 2), Testbed::kDevice});
  }

  // What is wrong with it; empty: nothing.
  std::string lasts(const std::string& line, const Lasting& how) {
    how.before();
    auto process = Process::start(command("exec " + line));
    const bool speaks = eventually(2 * kSoon, [&] {
      if (how.before && how.stop == SIGINT && line.starts_with("sp") &&
          line.find("fleetsim") == std::string::npos)
        stir();
      return how.mark[0] == '/' ? ::access(how.mark.c_str(), F_OK) == 0
                                : said().find(how.mark) != std::string::npos;
    });
    process->signal(how.stop);
    const auto exit = process->wait(kSoon);
    how.after();
    if (!speaks) return "does not say '" + how.mark + "': " + said();
    if (!exit) return "does not stop";
    const bool well = exit->ok() || exit->signal == how.stop || exit->code == 128 + how.stop;
    return well ? "" : "stops with " + std::to_string(exit->code) + ": " + said();
  }
  std::string ends(const std::string& line) {
    auto process = Process::start(command(line));
    const auto exit = process->wait(3 * kSoon);
    if (!exit) return "does not end";
    const std::string out = read_text(file("out"));
    if (!exit->ok()) return "ends with " + std::to_string(exit->code) + ": " + said();
    // A filter that finds nothing says so with this word, and looks as if all were well.
    return line.find("| jq") != std::string::npos && out == "null\n" ? "its filter finds nothing"
                                                                     : "";
  }
  std::string tried(const Example& example) {
    if (example.line.find("--state ready") != std::string::npos) keep_busy();
    if (example.line.find("--state failed") != std::string::npos) fail_one();
    if (example.line.find("losses --json") != std::string::npos) {
      (void)rig->spillway({"wait", task({"echo", "--not-before", "1h", "--deadline", "100ms"})});
    }
    if (example.line.find("link.txt") != std::string::npos) new_link();
    if (example.line == "spwctl doctor") rule(false);  // all is well when no alert fires
    const std::string line = filled(example.line);
    ::unlink(file("out").c_str());
    ::unlink(file("err").c_str());
    const Lasting* how = lasting(line);
    std::string problem = how ? lasts(line, *how) : ends(line);
    if (example.line.find("--state ready") != std::string::npos) stop_all();
    return problem;
  }
};

TEST(Examples, in_every_help_do_what_they_say) {
  const std::string unable = own_system(around.path());
  if (!unable.empty()) {
    UT_PRINT(("skipped: " + unable).c_str());
    return;
  }
  start();
  std::string wrong;
  std::size_t count = 0;
  for (const char* name : {"spillway", "spillway-agent", "spillway-ota", "spillway-cloud", "spwctl",
                           "spillway-fleetsim", "spillway-demo"}) {
    const Shown shown = shown_by(name);
    for (const std::string& each : shown.without) wrong += each + " shows no example\n";
    for (const Example& example : shown.examples) {
      ++count;
      if (example.line == kTooLong) continue;
      if (only && example.line.find(only) == std::string::npos) continue;
      const std::string problem = tried(example);
      std::fprintf(stderr, "%s: %s\n", example.line.c_str(),
                   problem.empty() ? "ok" : problem.c_str());
      if (!problem.empty()) wrong += example.shown_by + ": " + example.line + ": " + problem + "\n";
    }
  }
  CHECK(count > 80);
  CHECK_TEXT(wrong.empty(), wrong.c_str());
}

TEST(Examples, are_found_wherever_a_help_shows_them) {
  const std::vector<std::string> found = examples_in(
      "Options:\n  --one TEXT   what\n\nExamples:\n  first | one    said beside it\n"
      "  second \\\n      --more\n      prose\nWith it:\n  spwctl third\n  other prose\n",
      {"spwctl "});
  CHECK_EQUAL(3u, found.size());
  STRCMP_EQUAL("first | one", found[0].c_str());
  STRCMP_EQUAL("second --more", found[1].c_str());
  STRCMP_EQUAL("spwctl third", found[2].c_str());
}
