#include "cloud/ctl/program.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <map>

#include "cloud/ctl/commands.h"
#include "cloud/ctl/contexts.h"
#include "cloud/ctl/device_columns.h"
#include "common/config/nearest.h"
#include "spillway/version.h"

namespace spillway::ctl {
namespace {

// The whole command line: options write into these, and the chosen command is kept.
struct Line {
  CLI::App app{"Watches and operates a fleet through spillway-cloud's HTTP interface.", "spwctl"};
  Choice choice;
  Words words;
  std::string output = "table", shell, link = "-";
  bool logs_in = false;
  Command command = nullptr;
  bool completion = false, context_list = false;
};

const std::map<std::string, Format> kFormats = {{"table", Format::table},
                                                {"wide", Format::wide},
                                                {"json", Format::json},
                                                {"ndjson", Format::ndjson},
                                                {"csv", Format::csv}};

// A noun with its verbs.
class Noun {
 public:
  Noun(Line& line, const std::string& name, const std::string& help)
      : line_(line), noun_(line.app.add_subcommand(name, help)) {
    noun_->require_subcommand(1);
  }
  CLI::App* verb(const std::string& name, const std::string& help, Command command,
                 const std::string& examples) {
    CLI::App* sub = noun_->add_subcommand(name, help);
    sub->footer("Examples:\n  spwctl " + examples);
    // Without one of its own a noun shows those of the whole program.
    if (shown_++ < kShown) noun_->footer((examples_ += "\n  spwctl " + examples));
    Line* line = &line_;
    sub->callback([line, command] { line->command = command; });
    return sub;
  }

 private:
  static constexpr int kShown = 3;
  Line& line_;
  CLI::App* noun_;
  std::string examples_ = "Examples:";
  int shown_ = 0;
};

void add_limit(CLI::App* verb, Words& words) {
  verb->add_option("--limit", words.limit, "at most so many")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t(1), std::uint64_t(1'000'000)));
}

void add_id(CLI::App* verb, Words& words, const std::string& what) {
  verb->add_option(what, words.id)->required();
}

void add_filter(CLI::App* verb, Words& words) {
  verb->add_option("-q,--text", words.text, "part of the id")->group("Which");
  verb->add_option("--health", words.health, "any of these, with commas")->group("Which");
  verb->add_option("--reason", words.reason, "any of these, with commas")->group("Which");
  verb->add_option("--group", words.group, "of this group")->group("Which");
  verb->add_option("-l,--label", words.label, "key or key=value; all of them, with commas")
      ->group("Which");
  verb->add_option("--kind", words.kind, "can run this kind")->group("Which");
  verb->add_option("--agent", words.version, "runs this version")->group("Which");
  auto* online = verb->add_flag("--online", words.online, "connected ones")->group("Which");
  verb->add_flag("--offline", words.offline, "the others")->group("Which")->excludes(online);
}

void add_action(CLI::App* verb, Words& words) {
  verb->add_option("device", words.ids, "devices by name");
  add_filter(verb, words);
  verb->add_flag("--all", words.all, "every device");
  verb->add_flag("--dry-run", words.dry_run, "only count those that match");
  verb->add_option("--note", words.note, "why");
}

void declare_fleet(Line& line) {
  Noun fleet(line, "fleet", "the fleet as a whole");
  fleet.verb("status", "is it fine, and where is it not", fleet_status, "fleet status -o wide");
  fleet.verb("watch", "a line at each change", fleet_watch, "fleet watch");
  Noun event(line, "event", "what happens");
  event.verb("tail", "as it happens", event_tail, "event tail --device pump-1 -o ndjson")
      ->add_option("--device", line.words.device, "of this device only");
  Noun cloud(line, "cloud", "the cloud itself");
  cloud.verb("show", "its broker, store and counters", cloud_show, "cloud show -o json");
  Noun kind(line, "kind", "kinds of work the cloud runs");
  kind.verb("list", "with their statistics", kind_list, "kind list");
  Noun audit(line, "audit", "who wrote what");
  add_limit(audit.verb("list", "newest first", audit_list, "audit list --limit 20"), line.words);
}

