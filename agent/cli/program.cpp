#include "agent/cli/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>

#include "agent/cli/commands.h"
#include "agent/cli/completion.h"
#include "agent/cli/doctor.h"
#include "agent/cli/names.h"
#include "agent/cli/text.h"
#include "agent/ota/spool.h"
#include "common/config/nearest.h"

namespace spillway::cli {
namespace {

using Action = std::function<Result<int>(Session&)>;

// The whole command line: options write into these, and the chosen command leaves its action.
struct Line {
  CLI::App app{
      "Speaks to the spillway agent on this device: submits tasks, looks at them, and "
      "says why they run where they do.",
      "spillway"};
  std::string socket = kDefaultSocket;
  bool json = false;
  SubmitOptions submit;
  ListOptions list;
  WaitOptions wait;
  EventsOptions events;
  DoctorOptions doctor;
  KindOptions kind;
  OtaOptions ota{"", "", "", ota::kDefaultDirectory};
  std::vector<std::string> tasks;
  std::string shell;
  DrainOptions drain;
  Action action;

  CLI::App* command(const std::string& name, const std::string& help, const std::string& examples,
                    Action does) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->footer("Examples:\n" + examples);
    sub->callback([this, does = std::move(does)] { action = does; });
    return sub;
  }
};

constexpr const char* kTaskHelp = "a task's id, or just its number";

CLI::Option* add_tasks(CLI::App* command, std::vector<std::string>& tasks) {
  return command->add_option("task", tasks, kTaskHelp)->required()->type_name("TASK");
}

template <class E, std::size_t N>
CLI::Option* add_choice(CLI::App* command, const std::string& flags, std::string& word,
                        const Name<E> (&names)[N], const std::string& help) {
  return command->add_option(flags, word, help)->check(CLI::IsMember(words(names)))->type_name("");
}

void add_submit_when(CLI::App* command, SubmitOptions& options) {
  const auto span = [&](const char* flag, std::string& field, const char* help) {
    command->add_option(flag, field, help)->type_name("TIME")->group("When");
  };
  span("--deadline", options.deadline, "expire unless finished this long after it is accepted");
  span("--not-before", options.not_before, "do not start for this long");
  span("--run-timeout", options.run_timeout, "give one attempt this long");
  span("--queue-timeout", options.queue_timeout, "fail unless started within this time");
  span("--retention", options.retention, "keep the finished task and its value this long (7d)");
  command->add_option("--retry", options.retry, "attempts before it fails (3)")->group("When");
  command->add_option("--backoff", options.backoff, "pause between attempts (200ms:1m)")
      ->type_name("BASE[:CAP]")
      ->group("When");
  command->add_option("--after", options.after, "start after this task succeeded; may be repeated")
      ->type_name("TASK")
      ->expected(1)
      ->take_all()
      ->group("When");
}

void add_submit_where(CLI::App* command, SubmitOptions& options) {
  const char* group = "Where";
  add_choice(command, "--prefer", options.prefer, kPrefers, "where to run (auto)")->group(group);
  add_choice(command, "--data", options.data, kScopes, "where the input may go (any)")
      ->group(group);
  add_choice(command, "--on-disconnect", options.on_disconnect, kOnDisconnect,
             "while the cloud is away, or has barred this device (run-local)")
      ->group(group);
  command->add_option("--cpu", options.cpu, "cores the place must have (1)")->group(group);
  command->add_option("--memory", options.memory, "memory the place must have")
      ->type_name("SIZE")
      ->group(group);
  command->add_option("--tag", options.tags, "tag the place must carry; may be repeated")
      ->expected(1)
      ->take_all()
      ->group(group);
}

void add_submit_what(CLI::App* command, SubmitOptions& options) {
  command
      ->add_option("kind", options.kind,
                   "the kind to run; name@VERSION or name@sha256:DIGEST for exactly that one")
      ->required()
      ->type_name("KIND");
  command->add_option("--input,-i", options.input, "the input: a file, or - for standard input")
      ->type_name("FILE");
  command->add_option("--arg,-a", options.args, "parameter of the kind; may be repeated")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all();
  add_choice(command, "--priority,--band", options.band, kBands, "band (normal)");
  add_choice(command, "--effects", options.effects, kEffects, "what running it twice does (pure)");
  command->add_option("--work", options.work, "size of the work, in the kind's unit")
      ->type_name("NUMBER");
  command->add_option("--key", options.key, "idempotency key: the same key is the same task");
  command->add_option("--key-window", options.key_window, "for this long (24h)")->type_name("TIME");
  command->add_option("--label", options.labels, "label; may be repeated")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all();
  command->add_option("--tenant", options.tenant, "whose task it is");
  command->add_option("--trace", options.trace, "W3C traceparent to go on with");
  command->add_flag("--wait,-w", options.wait, "wait, and print the value");
  command->add_option("--wait-timeout", options.wait_timeout, "but no longer than this")
      ->type_name("TIME")
      ->needs("--wait");
}

void add_submit(Line& line) {
  CLI::App* command = line.command(
      "submit", "Submit a task; prints its id once it is on disk",
      "  spillway submit echo --input hello.txt --wait\n"
      "  spillway submit stats.window --input day.csv --arg window=60 --label site=north\n"
      "  journalctl -o cat | head -c 60K | spillway submit hash.sha256 --input - --wait\n"
      "  spillway submit anomaly.score -i now.csv --deadline 30s --data edge-only --key now-142",
      [&line](Session& session) { return run_submit(session, line.submit); });
  add_submit_what(command, line.submit);
  add_submit_when(command, line.submit);
  add_submit_where(command, line.submit);
}

void add_list(Line& line) {
  CLI::App* command =
      line.command("ls", "List tasks, the newest first, with those dispatched to this device",
                   "  spillway ls\n"
                   "  spillway ls --state failed --limit 20\n"
                   "  spillway ls --kind stats.window --json | jq -r '.[].id'",
                   [&line](Session& session) { return run_list(session, line.list); });
  add_choice(command, "--state", line.list.state, kStates, "only in this state");
  command->add_option("--kind", line.list.kind, "only of this kind");
  command->add_option("--tenant", line.list.tenant, "only of this tenant");
  command->add_option("--limit,-n", line.list.limit, "at most this many")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1'000'000U));
  command->add_option("--before", line.list.before, "only with a number below this")
      ->type_name("NUMBER");
}

