#include "agent/ota/updater.h"

#include <utility>

namespace spillway::ota {
namespace {

constexpr std::chrono::seconds kBetweenLooks{2};

bool runs(Phase phase) { return phase >= Phase::downloading && phase <= Phase::installing; }

std::string other_than(const std::string& slot) { return slot == "A" ? "B" : "A"; }

}  // namespace

Verdict judge(const Health& health, std::chrono::seconds elapsed, const Limits& limits) {
  const bool patient = elapsed >= limits.offline_grace;
  const bool link = health.link_up || !health.needs_link || patient;
  // A full disk is as full under the other version: going back to it would change nothing.
  const bool works = health.task_done || (health.full && patient);
  if (health.answers && works && link) return Verdict::healthy;
  return elapsed < limits.healthy_within ? Verdict::wait : Verdict::sick;
}

Progress after_start(Progress kept, const std::string& booted) {
  const bool started = kept.phase == Phase::installing || kept.phase == Phase::rebooting ||
                       kept.phase == Phase::checking;
  if (started && kept.target == booted) {
    kept.phase = Phase::checking;
  } else if (kept.phase == Phase::rebooting || kept.phase == Phase::checking) {
    kept.phase = Phase::rolled_back;
    kept.detail = "slot " + kept.target + " did not start and get well; back in " + booted;
  }
  return kept;
}

Status Updater::enter(Phase phase, const std::string& detail) {
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

Result<bool> Updater::check_health() {
  const bool updated = progress_.phase == Phase::checking;
  for (std::chrono::seconds elapsed{0};; elapsed += kBetweenLooks) {
    const Verdict verdict = judge(parts_.device.examine(), elapsed, limits_);
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
    if (Status kept = enter(Phase::good, "slot " + progress_.target); !kept) {
      parts_.say(kept.error().message);
    }
    parts_.source.forget();
  }
  return true;
}

Result<bool> Updater::step() {
  for (const Spool& from : {spool_, spool_.inbox()}) {
    Result<bool> taken = take_up(from);
    if (!taken) return taken;
    if (*taken) break;
  }
  if (!runs(progress_.phase)) return false;
  return progress_.request.action == Request::Action::install ? install() : roll_back();
}

// True: progress_ is a new request's.
Result<bool> Updater::take_up(const Spool& from) {
  Result<std::optional<Request>> asked = from.request();
  if (asked && !*asked) return false;
  progress_ = Progress{};
  Status kept;
  if (asked) {
    // The note comes first: a cut between the two takes the request up twice, which changes
    // nothing.
    progress_ = Progress{Phase::downloading, **asked, "", ""};
    kept = spool_.keep(progress_);
  } else {
    kept = asked.error();
  }
  if (Status dropped = from.drop_request(); !dropped) return std::move(dropped).error();
  if (!kept) return give_up(kept.error());
  return true;
}

Result<bool> Updater::give_up(const Error& why) {
  parts_.source.forget();
  if (Status resumed = parts_.device.resume(); !resumed) parts_.say(resumed.error().message);
  if (Status kept = enter(Phase::failed, why.message); !kept) parts_.say(kept.error().message);
  return false;
}

Result<bool> Updater::install() {
  Result<std::string> booted = parts_.slots.booted();
  if (!booted) return give_up(booted.error());
  progress_.target = other_than(*booted);
  if (Status kept = enter(Phase::downloading, progress_.request.source); !kept) {
    return give_up(kept.error());
  }
  Result<std::string> bundle = parts_.source.fetch(progress_.request);
  if (!bundle) return give_up(bundle.error());
  if (Status kept = enter(Phase::verifying); !kept) return give_up(kept.error());
  if (Status right = parts_.source.verify(progress_.request, *bundle); !right) {
    return give_up(right.error());
  }
  if (Status kept = enter(Phase::draining); !kept) return give_up(kept.error());
  // An agent that does not answer cannot be drained, and may be what the update repairs.
  if (Status drained = parts_.device.drain(); !drained) parts_.say(drained.error().message);
  if (Status kept = enter(Phase::installing, "slot " + progress_.target); !kept) {
    return give_up(kept.error());
  }
  if (Status installed = parts_.slots.install(*bundle); !installed) {
    return give_up(installed.error());
  }
  if (Status kept = enter(Phase::rebooting, "slot " + progress_.target); !kept) {
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
  if (Status kept = enter(Phase::rebooting, "back to slot " + progress_.target); !kept) {
    return give_up(kept.error());
  }
  if (Status left = parts_.slots.leave_booted(); !left) return give_up(left.error());
  if (Status booting = parts_.slots.reboot(); !booting) return give_up(booting.error());
  return true;
}

}  // namespace spillway::ota
