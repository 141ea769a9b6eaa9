#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/placement/placement.h"

// How one task looks at both places, before it is put into words.
namespace spillway::placement {

// Why a place is out of the question for a task; the first that holds.
enum class Bar : std::uint8_t {
  none,
  unconfigured,
  kind,
  cores,
  memory,
  tag,
  size,
  edge_only,        // data = edge_only keeps it off the cloud
  prefer_local,     // the spec keeps it off the cloud
  unreachable,      // now
  prefer_cloud,     // the spec keeps it off the local pool while the cloud is connected
  waits_for_link,   // on_disconnect keeps it off the local pool while it is not
  misses_deadline,  // and the other place would meet it
};

// Predicted seconds; C = W + X + T at the median and at the 95th percentile, S its score.
struct Cost {
  Estimate wait, transfer, run;
  double score = 0;
  double median() const { return wait.median + transfer.median + run.median; }
  double high() const { return wait.high + transfer.high + run.high; }
};

struct Side {
  Bar bar = Bar::none;
  Cost cost;
  bool open() const { return bar == Bar::none; }
};

struct Assessment {
  Side local, cloud;
  double margin = 0;  // seconds a transfer must gain
  double gain() const { return local.cost.score - cloud.cost.score; }
  bool pays() const { return local.open() && cloud.open() && gain() > margin; }
  bool only_cloud() const { return !local.open() && cloud.open(); }
};

// Bytes that a task is on its way, at most.
std::uint64_t bytes_of(const TaskSpec&);
// Whether the place could ever run it; what is not known yet is taken to be able to.
Bar capability(const TaskSpec&, const Place&);
Bar local_bar(const TaskSpec&, const Place& local, const Place& cloud, Duration credit_patience);
Bar cloud_bar(const TaskSpec&, const Place& cloud);
// The same, but for reachability: whether it may ever go to the cloud.
Bar cloud_bar_ever(const TaskSpec&, const Place& cloud);

// What a sentence can be made of.
struct Story {
  const Candidate& task;
  const Place& local;
  const Place& cloud;
  const Assessment& assessment;
};

// A clause that says why `place` is barred: "this device lacks the tag gpu".
std::string bar_text(Bar, const TaskSpec&, const Place&);
std::string why_local(const Story&);
std::string why_cloud(const Story&);
// `age`: seconds since the cloud was last measured.
std::string why_experiment(double age);
std::string why_withdrawn(const Story&);
std::string why_waiting(const Story&);
// `chosen`: the name of one of the two; empty: it waits.
Explanation explanation(const Story&, std::string_view chosen, std::string dominant, NodeTime now);

}  // namespace spillway::placement