void add_readers(Line& line) {
  add_tasks(line.command("show", "Show everything about a task",
                         "  spillway show 142\n"
                         "  spillway show 7f3a9c21d04b55e6-142 --json",
                         [&line](Session& session) { return run_show(session, line.tasks); }),
            line.tasks);
  add_tasks(line.command("why", "Say where a task runs or waits, why, and what will change it",
                         "  spillway why 142\n"
                         "  spillway why 142 --json | jq .explanation.candidates",
                         [&line](Session& session) { return run_why(session, line.tasks); }),
            line.tasks);
  CLI::App* wait = line.command(
      "wait", "Wait for a task and print its value; for several, a line each as they finish",
      "  spillway wait 142 > value.json\n"
      "  spillway wait 142 143 144 --timeout 5m",
      [&line](Session& session) { return run_wait(session, line.wait); });
  add_tasks(wait, line.wait.tasks);
  wait->add_option("--timeout", line.wait.timeout, "no longer than this for each")
      ->type_name("TIME");
  CLI::App* events =
      line.command("events", "Show what happened to a task, or to the latest twenty",
                   "  spillway events 142\n"
                   "  spillway events --follow\n"
                   "  spillway events -f 142 --json   # until it is finished",
                   [&line](Session& session) { return run_events(session, line.events); });
  events->add_option("task", line.events.task, kTaskHelp)->type_name("TASK");
  events->add_flag("--follow,-f", line.events.follow, "go on with what happens from now on");
}

void add_task_op(Line& line, wire::TaskOp op, const std::string& name, const std::string& help,
                 const std::string& examples) {
  add_tasks(
      line.command(name, help, examples,
                   [&line, op](Session& session) { return run_task_op(session, op, line.tasks); }),
      line.tasks);
}

