#include "agent/cli/program.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "agent/cli/session.h"
#include "common/wire/codec.h"
#include "tests/unit/agent_cli/sample_views.h"
#include "tests/unit/agent_intake/running_server.h"

// Last: it makes `new` a macro.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cli;
using Arguments = std::vector<std::string>;

namespace {

constexpr const char* kId = "7f3a9c21d04b55e6-142";

Error no_such_task() { return fail(Code::not_found, "there is no task 404"); }

// A node of three tasks: 142 succeeded, 143 failed, 144 runs for ever; 404 is not there.
class FakeNode {
 public:
  intake::Api::Ticket operator()(wire::RequestBody request, intake::Api::Reply reply) {
    return std::visit([&](const auto& body) { return answer(body, reply); }, request);
  }
  std::vector<TaskSpec> submitted;
  std::vector<wire::TaskRequest> ops;
  std::vector<wire::ListRequest> lists;
  std::optional<bool> draining;
  bool busy = false;                 // something runs on
  std::vector<TaskView> dispatched;  // from the cloud

 private:
  using Reply = intake::Api::Reply;
  using Ticket = intake::Api::Ticket;

  static TaskView view(std::uint64_t seq) {
    if (seq == 142) return finished_task(seq, TaskState::succeeded, "the value");
    if (seq == 143) return finished_task(seq, TaskState::failed);
    return sample_task(seq, TaskState::running);
  }
  Ticket answer(const wire::SubmitRequest& request, const Reply& reply) {
    wire::Submitted answer;
    for (const Bytes& bytes : request.specs) {
      submitted.push_back(*wire::decode_spec(bytes));
      wire::Submitted::One one;
      one.id = {kOrigin, 142};
      if (submitted.back().kind.name == "later") {
        one.error = fail(Code::busy, "the store is full");
        one.error->retry_after = std::chrono::seconds(2);
      }
      if (submitted.back().kind.name == "unknown") {
        one.error = fail(Code::not_found, "there is no kind 'unknown'; did you mean 'echo'?");
      }
      answer.each.push_back(one);
    }
    reply(answer);
    return nullptr;
  }
  // A whole id of another store is none of its tasks.
  static bool is_strange(Origin origin) { return origin != Origin{} && origin != kOrigin; }
  Ticket answer(const wire::TaskRequest& request, const Reply& reply) {
    if (is_strange(request.origin)) return reply(no_such_task()), nullptr;
    ops.push_back(request);
    if (request.seq == 404) {
      reply(no_such_task());
    } else if (request.seq == 142) {
      reply(fail(Code::conflict, "task 142 is finished"));
    } else {
      reply(wire::Done{});
    }
    return nullptr;
  }
  Ticket answer(const wire::ShowRequest& request, const Reply& reply) {
    for (const TaskView& task : dispatched) {
      if (task.id == TaskId{request.origin, request.seq}) return reply(task), nullptr;
    }
    const bool none = request.seq == 404 || is_strange(request.origin);
    none ? reply(no_such_task()) : reply(view(request.seq));
    return nullptr;
  }
  Ticket answer(const wire::WhyRequest&, const Reply& reply) {
    reply(sample_why());
    return nullptr;
  }
  Ticket answer(const wire::WaitRequest& request, const Reply& reply) {
    if (request.seq == 144) return std::make_shared<int>();
    return answer(wire::ShowRequest{request.seq, request.origin}, reply);
  }
  Ticket answer(const wire::ListRequest& request, const Reply& reply) {
    lists.push_back(request);
    wire::Tasks tasks;
    for (std::uint64_t seq = std::min<std::uint64_t>(request.before, 501) - 1;
         seq > 0 && tasks.tasks.size() < request.limit; --seq) {
      tasks.tasks.push_back(sample_task(seq, TaskState::running));
    }
    reply(tasks);
    return nullptr;
  }
  Ticket answer(const wire::DispatchedRequest&, const Reply& reply) {
    reply(wire::Tasks{dispatched});
    return nullptr;
  }
  Ticket answer(const wire::EventsRequest&, const Reply& reply) {
    EventView later = sample_event(144, "attempt_failed");
    later.at = NodeTime(std::chrono::seconds(200));
    EventView last = sample_event(144, "failed");
    last.at = NodeTime(std::chrono::seconds(300));
    reply(later);
    reply(last);
    return std::make_shared<int>();
  }
  Ticket answer(const wire::DrainRequest& request, const Reply& reply) {
    draining = request.on;
    if (busy && request.on) return std::make_shared<int>();
    reply(wire::Done{});
    return nullptr;
  }
  Ticket answer(const wire::TraceRequest&, const Reply& reply) {
    reply(wire::Trace{"{\"traceEvents\":[]}"});
    return nullptr;
  }
  Ticket answer(const wire::StatusRequest&, const Reply& reply) {
    reply(sample_node());
    return nullptr;
  }
};

}  // namespace

