#include "cloud/ctl/commands.h"

#include <boost/json.hpp>

namespace spillway::ctl {

int doctor(Api& api, const Console& console, const Words&) {
  int worst = 0;
  const auto say = [&](bool good, const std::string& what, const std::string& hint) {
    console.out << (good ? "ok    " : "WRONG ") << what << (good ? "" : ": " + hint) << "\n";
    if (!good) worst = 1;
  };
  auto me = api.get("/session");
  if (!me) return complain(console, me.error());
  say(true,
      "the cloud answers, and knows '" + printable(me->at("name").as_string()) +
          "' with the scope " + std::string(me->at("scope").as_string()),
      "");
  auto cloud = api.get("/cloud");
  if (!cloud) return complain(console, cloud.error());
  say(cloud->at("broker").at("connected").as_bool(), "the broker is connected",
      "look at the cloud's log and at [broker] in its configuration");
  for (const json::value& term : cloud->at("broker").at("terms").as_array()) {
    const std::string hurts = printable(term.at("hurts").as_string());
    say(hurts.empty(), "the broker: " + printable(term.at("what").as_string()), hurts);
  }
  auto free = cloud->at("store").at("free_bytes").to_number<std::uint64_t>();
  say(free > (256U << 20), "its disk has room", "less than 256 MiB are left");
  for (const json::value& file : cloud->at("store").at("set_aside").as_array()) {
    say(false, "a file of the cloud's was damaged, and a new one began",
        printable(file.as_string()) + " in " +
            printable(cloud->at("store").at("directory").as_string()) +
            " holds what was lost; once nobody needs it, remove it" +
            (file.as_string().starts_with("fleet.db") || file.as_string().starts_with("bars")
                 ? ". Who was quarantined or revoked: compare spwctl device list --health revoked "
                   "(and quarantined) with spwctl audit list"
                 : ""));
  }
  for (const json::value& doubt : cloud->at("store").at("doubts").as_array()) {
    say(false, "the cloud's files are as it left them", printable(doubt.as_string()));
  }
  const json::value& restored = cloud->at("store").at("restored");
  say(restored.is_null(), "the cloud's state goes on from before",
      restored.is_null() ? ""
                         : "at " + printable(restored.as_string()) + ": " +
                               printable(cloud->at("store").at("problem").as_string()));
  auto summary = api.get("/fleet/summary");
  if (!summary) return complain(console, summary.error());
  const json::string& unstored = summary->at("store_problem").as_string();
  say(unstored.empty(), "what is done to the fleet is stored",
      printable(unstored) +
          "; it holds until a restart: make room on its disk, or let the cloud write in " +
          printable(cloud->at("store").at("directory").as_string()));
  const auto devices = [&summary](const char* reason) {
    return summary->at("reasons").at(reason).to_number<std::uint64_t>();
  };
  say(devices("cloned") == 0, "each identity is used by one device",
      std::to_string(devices("cloned")) +
          " are used by two; see spwctl device list --reason cloned");
  say(devices("restored") == 0, "no device went back to an earlier state of late",
      std::to_string(devices("restored")) + " did; see spwctl device list --reason restored");
  auto firing = summary->at("alerts_firing").to_number<std::uint64_t>();
  say(firing == 0, "no alert is firing", std::to_string(firing) + " are; see spwctl alert list");
  return worst;
}

}  // namespace spillway::ctl
