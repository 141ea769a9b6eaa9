#include "agent/ota/updater.h"

#include <utility>

namespace spillway::ota {
namespace {

constexpr std::chrono::seconds kBetweenLooks{2};

bool runs(UpdatePhase phase) {
  return phase >= UpdatePhase::downloading && phase <= UpdatePhase::installing;
}

std::string other_than(const std::string& slot) { return slot == "A" ? "B" : "A"; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes what `text` begins with: a number without its leading zeros, or what is no number.
std::string_view take_piece(std::string_view& text) {
  const bool number = is_digit(text.front());
  std::size_t end = 0;
  while (end < text.size() && is_digit(text[end]) == number) ++end;
  std::string_view piece = text.substr(0, end);
  text.remove_prefix(end);
  while (number && piece.size() > 1 && piece.front() == '0') piece.remove_prefix(1);
  return piece;
}

bool is_before_a_release(std::string_view rest) {
  return rest.front() == '-' || rest.front() == '~';
}

}  // namespace

Verdict judge(const Health& health, std::chrono::seconds elapsed, const Limits& limits) {
  const bool patient = elapsed >= limits.offline_grace;
  const bool link = health.link_up || !health.needs_link || patient;
  // A full disk is as full under the other version: going back to it would change nothing.
  const bool works = health.task_done || (health.full && patient);
  if (health.answers && works && link) return Verdict::healthy;
  if (elapsed < limits.healthy_within) return Verdict::wait;
  // Cores that long tasks keep for themselves would be as busy under the other version.
  return health.answers && health.busy && link ? Verdict::healthy : Verdict::sick;
}

bool is_older(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const bool numbers = is_digit(a.front()) && is_digit(b.front());
    const std::string_view of_a = take_piece(a), of_b = take_piece(b);
    if (of_a == of_b) continue;
    // 1.0-rc1 and 1.0.1: what comes before a release comes before all that follows it.
    if (!numbers && is_before_a_release(of_a) != is_before_a_release(of_b)) {
      return is_before_a_release(of_a);
    }
    if (numbers && of_a.size() != of_b.size()) return of_a.size() < of_b.size();
    return of_a < of_b;
  }
  if (!b.empty()) return !is_before_a_release(b);
  return !a.empty() && is_before_a_release(a);
}

Progress after_start(Progress kept, const std::string& booted) {
  const bool started = kept.phase == UpdatePhase::installing ||
                       kept.phase == UpdatePhase::rebooting || kept.phase == UpdatePhase::checking;
  if (started && kept.target == booted) {
    kept.phase = UpdatePhase::checking;
  } else if (kept.phase == UpdatePhase::rebooting || kept.phase == UpdatePhase::checking) {
    kept.phase = UpdatePhase::rolled_back;
    kept.detail = "slot " + kept.target + " did not start and get well; back in " + booted;
  }
  return kept;
}

Status Updater::enter(UpdatePhase phase, const std::string& detail) {
  progress_.phase = phase;
  progress_.detail = detail;
  parts_.say(std::string(to_string(phase)) + (detail.empty() ? "" : ": " + detail));
  return spool_.keep(progress_);
}

Result<bool> Updater::start() {
  Result<std::string> booted = parts_.slots.booted();
  if (!booted) return std::move(booted).error();
  Result<Progress> kept = spool_.progress();
  // A damaged note must not keep a device from being updated.
  progress_ = kept ? after_start(*std::move(kept), *booted) : Progress{};
  if (Status entered = enter(progress_.phase, progress_.detail); !entered) {
    parts_.say(entered.error().message);
  }
  return check_health();
}

// Looks again and again, as long as judge() says. Healthy: the slot is marked, and an update that
// led here is good. Sick after an update: leaves the slot and reboots (false). Sick otherwise: this
// start stays unmarked, and requests are still taken up (true).
Result<bool> Updater::check_health() {
  const bool updated = progress_.phase == UpdatePhase::checking;
  const std::chrono::seconds began = parts_.now();
  while (true) {
    const Health health = parts_.device.examine();
    const Verdict verdict = judge(health, parts_.now() - began, limits_);
    if (verdict == Verdict::healthy) break;
    if (verdict == Verdict::sick && updated) {
      parts_.say("not healthy in time; going back to the other slot");
      if (Status left = parts_.slots.leave_booted(); !left) return std::move(left).error();
      if (Status booting = parts_.slots.reboot(); !booting) return std::move(booting).error();
      return false;
    }
    if (verdict == Verdict::sick) {
      // The next update may be the remedy; until then the watchdog decides.
      parts_.say("not healthy in time; this start is not marked good");
      return true;
    }
    parts_.sleep(kBetweenLooks);
  }
  if (Status marked = parts_.slots.mark_good(); !marked) return std::move(marked).error();
  parts_.known_good();
  if (updated) {
    if (Status kept = enter(UpdatePhase::good, "slot " + progress_.target); !kept) {
      parts_.say(kept.error().message);
    }
    parts_.source.forget();
  }
  return true;
}

Result<bool> Updater::step() {
  for (const bool from_agent : {false, true}) {
    Result<bool> taken = take_up(from_agent);
    if (!taken) return taken;
    if (*taken) break;
  }
  if (!runs(progress_.phase)) return false;
  return progress_.request.action == Request::Action::install ? install() : roll_back();
}

// Takes up a request that lies there; true: progress_ is that one's.
Result<bool> Updater::take_up(bool from_agent) {
  const Spool from = from_agent ? spool_.inbox() : spool_;
  Result<std::optional<Request>> asked = from.request();
  if (asked && !*asked) return false;
  if (asked && from_agent) {
    (*asked)->from_agent = true;
    if (Status may = check_agents(**asked); !may) asked = std::move(may).error();
  }
  if (!asked) return refuse(from, asked.error());
  // The note comes first: a cut between the two takes the request up twice, which changes nothing.
  progress_ = Progress{UpdatePhase::downloading, **asked, "", ""};
  const Status kept = spool_.keep(progress_);
  if (Status dropped = from.drop_request(); !dropped) return std::move(dropped).error();
  if (!kept) return give_up(kept.error());
  return true;
}

// What cannot even be removed, such as a directory that the agent's user made, is no request: it is
// said once, and whatever else is asked for goes on.
Result<bool> Updater::refuse(const Spool& from, const Error& why) {
  const Status dropped = from.drop_request();
  if (dropped) {
    progress_ = Progress{};
    return give_up(why);
  }
  if (std::string now = dropped.error().message; now != in_the_way_) {
    in_the_way_ = std::move(now);
    parts_.say(in_the_way_ + "; no request can be left there until it is removed");
  }
  return false;
}

Result<bool> Updater::give_up(const Error& why) {
  parts_.source.forget();
  if (Status resumed = parts_.device.resume(); !resumed) parts_.say(resumed.error().message);
  if (Status kept = enter(UpdatePhase::failed, why.message); !kept)
    parts_.say(kept.error().message);
  return false;
}

// An old version that was signed once, with faults that are known by now, is signed for ever.
Status Updater::check_version(const std::string& bundle) {
  if (!progress_.request.from_agent) return {};
  Result<std::string> version = parts_.slots.version_of(bundle);
  if (!version) return std::move(version).error();
  if (!is_older(*version, parts_.version)) return {};
  return fail(Code::denied, "the bundle has version " + *version + ", older than the " +
                                parts_.version +
                                " that runs; only root goes back, by: spillway ota install FILE");
}

// Goes from the download to the reboot (true), each phase kept on disk before it begins. A kill
// leaves its phase, and the next step() begins again with the download. What fails on the way gives
// up: the agent works again, and what was fetched is removed (false).
Result<bool> Updater::install() {
  Result<std::string> booted = parts_.slots.booted();
  if (!booted) return give_up(booted.error());
  progress_.target = other_than(*booted);
  if (Status kept = enter(UpdatePhase::downloading, progress_.request.source); !kept) {
    return give_up(kept.error());
  }
  Result<std::string> bundle = parts_.source.fetch(progress_.request);
  if (!bundle) return give_up(bundle.error());
  if (Status kept = enter(UpdatePhase::verifying); !kept) return give_up(kept.error());
  if (Status right = parts_.source.verify(progress_.request, *bundle); !right) {
    return give_up(right.error());
  }
  if (Status newer = check_version(*bundle); !newer) return give_up(newer.error());
  if (Status kept = enter(UpdatePhase::draining); !kept) return give_up(kept.error());
  // An agent that does not answer cannot be drained, and may be what the update repairs.
  if (Status drained = parts_.device.drain(); !drained) parts_.say(drained.error().message);
  if (Status kept = enter(UpdatePhase::installing, "slot " + progress_.target); !kept) {
    return give_up(kept.error());
  }
  if (Status installed = parts_.slots.install(*bundle); !installed) {
    return give_up(installed.error());
  }
  if (Status kept = enter(UpdatePhase::rebooting, "slot " + progress_.target); !kept) {
    parts_.say(kept.error().message);
  }
  if (Status booting = parts_.slots.reboot(); !booting) return give_up(booting.error());
  return true;
}

Result<bool> Updater::roll_back() {
  Result<std::string> booted = parts_.slots.booted();
  if (!booted) return give_up(booted.error());
  progress_.target = other_than(*booted);
  if (Status drained = parts_.device.drain(); !drained) parts_.say(drained.error().message);
  if (Status kept = enter(UpdatePhase::rebooting, "back to slot " + progress_.target); !kept) {
    return give_up(kept.error());
  }
  if (Status left = parts_.slots.leave_booted(); !left) return give_up(left.error());
  if (Status booting = parts_.slots.reboot(); !booting) return give_up(booting.error());
  return true;
}

}  // namespace spillway::ota
