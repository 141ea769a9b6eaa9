#include "common/kinds/registry.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <new>

#include "common/kinds/args.h"
#include "common/kinds/nearest.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kMaxName = 64;

bool is_word_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

bool is_kind_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  bool word_open = false;
  for (char c : name) {
    if (!is_word_char(c) && (c != '.' || !word_open)) return false;
    word_open = c != '.';
  }
  return word_open;
}

// Reads an arg as the kind itself would; the reader remembers what is wrong.
void read_as(ArgReader& reader, const KindArg& arg) {
  const bool counts = arg.type == KindArg::Type::count;
  const auto least = static_cast<std::uint64_t>(counts ? arg.least : 0);
  const auto most = static_cast<std::uint64_t>(counts ? arg.most : 0);
  switch (arg.type) {
    case KindArg::Type::text: reader.text(arg.name); return;
    case KindArg::Type::texts: reader.texts(arg.name); return;
    case KindArg::Type::count: reader.optional_count(arg.name, least, most); return;
    case KindArg::Type::number: reader.number(arg.name, 0, arg.least, arg.most); return;
    case KindArg::Type::numbers: reader.numbers(arg.name, {}, arg.least, arg.most); return;
    case KindArg::Type::choice:
      reader.choice(arg.name, {arg.words.begin(), arg.words.end()});
      return;
  }
}

// Refuses the declaration of an arg that no check can be made of.
Status check_declared(const KindArg& arg) {
  const bool counts = arg.type == KindArg::Type::count;
  const bool span = arg.least <= arg.most && (!counts || (arg.least >= 0 && arg.most <= 1e15));
  if (!arg.name.empty() && arg.name.size() <= kMaxName && span &&
      (arg.type != KindArg::Type::choice || !arg.words.empty())) {
    return {};
  }
  return fail(Code::invalid_argument,
              "arg '" + arg.name.substr(0, kMaxName) +
                  "' needs a name of at most 64 characters, a range from least to most (counts: "
                  "within 0 to 1e15), and for a choice its words");
}

Status read_args(const Kind& kind, const Labels& args) {
  if (!kind.args || args.empty()) return {};
  ArgReader reader(args);
  for (const KindArg& arg : *kind.args) read_as(reader, arg);
  return reader.finish();
}

Error escaped(const Kind& kind, std::string_view what) {
  return fail(Code::internal, kind.name + ": threw an exception: " + std::string(what));
}

}  // namespace

Status KindRegistry::add(const Kind& kind) {
  if (!is_kind_name(kind.name)) {
    return fail(Code::invalid_argument, "'" + kind.name.substr(0, kMaxName) +
                                            "' is not a kind's name: words of a-z, 0-9 and '_', "
                                            "joined by '.', at most 64 characters");
  }
  if (!kind.run) return fail(Code::invalid_argument, kind.name + ": has nothing to run");
  for (const KindArg& arg : kind.args.value_or(std::vector<KindArg>())) {
    if (Status good = check_declared(arg); !good) {
      return fail(good.error().code, kind.name + ": " + good.error().message);
    }
  }
  auto [where, added] = kinds_.try_emplace(kind.name, kind);
  if (added) return {};
  return fail(Code::conflict, where->first + ": a kind of this name exists already; rename one");
}

const Kind* KindRegistry::find(std::string_view name) const {
  auto found = kinds_.find(name);
  return found == kinds_.end() ? nullptr : &found->second;
}

const Kind* KindRegistry::find(const KindRef& asked) const {
  const Kind* kind = find(std::string_view(asked.name));
  return kind && kind->ref().satisfies(asked) ? kind : nullptr;
}

std::vector<const Kind*> KindRegistry::list() const {
  std::vector<const Kind*> all;
  all.reserve(kinds_.size());
  for (const auto& [name, kind] : kinds_) all.push_back(&kind);
  return all;
}

Result<const Kind*> require_kind(const KindRegistry& registry, const KindRef& asked) {
  if (const Kind* kind = registry.find(asked)) return kind;
  const std::string_view name = asked.name;
  if (const Kind* other = registry.find(name)) {
    return fail(Code::not_found, "there is no " + to_string(asked) + " here, but " +
                                     to_string(other->ref()) +
                                     "; ask for that, or for the name alone");
  }
  std::vector<std::string_view> names;
  for (const Kind* kind : registry.list()) names.push_back(kind->name);
  return fail(Code::not_found, "there is no kind '" + std::string(name.substr(0, kMaxName)) + "'" +
                                   did_you_mean(name, names));
}

Status check_args(const Kind& kind, const Labels& args) {
  Status good = read_args(kind, args);
  if (good) return good;
  return fail(good.error().code, kind.name + ": " + good.error().message);
}

double work_of(const Kind& kind, std::size_t input_bytes, const Labels& args) {
  double fallback = 1.0 + static_cast<double>(input_bytes);
  if (!kind.work) return fallback;
  try {
    double work = kind.work(input_bytes, args);
    return std::isfinite(work) && work > 0 ? work : fallback;
  } catch (...) {
    return fallback;
  }
}

Result<Bytes> run_kind(const Kind& kind, KindContext& context) {
  try {
    // Args that an older node took, or this one before the kind was changed, were not checked.
    if (Status good = read_args(kind, context.args()); !good) return good.error();
    return kind.run(context);
  } catch (const std::bad_alloc&) {
    return fail(Code::busy, kind.name + ": ran out of memory; give it less input");
  } catch (const std::exception& thrown) {
    return escaped(kind, thrown.what());
  } catch (...) {
    return escaped(kind, "of an unknown type");
  }
}

}  // namespace spillway::kinds