void declare_update(CLI::App* verb, Words& words) {
  verb->add_option("device", words.ids, "devices by name");
  add_filter(verb, words);
  verb->add_flag("--all", words.all, "every device that has an updater");
  verb->add_option("--url", words.url, "of the signed bundle, https")->required();
  verb->add_option("--sha256", words.sha256, "of the bundle, 64 hexadecimal digits")->required();
  verb->add_option("--key", words.key, "repeated with the same key, it is asked for once");
  verb->add_flag("--dry-run", words.dry_run, "only count those that match");
}

void declare_device(Line& line) {
  Noun device(line, "device", "devices");
  Words& words = line.words;
  CLI::App* verb = device.verb("list", "by filter and sort", device_list,
                               "device list --health degraded --sort -backlog");
  add_filter(verb, words);
  verb->add_option("--sort", words.sort, device_sort_words());
  add_limit(verb, words);
  add_id(device.verb("show", "all that is known of one", device_show, "device show pump-1"), words,
         "device");
  device.verb("watch", "each change of one, or of all", device_watch, "device watch pump-1")
      ->add_option("device", words.id);
  verb = device.verb("offloaded", "the tasks it offloaded, newest first", device_offloaded,
                     "device offloaded pump-1");
  add_id(verb, words, "device");
  add_limit(verb, words);
  verb = device.verb("events", "what happened to it", device_events, "device events pump-1");
  add_id(verb, words, "device");
  add_limit(verb, words);
  add_id(device.verb("losses", "its loss ledger", device_losses, "device losses pump-1"), words,
         "device");
  verb = device.verb("sessions", "its connections", device_sessions, "device sessions pump-1");
  add_id(verb, words, "device");
  add_limit(verb, words);
  add_action(device.verb("quarantine", "offer it nothing more", device_quarantine,
                         "device quarantine --group lab --dry-run"),
             words);
  add_action(device.verb("revoke",
                         "as quarantine, for good: its certificate is to be trusted no more; the "
                         "broker's list of revoked ones (crlfile) keeps it from connecting",
                         device_revoke, "device revoke pump-1 --note 'stolen'"),
             words);
  add_action(device.verb("release", "from quarantine or revocation", device_release,
                         "device release pump-1"),
             words);
  add_id(device.verb("drain", "have a connected one take no more tasks; what runs there ends",
                     device_drain, "device drain pump-1"),
         words, "device");
  add_id(device.verb("resume", "have it take tasks again", device_resume, "device resume pump-1"),
         words, "device");
  verb = device.verb("logs", "its agent's newest log lines, asked of it now", device_logs,
                     "device logs pump-1 --limit 20");
  add_id(verb, words, "device");
  add_limit(verb, words);
  verb = device.verb("set-group", "put it in a group", device_set_group,
                     "device set-group --to field -q pump");
  add_action(verb, words);
  verb->add_option("--to", words.to_group, "the group")->required();
  declare_update(
      device.verb("update", "install firmware; device show says how it goes", device_update,
                  "device update --group lab --url https://host/next.raucb --sha256 …"),
      words);
}

