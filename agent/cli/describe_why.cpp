#include "agent/cli/describe.h"
#include "agent/cli/table.h"
#include "agent/cli/text.h"

namespace spillway::cli {
namespace {

constexpr std::size_t kLastEvents = 5;

std::string next_text(const WhyReport& report) {
  if (report.next.empty()) {
    return is_terminal(report.task.state) ? "nothing: this is final" : "not known";
  }
  if (!report.next_in) return report.next;
  return report.next + (*report.next_in > Duration::zero()
                            ? ", in about " + duration_text(*report.next_in)
                            : ", at any moment");
}

// Columns are the terms of the prediction; their sum is when the result would be there.
void print_candidates(const Console& console, const Explanation& explanation) {
  if (explanation.candidates.empty()) return;
  console.out << '\n';
  Table table({{"PLACE"},
               {"WAIT", true},
               {"TRANSFER", true},
               {"RUN", true},
               {"DONE IN", true},
               {"AT WORST", true},
               {""}});
  for (const Candidate& candidate : explanation.candidates) {
    const bool chosen = candidate.place == explanation.chosen;
    const std::string name(shown_place(candidate.place));
    const std::string note = !candidate.eligible ? "cannot: " + candidate.reason
                             : chosen            ? "chosen: " + candidate.reason
                                                 : candidate.reason;
    table.row({chosen ? Cell(name, Colour::green) : Cell(name), duration_text(candidate.wait),
               duration_text(candidate.transfer), duration_text(candidate.run),
               duration_text(candidate.wait + candidate.transfer + candidate.run),
               duration_text(candidate.pessimistic), note});
  }
  table.print(console, "  ");
}

void print_last_events(const Console& console, const std::vector<EventView>& events) {
  if (events.empty()) return;
  console.out << '\n';
  const std::size_t first = events.size() > kLastEvents ? events.size() - kLastEvents : 0;
  for (std::size_t i = first; i < events.size(); ++i) print_event(console, events[i]);
}

}  // namespace

void print_why(const Console& console, const WhyReport& report) {
  const TaskView& task = report.task;
  console.out << paint(console, Colour::bold, to_string(task.id)) << "  " << printable(task.kind)
              << '\n';
  console.out << "state  " << paint(console, colour_of(task.state), state_text(task)) << " for "
              << duration_text(task.in_state) << ", accepted " << duration_text(task.age)
              << " ago\n";
  console.out << "why    " << printable(report.dominant) << '\n';
  console.out << "next   " << printable(next_text(report)) << '\n';
  if (!report.lives.empty()) console.out << "lives  " << printable(report.lives) << '\n';
  print_candidates(console, report.explanation);
  print_last_events(console, task.events);
}

}  // namespace spillway::cli