void add_task_ops(Line& line) {
  add_task_op(line, wire::TaskOp::cancel, "cancel", "Cancel tasks that are not finished",
              "  spillway cancel 142\n"
              "  spillway ls --state ready --json | jq -r '.[].id' | xargs -r spillway cancel");
  add_task_op(line, wire::TaskOp::retry, "retry", "Run failed, cancelled or expired tasks anew",
              "  spillway retry 142\n"
              "  spillway ls --state failed --json | jq -r '.[].id' | xargs -r spillway retry");
  add_task_op(line, wire::TaskOp::hold, "hold", "Keep tasks from starting",
              "  spillway hold 142 143");
  add_task_op(line, wire::TaskOp::release, "release", "Let held tasks start again",
              "  spillway release 142 143");
}

void add_node_commands(Line& line) {
  CLI::App* drain =
      line.command("drain", "Take no new work: what runs ends, the rest stays stored",
                   "  spillway drain --timeout 5m\n"
                   "  spillway drain --off",
                   [&line](Session& session) { return run_drain(session, line.drain); });
  drain->add_flag("--off", line.drain.off, "work again");
  drain->add_option("--timeout", line.drain.timeout, "wait so long for what runs to end")
      ->capture_default_str()
      ->type_name("TIME");
  line.command("losses", "Show what was refused, dropped or expired, by class, cause and period",
               "  spillway losses\n"
               "  spillway losses --json | jq 'map(.count) | add'",
               run_losses);
  line.command("places", "Show where tasks can run, and how busy and far it is there",
               "  spillway places\n"
               "  spillway places --json | jq '.[].rtt_s'",
               run_places);
  line.command("status", "Show how the agent is, and what it did since it started",
               "  spillway status\n"
               "  spillway status --json | jq .by_state",
               run_status);
  line.command("trace", "Print what the local pool ran of late, for chrome://tracing or Perfetto",
               "  spillway trace > pool.json\n"
               "  spillway trace | jq '.traceEvents | length'",
               run_trace);
  line.command("version", "Show the versions of this program and of the agent",
               "  spillway version\n"
               "  spillway version --json",
               run_version);
  CLI::App* doctor = line.command(
      "doctor", "Check configuration, agent, link, certificates, disk and clock; say what to do",
      "  sudo spillway doctor\n"
      "  spillway doctor --config ./agent.toml --json | jq '.[] | select(.grade != \"ok\")'\n"
      "  sudo spillway doctor --torture 5",
      [&line](Session& session) { return run_doctor(session, line.doctor); });
  doctor->add_option("--config,-c", line.doctor.config, "the agent's configuration")
      ->capture_default_str()
      ->type_name("FILE");
  doctor->add_flag("--broker", line.doctor.broker,
                   "also try, on connections of its own, whether the broker binds names to "
                   "certificates, while the agent has none");
  doctor
      ->add_option("--torture", line.doctor.torture,
                   "instead: cut the power under stores on this disk and torment a fleet of its "
                   "own, for so long (default 1)")
      ->expected(0, 1)
      ->default_str("1")
      ->check(CLI::Range(0.1, 10'000.0))
      ->type_name("MINUTES");
}

void add_kind(Line& line) {
  CLI::App* command = line.command(
      "kind",
      "Say what a logger's CSV file is taken for: columns, time, what is missing or left out",
      "  spillway kind inspect cellar.csv\n"
      "  spillway kind inspect cellar.csv --arg decimal=comma --arg missing=skip\n"
      "  spillway kind inspect cellar.csv --dates day-first --json",
      [&line](Session& session) { return run_kind(session, line.kind); });
  command->add_option("what", line.kind.what, "inspect")
      ->required()
      ->check(CLI::IsMember({"inspect"}))
      ->type_name("COMMAND");
  command->add_option("file", line.kind.file, "the file")->required()->type_name("FILE");
  command
      ->add_option(
          "--arg,-a", line.kind.args,
          "missing, nodata, header, skip, delimiter, decimal, time, dates or columns; may be "
          "repeated")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--dates", line.kind.dates,
                   "the same as --arg dates=, where the file does not tell")
      ->check(CLI::IsMember({"day-first", "month-first"}))
      ->type_name("ORDER");
}

// `ota` has commands of its own; each is an option of the line to the one below.
void add_ota(Line& line) {
  CLI::App* command =
      line.command("ota", "Update this device's firmware: install, status, rollback",
                   "  sudo spillway ota install /data/next.raucb\n"
                   "  sudo spillway ota install https://host/next.raucb --sha256 5f1d…\n"
                   "  spillway ota status --json\n"
                   "  sudo spillway ota rollback",
                   [&line](Session& session) { return run_ota(session, line.ota); });
  command->add_option("what", line.ota.what, "install, status or rollback")
      ->required()
      ->check(CLI::IsMember({"install", "status", "rollback"}))
      ->type_name("COMMAND");
  command->add_option("source", line.ota.source, "a signed bundle: a file or an address")
      ->type_name("FILE|URL");
  command->add_option("--sha256", line.ota.sha256, "what the bundle must hash to")
      ->type_name("HEX");
  command->add_option("--ota-dir", line.ota.directory, "where the updater looks for requests")
      ->capture_default_str()
      ->type_name("PATH");
}

std::vector<CompletedCommand> completed_commands(const CLI::App& app) {
  std::vector<CompletedCommand> commands;
  for (const CLI::App* sub : app.get_subcommands(nullptr)) {
    CompletedCommand command{sub->get_name(), sub->get_description(), {"--json", "--socket"}};
    for (const CLI::Option* option : sub->get_options()) {
      for (const std::string& name : option->get_lnames()) command.options.push_back("--" + name);
    }
    commands.push_back(std::move(command));
  }
  return commands;
}

void add_completion(Line& line) {
  CLI::App* command = line.command(
      "completion", "Print a script that completes commands and options",
      "  source <(spillway completion bash)\n"
      "  spillway completion zsh > /usr/local/share/zsh/site-functions/_spillway",
      [&line](Session& session) -> Result<int> {
        Result<std::string> script = completion_script(line.shell, completed_commands(line.app));
        if (!script) return std::move(script).error();
        session.console().out << *script;
        return kOk;
      });
  command->add_option("shell", line.shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}))
      ->type_name("SHELL");
}