void declare_dispatched(Noun& task, Words& words) {
  CLI::App* verb =
      task.verb("submit", "dispatch a task to devices, one each", task_submit,
                "task submit stats.window --input pump.csv --arg window=240 "
                "--group field\n  spwctl task submit echo pump-1 pump-2 --key nightly");
  add_id(verb, words, "kind");
  verb->add_option("device", words.ids, "devices by name; else those that the filter means");
  add_filter(verb, words);
  verb->add_flag("--all", words.all, "every device");
  verb->add_flag("--dry-run", words.dry_run, "only count those that match");
  verb->add_option("--input", words.input, "a file of at most 64 KiB, or - for standard input");
  verb->add_option("--arg", words.args, "name=value of the kind; may be repeated")
      ->type_size(1)
      ->allow_extra_args(false);
  verb->add_option("--task-label", words.task_labels,
                   "key=value, kept with the task and told to its device; may be repeated")
      ->type_size(1)
      ->allow_extra_args(false);
  verb->add_option("--band", words.band, "urgent, high, normal or background");
  verb->add_option("--deadline", words.deadline_s, "seconds until it expires; default: a day");
  verb->add_option("--key", words.key,
                   "the same key, task and devices or filter answer the same group");
  verb = task.verb("dispatched", "those dispatched to devices, newest first", task_dispatched,
                   "task dispatched --state failed");
  verb->add_option("--state", words.state, "waiting, ready, leased, running, succeeded, failed, …");
  verb->add_option("--device", words.device, "to this device");
  verb->add_option("--kind", words.kind, "of this kind");
  verb->add_option("--group", words.group, "of this submission");
  add_limit(verb, words);
  add_limit(task.verb("groups", "submissions to devices, newest first", task_groups,
                      "task groups -o wide"),
            words);
  add_id(task.verb("group", "how far a submission is", task_group,
                   "task group 7f3a9c21d04b55e6-142x3"),
         words, "group");
  add_id(
      task.verb("cancel", "one dispatched to a device or offloaded by one, or a whole submission",
                task_cancel, "task cancel 7f3a9c21d04b55e6-142"),
      words, "task");
  add_id(
      task.verb("retry", "one dispatched to a device, or all of a submission, that did not succeed",
                task_retry,
                "task retry 7f3a9c21d04b55e6-142\n  spwctl task retry 7f3a9c21d04b55e6-142x3"),
      words, "task");
}

void declare_task(Line& line) {
  Noun task(line, "task",
            "tasks that devices offload to the cloud, and those dispatched to devices");
  Words& words = line.words;
  CLI::App* verb = task.verb("offloaded", "those offloaded by devices, newest first",
                             task_offloaded, "task offloaded --failed");
  verb->add_option("--state", words.state, "accepted, running, done or answered");
  verb->add_option("--device", words.device, "of this device");
  verb->add_option("--kind", words.kind, "of this kind");
  verb->add_flag("--failed", words.failed, "those that failed");
  add_limit(verb, words);
  add_id(task.verb("show", "one of them", task_show, "task show 7f3a9c21d04b55e6-142"), words,
         "task");
  add_id(task.verb("why", "why it is placed where it is, or what it waits for", task_why,
                   "task why 7f3a9c21d04b55e6-142"),
         words, "task");
  verb =
      task.verb("trace", "its spans", task_trace,
                "task trace 7f3a9c21d04b55e6-142\n  spwctl task trace 7f3a9c21d04b55e6-142 --otlp "
                "| curl --json @- http://collector:4318/v1/traces");
  add_id(verb, words, "task");
  verb->add_flag("--otlp", words.otlp, "as OTLP/JSON, for a collector");
  task.verb("tail", "as they change", task_tail, "task tail -o ndjson")
      ->add_option("--device", words.device, "of this device only");
  declare_dispatched(task, words);
}

void declare_alert(Line& line) {
  Noun alert(line, "alert", "alerts and their rules");
  Words& words = line.words;
  CLI::App* verb = alert.verb("list", "those firing", alert_list, "alert list --all");
  verb->add_flag("--all", words.all, "also those that are over");
  verb->add_option("--severity", words.severity, "info, warning or critical");
  verb->add_option("--device", words.device, "of this device");
  verb->add_option("--rule", words.rule, "of this rule");
  add_limit(verb, words);
  verb = alert.verb("ack", "say that someone is on it", alert_ack, "alert ack 12 --note 'on it'");
  add_id(verb, words, "alert");
  verb->add_option("--note", words.note, "what is being done");
  verb = alert.verb("silence", "keep quiet for a while", alert_silence,
                    "alert silence --rule hot --device pump-1 --for 3600");
  verb->add_option("--rule", words.rule, "of this rule");
  verb->add_option("--device", words.device, "of this device");
  verb->add_option("--group", words.group, "of this group");
  verb->add_option("--for", words.for_s, "seconds")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 2592000.0));
  verb->add_option("--note", words.note, "why");
  alert.verb("rules", "when alerts fire", alert_rules, "alert rules");
}

void declare_scope(CLI::Option* option) {
  option->check(CLI::IsMember({"read", "operate", "admin"}));
}

