#include <algorithm>

#include "cloud/fleet/fleet_state.h"

// What operators do.
namespace spillway::cloud {
namespace {

constexpr std::size_t kMaxLabels = 32;
constexpr std::size_t kMaxWord = 64;
constexpr std::size_t kMaxNote = 500;

Status check(const DeviceChange& change) {
  auto wrong = [](const char* what) { return fail(Code::invalid_argument, what); };
  if (change.group && change.group->size() > kMaxWord) return wrong("group: at most 64 bytes");
  if (change.note.size() > kMaxNote) return wrong("note: at most 500 bytes");
  if (!change.labels) return {};
  if (change.labels->size() > kMaxLabels) return wrong("labels: at most 32");
  for (const std::string& label : *change.labels) {
    std::size_t equals = label.find('=');
    if (equals == 0 || equals == label.npos || label.size() > 2 * kMaxWord) {
      return wrong("labels: each must read key=value, with at most 128 bytes");
    }
  }
  return {};
}

std::string describe(const DeviceChange& change) {
  std::string text = change.by.empty() ? "" : "by " + change.by;
  auto add = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
  if (change.group) add(change.group->empty() ? "no group" : "group " + *change.group);
  if (change.labels) add("labels");
  if (change.quarantined) add(*change.quarantined ? "quarantined" : "released");
  if (change.revoked) add(*change.revoked ? "revoked" : "restored");
  if (!change.note.empty()) add(change.note);
  return text;
}

void apply(Device& device, const DeviceChange& change) {
  DeviceMarks marks = device.said();
  if (change.group) marks.group = *change.group;
  if (change.labels) {
    marks.labels = *change.labels;
    std::sort(marks.labels.begin(), marks.labels.end());
    marks.labels.erase(std::unique(marks.labels.begin(), marks.labels.end()), marks.labels.end());
  }
  if (change.quarantined) marks.quarantined = *change.quarantined;
  if (change.revoked) marks.revoked = *change.revoked;
  if (!change.note.empty()) marks.note = change.note;
  if (!marks.quarantined && !marks.revoked) marks.note.clear();
  device.marks = std::make_unique<DeviceMarks>(std::move(marks));
  device.revision += 1;
}

Error unknown(const std::string& what, const std::string& name) {
  return fail(Code::not_found, "no " + what + " '" + name.substr(0, 64) + "' is known");
}

}  // namespace

void Fleet::expect(const std::string& name, const DeviceChange& wanted, Done<void> done) {
  State& state = inside();
  if (Result<std::string> good = check_device_id(name); !good) return done(good.error());
  if (Status good = check(wanted); !good) return done(good.error());
  if (state.find_known(name) != DeviceTable::kNone) {
    return done(fail(Code::conflict, "device '" + name + "' is known already"));
  }
  State::Slot slot = state.find_or_add(name);
  if (slot == DeviceTable::kNone) {
    return done(fail(Code::busy, "there are as many devices as this cloud takes"));
  }
  apply(state.table.at(slot), wanted);
  state.note(&state.table.at(slot), FleetEventKind::operator_action,
             "expected " + describe(wanted));
  state.refresh(slot);
  state.answer(std::move(done));
}

void Fleet::change(const std::string& name, const DeviceChange& wanted,
                   std::optional<std::uint64_t> revision, Done<void> done) {
  State& state = inside();
  State::Slot slot = state.find_known(name);
  if (slot == DeviceTable::kNone) return done(unknown("device", name));
  if (Status good = check(wanted); !good) return done(good.error());
  Device& device = state.table.at(slot);
  if (revision && *revision != device.revision) {
    return done(fail(Code::conflict, "device '" + name + "' was changed meanwhile; read it again"));
  }
  apply(device, wanted);
  state.note(&device, FleetEventKind::operator_action, describe(wanted));
  state.touch(slot, true);
  state.heed_bar(slot);
  state.refresh(slot);
  state.watch(slot);
  state.answer(std::move(done));
}

void Fleet::forget(const std::string& name, const std::string& by, Done<void> done) {
  State& state = inside();
  State::Slot slot = state.find_known(name);
  if (slot == DeviceTable::kNone) return done(unknown("device", name));
  // The bar goes with the device, and it would be let in when it comes again.
  if (bar_of(state.table.at(slot).said())) {
    return done(fail(Code::conflict, name + " is quarantined or revoked; release it first, or " +
                                         "keep it: forgotten it would be let in again"));
  }
  state.note(nullptr, FleetEventKind::operator_action, name + " forgotten by " + by);
  state.remove(slot);
  state.answer(std::move(done));
}

std::vector<Alert> Fleet::alerts(const AlertFilter& filter) const {
  AlertFilter bounded = filter;
  bounded.limit = std::clamp(filter.limit, 1U, 1000U);
  return inside().book.list(bounded, inside().wall());
}

void Fleet::acknowledge(std::uint64_t alert, const std::string& by, const std::string& note,
                        Done<void> done) {
  State& state = inside();
  AlertBook::Entry* entry = state.book.find(alert);
  if (!entry) return done(unknown("alert", std::to_string(alert)));
  if (by.size() > kMaxWord || note.size() > kMaxNote) {
    return done(fail(Code::invalid_argument, "note: at most 500 bytes"));
  }
  entry->alert.acknowledged_by = by;
  entry->alert.note = note;
  state.tell_alert(*entry);
  state.answer(std::move(done));
}

void Fleet::silence(Silence silence, Done<std::uint64_t> done) {
  State& state = inside();
  if (!silence.rule.empty() && !state.engine.rule(silence.rule)) {
    std::string there;
    for (const AlertRule& rule : state.engine.rules()) there += " " + rule.id;
    return done(fail(Code::invalid_argument, "rule: none is called '" + silence.rule.substr(0, 64) +
                                                 "'; there are" +
                                                 (there.empty() ? " none" : there)));
  }
  if (!silence.device.empty() && state.find_known(silence.device) == DeviceTable::kNone) {
    return done(
        fail(Code::invalid_argument, "device: " + unknown("device", silence.device).message));
  }
  if (Status added = state.book.add_silence(silence, state.wall()); !added) {
    return done(added.error());
  }
  state.commits.batch().silences.push_back(silence);
  state.news.on_summary();
  state.answer([done = std::move(done), id = silence.id](const Result<void>& stored) {
    done(stored ? Result<std::uint64_t>(id) : stored.error());
  });
}

void Fleet::end_silence(std::uint64_t id, Done<void> done) {
  State& state = inside();
  if (!state.book.drop_silence(id)) return done(unknown("silence", std::to_string(id)));
  state.commits.batch().dropped_silences.push_back(id);
  state.news.on_summary();
  state.answer(std::move(done));
}

std::vector<Silence> Fleet::silences() const { return inside().book.silences(); }
std::vector<AlertRule> Fleet::rules() const { return inside().engine.rules(); }

void Fleet::put_rule(AlertRule rule, Done<void> done) {
  State& state = inside();
  if (Status good = check_rule(rule); !good) return done(good.error());
  bool fresh = !state.engine.rule(rule.id);
  if (fresh && state.engine.rules().size() >= kMaxRules) {
    return done(fail(Code::busy, "there are 200 rules already; drop some first"));
  }
  std::erase(state.commits.batch().dropped_rules, rule.id);
  state.commits.batch().rules.push_back(rule);
  state.take(state.engine.put(std::move(rule)));
  state.answer(std::move(done));
}

void Fleet::drop_rule(const std::string& id, Done<void> done) {
  State& state = inside();
  if (!state.engine.rule(id)) return done(unknown("rule", id));
  state.take(state.engine.drop(id));
  std::erase_if(state.commits.batch().rules, [&](const AlertRule& rule) { return rule.id == id; });
  state.commits.batch().dropped_rules.push_back(id);
  state.answer(std::move(done));
}

}  // namespace spillway::cloud
