#include "common/owner/offer_book.h"

namespace spillway::owner {

bool OfferBook::on_presence(const wire::Presence& presence) {
  const bool another = !online_ || boot_ != presence.boot || session_ != presence.session;
  const bool known = session_ != 0;
  if (!presence.online || (another && known)) credits_ = {};
  online_ = presence.online;
  boot_ = presence.boot;
  session_ = presence.session;
  if (!online_ || !another) return false;
  for (Owed<std::uint64_t>& lane : lanes_) lane.on_session();
  return true;
}

void OfferBook::track(OwnedTask& task) {
  const lifecycle::LiveAttempt* attempt = here(task.state);
  Away* out = task.away_at(id_);
  if (!attempt && !out) return;
  if (!out) {
    out = &task.away.emplace_back(Away{this, id_, task.seconds_there, {}, {}});
    held_ += 1;
    held_seconds_ += out->seconds;
  }
  const bool pending = attempt && attempt->offer_pending;
  if (pending && pending_.insert(task.seq).second) pending_bytes_ += task.spec_size();
  if (pending) return;
  if (pending_.erase(task.seq) > 0) pending_bytes_ -= task.spec_size();
  lane(task.urgent()).remove(task.seq, out->owed);
  if (attempt) return;
  held_ -= 1;
  // Sums of fractions drift; nothing held is nothing ahead.
  held_seconds_ = held_ == 0 ? 0 : held_seconds_ - out->seconds;
  task.away.erase(task.away.begin() + (out - task.away.data()));
}

}  // namespace spillway::owner