void declare_login(Line& line) {
  CLI::App* verb = line.app.add_subcommand(
      "login", "makes the first token of a new cloud, and prints its secret, once");
  verb->add_option(
          "link", line.link,
          "the one-time link that the cloud printed; - reads it from stdin, where no other "
          "user can see it")
      ->capture_default_str();
  line.words.scope = "admin";
  verb->add_option("--name", line.words.name, "what the token is for")->required();
  declare_scope(verb->add_option("--scope", line.words.scope, "read, operate or admin")
                    ->capture_default_str());
  verb->footer(
      "Examples:\n  (umask 077 && spwctl login --name me < link.txt > me.token)\n  spwctl "
      "--token-file me.token fleet status");
  verb->callback([&line] {
    line.command = login;
    line.logs_in = true;
  });
}

void declare_token(Line& line) {
  Noun token(line, "token", "bearer tokens");
  Words& words = line.words;
  CLI::App* verb = token.verb("create", "prints its secret, once", token_create,
                              "token create --name grafana --scope read > grafana.token");
  verb->add_option("--name", words.name, "what it is for")->required();
  declare_scope(verb->add_option("--scope", words.scope, "read, operate or admin")->required());
  verb->add_option("--expires", words.expires_s, "in so many seconds; default: never");
  token.verb("list", "without their secrets", token_list, "token list");
  add_id(token.verb("revoke", "at once, with its sessions", token_revoke, "token revoke 3f9c2d"),
         words, "token");
  Noun session(line, "session", "of browsers");
  session.verb("list", "those that have not ended", session_list, "session list");
  add_id(session.verb("end", "at once, with its streams", session_end, "session end 9a41c07d22ef"),
         words, "session");
}

void declare(Line& line) {
  CLI::App& app = line.app;
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("spwctl ") + kVersion);
  app.add_option("--context", line.choice.context, "which cloud (SPWCTL_CONTEXT)");
  app.add_option("--url", line.choice.url,
                 "its address, also https://host/prefix (SPWCTL_URL; http://127.0.0.1:8480)");
  app.add_option("--token-file", line.choice.token_file,
                 "holds the token; or SPWCTL_TOKEN, never an argument");
  app.add_option("--ca", line.choice.ca, "PEM to trust besides the system's (SPWCTL_CA)");
  app.add_option("-o,--output", line.output, "table, wide, json, ndjson or csv")
      ->check(CLI::IsMember({"table", "wide", "json", "ndjson", "csv"}));
  app.add_flag_callback(
      "--json", [&line] { line.output = "json"; }, "the same as -o json");
  app.footer(
      "Examples:\n  spwctl fleet status\n  spwctl device list --health degraded -o wide\n"
      "  spwctl task tail\n"
      "Exit codes: 0 ok, 1 error, 2 usage, 3 not found, 4 denied, 5 conflict, 6 unreachable,\n"
      "7 partial. Contexts stand in ~/.config/spillway/spwctl.toml.");
  app.fallthrough();
  declare_fleet(line);
  declare_device(line);
  declare_task(line);
  declare_alert(line);
  declare_token(line);
  declare_login(line);
  CLI::App* check = app.add_subcommand("doctor", "what is wrong between here and the fleet");
  check->footer("Examples:\n  spwctl doctor");
  check->callback([&line] { line.command = doctor; });
  CLI::App* contexts = app.add_subcommand("contexts", "the clouds that are known");
  contexts->footer("Examples:\n  spwctl contexts\n  spwctl --context field fleet status");
  contexts->callback([&line] { line.context_list = true; });
  CLI::App* completion = app.add_subcommand("completion", "a script that completes commands");
  completion->add_option("shell", line.shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  completion->footer("Examples:\n  source <(spwctl completion bash)");
  completion->callback([&line] { line.completion = true; });
}

std::string names_of(const CLI::App& app) {
  std::string names;
  for (const CLI::App* sub : app.get_subcommands({})) names += " " + sub->get_name();
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names += " --" + name;
  }
  return names;
}

