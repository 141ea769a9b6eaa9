#include "agent/node/cloud_place.h"

#include <algorithm>
#include <cstdio>

#include "common/base/kind_ref.h"

namespace spillway::agent {
namespace {

constexpr std::size_t kLearnBytes = 8 * 1024;      // smaller inputs say nothing of bandwidth
constexpr std::size_t kUsualLargest = 128 * 1024;  // bytes; no task is larger

std::string seconds(Duration span) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", double(span.count()) / 1e6);
  return text;
}

std::string refusal_of(wire::Standing standing) {
  const std::string who = "the cloud refuses this device: an operator has ";
  switch (standing) {
    case wire::Standing::welcome: break;  // the cloud did not say
    case wire::Standing::quarantined: return who + "quarantined it";
    case wire::Standing::revoked: return who + "revoked it";
  }
  return who + "quarantined or revoked it";
}

}  // namespace

CloudPlace::CloudPlace(const NodeOptions& options, const NodeParts& parts, owner::Owner& owner,
                       Models& models, const std::unique_ptr<DeviceSession>& session)
    : options_(options),
      parts_(parts),
      owner_(owner),
      models_(models),
      session_(session),
      book_(owner.book(kCloudName)) {}

placement::Place CloudPlace::place() const {
  placement::Place place;
  if (!session_) return place;
  place.id = book_.id();
  place.reachable = reachable();
  if (online() && bars()) {
    place.unreachable_because = refuses_;
  } else if (!place.reachable) {
    place.unreachable_because = session_->up() ? "the cloud is away" : "the link is down";
  }
  const wire::Credits& credits = book_.credits();
  place.outstanding = book_.held();
  place.queued_bytes = book_.pending_bytes();
  place.unacknowledged = oldest_offer();
  if (starved_since_ != kNever) place.starved = owner_.now() - starved_since_;
  place.workers = std::max(1U, credits.workers);
  place.idle = book_.room();
  place.memory = presence_.memory;
  place.largest = session_->connection().largest_item();
  place.tags = presence_.tags;
  place.kinds = kinds_;
  // What the cloud said last, or what we sent since, whichever is more.
  const double said = double(credits.queue_delay.count()) / 1e6;
  const double ours = book_.held_seconds() / place.workers;
  place.queue.median = std::max(said, book_.held() >= place.workers ? ours : 0);
  place.queue.high = 2 * place.queue.median;
  return place;
}

PlaceView CloudPlace::view() const {
  const placement::Place place = this->place();
  const link::Connection& connection = session_->connection();
  const placement::LinkModel& link = models_.placement().link();
  const NodeTime now = owner_.now();
  PlaceView view;
  view.place = book_.place();
  view.name = book_.place();
  view.reachable = place.reachable && refuses_.empty();
  const std::string age = seconds(now - since_);
  if (view.reachable) {
    view.state = "connected for " + age;
  } else if (online() && !refuses_.empty()) {
    view.state = refuses_ + "; asked again " +
                 (bars() ? "in " + seconds(refuses_until_ - now) : "with a task");
  } else if (connection.up()) {
    view.state = "broker connected, cloud away for " + age;
  } else {
    view.state = "link down for " + age;
    if (!connection.last_problem().empty()) view.state += ": " + connection.last_problem();
    if (connection.next_timer() != kNever) {
      view.state += "; next try in " + seconds(connection.next_timer() - now);
    }
  }
  view.workers = place.workers;
  view.memory = place.memory;
  view.running = book_.held();
  view.credits = place.idle;
  view.queue_delay = Duration(std::int64_t(place.queue.median * 1e6));
  view.rtt = link.rtt();
  view.bandwidth_up = link.bandwidth();
  view.tags = place.tags;
  view.kinds = names_of(place.kinds);
  return view;
}

bool CloudPlace::runs(const KindRef& kind) const { return has_kind(kinds_, kind); }

Duration CloudPlace::oldest_offer() const {
  NodeTime oldest = kNever;
  for (std::uint64_t seq : book_.pending()) {
    const NodeTime offered = owner_.at(seq).away_at(book_.id())->offered;
    if (offered != NodeTime{}) oldest = std::min(oldest, offered);
  }
  return oldest == kNever ? Duration::zero() : owner_.now() - oldest;
}

void CloudPlace::look_for_credits(const placement::Place& place) {
  const bool starved = place.reachable && place.idle == 0;
  if (!starved) starved_since_ = kNever;
  if (starved && starved_since_ == kNever) starved_since_ = owner_.now();
}

void CloudPlace::on_up() {
  since_ = owner_.now();
  link_problem_.clear();
  say_largest();
}

// Reports, once per change, that what the broker does not carry runs here, or waits.
void CloudPlace::say_largest() {
  const std::size_t largest = session_->connection().largest_item();
  if (largest >= kUsualLargest || std::exchange(said_largest_, largest) == largest) return;
  parts_.report("the broker carries tasks of at most " + std::to_string(largest) +
                " bytes; larger ones run on this device, if they can");
}

void CloudPlace::on_link_down(const Error& reason) {
  const bool was = online();
  book_.on_gone();
  next_probe_ = kNever;
  probe_sent_ = {};  // it went with the link, which is told otherwise
  forget_bar();
  if (was) {
    since_ = owner_.now();
    parts_.report("the link went down: " + reason.message);
  } else if (reason.message != link_problem_) {
    // Attempts go on; each cause is said once.
    parts_.report("no connection to the broker: " + reason.message);
  }
  link_problem_ = reason.message;
  take_back_offers();
}

