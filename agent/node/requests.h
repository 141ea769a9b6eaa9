#pragma once

#include <cstdint>

#include "agent/intake/api.h"
#include "agent/node/cloud_place.h"
#include "agent/node/dependents.h"
#include "agent/node/life_watch.h"
#include "agent/node/local_place.h"
#include "agent/node/models.h"
#include "agent/node/submissions.h"
#include "agent/node/views.h"
#include "common/base/gate.h"
#include "common/owner/owner.h"

namespace spillway::agent {

// What people ask of tasks that are there: to see them, why they are where they are, and to stop,
// hold or run them anew. Loop only.
class Requests {
 public:
  using Reply = intake::Api::Reply;

  Requests(store::OwnerStore& store, owner::Owner& owner, const Views& views,
           Dependents& dependents, const Models& models, const LocalPlace& local,
           const CloudPlace& cloud, const Submissions& submissions, const LifeWatch& lives);

  void change(const wire::TaskRequest& request, const Reply& reply);
  void show(std::uint64_t seq, const Reply& reply);
  void why(std::uint64_t seq, const Reply& reply);
  void list(const wire::ListRequest& request, const Reply& reply);

 private:
  void take(const wire::TaskRequest& request, const Reply& reply);
  WhyReport why_of(TaskView view, const owner::OwnedTask& live) const;

  store::OwnerStore& store_;
  owner::Owner& owner_;
  const Views& views_;
  Dependents& dependents_;
  const Models& models_;
  const LocalPlace& local_;
  const CloudPlace& cloud_;
  const Submissions& submissions_;
  const LifeWatch& lives_;
  Gate gate_;
};

// Gives the task the explanation of the last grant that its events tell of.
void recall_explanation(owner::OwnedTask& task, const std::vector<store::EventRow>& events);

}  // namespace spillway::agent