// Words by noun and verb; zsh reads bash's completion.
std::string completion_script(const CLI::App& app, const std::string& shell) {
  std::string script = shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "";
  script +=
      "# load it with: source <(spwctl completion " + shell +
      ")\n_spwctl() {\n  local path= word i\n  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    word=${COMP_WORDS[i]}\n    [[ $word == -* ]] || path+=\"${path:+ }$word\"\n  done\n"
      "  local words=\n  case $path in\n    '') words='" +
      names_of(app) + "' ;;\n";
  for (const CLI::App* noun : app.get_subcommands({})) {
    for (const CLI::App* verb : noun->get_subcommands({})) {
      script += "    '" + noun->get_name() + " " + verb->get_name() + "'*) words='" +
                names_of(*verb) + "' ;;\n";
    }
    script += "    " + noun->get_name() + ") words='" + names_of(*noun) + "' ;;\n";
  }
  return script +
         "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
         "complete -o default -F _spwctl spwctl\n";
}

// What CLI11 only says to be missing; empty: a noun and its verb are there.
std::string no_such_command(const CLI::App& app) {
  const CLI::App* above = &app;
  std::string name = "spwctl";
  if (!app.get_subcommands().empty()) {
    above = app.get_subcommands().front();
    name += " " + above->get_name();
    if (above->get_subcommands({}).empty() || !above->get_subcommands().empty()) return "";
  }
  std::vector<std::string> names;
  for (const CLI::App* each : above->get_subcommands({})) names.push_back(each->get_name());
  return config::no_such_word(name, app.remaining(true), names);
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int list_contexts(const Console& console, const Contexts& contexts) {
  Listing listing(console, {{"CONTEXT", "name"}, {"URL", "url"}, {"CURRENT", "current"}});
  for (const Context& each : contexts.all) {
    listing.add(json::object{
        {"name", each.name}, {"url", each.url}, {"current", each.name == contexts.current}});
  }
  listing.end();
  return 0;
}

// A command line is there for every user of the machine to read.
std::string login_link(const Line& line, const Surroundings& around) {
  std::string link = line.link;
  if (link == "-" && (!around.in || !std::getline(*around.in, link))) link.clear();
  return link;
}

int perform(const Line& line, const Surroundings& around) {
  Console console{around.out, around.err, kFormats.at(line.output), seconds_now()};
  if (line.completion) {
    around.out << completion_script(line.app, line.shell);
    return 0;
  }
  auto contexts = load_contexts(contexts_path(around.environment));
  if (!contexts) return complain(console, contexts.error());
  if (line.context_list) return list_contexts(console, *contexts);
  auto target = resolve(line.choice, *contexts, around.environment);
  if (!target) return complain(console, target.error());
  auto api = line.logs_in ? Api::log_in(login_link(line, around), target->ca) : Api::open(*target);
  if (!api) return complain(console, api.error());
  // Commands read answers as the interface describes them; the JSON of anything else throws there.
  try {
    return line.command(*api, console, line.words);
  } catch (const std::exception& error) {
    return complain(
        console,
        fail(Code::corrupt, "the answer of " + target->url + " is not as expected (" +
                                error.what() + "); is a spillway-cloud there, of this version?"));
  }
}

// Help and version, which CLI11 throws too, are no errors.
int complain_of(const CLI::App& app, const CLI::ParseError& error, const Surroundings& around) {
  if (error.get_exit_code() == 0) return app.exit(error, around.out, around.err);
  around.err << "spwctl: " << config::wrong_usage(app, error.what()) << "\n";
  return 2;
}

}  // namespace

int run(std::vector<std::string> arguments, const Surroundings& around) {
  Line line;
  declare(line);
  std::reverse(arguments.begin(), arguments.end());
  try {
    line.app.parse(std::move(arguments));
  } catch (const CLI::RequiredError& error) {
    const std::string wrong = no_such_command(line.app);
    if (wrong.empty()) return complain_of(line.app, error, around);
    around.err << "spwctl: " << wrong << "\n";
    return 2;
  } catch (const CLI::ParseError& error) {
    return complain_of(line.app, error, around);
  }
  return perform(line, around);
}

}  // namespace spillway::ctl