TEST_GROUP(Program) {
  std::string directory;
  FakeNode node;
  std::optional<intake::RunningServer> agent;
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;

  void setup() override {
    char pattern[] = "/tmp/spillway_cli_XXXXXX";
    directory = mkdtemp(pattern);
    intake::ServerOptions options;
    options.path = directory + "/agent.sock";
    agent.emplace(std::ref(node), options);
  }
  void teardown() override {
    agent.reset();
    std::filesystem::remove_all(directory);
  }

  int run_with(Console & console, Arguments arguments) {
    out.str("");
    err.str("");
    arguments.push_back("--socket=" + directory + "/agent.sock");
    const int code = cli::run(arguments, console);
    // What the node noted on its thread is read on this one.
    if (agent) agent->on_loop([] {});
    return code;
  }
  int spillway(Arguments arguments) {
    Console console{in, out, err};
    return run_with(console, std::move(arguments));
  }
  std::string file(const std::string& name, const std::string& content) {
    std::ofstream(directory + "/" + name, std::ios::binary) << content;
    return directory + "/" + name;
  }
};

TEST(Program, prints_the_id_of_a_submitted_task_and_nothing_else) {
  LONGS_EQUAL(kOk, spillway({"submit", "echo", "--input", file("in", "hello")}));
  STRCMP_EQUAL("7f3a9c21d04b55e6-142\n", out.str().c_str());
  STRCMP_EQUAL("", err.str().c_str());
  STRCMP_EQUAL("echo", node.submitted[0].kind.name.c_str());
  CHECK(node.submitted[0].input.bytes == to_bytes("hello"));
}

TEST(Program, fills_every_field_of_a_submission) {
  using namespace std::chrono_literals;
  const int code = spillway({"submit",          "stats.window",
                             "--arg",           "window=60",
                             "--arg",           "column=a=b",
                             "--priority",      "high",
                             "--deadline",      "30s",
                             "--not-before",    "1s",
                             "--run-timeout",   "5s",
                             "--queue-timeout", "10s",
                             "--retry",         "5",
                             "--backoff",       "100ms:2s",
                             "--cpu",           "2",
                             "--memory",        "64M",
                             "--tag",           "gpu",
                             "--tag",           "arm",
                             "--prefer",        "local",
                             "--data",          "edge-only",
                             "--effects",       "once",
                             "--work",          "12.5",
                             "--after",         "7",
                             "--after",         "7f3a9c21d04b55e6-8",
                             "--on-disconnect", "wait",
                             "--label",         "site=north",
                             "--tenant",        "t1",
                             "--trace",         "00-ab-cd-01",
                             "--retention",     "2d",
                             "--key",           "k1",
                             "--key-window",    "1h"});
  LONGS_EQUAL(kOk, code);
  TaskSpec expected;
  expected.kind.name = "stats.window";
  expected.args = {{"window", "60"}, {"column", "a=b"}};
  expected.idempotency_key = "k1";
  expected.idempotency_window = 1h;
  expected.band = Band::high;
  expected.deadline = 30s;
  expected.not_before = 1s;
  expected.run_timeout = 5s;
  expected.queue_timeout = 10s;
  expected.retry = {5, 100ms, 2s};
  expected.needs = {2, 64ULL << 20, {"gpu", "arm"}};
  expected.prefer = Prefer::local;
  expected.data = DataScope::edge_only;
  expected.effects = Effects::once;
  expected.work = 12.5;
  expected.after = {{kOrigin, 7}, {kOrigin, 8}};
  expected.on_disconnect = OnDisconnect::wait;
  expected.labels = {{"site", "north"}};
  expected.tenant = "t1";
  expected.trace = "00-ab-cd-01";
  expected.retention = 48h;
  CHECK(node.submitted[0] == expected);
}

