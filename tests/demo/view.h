#pragma once

#include <string>

#include "tests/demo/run.h"

namespace spillway::demo {

// The live view: redrawn in place on a terminal, a plain line a second elsewhere. On stderr.
class View {
 public:
  explicit View(bool terminal) : terminal_(terminal) {}
  void show(const Progress& progress);
  // Leaves the last picture standing.
  void end();

 private:
  bool terminal_;
  int lines_ = 0;
  double last_ = -1;
};

// `link` logs in to the dashboard, once.
std::string summary_text(const Outcome& outcome, const std::string& socket, const std::string& link,
                         bool kept);
std::string summary_json(const Outcome& outcome);

}  // namespace spillway::demo
