#include "common/config/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/config/nearest.h"
#include "common/config/state.h"

namespace spillway::config {
namespace {

constexpr std::size_t kLargest = 1024 * 1024;

Error cannot_read(const std::string& path, int error) {
  Code code = error == ENOENT ? Code::not_found : error == EACCES ? Code::denied : Code::io;
  return fail(code, path + ": cannot be read: " + std::strerror(error));
}

Result<std::string> read_all(int descriptor, const std::string& path) {
  std::string text;
  char block[4096];
  while (text.size() <= kLargest) {
    ssize_t got = ::read(descriptor, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read(path, errno);
    if (got == 0) return text;
    text.append(block, static_cast<std::size_t>(got));
  }
  return fail(Code::invalid_argument, path + ": larger than 1 MiB");
}

std::string suggestion(std::string_view given, const std::vector<std::string>& names) {
  std::string near = nearest(given, names);
  if (!near.empty()) return "; did you mean '" + near + "'?";
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "; known are " : ", ") + name;
  return all;
}

using Names = std::set<std::string, std::less<>>;

void check_keys(File::State& state, const Value& table, const std::string& section,
                const Names& known) {
  for (const Value& item : table.items) {
    if (known.contains(item.key)) continue;
    state.report(item.line, section + "." + quoted(item.key) + ": no such key" +
                                suggestion(item.key, {known.begin(), known.end()}));
  }
}

}  // namespace

const Value* Value::find(std::string_view name) const {
  auto found =
      std::find_if(items.begin(), items.end(), [&](const Value& item) { return item.key == name; });
  return found == items.end() ? nullptr : &*found;
}

Result<File> File::parse(std::string_view text, std::string name) {
  Result<Value> root = parse_toml(text, name);
  if (!root) return root.error();
  return File(std::make_shared<State>(State{std::move(name), *std::move(root), {}, {}, {}, {}}));
}

Result<File> File::read(const std::string& path) {
  // Non-blocking, so that a pipe cannot hold up the start; it is refused below.
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return cannot_read(path, errno);
  struct stat info {};
  bool regular = ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
  Result<std::string> text = regular ? read_all(descriptor, path)
                                     : fail(Code::invalid_argument, path + ": not a regular file");
  ::close(descriptor);
  if (!text) return text.error();
  return parse(*text, path);
}

Section File::section(std::string_view name) {
  state_->known.try_emplace(std::string(name));
  const Value* table = state_->root.find(name);
  if (table && table->shape != Value::Shape::table) {
    state_->report(table->line, std::string(name) + ": must be a section, [" + std::string(name) +
                                    "], and there is only one");
    table = nullptr;
  }
  return Section(state_, std::string(name), table);
}

std::vector<Section> File::sections(std::string_view name) {
  state_->known.try_emplace(std::string(name));
  const Value* list = state_->root.find(name);
  if (!list) return {};
  std::vector<Section> sections;
  bool all_tables = list->shape == Value::Shape::list;
  for (const Value& item : list->items) {
    all_tables = all_tables && item.shape == Value::Shape::table;
    if (all_tables) sections.push_back(Section(state_, std::string(name), &item));
  }
  if (all_tables) return sections;
  state_->report(list->line, std::string(name) + ": each begins with [[" + std::string(name) +
                                 "]], in two brackets");
  return {};
}

Status File::finish() {
  for (const Value& top : state_->root.items) {
    auto known = state_->known.find(top.key);
    if (known == state_->known.end()) {
      std::vector<std::string> names;
      for (const auto& each : state_->known) names.push_back(each.first);
      state_->report(top.line, quoted(top.key) + ": no such section" + suggestion(top.key, names));
    } else if (top.shape == Value::Shape::table) {
      check_keys(*state_, top, top.key, known->second);
    } else {
      for (const Value& each : top.items) check_keys(*state_, each, top.key, known->second);
    }
  }
  if (!state_->first) return {};
  return fail(Code::invalid_argument, state_->name + ":" + std::to_string(state_->first->line) +
                                          ": " + state_->first->text);
}

std::vector<std::string> File::known_keys() const {
  std::vector<std::string> names;
  for (const auto& [section, keys] : state_->known) {
    for (const std::string& key : keys) {
      std::string& name = names.emplace_back(section);
      name.append(".").append(key);
    }
  }
  return names;
}

std::vector<std::string> File::reloaded_keys() const {
  return {state_->reloaded.begin(), state_->reloaded.end()};
}

const Settings& File::settings() const { return state_->settings; }

}  // namespace spillway::config
