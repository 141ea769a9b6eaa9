#include "common/owner/offer_book.h"

namespace spillway::owner {

bool OfferBook::on_presence(const wire::Presence& presence) {
  const bool another = !online_ || boot_ != presence.boot || session_ != presence.session;
  online_ = presence.online;
  boot_ = presence.boot;
  session_ = presence.session;
  if (!online_ || !another) return false;
  for (Owed<std::uint64_t>& lane : lanes_) lane.on_session();
  return true;
}

void OfferBook::track(OwnedTask& task, const lifecycle::OwnerTask& was) {
  const lifecycle::LiveAttempt* attempt = here(task.state);
  if (attempt && !here(was)) {
    held_ += 1;
    held_seconds_ += task.seconds_there;
  }
  if (here(was) && !attempt) {
    held_ -= 1;
    // Sums of fractions drift; nothing held is nothing ahead.
    held_seconds_ = held_ == 0 ? 0 : held_seconds_ - task.seconds_there;
  }
  const bool pending = attempt && attempt->offer_pending;
  if (pending && pending_.insert(task.seq).second) pending_bytes_ += task.spec_size();
  if (pending) return;
  if (pending_.erase(task.seq) > 0) pending_bytes_ -= task.spec_size();
  lane(task.urgent()).remove(task.seq, task.owed);
}

}  // namespace spillway::owner
