#include "agent/node/node.h"

namespace spillway::agent {
namespace {

constexpr Duration kClonedShown = std::chrono::minutes(10);  // after the last sign of it
constexpr std::size_t kMostPeers = 16;                       // stores of clouds that are remembered

}  // namespace

// The cloud cannot know that an earlier copy of its state was put back: who remembers tells it.
void Node::look_at_life(const wire::Presence& cloud) {
  const Lineage& told = cloud.lineage;
  if (told.lives.empty()) return;
  if (!peers_.contains(told.store) && peers_.size() >= kMostPeers) return;
  KnownLife& known = peers_[told.store];
  const KnownLife was = known;
  const bool another = was.number == 0 && peers_.size() > 1;
  learn(known, told);
  if (known == was) return;
  journal().heard_of(known);
  parts_.wake();
  if (compare(was, told) == LifeChange::restored) {
    parts_.report(
        "the cloud's state was put back to an earlier copy: what it was told since, it has "
        "forgotten");
    session_->send_ack(wire::LifeNotice{told.lives.front(), wire::LifeRemark::restored});
  } else if (another) {
    parts_.report("the cloud has another store than before: tasks it had for devices are gone");
  }
}

// What the cloud makes of this device's birth.
void Node::on(const wire::LifeNotice& notice) {
  if (notice.life != owner_.lives().current().origin) return;
  if (notice.remark == wire::LifeRemark::cloned) {
    const bool news = now() >= cloned_until_;
    cloned_until_ = now() + kClonedShown;
    begun_anew_.reset();  // it was the other one's store that differed
    if (news) parts_.report(life_problem());
    return;
  }
  if (begun_anew_) return;
  begun_anew_ = notice.remark;
  parts_.report(life_problem());
  if (notice.remark != wire::LifeRemark::restored) return;
  owner_.lives().mark_restored();
  journal().restored();
  // Counts that went back are told under a name of their own, or they would hide what is lost now.
  losses_.on_link_up(now());
  parts_.wake();
}

std::string Node::life_problem() const {
  if (now() < cloned_until_) {
    return "another device speaks as " + options_.device +
           ", and they take the connection from each other";
  }
  if (!begun_anew_) return "";
  if (*begun_anew_ == wire::LifeRemark::restored) {
    return "this device's state was restored from an earlier copy: what it accepted since that "
           "was made is gone, and what had ended since may run again";
  }
  return "this device's state was made anew: what it had accepted before is gone";
}

}  // namespace spillway::agent