void build(Line& line) {
  line.app.require_subcommand(1);
  line.app.fallthrough();
  line.app.add_option("--socket", line.socket, "the agent's socket")
      ->envname("SPILLWAY_SOCKET")
      ->capture_default_str()
      ->type_name("PATH");
  line.app.add_flag("--json", line.json, "print JSON instead of text");
  line.app.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 conflict,\n"
      "6 agent not reachable or too late, 7 some of several failed.\n\n"
      "Examples:\n  spillway submit echo --input hello.txt --wait\n  spillway ls\n"
      "  spillway why 142");
  add_submit(line);
  add_list(line);
  add_readers(line);
  add_task_ops(line);
  add_node_commands(line);
  add_kind(line);
  add_ota(line);
  add_completion(line);
}

int act(Line& line, Console& console) {
  Session session(console, line.socket, line.json);
  Result<int> code = line.action(session);
  console.out.flush();
  if (!code) {
    const auto& again = code.error().retry_after;
    complain(console, code.error().message +
                          (again ? "; try again in " + duration_text(*again) : std::string()));
    return exit_code(code.error().code);
  }
  if (!console.out) {
    complain(console, "cannot write the output; is the disk full?");
    return kFailed;
  }
  return *code;
}

// Help and version, which CLI11 throws too, are no errors.
int complain_of(const CLI::App& app, const CLI::ParseError& error, Console& console) {
  if (error.get_exit_code() == 0) return app.exit(error, console.out, console.err);
  complain(console, config::wrong_usage(app, error.what()));
  return kUsage;
}

}  // namespace

int run(const std::vector<std::string>& arguments, Console& console) {
  Line line;
  build(line);
  try {
    // CLI11 takes them from the back.
    line.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::RequiredError& error) {
    if (!line.app.get_subcommands().empty()) return complain_of(line.app, error, console);
    std::vector<std::string> names;
    for (const CLI::App* each : line.app.get_subcommands(nullptr))
      names.push_back(each->get_name());
    complain(console, config::no_such_word("spillway", line.app.remaining(true), names));
    return kUsage;
  } catch (const CLI::ParseError& error) {
    return complain_of(line.app, error, console);
  }
  return act(line, console);
}

}  // namespace spillway::cli
