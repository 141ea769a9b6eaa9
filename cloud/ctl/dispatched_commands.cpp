#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

#include "cloud/ctl/selector.h"

namespace spillway::ctl {
namespace {

constexpr std::size_t kMaxInput = 64 * 1024;

const std::vector<Column> kDispatchedRow = {{"TASK", "id"},
                                            {"DEVICE", "device"},
                                            {"KIND", "kind"},
                                            {"STATE", "state"},
                                            {"SINCE", "since", As::age},
                                            {"ATTEMPTS", "attempts"},
                                            {"DEADLINE", "deadline"},
                                            {"REASON", "reason", As::plain, true},
                                            {"FAILURE", "last_failure", As::plain, true},
                                            {"BAND", "band", As::plain, true},
                                            {"EPOCH", "epoch", As::plain, true},
                                            {"CREATED", "created", As::age, true}};

const std::vector<Column> kGroup = {{"group", "id"},
                                    {"kind", "kind"},
                                    {"submitted", "created", As::age},
                                    {"tasks", "size"},
                                    {"waiting", "states.waiting"},
                                    {"ready", "states.ready"},
                                    {"leased", "states.leased"},
                                    {"running", "states.running"},
                                    {"succeeded", "states.succeeded"},
                                    {"failed", "states.failed"},
                                    {"cancelled", "states.cancelled"},
                                    {"expired", "states.expired"},
                                    {"forgotten", "forgotten", As::plain, true}};

const std::vector<Column> kGroupRow = {{"GROUP", "id"},
                                       {"KIND", "kind"},
                                       {"SUBMITTED", "created", As::age},
                                       {"TASKS", "size"},
                                       {"SUCCEEDED", "states.succeeded"},
                                       {"FAILED", "states.failed"},
                                       {"RUNNING", "states.running"},
                                       {"READY", "states.ready"},
                                       {"WAITING", "states.waiting", As::plain, true},
                                       {"LEASED", "states.leased", As::plain, true},
                                       {"CANCELLED", "states.cancelled", As::plain, true},
                                       {"EXPIRED", "states.expired", As::plain, true}};

int present_task(const Console& console, const Result<json::value>& task) {
  std::vector<Column> columns = kDispatchedRow;
  for (Column& column : columns) column.wide = false;
  columns.insert(columns.end(), {{"GROUP", "group"},
                                 {"LABELS", "labels", As::list},
                                 {"WAITS", "waits_because"},
                                 {"VALUE", "result.value_text"},
                                 {"ERROR", "result.error.message"}});
  return present(console, task, columns);
}

// A group's id has an x where a task's has none: both are named the same way.
bool is_group(const std::string& id) { return id.find('x') != std::string::npos; }

int change(Api& api, const Console& console, const std::string& id, const std::string& verb) {
  const bool group = is_group(id);
  auto changed = api.call(Method::post, (group ? "/task-groups/" : "/tasks/") + escaped(id) + verb);
  return group ? present(console, changed, kGroup) : present_task(console, changed);
}

Result<std::string> read_input(const std::string& path) {
  std::string text;
  const auto read = [&text](std::istream& in) {
    std::string bytes(kMaxInput + 1, '\0');
    in.read(bytes.data(), std::streamsize(bytes.size()));
    text = bytes.substr(0, std::size_t(in.gcount()));
  };
  if (path == "-") {
    read(std::cin);
  } else {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(Code::not_found, "cannot read " + path);
    read(file);
  }
  if (text.size() <= kMaxInput) return text;
  return fail(Code::invalid_argument, path + " has more than 65536 bytes");
}

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  unsigned held = 0, bits = 0;
  for (char byte : bytes) {
    held = held << 8 | static_cast<unsigned char>(byte);
    for (bits += 8; bits >= 6; bits -= 6) text += kDigits[held >> (bits - 6) & 63];
  }
  if (bits > 0) text += kDigits[held << (6 - bits) & 63];
  return text;
}

Result<json::object> pairs_of(const std::string& option, const std::vector<std::string>& given) {
  json::object pairs;
  for (const std::string& pair : given) {
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos) {
      std::string what = option;
      return fail(Code::invalid_argument, what.append(" ").append(pair).append(": needs a ="));
    }
    pairs[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return pairs;
}

Result<json::object> task_of(const Words& words) {
  json::object task{{"kind", words.id}, {"dry_run", words.dry_run}};
  auto args = pairs_of("--arg", words.args), labels = pairs_of("--task-label", words.task_labels);
  if (!args) return args.error();
  if (!labels) return labels.error();
  if (!args->empty()) task["args"] = *std::move(args);
  if (!labels->empty()) task["labels"] = *std::move(labels);
  if (!words.input.empty()) {
    auto input = read_input(words.input);
    if (!input) return input.error();
    task["input_base64"] = base64(*input);
  }
  if (!words.band.empty()) task["band"] = words.band;
  if (words.deadline_s > 0) task["deadline_s"] = words.deadline_s;
  if (!words.ids.empty()) {
    task["devices"] = json::array(words.ids.begin(), words.ids.end());
  } else {
    task["select"] = selector(words);
  }
  return task;
}

}  // namespace

int show_dispatched(Api& api, const Console& console, const std::string& id) {
  return present_task(console, api.get("/tasks/dispatched/" + escaped(id)));
}

int task_submit(Api& api, const Console& console, const Words& words) {
  if (!names_devices(console, words)) return 2;
  auto task = task_of(words);
  if (!task) return complain(console, task.error());
  cloud::http::Headers headers;
  if (!words.key.empty()) headers.emplace_back("idempotency-key", words.key);
  json::value body = *std::move(task);
  auto outcome = api.call(Method::post, "/tasks/dispatched", &body, headers);
  return present(console, outcome,
                 {{"devices", "matched"}, {"group", "group"}, {"first task", "first_task"}});
}

int task_dispatched(Api& api, const Console& console, const Words& words) {
  std::string path = "/tasks/dispatched", separator = "?";
  const std::pair<const char*, const std::string*> filters[] = {{"state", &words.state},
                                                                {"device", &words.device},
                                                                {"kind", &words.kind},
                                                                {"group", &words.group}};
  for (const auto& [name, value] : filters) {
    if (value->empty()) continue;
    path += separator + name + "=" + escaped(*value);
    separator = "&";
  }
  Listing listing(console, kDispatchedRow);
  Status status = api.list(path, words.limit, [&](const json::value& item) {
    listing.add(item);
    return true;
  });
  if (!status) return complain(console, status.error());
  listing.end();
  return 0;
}

int task_group(Api& api, const Console& console, const Words& words) {
  return present(console, api.get("/task-groups/" + escaped(words.id)), kGroup);
}

int task_cancel(Api& api, const Console& console, const Words& words) {
  return change(api, console, words.id, "/cancel");
}

int task_groups(Api& api, const Console& console, const Words& words) {
  Listing listing(console, kGroupRow);
  Status status = api.list("/task-groups", words.limit, [&](const json::value& item) {
    listing.add(item);
    return true;
  });
  if (!status) return complain(console, status.error());
  listing.end();
  return 0;
}

int task_retry(Api& api, const Console& console, const Words& words) {
  return change(api, console, words.id, "/retry");
}

}  // namespace spillway::ctl