bool CloudPlace::on_presence(const wire::Presence& presence) {
  const bool was = online();
  const bool another = owner_.offers().on_presence(book_, presence);
  presence_ = presence;
  kinds_.clear();
  for (const wire::KindInfo& kind : presence.kinds) kinds_.push_back(kind.ref());
  std::sort(kinds_.begin(), kinds_.end());
  if (was != presence.online) since_ = owner_.now();
  if (!presence.online || another) forget_bar();
  if (!presence.online) {
    parts_.report(presence.graceful ? "the cloud went away, announced" : "the cloud went away");
    take_back_offers();
  } else if (another) {
    if (!was) parts_.report("the cloud is there");
    next_probe_ = owner_.now();
  }
  return another;
}

void CloudPlace::take_back_offers() {
  owner_.offers().take_back(book_, "the link went down before the cloud took it");
}

void CloudPlace::forget_leases() {
  owner_.offers().lose_leases(book_, "the cloud has forgotten it: its state is another one", true);
}

void CloudPlace::on(const wire::Accept& item) {
  let_in();
  owner::OwnedTask* task = owner_.own(item.id) ? owner_.find(item.id.seq) : nullptr;
  const lifecycle::LiveAttempt* out = task ? task->state.attempt(item.epoch) : nullptr;
  if (out && out->offer_pending && out->place == book_.id()) {
    learn_transfer(task->spec_size(), task->away_at(book_.id())->offered);
  }
  owner_.offers().on(book_, item);
}

void CloudPlace::on(const wire::Nack& item) {
  if (item.reason != lifecycle::NackReason::barred) return owner_.offers().on(book_, item);
  note_barred(std::string(refuses_), item.retry_after);
  // No task has to wait for that: it is the cloud that is no place for any.
  owner::OwnedTask* task = owner_.offers().leased(book_, item.id, item.epoch);
  if (!task) return;
  owner_.apply(*task, lifecycle::withdraw(task->state, item.epoch, owner_.tick()),
               {refuses_, Code::unavailable});
}

void CloudPlace::on(const wire::Credits& item) {
  owner_.offers().on(book_, item);
  set_rate();
}

void CloudPlace::set_rate() {
  const std::uint64_t own = options_.link.bandwidth, granted = book_.credits().rate;
  session_->connection().set_rate(own == 0 || granted == 0 ? std::max(own, granted)
                                                           : std::min(own, granted));
}

void CloudPlace::came(const owner::OwnedTask& task, const wire::ResultItem& item) {
  models_.learn_run(task, book_.id(), item.report.ran, owner_.now());
  done_ += 1;
}

double CloudPlace::seconds_there(const owner::OwnedTask& task) const {
  return models_.placement()
      .run_time(task.spec->kind.name, book_.id(), task.work, owner_.now())
      .median;
}

void CloudPlace::learn_transfer(std::size_t bytes, NodeTime offered) {
  placement::LinkModel& link = models_.placement().link();
  if (bytes < kLearnBytes) return;
  const Duration took = owner_.now() - offered - link.rtt();
  link.learn_transfer(bytes, std::max(took, Duration(1)), owner_.now());
}

void CloudPlace::on(const wire::Echo& item) {
  if (!item.reply) {
    session_->send_ack(wire::Echo{item.token, true, {}});
    return;
  }
  if (item.token != probe_token_ || probe_sent_ == NodeTime{}) return;
  models_.placement().link().learn_round_trip(owner_.now() - probe_sent_, owner_.now());
  probe_sent_ = {};
  note_probe(false);
}

// A tenth of each says how it is of late.
void CloudPlace::note_probe(bool lost) {
  probe_loss_ = 0.9 * probe_loss_.value_or(0) + (lost ? 0.1 : 0);
}

void CloudPlace::probe() {
  next_probe_ = owner_.now() + options_.placement.probe_interval;
  if (!online() || options_.link.metered) return;
  // The one before was not answered, in all the time since.
  if (probe_sent_ != NodeTime{}) note_probe(true);
  probe_token_ = parts_.random();
  probe_sent_ = owner_.now();
  session_->send_ack(wire::Echo{probe_token_, false, {}});
}

// `why` is empty when it did not say.
void CloudPlace::note_barred(const std::string& why, Duration ask_again) {
  refuses_ = why.empty() ? refusal_of(wire::Standing::welcome) : why;
  refuses_until_ = owner_.now() + ask_again;
  const bool news = why.empty() ? said_refusal_.empty() : said_refusal_ != why;
  if (!news) return;
  said_refusal_ = refuses_;
  parts_.report(refuses_);
}

void CloudPlace::let_in() {
  forget_bar();
  if (!std::exchange(said_refusal_, "").empty()) {
    parts_.report("the cloud takes this device's tasks again");
  }
}

// An operator's bar goes with the session that told it: the next one tells it again.
void CloudPlace::forget_bar() {
  refuses_.clear();
  refuses_until_ = {};
}

// A hint. Who does not hear it learns the same from the answers to its offers.
void CloudPlace::on(const wire::StandingNotice& notice) {
  if (notice.standing == wire::Standing::welcome) {
    let_in();
  } else {
    note_barred(refusal_of(notice.standing), notice.ask_again);
    owner_.offers().lose_leases(book_, refuses_, true);
  }
  parts_.wake();
}

}  // namespace spillway::agent