TEST(Program, takes_input_from_standard_input_byte_by_byte) {
  in.str(std::string("a\0\n\xFF", 4));
  LONGS_EQUAL(kOk, spillway({"submit", "echo", "--input", "-"}));
  CHECK(node.submitted[0].input.bytes == (Bytes{'a', 0, '\n', 0xFF}));
}

TEST(Program, refuses_an_input_over_the_limit_before_it_bothers_the_agent) {
  LONGS_EQUAL(kOk, spillway({"submit", "echo", "-i", file("fits", std::string(65536, 'x'))}));
  LONGS_EQUAL(kUsage, spillway({"submit", "echo", "-i", file("large", std::string(65537, 'x'))}));
  STRCMP_CONTAINS("large' is over 65536 bytes, the limit of a task's input", err.str().c_str());
  in.str(std::string(70'000, 'x'));
  LONGS_EQUAL(kUsage, spillway({"submit", "echo", "-i", "-"}));
  LONGS_EQUAL(1, node.submitted.size());
}

TEST(Program, says_in_one_line_what_is_wrong_with_a_submission) {
  const std::pair<Arguments, int> kBad[] = {
      {{"submit"}, kUsage},
      {{"submit", "No Kind"}, kUsage},
      {{"submit", "unknown"}, kNotFound},
      {{"submit", "echo", "--input", directory + "/missing"}, kNotFound},
      {{"submit", "echo", "--input", directory}, kUsage},
      {{"submit", "echo", "--arg", "novalue"}, kUsage},
      {{"submit", "echo", "--arg", "a=1", "--arg", "a=2"}, kUsage},
      {{"submit", "echo", "--deadline", "30"}, kUsage},
      {{"submit", "echo", "--deadline", "0s"}, kUsage},
      {{"submit", "echo", "--memory", "much"}, kUsage},
      {{"submit", "echo", "--retry", "-1"}, kUsage},
      {{"submit", "echo", "--retry", "0"}, kUsage},
      {{"submit", "echo", "--priority", "highest"}, kUsage},
      {{"submit", "echo", "--data", "edge-only", "--prefer", "cloud"}, kUsage},
      {{"submit", "echo", "--after", "nonsense"}, kUsage},
      {{"submit", "echo", "--after", "0000000000000001-5"}, kNotFound},
      {{"submit", "echo", "--nonsense"}, kUsage},
      {{"submit", "echo", "--wait-timeout", "5s"}, kUsage}};
  for (const auto& [arguments, code] : kBad) {
    LONGS_EQUAL_TEXT(code, spillway(arguments), arguments.back().c_str());
    STRCMP_EQUAL_TEXT("", out.str().c_str(), arguments.back().c_str());
    CHECK_TEXT(!err.str().empty(), arguments.back().c_str());
  }
}

TEST(Program, says_when_to_try_again) {
  LONGS_EQUAL(kFailed, spillway({"submit", "later"}));
  STRCMP_EQUAL("spillway: the store is full; try again in 2.00s\n", err.str().c_str());
}

TEST(Program, waits_and_prints_the_value_as_it_is) {
  LONGS_EQUAL(kOk, spillway({"wait", kId}));
  STRCMP_EQUAL("the value", out.str().c_str());
  LONGS_EQUAL(kOk, spillway({"submit", "echo", "--wait"}));
  STRCMP_EQUAL("the value", out.str().c_str());
}

TEST(Program, ends_a_value_with_a_line_end_for_people_only) {
  Console console{in, out, err};
  console.out_is_terminal = true;
  LONGS_EQUAL(kOk, run_with(console, {"wait", "142"}));
  STRCMP_EQUAL("the value\n", out.str().c_str());
}

TEST(Program, tells_of_a_failed_task_on_stderr_and_by_its_exit_code) {
  LONGS_EQUAL(kFailed, spillway({"wait", "143"}));
  STRCMP_EQUAL("", out.str().c_str());
  STRCMP_EQUAL(
      "spillway: task 7f3a9c21d04b55e6-143 failed: error locally at epoch 1: no such column: "
      "'tmp'\n",
      err.str().c_str());
}

TEST(Program, waits_for_several_tasks_with_a_line_each) {
  LONGS_EQUAL(kPartial, spillway({"wait", "142", "143"}));
  STRCMP_EQUAL("7f3a9c21d04b55e6-142 succeeded\n7f3a9c21d04b55e6-143 failed\n", out.str().c_str());
}

TEST(Program, gives_up_waiting_with_the_code_for_too_late) {
  LONGS_EQUAL(kUnreachable, spillway({"wait", "144", "--timeout", "5ms"}));
  STRCMP_CONTAINS("is running locally; the wait is over, the task goes on", err.str().c_str());
}

TEST(Program, an_answer_that_comes_after_its_wait_was_given_up_is_not_taken_for_another) {
  LONGS_EQUAL(kPartial, spillway({"wait", "144", "142", "--timeout", "300ms"}));
  STRCMP_EQUAL("7f3a9c21d04b55e6-142 succeeded\n", out.str().c_str());
}

TEST(Program, applies_an_operation_to_each_task_and_says_when_only_some_took_it) {
  LONGS_EQUAL(kOk, spillway({"hold", "7", "8"}));
  STRCMP_EQUAL("held 7\nheld 8\n", out.str().c_str());
  LONGS_EQUAL(kConflict, spillway({"cancel", "142"}));
  LONGS_EQUAL(kNotFound, spillway({"retry", "404"}));
  LONGS_EQUAL(kPartial, spillway({"release", "7", "404"}));
  STRCMP_EQUAL("spillway: 404: there is no task 404\n", err.str().c_str());
  CHECK(node.ops.back().op == wire::TaskOp::release);
}

TEST(Program, refuses_the_id_of_another_store_without_touching_a_task_of_that_number) {
  LONGS_EQUAL(kNotFound, spillway({"cancel", "00000000000000aa-7"}));
  LONGS_EQUAL(0, node.ops.size());
  for (const char* bad : {"0", "-1", "abc", "7f3a9c21d04b55e6-", "1 ", "18446744073709551616"}) {
    LONGS_EQUAL_TEXT(kUsage, spillway({"cancel", "--", bad}), bad);
  }
  LONGS_EQUAL(0, node.ops.size());
}

TEST(Program, lists_page_by_page_up_to_the_limit) {
  LONGS_EQUAL(kOk, spillway({"ls", "--state", "running", "--limit", "450", "--kind", "echo"}));
  LONGS_EQUAL(3, node.lists.size());
  LONGS_EQUAL(301, node.lists[1].before);
  LONGS_EQUAL(50, node.lists[2].limit);
  CHECK(node.lists[2].state == TaskState::running);
  STRCMP_EQUAL("echo", node.lists[2].kind.c_str());
  const std::string text = out.str();
  LONGS_EQUAL(451, std::count(text.begin(), text.end(), '\n'));
}

TEST(Program, lists_and_shows_what_the_cloud_has_this_device_run) {
  TaskView task = sample_task(7, TaskState::running);
  task.id = {Origin{0xc10d}, 7};
  task.owner = "cloud";
  node.dispatched.push_back(task);
  LONGS_EQUAL(kOk, spillway({"ls", "--limit", "2"}));
  STRCMP_CONTAINS("000000000000c10d-7", out.str().c_str());
  STRCMP_CONTAINS("for cloud", out.str().c_str());
  LONGS_EQUAL(1, node.lists.at(0).limit);
  LONGS_EQUAL(kOk, spillway({"ls", "--json", "--state", "failed", "--limit", "1"}));
  CHECK(out.str().find("c10d") == std::string::npos);
  LONGS_EQUAL(kOk, spillway({"show", "000000000000c10d-7"}));
  STRCMP_CONTAINS("dispatched to this device", out.str().c_str());
  LONGS_EQUAL(kOk, spillway({"show", "--json", "000000000000c10d-7"}));
  STRCMP_CONTAINS("\"owner\":\"cloud\"", out.str().c_str());
  LONGS_EQUAL(kNotFound, spillway({"show", "000000000000c10d-8"}));
}

TEST(Program, follows_the_events_of_a_task_until_it_is_finished) {
  LONGS_EQUAL(kOk, spillway({"events", "-f", "144"}));
  STRCMP_EQUAL(
      "2023-11-14T22:13:20.000Z  7f3a9c21d04b55e6-144  attempt_failed\n"
      "2023-11-14T22:13:20.000Z  7f3a9c21d04b55e6-144  failed\n",
      out.str().c_str());
  LONGS_EQUAL(kOk, spillway({"events", "142", "--json"}));
  STRCMP_CONTAINS("\"what\":\"succeeded\"", out.str().c_str());
}

TEST(Program, drains_and_works_again) {
  LONGS_EQUAL(kOk, spillway({"drain"}));
  CHECK(node.draining == true);
  LONGS_EQUAL(kOk, spillway({"drain", "--off"}));
  CHECK(node.draining == false);
}

TEST(Program, says_that_it_drains_though_something_runs_on) {
  node.busy = true;
  LONGS_EQUAL(kUnreachable, spillway({"drain", "--timeout", "1ms"}));
  STRCMP_EQUAL(
      "spillway: it drains, but something still runs after 1ms; see: spillway ls --state running\n",
      err.str().c_str());
  LONGS_EQUAL(kUsage, spillway({"drain", "--timeout", "soon"}));
}

TEST(Program, prints_one_json_document_per_line_for_every_command_that_prints_data) {
  const Arguments kCommands[] = {{"submit", "echo"}, {"ls"},        {"show", "142"}, {"why", "142"},
                                 {"wait", "142"},    {"hold", "7"}, {"drain"},       {"places"},
                                 {"status"},         {"version"},   {"losses"}};
  for (Arguments arguments : kCommands) {
    arguments.push_back("--json");
    LONGS_EQUAL_TEXT(kOk, spillway(arguments), arguments[0].c_str());
    const std::string text = out.str();
    CHECK_TEXT(text.front() == '{' || text.front() == '[', arguments[0].c_str());
    LONGS_EQUAL_TEXT(1, std::count(text.begin(), text.end(), '\n'), arguments[0].c_str());
  }
}

TEST(Program, says_that_no_agent_answers_and_exits_with_6) {
  agent.reset();
  for (const Arguments& arguments : {Arguments{"ls"}, {"wait", "1"}, {"cancel", "1"}, {"status"}}) {
    LONGS_EQUAL(kUnreachable, spillway(arguments));
    STRCMP_CONTAINS("is spillway-agent running?", err.str().c_str());
  }
}

TEST(Program, knows_its_version_without_an_agent) {
  agent.reset();
  LONGS_EQUAL(kOk, spillway({"version"}));
  STRCMP_CONTAINS("spillway 0.", out.str().c_str());
}

TEST(Program, names_a_wrong_option_in_one_line_with_the_one_that_was_meant) {
  LONGS_EQUAL(kUsage, spillway({"submit", "echo", "--inptu", "file"}));
  STRCMP_EQUAL(
      "spillway: there is no option '--inptu'; did you mean '--input'? see: spillway submit "
      "--help\n",
      err.str().c_str());
  LONGS_EQUAL(kUsage, spillway({"places", "here"}));
  STRCMP_EQUAL("spillway: 'here' is one word too many; see: spillway places --help\n",
               err.str().c_str());
}

TEST(Program, has_an_example_in_every_help) {
  LONGS_EQUAL(kOk, spillway({"--help"}));
  STRCMP_CONTAINS("Examples:\n  spillway ", out.str().c_str());
  for (const char* command : {"submit", "ls", "show", "why", "wait", "events", "cancel", "retry",
                              "hold", "release", "drain", "losses", "places", "status", "trace",
                              "doctor", "version", "completion", "kind"}) {
    LONGS_EQUAL(kOk, spillway({command, "--help"}));
    const std::string example = std::string("spillway ") + command;
    const std::size_t examples = out.str().find("Examples:\n");
    CHECK_TEXT(examples != std::string::npos, command);
    CHECK_TEXT(out.str().find(example, examples) != std::string::npos, command);
  }
}

TEST(Program, trace_prints_what_the_agent_gives_as_it_is) {
  LONGS_EQUAL(kOk, spillway({"trace"}));
  STRCMP_EQUAL("{\"traceEvents\":[]}\n", out.str().c_str());
}

TEST(Program, explains_wrong_usage_on_stderr) {
  for (const Arguments& arguments :
       {Arguments{}, {"nonsense"}, {"ls", "--state", "odd"}, {"ls", "--limit", "0"}, {"show"}}) {
    LONGS_EQUAL(kUsage, spillway(arguments));
    STRCMP_EQUAL("", out.str().c_str());
    CHECK(!err.str().empty());
  }
}

TEST(Program, fails_when_its_output_cannot_be_written) {
  std::ofstream full("/dev/full");
  Console console{in, full, err};
  LONGS_EQUAL(kFailed, run_with(console, {"status"}));
  STRCMP_CONTAINS("cannot write the output", err.str().c_str());
}

TEST(Program, says_what_a_loggers_file_is_taken_for) {
  const std::string csv =
      file("cellar.csv", "Plot\nwhen;Temp, C;note\n13.4.26 00:00;1,5;x\n14.4.26 00:00;;y\n");
  LONGS_EQUAL(kFailed, spillway({"kind", "inspect", csv}));
  STRCMP_CONTAINS("delimiter  semicolon\ndecimal    comma\nheader     1 line after 1 line\n",
                  out.str().c_str());
  STRCMP_CONTAINS("time       when, day-first\n           from 2026-04-13 00:00:00 to 2026-04-14",
                  out.str().c_str());
  STRCMP_CONTAINS("Temp, C  C     measurement       1        1\n", out.str().c_str());
  STRCMP_CONTAINS("a kind refuses it: line 4, column 2: the value is missing", out.str().c_str());
  LONGS_EQUAL(kOk, spillway({"kind", "inspect", csv, "--arg", "missing=skip", "--json"}));
  STRCMP_CONTAINS("\"remarks\":[\"line 3, column 3: 'x' is not a number\"],\"refused\":\"\"}",
                  out.str().c_str());
  LONGS_EQUAL(kUsage, spillway({"kind", "inspect", csv, "--arg", "mising=skip"}));
  STRCMP_CONTAINS("did you mean 'missing'?", err.str().c_str());
  LONGS_EQUAL(kNotFound, spillway({"kind", "inspect", directory + "/none"}));
}

TEST(Program, prints_a_completion_script_that_bash_accepts_and_that_completes) {
  LONGS_EQUAL(kOk, spillway({"completion", "bash"}));
  const std::string script = file("completion.bash", out.str());
  const std::string test = "bash -c 'set -eu; source " + script +
                           "; COMP_WORDS=(spillway su); COMP_CWORD=1; _spillway; "
                           "echo ${COMPREPLY[*]}; COMP_WORDS=(spillway --json submit --pre); "
                           "COMP_CWORD=3; _spillway; echo ${COMPREPLY[*]}'";
  std::FILE* shell = popen(test.c_str(), "r");
  std::array<char, 256> text{};
  const std::size_t count = std::fread(text.data(), 1, text.size() - 1, shell);
  LONGS_EQUAL(0, pclose(shell));
  STRCMP_EQUAL("submit\n--prefer\n", std::string(text.data(), count).c_str());
}

TEST(Program, prints_a_completion_script_for_zsh_but_for_no_unknown_shell) {
  LONGS_EQUAL(kOk, spillway({"completion", "zsh"}));
  STRCMP_CONTAINS("#compdef spillway", out.str().c_str());
  STRCMP_CONTAINS("'why:Say where a task runs or waits", out.str().c_str());
  LONGS_EQUAL(kUsage, spillway({"completion", "fish"}));
}

TEST(Program, doctor_reads_the_configuration_and_examines_what_it_names) {
  const std::string config =
      file("agent.toml", "[agent]\ndevice = \"pump-7\"\nstate_dir = \"" + directory + "\"\n");
  spillway({"doctor", "--config", config});
  STRCMP_CONTAINS("ok    config           /tmp/spillway_cli_", out.str().c_str());
  STRCMP_CONTAINS("ok    state directory  /tmp/spillway_cli_", out.str().c_str());
  STRCMP_CONTAINS("  disk sync        write and fdatasync take ", out.str().c_str());
  LONGS_EQUAL(kFailed, spillway({"doctor", "--config", file("bad.toml", "[agent]\ndevise = 1\n")}));
  STRCMP_CONTAINS("devise", out.str().c_str());
}

TEST(Program, doctor_names_a_password_of_the_configuration_that_others_may_read) {
  const std::string password = file("password", "geheim\n");
  const std::string config =
      file("agent.toml", "[agent]\ndevice = \"pump-7\"\nstate_dir = \"" + directory +
                             "\"\n[broker]\nuri = \"mqtt://127.0.0.1:1\"\nusername = \"pump-7\"\n" +
                             "password_file = \"" + password + "\"\n");
  std::filesystem::permissions(password, std::filesystem::perms(0600));
  spillway({"doctor", "--config", config});
  STRCMP_CONTAINS("ok    password", out.str().c_str());
  std::filesystem::permissions(password, std::filesystem::perms(0666));
  LONGS_EQUAL(kFailed, spillway({"doctor", "--config", config}));
  STRCMP_CONTAINS("fail  password", out.str().c_str());
  STRCMP_CONTAINS(password.c_str(), out.str().c_str());
  CHECK(out.str().find("geheim") == std::string::npos);
}

TEST(Program, doctor_goes_on_without_a_configuration_and_says_what_failed) {
  LONGS_EQUAL(kFailed, spillway({"doctor", "--config", directory + "/missing.toml"}));
  STRCMP_CONTAINS("fail  config", out.str().c_str());
  STRCMP_CONTAINS("ok    agent            pump-7, version 0.1.0", out.str().c_str());
  STRCMP_CONTAINS("ok    kinds            echo, stats.window", out.str().c_str());
  LONGS_EQUAL(kFailed, spillway({"doctor", "--json", "--config", directory + "/missing.toml"}));
  STRCMP_CONTAINS("{\"check\":\"kinds\",\"grade\":\"ok\",", out.str().c_str());
}
