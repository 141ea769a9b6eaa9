#include "agent/cli/describe.h"

#include <algorithm>

#include "agent/cli/table.h"
#include "agent/cli/text.h"

namespace spillway::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text.empty() ? "-" : text;
}

std::string rate_text(double bytes_per_second) {
  if (!(bytes_per_second > 0)) return "-";
  return size_text(static_cast<std::uint64_t>(std::min(bytes_per_second, 1e18))) + "/s";
}

std::string unless_zero(Duration duration) {
  return duration == Duration::zero() ? "-" : duration_text(duration);
}

void print_states(const Console& console, const NodeView& node) {
  console.out << "tasks     ";
  for (std::size_t i = 0; i < std::size(node.by_state); ++i) {
    console.out << (i == 0 ? "" : ", ") << node.by_state[i] << ' '
                << to_string(static_cast<TaskState>(i));
  }
  console.out << '\n';
}

}  // namespace

void print_places(const Console& console, const std::vector<PlaceView>& places) {
  Table table({{"PLACE"},
               {"NAME"},
               {"STATE"},
               {"WORKERS", true},
               {"RUNNING", true},
               {"FREE", true},
               {"QUEUE", true},
               {"RTT", true},
               {"UP", true},
               {"MEMORY", true},
               {"TAGS"},
               {"KINDS"}});
  for (const PlaceView& place : places) {
    table.row({std::string(shown_place(place.place)),
               place.name,
               {place.state.empty() ? (place.reachable ? "up" : "down") : place.state,
                place.reachable ? Colour::green : Colour::red},
               std::to_string(place.workers),
               std::to_string(place.running),
               std::to_string(place.credits),
               unless_zero(place.queue_delay),
               unless_zero(place.rtt),
               rate_text(place.bandwidth_up),
               place.memory == 0 ? "-" : size_text(place.memory),
               joined(place.tags),
               joined(place.kinds)});
  }
  table.print(console);
}

void print_losses(const Console& console, const std::vector<LossView>& losses) {
  if (losses.empty()) {
    console.out << "nothing was lost\n";
    return;
  }
  Table table({{"CLASS"}, {"CAUSE"}, {"COUNT", true}, {"REPORTED", true}, {"FROM"}, {"TO"}});
  for (const LossView& loss : losses) {
    const std::string count = (loss.at_least ? "at least " : "") + std::to_string(loss.count);
    table.row({to_string(loss.data), to_string(loss.cause), count, std::to_string(loss.reported),
               time_text(loss.first, 0), time_text(loss.last, 0)});
  }
  table.print(console);
}

void print_node(const Console& console, const NodeView& node) {
  console.out << "agent     " << printable(node.device) << ", version " << printable(node.version)
              << ", up " << duration_text(node.uptime) << (node.draining ? ", draining" : "")
              << '\n';
  console.out << "link      "
              << (node.link_up ? paint(console, Colour::green, "up")
                               : paint(console, Colour::red, "down"))
              << ", " << size_text(node.bytes_up) << " up, " << size_text(node.bytes_down)
              << " down\n";
  console.out << "store     "
              << (node.store_problem.empty()
                      ? "fine"
                      : paint(console, Colour::red, printable(node.store_problem)))
              << ", " << node.accepted << " tasks accepted\n";
  console.out << "disk      " << size_text(node.disk_bytes) << " of " << size_text(node.disk_budget)
              << '\n';
  for (const std::string& shortage : node.shortages) {
    console.out << "short     " << paint(console, Colour::red, printable(shortage)) << '\n';
  }
  if (!node.life_problem.empty()) {
    console.out << "identity  " << paint(console, Colour::red, printable(node.life_problem))
                << '\n';
  }
  if (!node.clock_problem.empty()) {
    console.out << "clock     " << paint(console, Colour::red, printable(node.clock_problem))
                << '\n';
  }
  print_states(console, node);
  console.out << "since up  " << node.done_local << " done locally, " << node.done_cloud
              << " in the cloud, " << node.in_cloud << " there now, " << node.buffered
              << " accepted while the link was down\n";
  console.out << "refused   " << node.duplicates << " repeated results, " << node.refused_messages
              << " malformed messages\n";
}

}  // namespace spillway::cli
