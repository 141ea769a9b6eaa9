#include "cloud/fleet/found_files.h"

#include <algorithm>

namespace spillway::cloud {
namespace {

constexpr std::size_t kNamed = 10;
constexpr std::string_view kCompare =
    "compare spwctl device list --health quarantined (and revoked) with spwctl audit list";

std::string of_them(const std::vector<std::string>& devices, const std::string& where,
                    const std::string& where_not) {
  std::string text = "kept out as " + where + " says, though " + where_not + " does not:";
  const std::size_t named = std::min(devices.size(), kNamed);
  for (std::size_t i = 0; i < named; ++i) text += (i == 0 ? " " : ", ") + devices[i];
  if (devices.size() > named) text += " and " + std::to_string(devices.size() - named) + " more";
  return text + "; spwctl device release NAME lets in whom that is wrong for";
}

std::string of_bars(const FoundFiles& found) {
  std::string text = "the file bars was missing, and is made anew";
  if (found.bars_there) {
    text = "the file bars was not whole; what can be read of it holds";
    if (found.bars_aside) text += ", and it is kept as " + *found.bars_aside;
  }
  const bool relied_on = !found.fresh && !found.earlier;
  return text +
         (relied_on ? ". Whom fleet.db keeps out stays out, but if that is an earlier copy, "
                    : ". Nor does fleet.db know, so ") +
         "devices that were quarantined or revoked may be let in again: " + std::string(kCompare);
}

}  // namespace

std::vector<std::string> doubts_of(const FoundFiles& found) {
  std::vector<std::string> doubts;
  if (found.fresh && !found.damaged && !found.first) {
    doubts.emplace_back(
        "fleet.db was missing, and a new one began: groups, labels, alert rules, silences and "
        "history are gone");
  }
  if (found.earlier) {
    doubts.emplace_back(
        "fleet.db is an earlier copy: what was set since it was made (groups, labels, alert rules, "
        "silences) is gone, and so is that time's history. If the file bars was put back with it, "
        "devices that were quarantined or revoked since may be let in again: " +
        std::string(kCompare));
  }
  if (found.behind) {
    doubts.emplace_back(
        "ledger.db is an earlier copy, or began anew: results that no device had taken are gone, "
        "and so is what was known of tasks that were offloaded since; devices offer again what "
        "they miss");
  }
  if (!found.bars_whole && !found.first) doubts.push_back(of_bars(found));
  if (!found.only_in_bars.empty()) {
    doubts.push_back(of_them(found.only_in_bars, "the file bars", "fleet.db"));
  }
  if (!found.only_in_store.empty()) {
    doubts.push_back(of_them(found.only_in_store, "fleet.db", "the file bars"));
  }
  return doubts;
}

}  // namespace spillway::cloud
