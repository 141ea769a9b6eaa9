#include "agent/node/life_watch.h"

namespace spillway::agent {
namespace {

constexpr Duration kClonedShown = std::chrono::minutes(10);  // after the last sign of it
constexpr Duration kForgottenShown = std::chrono::hours(1);  // by the cloud
constexpr const char* kCloudRestored =
    "the cloud's state was put back to an earlier copy: what it was told since, it has forgotten, "
    "and is offered again";
constexpr const char* kCloudMadeAnew =
    "the cloud has another store than before: what it had is gone, and is offered again; tasks it "
    "had for devices are gone";
constexpr const char* kTwoClouds =
    "two clouds speak with one identity, and take the connection from each other: stop one of them";
constexpr std::size_t kMostPeers = 16;  // stores of clouds that are remembered

}  // namespace

LifeWatch::LifeWatch(owner::Owner& owner, const store::Recovered& recovered, std::string device,
                     std::function<void(const std::string& message)> report)
    : owner_(owner),
      device_(std::move(device)),
      damage_(recovered.damage()),
      report_(std::move(report)) {
  for (const KnownLife& peer : recovered.peers) peers_[peer.store] = peer;
}

// The cloud cannot know that its state is not the newest, or not the only one: who remembers tells
// it.
std::optional<wire::LifeNotice> LifeWatch::on_cloud(const wire::Presence& cloud) {
  if (!cloud.online || cloud.lineage.lives.empty()) return std::nullopt;
  const std::optional<wire::LifeRemark> remark = judge(cloud);
  if (!remark) return std::nullopt;
  const NodeTime now = owner_.now();
  if (*remark == wire::LifeRemark::cloned) {
    const bool news = now >= two_clouds_until_;
    two_clouds_until_ = now + kClonedShown;
    if (news) report_(kTwoClouds);
  } else {
    cloud_forgot_ = *remark == wire::LifeRemark::restored ? kCloudRestored : kCloudMadeAnew;
    cloud_forgot_until_ = now + kForgottenShown;
    report_(cloud_forgot_);
  }
  return wire::LifeNotice{cloud.lineage.lives.front(), *remark};
}

// While several clouds speak in turn, what differs from the last time may be the other one's.
std::optional<wire::LifeRemark> LifeWatch::judge(const wire::Presence& cloud) {
  const Lineage& told = cloud.lineage;
  const auto sign = births_.note(cloud.boot, told.store, cloud.session, owner_.now());
  if (sign == link::Births::Sign::cloned) return wire::LifeRemark::cloned;
  if (sign == link::Births::Sign::doubt) return std::nullopt;
  if (!peers_.contains(told.store) && peers_.size() >= kMostPeers) return std::nullopt;
  KnownLife& known = peers_[told.store];
  const KnownLife was = known;
  const bool another = was.number == 0 && peers_.size() > 1;
  learn(known, told);
  if (known == was) return std::nullopt;
  owner_.journal().heard_of(known);
  if (another) return wire::LifeRemark::another;
  return compare(was, told) == LifeChange::restored ? std::optional(wire::LifeRemark::restored)
                                                    : std::nullopt;
}

bool LifeWatch::on(const wire::LifeNotice& notice) {
  if (notice.life != owner_.lives().current().origin) return false;
  const NodeTime now = owner_.now();
  if (notice.remark == wire::LifeRemark::cloned) {
    const bool news = now >= cloned_until_;
    cloned_until_ = now + kClonedShown;
    if (!beyond_doubt_) begun_anew_.reset();  // it was the other one's store that differed
    if (news) report_(problem());
    return false;
  }
  if (begun_anew_) return false;
  begun_anew_ = notice.remark;
  beyond_doubt_ = owner_.now() < cloned_until_;
  report_(forgot());
  if (notice.remark != wire::LifeRemark::restored) return false;
  owner_.lives().mark_restored();
  owner_.journal().restored();
  return true;
}

std::string LifeWatch::problem() const {
  std::string text;
  const auto add = [&text](const std::string& more) {
    if (!more.empty()) text += (text.empty() ? "" : "; and ") + more;
  };
  if (owner_.now() < cloned_until_) {
    add("another device speaks as " + device_ + ", and they take the connection from each other");
  }
  add(forgot());
  if (owner_.now() < two_clouds_until_) add(kTwoClouds);
  if (owner_.now() < cloud_forgot_until_) add(cloud_forgot_);
  return text;
}

std::string LifeWatch::forgot() const {
  if (!begun_anew_) return "";
  if (*begun_anew_ == wire::LifeRemark::restored) {
    return "this device's state was restored from an earlier copy: what it accepted since that "
           "was made is gone, and what had ended since may run again";
  }
  return "this device's state was made anew: what it had accepted before is gone";
}

std::string LifeWatch::missing() const {
  const std::string lost = forgot();
  return lost + (lost.empty() || damage_.empty() ? "" : "; ") + damage_;
}

}  // namespace spillway::agent
