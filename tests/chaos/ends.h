#pragma once

#include <optional>
#include <string>

#include "tests/support/process.h"

namespace spillway::chaos {

// How a program ended, and what of that was its tormentor's doing.
struct End {
  test::Exit exit;
  bool killed = false;  // by the harness
  bool asked = false;   // to end, by the harness
  std::string said;     // its log from that start to that end
};

// What was done to a program that may make it end by itself.
struct Excuses {
  bool disk_bad =
      false;  // its disk refuses, or did until a moment ago: a start may fail, and say so
  bool damaged = false;  // a file of its state was damaged since it last ended for that
};

// What is wrong with an end, in words; nothing: a program may end like that. A signal that the
// harness did not send and what a sanitizer or the C++ runtime says are never excused.
std::optional<std::string> wrong_with(const End& end, const Excuses& excuses);

}  // namespace spillway::chaos
